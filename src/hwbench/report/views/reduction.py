"""Reductions: the time and the error of a sum and a dot product, by variant."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...record import text
from ...record.estimate import Estimate
from ...record.model import ITEM_TIME
from .. import charts, format
from ..columns import (
    OF_LIMIT,
    STATUS,
    VARIANT,
    Column,
    Columns,
    Measured,
    against_baseline,
    axis,
    of_points,
    worded,
)
from ..dataset import Point, Runs
from ..sections import Figure, Panel, Section

MEASURES = "reduction"
Place = tuple[int, str, str, int]  # run, operation, dtype, n


def view(runs: Runs) -> Section | None:
    """A chart of times and one of errors for each operation and type; None without the bench."""
    points = [p for p in runs.measuring(MEASURES) if p.record.counts.get("items") and p.n]
    if not points:
        return None
    by_place: dict[Place, list[Point]] = {}
    for point in points:
        by_place.setdefault(_place(point), []).append(point)
    columns = of_points(
        runs,
        (
            axis("operation"), worded("dtype", "type"), Column("n", lambda point: text.count(point.n)), VARIANT,
            Measured("ns per element", _cost, ITEM_TIME.unit), against_baseline(runs, "against NumPy"),
            Column("relative error", _error_text), OF_LIMIT, STATUS,
        ),
        more="relative error",
    )  # fmt: skip
    panels = [panel for place in _chosen(by_place) for panel in _panels(columns, place, by_place[place])]
    intro = [
        "Each variant adds the same numbers: the time per element is on the left, the error of the result on the "
        "right, relative to the exactly rounded answer (math.fsum). Less is better in both.",
        "A single running sum is slow, since each addition waits for the one before, and imprecise, since each is "
        "rounded to the precision of the total. Several sums side by side avoid both.",
    ]
    figure = Figure("Time and accuracy", panels, columns.table("Every operation, type and n", points))
    return Section("reductions", "Reductions", "Sums: fast and exact", intro, [figure], topic="python")


def _place(point: Point) -> Place:
    return point.run, point.text("operation"), point.text("dtype"), point.n


def _chosen(by_place: dict[Place, list[Point]]) -> list[Place]:
    """For each operation and type the largest n that most variants have, and the largest n of all."""
    found: list[Place] = []
    for about in dict.fromkeys(place[:3] for place in by_place):
        here = [place for place in by_place if place[:3] == about]
        most = max(here, key=lambda place: (len(by_place[place]), place[3]))
        found += dict.fromkeys((most, max(here, key=lambda place: place[3])))
    return found


def _panels(columns: Columns[Point], place: Place, points: Sequence[Point]) -> list[Panel]:
    run, operation, dtype, n = place
    groups = [point.variant for point in points]
    title = f"{operation} of {text.count(n)} {format.value_of('dtype', dtype)}{columns.runs.suffix(run)}"
    costs = [_cost(point) for point in points]
    low, high = charts.value_range(cost.value for cost in costs)
    times = charts.bars(
        [
            columns.mark(point, group=point.variant, label=text.amount(cost.value, ITEM_TIME.unit))
            for point, cost in zip(points, costs, strict=True)
        ],
        groups=groups, series=[""], unit=columns.title, top=high, bottom=low if high / low > charts.WIDE else None,
        alt_text=f"{title}: nanoseconds per element by way.", more=columns.more,
    )  # fmt: skip
    panels = [Panel(f"{title}: time", times, f"{title}: time of an element")]
    errors = [error for point in points if (error := _error(point))]
    if errors:
        low, high = charts.value_range(errors)
        marks = [
            charts.Mark(
                point.variant, columns.runs.colours[point.variant], format.case(point.record),
                error or None, group=point.variant, label=_error_text(point),
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
    """The relative error among the facts; None where the file holds something else there."""
    error = point.record.facts.get("relative_error")
    return float(error) if isinstance(error, int | float) and math.isfinite(error) and 0 <= error < 1e30 else None


def _error_text(point: Point) -> str:
    error = _error(point)
    return text.NOTHING if error is None else text.amount(error) if error else "exact"
