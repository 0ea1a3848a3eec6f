"""The clock by vector width and number of busy threads."""

from __future__ import annotations

from ...analysis.headline import Rate
from ...record import text
from ...record.estimate import estimate
from ...record.model import CLOCK
from .. import charts, format
from ..columns import STATUS, Column, Measured, of_points
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel

MEASURES = "clock"
WIDTHS = ("scalar", "128", "256", "512")
HELD_UP = 0.9  # of the best sample: a clock drifts less within a case


def figure(runs: Runs) -> Figure | None:
    """Bars of GHz by vector width, for one thread and for all; None without the bench."""
    points = [point for point in runs.measuring(MEASURES) if point.metric == CLOCK]
    if not points:
        return None
    widths = [width for width in WIDTHS if any(point.variant == width for point in points)]
    widths += sorted({point.variant for point in points} - set(WIDTHS))
    columns = of_points(
        runs,
        (
            Column("load", _load),
            Column("width", lambda point: point.variant),
            Measured("GHz", lambda point: point.value),
            Column("operations a cycle and core at the peak", lambda point: _told(runs, point)),
            STATUS,
        ),
    )
    top = max(point.value.value for point in points)
    panels = []
    for _, label, here in columns.by_run(points):
        marks = [
            columns.mark(
                point, group=_load(point),
                label=f"{text.columns(point.value)[0]} GHz" + text.DOUBTFUL * held_up(point),
            )
            for point in here
        ]  # fmt: skip
        spec = charts.bars(
            marks, groups=list(dict.fromkeys(_load(point) for point in here)), series=widths, unit=columns.title,
            top=top,
            alt_text="The clock by the width of the multiply-adds that run meanwhile.",
        )  # fmt: skip
        panels.append(Panel(label, spec, "Clock by vector width"))
    told = (
        "Cycles are counted by additions that wait for one another, one a cycle; beside them run multiply-adds of the "
        "given width, 5/7 a cycle, or 12/7 where two units are to be busy (a width that has one unit only then shows "
        "7/12 of the clock). The figure is the median: where the chain is held up it is too low, never too high. A '~' "
        "marks a median below 0.9 of the best sample: the chain was held up, or the clock changed. The "
        "table divides the floating-point peak of the same width (float64, median) by this clock: two units of 8 "
        "lanes would be 32 operations a cycle."
    )
    legend = [Key(width, runs.colours[width]) for width in widths]
    table = columns.table("Every load", points)
    return Figure("Clock under load", panels, table, told, legend, wide=not runs.several)


def _load(point: Point) -> str:
    """How many threads multiply, and on how many units each if not on one."""
    units = point.record.params.get("units", 1)
    threads = format.value_of("threads", point.record.params.get("threads", 1), point.threads)
    return threads + (f", {format.value_of('units', units)} units" if units != 1 else "")


def held_up(point: Point) -> bool:
    """Whether the median is so far below the best sample that multiply-adds may have held up the chain."""
    best = CLOCK.value(min(point.record.samples), point.record.counts)
    return point.value.value < HELD_UP * best


def _told(runs: Runs, point: Point) -> str:
    """The operations a cycle; none by a clock that is too low."""
    return "median below 0.9 of best sample" if held_up(point) else text.amount(_operations(runs, point))


def _operations(runs: Runs, point: Point) -> float | None:
    """Operations a cycle and core at the median float64 peak of the same width and threads."""
    threads = point.record.params.get("threads", 1)
    rate = Rate("fma", "flops", {"dtype": "f8", "threads": threads}, (point.variant,))
    peak = runs.readings[point.run].fastest(rate)
    if peak is None:
        return None
    return peak.counts["flops"] / estimate(peak.samples).value / (point.value.value * 1e9) / point.threads
