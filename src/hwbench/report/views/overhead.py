"""The overhead of prange by threading layer: the time of a call over n, and the n from which it wins."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...record import text
from ...record.estimate import Estimate, clear, crossover
from ...record.model import CALL_TIME
from .. import charts
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel, Table

MEASURES = "fork and join"
SERIAL = "serial"


def figure(runs: Runs) -> Figure | None:
    """A line for each layer and one for the plain loop; None where fewer than two lengths were measured."""
    points = [point for point in runs.measuring(MEASURES) if point.n]
    lengths = sorted({point.n for point in points})
    variants = list(dict.fromkeys(point.variant for point in points))
    if len(lengths) < 2 or len(variants) < 2:
        return None
    panels, rows = [], []
    for index, label in enumerate(runs.labels):
        here = [point for point in points if point.run == index]
        if not here:
            continue
        found = {name: _break_even(runs, here, name) for name in variants if name != SERIAL}
        rules = [
            (at.value, name, False)
            for name, at in found.items()
            if at is not None and clear(at) and lengths[0] < at.value < lengths[-1]
        ]
        marks = [
            charts.mark_of(
                runs, point, value=point.seconds.scaled(CALL_TIME.scale), unit=CALL_TIME.unit, x=float(point.n)
            )
            for point in here
        ]
        spec = charts.lines(
            marks, x_title="n, elements", y_title="µs per call", x_kind="count", rules=rules,
            alt_text="Time of a call over the number of elements, with the n from which each layer's prange wins.",
        )  # fmt: skip
        panels.append(Panel(label if runs.several else "", spec, "Microseconds per call over n, by threading layer"))
        rows += [runs.row(index, _row(here, name, found.get(name), lengths)) for name in variants]
    head = ("variant", *(f"µs at n = {text.count(n)}" for n in lengths), "wins from n", "95% interval")
    told = (
        "Where a line is level, the call dominates: dividing the range, waking the threads, waiting for the last "
        "one. Where it crosses the serial loop, prange becomes faster; vertical lines mark these n. A crossover is "
        "not clear if its interval spans a decade or has no end in the measured range. A process has one threading "
        "layer, so each was measured in a process of its own."
    )
    legend = [Key(name, runs.colours[name], "line") for name in variants]
    table = Table("What a prange costs, and from which n it wins", runs.head(head), rows)
    return Figure("The price of a prange", panels, table, told, legend, wide=not runs.several)


def _break_even(runs: Runs, points: Sequence[Point], name: str) -> Estimate | None:
    """From which n on the layer's prange takes less time than the plain loop."""
    ratios = [
        (float(point.n), against)
        for point in sorted(points, key=lambda point: point.n)
        if point.variant == name and (against := runs.against_baseline(point)) is not None
    ]
    return crossover(ratios)


def _row(points: Sequence[Point], name: str, at: Estimate | None, lengths: Sequence[int]) -> tuple[str, ...]:
    times = {point.n: point.seconds.value * CALL_TIME.scale for point in points if point.variant == name}
    cells = [text.amount(times.get(n)) for n in lengths]
    if at is None:
        return name, *cells, text.NOTHING, text.NOTHING
    if math.isinf(at.value):
        return name, *cells, "not up to here", text.NOTHING
    interval = f"{text.count(at.low)}–{text.count(at.high) if math.isfinite(at.high) else '∞'}"
    return name, *cells, text.count(at.value) if clear(at) else "no clear crossover", interval
