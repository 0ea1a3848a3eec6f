"""Reductions: what a sum and a dot product cost in each way, and beside it how far each is off."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...record.estimate import Estimate
from ...record.model import ITEM_TIME, Run
from ...record.units import format_count
from .. import charts, format
from ..dataset import Point, Runs
from ..sections import Figure, Panel, Section, Table

BENCH = "vectorize.reduction"
Place = tuple[int, str, str, int]  # run, operation, dtype, n


def view(runs: Sequence[Run]) -> Section | None:
    """A chart of times and one of errors for each operation and type; None without the bench."""
    runs = Runs.of(runs)
    points = [p for p in runs.by_bench.get(BENCH, ()) if p.record.counts.get("items") and _place(p)[3]]
    if not points:
        return None
    by_place: dict[Place, list[Point]] = {}
    for point in points:
        by_place.setdefault(_place(point), []).append(point)
    panels = [panel for place in _chosen(by_place) for panel in _panels(runs, place, by_place[place])]
    intro = [
        "Each way adds the same numbers; the time of an element stands on the left, the error of the result on the "
        "right, relative to the exactly rounded answer (math.fsum). Less is better in both.",
        "One sum that everything is added to in order is slow, since each addition waits for the one before, and "
        "imprecise, since each is rounded at the size of the whole. Several sums side by side are neither.",
    ]
    figure = Figure("Time and accuracy", panels, _table(runs, points))
    return Section("reductions", "Reductions", "Sums: fast and exact", intro, [figure])


def _place(point: Point) -> Place:
    params = point.record.params
    n = params.get("n")
    length = n if isinstance(n, int) and 0 < n < 2**63 else 0
    return point.run, str(params.get("operation", "")), str(params.get("dtype", "")), length


def _chosen(by_place: dict[Place, list[Point]]) -> list[Place]:
    """For each operation and type the largest n that most ways were measured at, and the largest of all."""
    found: list[Place] = []
    for about in dict.fromkeys(place[:3] for place in by_place):
        here = [place for place in by_place if place[:3] == about]
        most = max(here, key=lambda place: (len(by_place[place]), place[3]))
        found += dict.fromkeys((most, max(here, key=lambda place: place[3])))
    return found


def _panels(runs: Runs, place: Place, points: Sequence[Point]) -> list[Panel]:
    run, operation, dtype, n = place
    groups = [point.record.variant for point in points]
    title = f"{operation} of {format_count(n)} {format.value_of('dtype', dtype)}"
    title += f" · {runs.labels[run]}" if runs.several else ""
    costs = [_cost(point) for point in points]
    low, high = charts.spread_of(cost.value for cost in costs)
    times = charts.bars(
        [
            charts.mark_of(
                runs, point, value=cost, unit=ITEM_TIME.unit, group=point.record.variant,
                label=format.number(cost.value, ITEM_TIME.unit), more=_error_text(point),
            )
            for point, cost in zip(points, costs, strict=True)
        ],
        groups=groups, series=[""], unit="ns per element", top=high, bottom=low if high / low > charts.WIDE else None,
        alt_text=f"{title}: nanoseconds per element by way.", more="relative error",
    )  # fmt: skip
    panels = [Panel(f"{title}: time", times, f"{title}: time of an element")]
    errors = [error for point in points if (error := _error(point))]
    if errors:
        low, high = charts.spread_of(errors)
        marks = [
            charts.Mark(
                point.record.variant, runs.colours[point.record.variant], format.case(point.record),
                error or None, group=point.record.variant, label=_error_text(point),
                more="" if error else "equal to the exactly rounded answer",
            )
            for point in points
            if (error := _error(point)) is not None
        ]  # fmt: skip
        spec = charts.bars(
            marks, groups=groups, series=[""], unit="relative error", top=high, bottom=low / 2, best=True,
            alt_text=f"{title}: relative error by way.",
        )  # fmt: skip
        panels.append(Panel(f"{title}: error", spec, f"{title}: relative error"))
    return panels


def _cost(point: Point) -> Estimate:
    return point.seconds.scaled(ITEM_TIME.scale / point.record.counts["items"])


def _error(point: Point) -> float | None:
    """The relative error among the facts; None where a file has none that is one."""
    error = point.record.facts.get("relative_error")
    return float(error) if isinstance(error, int | float) and math.isfinite(error) and 0 <= error < 1e30 else None


def _error_text(point: Point) -> str:
    error = _error(point)
    return format.NOTHING if error is None else f"{error:.1e}" if error else "exact"


def _table(runs: Runs, points: Sequence[Point]) -> Table:
    rows = []
    for point in points:
        _, operation, dtype, n = _place(point)
        cost, against = _cost(point), runs.against_baseline(point)
        cells = (
            operation, format.value_of("dtype", dtype), format_count(n), point.record.variant,
            format.number(cost.value), format.bounds(cost), format.compared(against) if against else format.NOTHING,
            _error_text(point), format.percent(point.share), point.record.status,
        )  # fmt: skip
        rows.append(runs.row(point.run, cells))
    head = (
        "operation", "type", "n", "variant", "ns per element", "95% interval", "against NumPy", "relative error",
        "of the limit", "status",
    )  # fmt: skip
    return Table("Every operation, type and n", runs.head(head), rows)
