"""The lecture's figures of numerical stability, beside their value by arithmetic and the measured one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from ....record import text
from ....record.model import Record
from ... import format
from ...dataset import Point, Runs
from ...sections import Table
from .expansions import coefficients, judged
from .stability_facts import (
    ACTIVATIONS,
    GRADIENTS,
    INITIALIZATION,
    amount,
    chains,
    count,
    decimals,
    logarithm,
    numbers_or_gaps,
    param,
    power,
    preferred,
)

HEAD = ("figure", "lecture", "by arithmetic", "measured here", "tolerance", "how")
# (what, lecture, its value by arithmetic, where it was measured)
POWERS = (("1.5¹⁰⁰", "≈ 4 × 10¹⁷", 1.5**100, "orthogonal-1.5"), ("0.8¹⁰⁰", "≈ 2 × 10⁻¹⁰", 0.8**100, "orthogonal-0.8"))
SERIES = {
    "sigmoid": ("1/2 + x/4 - x³/48", (0, 1, 3)),
    "tanh": ("x - x³/3", (1, 3)),
    "relu": ("x for x ≥ 0", (1,)),
    "4sigmoid-2": ("x - x³/12", (1, 3)),
}


def table(runs: Runs, points: Mapping[str, Sequence[Point]]) -> Table | None:
    """Powers, ranges, variances and expansions of each run, from the points of each bench; None without any."""
    rows: list[Sequence[str]] = []
    for run in dict.fromkeys(point.run for points_of_bench in points.values() for point in points_of_bench):
        here = {bench: [point for point in found if point.run == run] for bench, found in points.items()}
        figures = (
            *_powers(here[GRADIENTS]),
            *_ranges(here[GRADIENTS]),
            *_xavier(here[INITIALIZATION]),
            *_series(here[ACTIVATIONS]),
        )
        rows += [runs.row(run, row) for row in figures]
    if not rows:
        return None
    return Table("The lecture's figures beside those of this run", runs.head(HEAD), rows)


def _powers(points: Sequence[Point]) -> Iterable[tuple[str, ...]]:
    records = [point.record for point in chains(points)]
    for what, lecture, value, init in POWERS:
        fitting = [
            record
            for record in records
            if (param(record, "init"), param(record, "activation"), param(record, "remedy"))
            == (init, "identity", "plain")
        ]
        widest = next((dtype for dtype in ("f8", "f4") if any(param(r, "dtype") == dtype for r in fitting)), "")
        for dtype in (widest, "f2"):
            for record in fitting:
                norms = numbers_or_gaps(record.facts.get("log10_norms"))
                if param(record, "dtype") == dtype and len(norms) == 101:
                    cells = _kept(norms[-1], value) if norms[-1] is not None else _lost(record, value)
                    yield (
                        what,
                        lecture,
                        *cells,
                        f"norm of a gradient after 100 layers, {format.value_of('dtype', dtype)}",
                    )


def _kept(log10: float, value: float) -> tuple[str, str, str]:
    """A power that the type holds: norms are kept to 10⁻⁵ of their logarithm."""
    exact = math.log10(value)
    return power(exact), power(log10), judged("0.01%", abs(log10 - exact) < math.log10(1.0001))


def _lost(record: Record, value: float) -> tuple[str, str, str]:
    """Where a gradient left the type's range, and where it has to.

    A unit vector's n numbers have a root mean square of n^-½, and √(2 ln n) times that is the largest of them.
    """
    found = count(record, "overflow" if value > 1 else "underflow")
    n, end = count(record, "width") or 0, amount(record, "largest" if value > 1 else "smallest_normal")
    if found is None or end is None or n < 2 or end <= 0:
        return power(math.log10(value)), "lost", text.NOTHING
    peak = math.sqrt(2 * math.log(n)) if value > 1 else 1.0
    expected = math.ceil(100 * (math.log(end) + math.log(n) / 2 - math.log(peak)) / math.log(value))
    safe = count(record, "safe_depth")
    whole = f"; outputs and gradient of {safe} layers are safe" if safe is not None else ""
    verdict = judged("2 layers", abs(found - expected) <= 2)
    return f"gradient lost at layer {expected}", f"gradient lost at layer {found}{whole}", verdict


def _ranges(points: Sequence[Point]) -> Iterable[tuple[str, ...]]:
    half = next((point.record for point in points if param(point.record, "dtype") == "f2"), None)
    tiny, top = (None, None) if half is None else (amount(half, "smallest_normal"), amount(half, "largest"))
    if tiny is not None:
        yield (
            "float16, smallest normal",
            "6e-5",
            power(-14 * math.log10(2)),
            power(logarithm(tiny)),
            judged("0", tiny == 2.0**-14),
            "halved until its last bit was lost",
        )
    if top is not None:
        verdict = judged("0", top == 65504)
        yield "float16, largest", "6e4", "65504", f"{top:.0f}", verdict, "doubled until it was infinite"


def _xavier(points: Sequence[Point]) -> Iterable[tuple[str, ...]]:
    for point in preferred(points, ("numpy",)):
        record = point.record
        init = param(record, "init")
        if not init.startswith("xavier") or param(record, "activation") != "identity":
            continue
        if param(record, "shape") != "square":
            continue
        gamma, variance, largest = (amount(record, name) for name in ("gamma", "weight_variance", "largest_weight"))
        if gamma is None or variance is None or gamma <= 0:
            continue
        yield (
            f"{init}, variance",
            "2/(n_in + n_out)",
            f"{gamma:.5f}",
            f"{variance:.5f}",
            judged("1%", abs(variance / gamma - 1) <= 0.01),  # 4 standard deviations of 20 × 128² draws
            "weights of 20 layers of 128",
        )
        if init == "xavier-uniform" and largest is not None:
            yield (
                f"{init}, largest",
                "√(6/(n_in + n_out))",
                f"{math.sqrt(3 * gamma):.5f}",
                f"{largest:.5f}",
                judged("0.1%", abs(largest / math.sqrt(3 * gamma) - 1) <= 1e-3),
                "variance of U[-a, a] is a²/3",
            )


def _series(points: Sequence[Point]) -> Iterable[tuple[str, ...]]:
    """The expansions in the widest type measured, by NumPy where it was."""
    records = [point.record for point in preferred(points, ("numpy",))]
    for activation, (lecture, powers) in SERIES.items():
        fitting = [record for record in records if param(record, "activation") == activation]
        for dtype in ("f8", "f4"):
            record = next((r for r in fitting if param(r, "dtype") == dtype), None)
            if record is None:
                continue
            measured, stated = (numbers_or_gaps(record.facts.get(name)) for name in ("taylor", "taylor_expected"))
            if len(measured) == 4 and len(stated) == 4:
                texts = [", ".join(decimals(c[k] or 0.0) for k in powers) for c in (stated, measured)]
                how = f"coefficients of a polynomial fitted to {format.value_of('dtype', dtype)}"
                yield f"{activation} near 0", lecture, *texts, coefficients(record, powers), how
            break
