"""Operations of the interpreter: what each costs, from nanoseconds to milliseconds, by interpreter."""

from __future__ import annotations

from ...record import text
from ...record.estimate import Estimate
from .. import charts
from ..columns import STATUS, VARIANT, Column, Measured, against_baseline, of_points, worded
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel, Section

MEASURES = "operations"
AXIS = "operation"


def view(runs: Runs) -> Section | None:
    """A chart for each run, a row for each operation; None where none was measured."""
    points = [point for point in runs.measuring(MEASURES) if point.record.counts.get("items")]
    if not points:
        return None
    intro = [
        "What the interpreter itself costs: one operation on Python's objects, one switch between tasks, one between "
        "threads. A compiled loop does what the first of them do in one or two cycles.",
    ]
    return Section(
        "operations", "Operations", "Python's own operations", intro, [_figure(runs, points)], topic="python"
    )


def _figure(runs: Runs, points: list[Point]) -> Figure:
    columns = of_points(
        runs,
        (
            worded(AXIS), VARIANT, Measured("ns", _each, "ns"),
            Column("Python", lambda point: _interpreter(point)), against_baseline(runs, "against the baseline"), STATUS,
        ),
        more="Python",
    )  # fmt: skip
    low, top = charts.value_range(_each(point).value for point in points)
    panels = []
    for _, label, here in columns.by_run(points):
        variants = list(dict.fromkeys(point.variant for point in here))
        marks = [
            columns.mark(
                point, series=point.variant, group=point.text(AXIS), label=text.seconds(_each(point).value * 1e-9)
            )
            for point in here
        ]
        spec = charts.bars(
            marks, groups=list(dict.fromkeys(mark.group for mark in marks)), series=variants, unit="ns an operation",
            bottom=low, top=top, axis=AXIS, more=columns.more,
            alt_text="Time of each operation of the interpreter on a logarithmic scale.",
        )  # fmt: skip
        panels.append(Panel(label, spec, "Nanoseconds an operation"))
    names = list(dict.fromkeys(point.variant for point in points))
    legend = [Key(name, runs.colours[name]) for name in names] if len(names) > 1 else []
    told = (
        "handover: a thread releases a lock for one that waits, and then waits itself. wait: a thread gives the "
        "interpreter up beside one that computes, and gets it back when Python's lock is taken from that one."
    )
    table = columns.table("Every operation", points)
    return Figure("Time of an operation", panels, table, told, legend, wide=not runs.several)


def _each(point: Point) -> Estimate:
    """Nanoseconds an operation."""
    return point.seconds.scaled(1e9 / point.record.counts["items"])


def _interpreter(point: Point) -> str:
    """`3.14.0, GIL off`, as far as the record states it."""
    python, gil = (str(point.record.facts.get(name, ""))[:20] for name in ("python", "gil"))
    return ", ".join(filter(None, (python, f"GIL {gil}" if gil else ""))) or text.NOTHING
