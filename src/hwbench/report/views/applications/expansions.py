"""Expansions of activations at 0: fitted coefficients beside Taylor's, and whether they keep to their tolerance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ....record import text
from ....record.model import Record
from ... import columns
from ...columns import Column, axis
from ...dataset import Point, Runs
from ...sections import Table
from .stability_facts import amount, decimals, dtype, numbers_or_gaps, param


def table(runs: Runs, points: Sequence[Point]) -> Table | None:
    """A row for each implementation and type; None without any."""
    functions: dict[tuple[int | str, ...], Point] = {}
    for point in points:
        record = point.record
        # Cases that differ in n alone are the same function.
        case = (point.run, record.device, record.variant, param(record, "activation"), param(record, "dtype"))
        functions.setdefault(case, point)
    whole = [point for point in functions.values() if _whole(point.record)]
    if not whole:
        return None
    caption = (
        "Expansions at 0: fitted coefficients (Taylor's in brackets), how far the function is from c₀ … c₃ x³, and "
        "the largest rounding error in steps of the type at 1"
    )
    return columns.table(runs, caption, COLUMNS, whole, lambda point: point.run)


def _whole(record: Record) -> bool:
    """Whether the record has four of all."""
    names = ("taylor", "taylor_expected", "cubic_errors")
    return all(len(numbers_or_gaps(record.facts.get(name))) == 4 for name in names)


def _coefficient(k: int) -> Column[Point]:
    """`0.25000 (0.25000)`: fitted, and Taylor's."""

    def cell(point: Point) -> str:
        facts = point.record.facts
        fitted, stated = (numbers_or_gaps(facts.get(name))[k] for name in ("taylor", "taylor_expected"))
        return text.NOTHING if fitted is None or stated is None else f"{decimals(fitted)} ({decimals(stated)})"

    return Column(f"c{'₀₁₂₃'[k]}", cell)


def _off(record: Record, step: int) -> str:
    """How far the function is from its cubic at one of the steps 1/8, 1/4, 1/2, 1."""
    error = numbers_or_gaps(record.facts.get("cubic_errors"))[step]
    return text.amount(error) if error else "0"


COLUMNS: tuple[Column[Point], ...] = (
    axis("activation"),
    Column("type", lambda point: dtype(point.record)),
    Column("implementation", lambda point: point.variant),
    *(_coefficient(k) for k in range(4)),
    Column("tolerance", lambda point: coefficients(point.record, range(4))),
    Column("off at x = 1/4", lambda point: _off(point.record, 1)),
    Column("off at x = 1", lambda point: _off(point.record, 3)),
    Column("largest error", lambda point: text.amount(amount(point.record, "largest_error_eps"), "ε")),
)


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
        return text.NOTHING
    verdict = judged(_range(t for *_, t in chosen), *(abs(a - b) <= t for _, a, b, t in chosen))
    blurred = [f"c{'₀₁₂₃'[k]}" for k, _, b, t in chosen if b and t >= abs(b)]
    return f"{verdict}; {', '.join(blurred)} not resolved" if blurred else verdict


def judged(tolerance: str, *within: bool) -> str:
    """`± 1%: within`, where all of it is."""
    return f"± {tolerance}: {'within' if all(within) else 'outside'}"


def _range(tolerances: Iterable[float]) -> str:
    """`1e-7 … 5e-6`, or one number."""
    ends = sorted(set(tolerances))
    return " … ".join(f"{end:g}".replace("e-0", "e-") for end in dict.fromkeys((ends[0], ends[-1])))
