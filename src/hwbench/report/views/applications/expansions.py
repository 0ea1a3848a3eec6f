"""Expansions of activations at 0: fitted coefficients beside Taylor's, and whether they keep to their tolerance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ....record.model import Record
from ... import format
from ...dataset import Point, Runs
from ...sections import Table
from .stability_facts import amount, decimals, dtype, numbers_or_gaps, param

HEAD = (
    "activation", "type", "implementation", "c₀", "c₁", "c₂", "c₃", "tolerance", "off at x = 1/4", "off at x = 1",
    "largest error",
)  # fmt: skip


def table(runs: Runs, points: Sequence[Point]) -> Table | None:
    """A row for each implementation and type; None without any."""
    rows: dict[tuple[int | str, ...], Sequence[str]] = {}
    for point in points:
        record = point.record
        # Cases that differ in n alone are the same function.
        case = (point.run, record.device, record.variant, param(record, "activation"), param(record, "dtype"))
        if case not in rows:
            rows[case] = _row(runs, point)
    shown = [row for row in rows.values() if row]
    if not shown:
        return None
    return Table(
        "Expansions at 0: fitted coefficients (Taylor's in brackets), how far the function is from c₀ … c₃ x³, and "
        "the largest rounding error in steps of the type at 1",
        runs.head(HEAD),
        shown,
    )


def _row(runs: Runs, point: Point) -> Sequence[str]:
    """The cells of a record; none where its facts are not whole."""
    record = point.record
    measured, stated = (numbers_or_gaps(record.facts.get(name)) for name in ("taylor", "taylor_expected"))
    errors = numbers_or_gaps(record.facts.get("cubic_errors"))
    if len(measured) != 4 or len(stated) != 4 or len(errors) != 4:
        return ()
    row = (
        param(record, "activation"),
        dtype(record),
        record.variant,
        *(
            format.NOTHING if a is None or b is None else f"{decimals(a)} ({decimals(b)})"
            for a, b in zip(measured, stated, strict=True)
        ),
        coefficients(record, range(4)),
        *(format.number(error) if error else "0" for error in (errors[1], errors[3])),
        format.number(amount(record, "largest_error_eps"), "ε"),
    )
    return runs.row(point.run, row)


def coefficients(record: Record, powers: Sequence[int]) -> str:
    """The tolerances of these coefficients and whether each keeps its own, then those that the tolerance hides."""
    measured, stated, within = (
        numbers_or_gaps(record.facts.get(name)) for name in ("taylor", "taylor_expected", "taylor_tolerance")
    )
    chosen = [
        (k, a, b, t)
        for k, (a, b, t) in enumerate(zip(measured, stated, within, strict=False))
        if k in powers and a is not None and b is not None and t is not None
    ]
    if len(chosen) < len(powers):
        return format.NOTHING
    told = judged(_range(t for *_, t in chosen), *(abs(a - b) <= t for _, a, b, t in chosen))
    blurred = [f"c{'₀₁₂₃'[k]}" for k, _, b, t in chosen if b and t >= abs(b)]
    return f"{told}; {', '.join(blurred)} not resolved" if blurred else told


def judged(tolerance: str, *within: bool) -> str:
    """`± 1%: within`, where all of it is."""
    return f"± {tolerance}: {'within' if all(within) else 'outside'}"


def _range(tolerances: Iterable[float]) -> str:
    """`1e-7 … 5e-6`, or one number."""
    ends = sorted(set(tolerances))
    return " … ".join(f"{end:g}".replace("e-0", "e-") for end in dict.fromkeys((ends[0], ends[-1])))
