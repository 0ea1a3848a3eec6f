"""Occupancy: the rate of the GPU over its threads, for each number of chains or loads that a thread has in flight."""

from __future__ import annotations

from collections.abc import Sequence

from ....record import text
from ... import charts
from ...columns import OF_LIMIT, STATUS, Column, Measured, axis, of_points
from ...dataset import Point, Runs
from ...sections import Figure, Key, Panel, Section
from . import common

MEASURES = "occupancy"
NAMES = {"fma": "multiply-adds", "copy": "copies"}
COLOURS = ("c1", "c2", "c3", "c7")


def view(runs: Runs) -> Section | None:
    """A chart for each kind of work and GPU; None where no GPU was measured with two numbers of threads."""
    columns = of_points(
        runs,
        (
            Column("device", lambda point: point.record.device), axis("work"),
            Column("threads", lambda point: text.count(_threads(point))), axis("chains", "in flight a thread"),
            Measured("rate", lambda point: point.value), Column("unit", lambda point: point.unit), OF_LIMIT, STATUS,
        ),
        more="in flight a thread",
    )  # fmt: skip
    panels: list[Panel] = []
    shown: list[Point] = []
    held = False
    colours = _colours(runs)
    for index in range(len(runs)):
        for device in common.devices(runs, index):
            every = [p for p in common.points_of(runs, MEASURES, index, device) if _threads(p) and p.metric]
            for work in dict.fromkeys(point.text("work") for point in every):
                here = sorted(
                    (point for point in every if (point.text("work"), point.unit) == (work, _unit(every, work))),
                    key=lambda point: (_chains(point), _threads(point)),
                )
                xs = [float(_threads(point)) for point in here]
                if len(set(xs)) < 2:
                    continue
                what = NAMES.get(work, work)
                title = f"{what}, {common.label(runs, index, device)}"
                about = f"Rate of {what} over the number of threads, {title}."
                most = _resident(here)
                held = held or min(xs) < most < max(xs)
                marks = [
                    columns.mark(point, series=name, colour=colours[name], x=float(_threads(point)))
                    for point in here
                    for name in [_chains(point)]
                ]
                spec = charts.lines(
                    marks,
                    x_title="threads",
                    y_title=here[0].unit,
                    x_kind="count",
                    x_domain=(min(xs), max(xs)),
                    rules=[(most, "", True)] if min(xs) < most < max(xs) else [],
                    more=columns.more,
                    alt_text=about,
                )
                panels.append(Panel(title, spec, about))
                shown += here
    if not panels:
        return None
    legend = [Key(f"{name} in flight a thread", colour, "line") for name, colour in colours.items()]
    if held:
        legend.append(Key("threads that the GPU holds at a time", "ink-2", "dash"))
    figure = Figure(
        "Rate over threads",
        panels,
        columns.table("Every number of threads", shown),
        "Each line is a number of independent operations in flight per thread: chains of multiply-adds, or loads of 16 "
        "bytes. With more per thread fewer threads are enough. Higher is better.",
        legend,
    )
    intro = [
        "A GPU hides latency behind other threads. With too few threads it waits: for the previous result where it "
        "computes, for memory where it copies. The operations in flight are threads × chains, so half the threads with "
        "twice the chains reach the same rate."
        + " By OpenCL a work-item with a vector stands for as many threads as the vector holds."
        * any(point.record.facts.get("item_threads", 1) != 1 for point in shown),
        *common.cautions(runs),
    ]
    return Section("occupancy", "Occupancy", "How many threads keep the GPU busy", intro, [figure], topic="gpu")


def _threads(point: Point) -> int:
    threads = point.record.params.get("threads")
    return threads if isinstance(threads, int) and 0 < threads < 2**63 else 0


def _chains(point: Point) -> str:
    return point.text("chains")


def _unit(points: Sequence[Point], work: str) -> str:
    return next(point.unit for point in points if point.text("work") == work)


def _colours(runs: Runs) -> dict[str, str]:
    """The numbers in flight, each with its colour."""
    names = sorted({_chains(point) for point in runs.measuring(MEASURES)}, key=_rank)
    return {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}


def _rank(name: str) -> tuple[float, str]:
    return (float(name), "") if name.isdecimal() and len(name) < 10 else (0.0, name)


def _resident(points: Sequence[Point]) -> float:
    """Threads that the GPU holds at a time, as the records state them; 0 where they do not."""
    stated = (point.record.facts.get("resident") for point in points)
    return next((float(one) for one in stated if isinstance(one, int | float) and 0 < one < 2**63), 0.0)
