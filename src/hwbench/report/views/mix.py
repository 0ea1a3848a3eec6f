"""Reads to writes: bandwidth by level over the share of the bytes that is read."""

from __future__ import annotations

import re

from ...record import text
from ...record.model import BANDWIDTH, LEVELS
from .. import charts
from ..columns import STATUS, VARIANT, Column, Measured, axis, of_points, worded
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel, Section

MEASURES = "mix"
RATIO = re.compile(r"([0-9]{1,4}):([0-9]{1,4})")


def view(runs: Runs) -> Section | None:
    """A chart for each level of each run, a line for each way and number of threads; None for fewer than two mixes."""
    points = [
        point for point in runs.measuring(MEASURES)
        if point.metric == BANDWIDTH and share(point) is not None and point.text("size") in LEVELS
    ]  # fmt: skip
    if len({share(point) for point in points}) < 2:
        return None
    points.sort(key=lambda point: (point.run, -LEVELS.index(point.text("size")), -point.threads, -(share(point) or 0)))
    columns = of_points(
        runs,
        (
            axis("size"), Column("reads to writes", lambda point: point.text("mix")), VARIANT,
            worded("threads"), Measured("GB/s", lambda point: point.value, BANDWIDTH.unit), STATUS,
        ),
        more="reads to writes",
    )  # fmt: skip
    names = list(dict.fromkeys(map(_name, points)))
    panels = []
    for run, label, here in columns.by_run(points):
        for size in dict.fromkeys(point.text("size") for point in here):
            marks = [
                columns.mark(
                    point, series=_name(point), colour=_colour(names, point), x=share(point) or 0.0,
                    dash="dash" if point.variant == "numba" else "",
                )
                for point in here if point.text("size") == size
            ]  # fmt: skip
            title = ", ".join(filter(None, ("memory" if size == LEVELS[-1] else size, label)))
            spec = charts.lines(
                marks, x_title="share of the bytes that is read", y_title=columns.title, x_kind="share", log_y=False,
                x_domain=(0.0, 1.0), height=220, more=columns.more,
                alt_text=f"Bandwidth over the share of reads. {title}, run {run + 1}",
            )  # fmt: skip
            panels.append(Panel(title, spec, f"Bandwidth over the share of reads: {title}"))
    legend = {_name(point): Key(_name(point), _colour(names, point), _line(point)) for point in points}
    intro = [
        "From writes alone (0%) over a copy (50%), a sum of two arrays (67%) and of three (75%) to reads alone (100%). "
        "Bytes are those of the program: with plain stores the hardware also reads each line that is written first, "
        "unless the stores are non-temporal. A program of mostly reads has another roof than one that copies.",
    ]
    figure = Figure(
        "Bandwidth by reads to writes", panels, columns.table("Every mix", points), "", list(legend.values()),
    )  # fmt: skip
    return Section("mix", "Reads to writes", "Reads to writes", intro, [figure], topic="memory")


def share(point: Point) -> float | None:
    """The share of reads that a mix such as `3:1` names; None where the file holds something else there."""
    found = RATIO.fullmatch(point.text("mix"))
    total = int(found[1]) + int(found[2]) if found else 0
    return int(found[1]) / total if found and total else None


def _name(point: Point) -> str:
    return f"{point.variant}, {text.count(point.threads)} thread{'s' if point.threads > 1 else ''}"


def _colour(names: list[str], point: Point) -> str:
    return f"c{names.index(_name(point)) % 8 + 1}"


def _line(point: Point) -> str:
    return "dash" if point.variant == "numba" else "line"
