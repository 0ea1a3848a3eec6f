"""Address translation: the time of a load over the number of pages that are in use."""

from __future__ import annotations

from ...record import text
from ...record.model import HOP_TIME
from .. import charts
from ..columns import STATUS, Column, Measured, of_points
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel, Section

MEASURES = "translation"
NAMES = {
    "4K": "a line on each small page",
    "in-huge": "a line in each 4 KiB of huge pages",
    "huge": "a line on each huge page",
}
COLOURS = {"4K": "c1", "in-huge": "c3", "huge": "c2"}
PACKED = "packed"


def view(runs: Runs) -> Section | None:
    """A chart for each run, a line for each layout; None for fewer than three numbers of pages."""
    points = [
        point for point in runs.measuring(MEASURES)
        if point.metric == HOP_TIME and point.n and point.text("layout") in NAMES
    ]  # fmt: skip
    if len({point.n for point in points}) < 3:
        return None
    layouts = [layout for layout in NAMES if any(point.text("layout") == layout for point in points)]
    points.sort(key=lambda point: (point.run, layouts.index(point.text("layout")), point.variant, point.n))
    columns = of_points(
        runs,
        (
            Column("layout", lambda point: NAMES[point.text("layout")]),
            Column("lines in use", lambda point: text.count(point.n)), Column("variant", lambda point: point.variant),
            Measured("ns per load", lambda point: point.value, HOP_TIME.unit), STATUS,
        ),
    )  # fmt: skip
    panels, drawn = [], []
    for _, label, here in columns.by_run(points):
        shown = [point for point in here if point.variant != PACKED or point.text("layout") == layouts[0]]
        drawn += shown
        marks = [
            columns.mark(
                point, series=_name(point), colour=_colour(point), x=float(point.n),
                dash="dash" if point.variant == PACKED else "",
            )
            for point in shown
        ]  # fmt: skip
        spec = charts.lines(
            marks, x_title="lines in use", y_title=columns.title, x_kind="count",
            alt_text=f"Time of a dependent load over the number of pages that a ring is spread over. {label}",
        )  # fmt: skip
        panels.append(Panel(label, spec, f"Time of a load over the number of pages. {label}"))
    legend = {_name(point): Key(_name(point), _colour(point), _line(point)) for point in drawn}
    intro = [
        "A chase through one line on each page, beside one through as many lines side by side: what lies between the "
        "curves is address translation. The first step is where a TLB's first level ends, the second where its last "
        "level ends and page tables are walked.",
        "Where a line in each 4 KiB of huge pages costs no more than lines side by side, a TLB entry covers a whole "
        "huge page. Where that curve climbs as that of small pages does, the pages of a hypervisor below are small.",
    ]
    figure = Figure(
        "Time of a load by pages in use", panels, columns.table("Every number of pages", points), "",
        list(legend.values()), wide=not runs.several,
    )  # fmt: skip
    return Section("translation", "Translation", "Address translation", intro, [figure], topic="memory")


def _name(point: Point) -> str:
    return "lines side by side" if point.variant == PACKED else NAMES[point.text("layout")]


def _colour(point: Point) -> str:
    return "c7" if point.variant == PACKED else COLOURS[point.text("layout")]


def _line(point: Point) -> str:
    return "dash" if point.variant == PACKED else "line"
