"""Sustained load: rate and clock over the time that the CPU was under full load."""

from __future__ import annotations

from ...record import text
from ...record.facts import numbers
from .. import charts, format
from ..columns import STATUS, Column
from ..columns import table as table_of
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel
from .applications.stability_facts import amount

MEASURES = "sustained load"
GIGA = 1e-9
SHOWN = (("rate", "GFLOP/s"), ("clock", "GHz"))


def figure(runs: Runs) -> Figure | None:
    """A line of GFLOP/s and one of GHz over the seconds, for each run; None without the bench."""
    points = [point for point in runs.measuring(MEASURES) if series(point)]
    if not points:
        return None
    panels, legend = [], {}
    for which, unit in SHOWN:
        marks = []
        for point in points:
            name = runs.labels[point.run] if runs.several else format.value_of("threads", "all", point.threads)
            colour = f"c{point.run % 8 + 1}"
            legend[name] = Key(name, colour, "line")
            marks += [
                charts.Mark(
                    name, colour, f"{format.case(point.record)}, after {text.seconds(at)}",
                    rate if which == "rate" else clock, unit=unit, x=at, suspect=charts.doubt(point),
                )
                for at, rate, clock in series(point)
            ]  # fmt: skip
        top = max(mark.value or 0.0 for mark in marks)
        spec = charts.lines(
            marks, x_title="seconds under full load", y_title=unit, x_kind="rate", log_y=False,
            x_domain=(0.0, max(mark.x for mark in marks)), y_domain=(0.0, 1.08 * top), height=200, best=True,
            alt_text=f"{unit} of all CPUs over the time under full load.",
        )  # fmt: skip
        panels.append(Panel(unit, spec, f"{unit} over the time under full load"))
    told = (
        "All CPUs multiply and add in float64 without a pause. Every quarter of a second the rate and, by a chain of "
        "additions, the clock are read. A dip in the rate alone is time that something else took; one in both is the "
        "clock's. Boost is the first second; settled are the rate of the samples, which follow, and the clock of the "
        "last third."
    )
    columns = (
        Column[Point]("seconds", lambda point: point.text("seconds")),
        Column[Point]("boost, GFLOP/s", lambda point: text.amount(_rate(point, "boost_call_s"))),
        Column[Point]("settled, GFLOP/s", lambda point: text.amount(point.value.value)),
        Column[Point]("boost, GHz", lambda point: text.amount(_giga(point, "boost_clock_hz"))),
        Column[Point]("settled, GHz", lambda point: text.amount(_giga(point, "settled_clock_hz"))),
        Column[Point]("settled after", lambda point: text.seconds(amount(point.record, "settled_after_s"))),
        Column[Point]("dips", lambda point: text.amount(amount(point.record, "dip_count"))),
        Column[Point]("seconds in dips", lambda point: text.amount(amount(point.record, "dip_s"))),
        STATUS,
    )
    table = table_of(runs, "Boost, settled load, dips", columns, points, lambda point: point.run)
    return Figure("Sustained load", panels, table, told, list(legend.values()) if runs.several else ())


def series(point: Point) -> list[tuple[float, float, float]]:
    """Seconds, GFLOP/s and GHz of each reading; [] where the record has none: a file may hold anything."""
    at, call, clock = (numbers(point.record.facts.get(name)) for name in ("at_s", "call_s", "clock_hz"))
    flops = point.record.counts.get("flops")
    if not flops or not len(at) == len(call) == len(clock):
        return []
    return [
        (when, flops / each * GIGA, hz * GIGA)
        for when, each, hz in zip(at, call, clock, strict=True)
        if when >= 0 and each > 0 and hz > 0
    ]


def _rate(point: Point, fact: str) -> float | None:
    seconds = amount(point.record, fact)
    return point.record.counts["flops"] / seconds * GIGA if seconds else None


def _giga(point: Point, fact: str) -> float | None:
    value = amount(point.record, fact)
    return value * GIGA if value is not None else None
