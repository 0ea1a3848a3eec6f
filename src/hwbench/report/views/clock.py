"""TODO report.views.clock."""

from __future__ import annotations

from ...analysis.limits import Limit
from ...record.model import CLOCK, FLOP_RATE
from .. import charts, format
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel, Table

CLOCKS = "clock.frequency"
WIDTHS = ("scalar", "128", "256", "512")


# --- the clock --------------------------------------------------------------------------------------------------------


def _clock(runs: Runs) -> Figure | None:
    """Bars of GHz by vector width, for one thread and for all."""
    points = [point for point in runs.by_bench.get(CLOCKS, ()) if point.metric == CLOCK]
    if not points:
        return None
    widths = [width for width in WIDTHS if any(point.record.variant == width for point in points)]
    widths += sorted({point.record.variant for point in points} - set(WIDTHS))
    top = max(_best(point) for point in points)
    panels = []
    for index in dict.fromkeys(point.run for point in points):
        here = [point for point in points if point.run == index]
        marks = [
            charts.mark_of(
                runs, point, value=charts.unbounded(_best(point)), group=_load(point),
                label=format.number(_best(point), "GHz"), more=f"median {format.number(point.value.value, 'GHz')}",
            )
            for point in here
        ]  # fmt: skip
        spec = charts.bars(
            marks, groups=list(dict.fromkeys(_load(point) for point in here)), series=widths, unit="GHz", top=top,
            best=True, more="of all samples",
            alt_text="The clock by the width of the multiply-adds that run meanwhile.",
        )  # fmt: skip
        panels.append(Panel(runs.labels[index] if runs.several else "", spec, "Clock by vector width"))
    rows = []
    for point in points:
        peak = _peak(runs, point)
        each = peak.value / (_best(point) * 1e9) if peak else None
        row = (
            _load(point),
            point.record.variant,
            format.number(_best(point)),
            format.number(point.value.value),
            format.bounds(point.value),
            format.number(each / point.threads) if each else format.NOTHING,
            point.record.status,
        )
        rows.append(runs.row(point.run, row))
    head = (
        "load",
        "width",
        "GHz, best sample",
        "GHz, median",
        "95% interval",
        "peak.fma: operations a cycle and core",
        "status",
    )
    text = (
        "Cycles are counted by additions that wait for one another, one a cycle; beside them run multiply-adds of the "
        "given width, 5/7 a cycle, or 12/7 where two units are to be busy (a width that has one unit only then shows "
        "7/12 of the clock). The figure is the best sample: where the chain is held up it is too low, never too "
        "high. The table divides the floating-point peak of the same width (float64) by this clock: two units of 8 "
        "lanes would be 32 operations a cycle."
    )
    legend = [Key(width, runs.colours[width]) for width in widths]
    return Figure(
        "Clock under load",
        panels,
        Table("Every load", runs.head(head), rows),
        text,
        legend,
        wide=not runs.several,
    )


def _best(point: Point) -> float:
    """GHz of the best sample: a clock is a limit, which disturbance only lowers."""
    return CLOCK.value(min(point.record.samples), point.record.counts)


def _load(point: Point) -> str:
    """How many threads multiply, and on how many of their units where that is not one."""
    units = point.record.params.get("units", 1)
    return _threads(point) + (f", {format.value_of('units', units)} units" if units != 1 else "")


def _who(runs: Runs, point: Point) -> str:
    return f"{runs.labels[point.run]}: {_threads(point)}" if runs.several else _threads(point)


def _threads(point: Point) -> str:
    return format.value_of("threads", point.record.params.get("threads", 1))


def _peak(runs: Runs, point: Point) -> Limit | None:
    """The float64 peak of the same width and threads, from its best sample."""
    best: Limit | None = None
    for other in runs.by_bench.get("peak.fma", ()):
        record = other.record
        same = other.run == point.run and record.variant == point.record.variant and other.threads == point.threads
        if same and record.params.get("dtype") == "f8" and other.metric == FLOP_RATE:
            value = record.counts["flops"] / min(record.samples)
            if best is None or value > best.value:
                best = Limit("fma", "", other.threads, "f8", value, FLOP_RATE, record.variant)
    return best
