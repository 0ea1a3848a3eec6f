"""The clock by vector width and number of busy threads."""

from __future__ import annotations

from ...analysis.limits import Limit
from ...record import text
from ...record.model import CLOCK, FLOP_RATE
from .. import charts, format
from ..columns import INTERVAL, STATUS, Column, Measured, of_points
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel

MEASURES = "clock"
WIDTHS = ("scalar", "128", "256", "512")


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
            Column("GHz, best sample", lambda point: text.amount(_best(point))),
            Column("GHz, median", lambda point: text.amount(point.value.value)),
            Column(INTERVAL, lambda point: text.columns(point.value)[1]),
            Column("operations a cycle and core at the peak", lambda point: text.amount(_operations(runs, point))),
            STATUS,
        ),
        draws=Measured("GHz", lambda point: charts.unbounded(_best(point))),
    )
    top = max(_best(point) for point in points)
    panels = []
    for _, label, here in columns.by_run(points):
        marks = [
            columns.mark(
                point, group=_load(point), label=text.amount(_best(point), "GHz"),
                more=f"median {text.amount(point.value.value, 'GHz')}",
            )
            for point in here
        ]  # fmt: skip
        spec = charts.bars(
            marks, groups=list(dict.fromkeys(_load(point) for point in here)), series=widths, unit=columns.title,
            top=top, best=True, more="of all samples",
            alt_text="The clock by the width of the multiply-adds that run meanwhile.",
        )  # fmt: skip
        panels.append(Panel(label, spec, "Clock by vector width"))
    told = (
        "Cycles are counted by additions that wait for one another, one a cycle; beside them run multiply-adds of the "
        "given width, 5/7 a cycle, or 12/7 where two units are to be busy (a width that has one unit only then shows "
        "7/12 of the clock). The figure is the best sample: where the chain is held up it is too low, never too "
        "high. The table divides the floating-point peak of the same width (float64) by this clock: two units of 8 "
        "lanes would be 32 operations a cycle."
    )
    legend = [Key(width, runs.colours[width]) for width in widths]
    table = columns.table("Every load", points)
    return Figure("Clock under load", panels, table, told, legend, wide=not runs.several)


def _best(point: Point) -> float:
    """GHz of the best sample: a clock is a limit, which disturbance only lowers."""
    return CLOCK.value(min(point.record.samples), point.record.counts)


def _load(point: Point) -> str:
    """How many threads multiply, and on how many units each if not on one."""
    units = point.record.params.get("units", 1)
    threads = format.value_of("threads", point.record.params.get("threads", 1))
    return threads + (f", {format.value_of('units', units)} units" if units != 1 else "")


def _operations(runs: Runs, point: Point) -> float | None:
    """Operations a cycle and core at the floating-point peak of the same width."""
    peak = _peak(runs, point)
    return peak.value / (_best(point) * 1e9) / point.threads if peak and peak.value else None


def _peak(runs: Runs, point: Point) -> Limit | None:
    """The float64 peak of the same width and threads, from its best sample."""
    best: Limit | None = None
    for other in runs.measuring("fma"):
        record = other.record
        same = other.run == point.run and other.variant == point.variant and other.threads == point.threads
        if same and record.params.get("dtype") == "f8" and other.metric == FLOP_RATE:
            value = record.counts["flops"] / min(record.samples)
            if best is None or value > best.value:
                best = Limit("fma", "", other.threads, "f8", value, FLOP_RATE, record.variant)
    return best
