"""The integer peak: operations a second by operation and register width."""

from __future__ import annotations

from ...record import text
from ...record.estimate import Estimate
from ...record.model import OP_RATE
from .. import charts, format
from ..columns import STATUS, Column, Measured, axis, of_points, worded
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel
from .clock import WIDTHS

MEASURES = "integer operations"


def figure(runs: Runs) -> Figure | None:
    """Bars of GOP/s by operation and width, a panel for each number of threads; None without the bench."""
    points = [point for point in runs.measuring(MEASURES) if point.record.counts.get("ops")]
    if not points:
        return None
    widths = [width for width in WIDTHS if any(point.variant == width for point in points)]
    widths += sorted({point.variant for point in points} - set(WIDTHS))
    operations = list(dict.fromkeys(point.text("operation") for point in points))
    columns = of_points(
        runs,
        (
            axis("operation"), worded("threads"), Column("width", lambda point: point.variant),
            Column("instruction", lambda point: str(point.record.facts.get("instruction", text.NOTHING))[:60]),
            Measured(OP_RATE.unit, rate, OP_RATE.unit), STATUS,
        ),
        more="instruction",
    )  # fmt: skip
    low, top = charts.value_range(rate(point).value for point in points)
    panels = []
    for _, label, here in columns.by_run(points):
        for threads in dict.fromkeys(point.record.params.get("threads", 1) for point in here):
            shown = [point for point in here if point.record.params.get("threads", 1) == threads]
            marks = [
                columns.mark(point, group=point.text("operation"), label=text.columns(rate(point))[0])
                for point in shown
            ]  # fmt: skip
            title = ", ".join(filter(None, (format.value_of("threads", threads, shown[0].threads), label)))
            spec = charts.bars(
                marks, groups=[one for one in operations if any(mark.group == one for mark in marks)],
                series=[width for width in widths if any(mark.series == width for mark in marks)],
                unit=columns.title, top=top, bottom=low if top / low > charts.WIDE else None, more=columns.more,
                alt_text=f"Integer operations a second by operation and register width, {title}.",
            )  # fmt: skip
            panels.append(Panel(title, spec, f"Integer peak, {title}"))
    told = (
        "One instruction in chains that do not wait for one another. A dot product counts a multiplication and an "
        "addition for each number, AES a round of 16 bytes, a population count 64 bits with the addition of its sum."
    )
    legend = [Key(width, runs.colours[width]) for width in widths]
    return Figure("Integer peak", panels, columns.table("Every operation", points), told, legend)


def rate(point: Point) -> Estimate:
    """GOP/s."""
    return point.seconds.inverse(point.record.counts["ops"]).scaled(OP_RATE.scale)
