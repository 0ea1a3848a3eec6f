"""Latency by footprint: nanoseconds a hop of a pointer chase, and the cache sizes that follow from it."""

from __future__ import annotations

from collections.abc import Sequence

from ...analysis.headline import Headline
from ...analysis.hierarchy import MeasuredCache
from ...record import text
from ...record.estimate import Estimate, clear
from ...record.facts import caches, footprint
from ...record.model import HOP_TIME
from .. import charts, format
from ..columns import STATUS, Column, Measured, of_points
from ..dataset import Point, Runs
from ..sections import Block, Figure, Key, Panel, Section, Table

MEASURES = "latency"
LECTURE = {1: "0.5 ns", 2: "7 ns"}


def view(runs: Runs) -> Section | None:
    """The staircase and reported against measured level sizes; None where no sweep was measured."""
    points = [
        point
        for point in runs.measuring(MEASURES)
        if point.record.device == "cpu" and point.metric == HOP_TIME and footprint(point.record) is not None
    ]
    if len({_size(point) for point in points}) < 2:
        return None
    figure = _figure(runs, points)
    blocks: list[Block] = [figure]
    if any(one.memory or any(found.level for found in one.caches) for one in runs.hierarchies):
        blocks.append(_levels(runs))
    intro = [
        "Each hop loads the address of the next one, so nothing can be fetched ahead: the time of a hop is the "
        "latency of the level that holds the data. The line is level while all of it fits, and climbs where it "
        "outgrows a cache. Lower is better.",
        "With 4K pages large footprints also pay for address translation, which huge pages avoid. Page-local order "
        "stays within a few pages and shows the latency of the data without translation.",
    ]
    return Section("latency", "Latency", "Latency by footprint", intro, blocks, topic="memory")


def _size(point: Point) -> int:
    return footprint(point.record) or 0


def _kind(point: Point) -> str:
    """The layout of a chase, which distinguishes the lines of a run."""
    params = point.record.params
    laid = [format.value_of(axis, value) for axis, value in params.items() if axis != "size"]
    return ", ".join(laid) or point.variant


def _main(runs: Runs, run: int) -> str:
    """The line that the levels are read from."""
    laid = runs.hierarchies[run].main
    return ", ".join(format.value_of(axis, value) for axis, value in laid.items() if value)


def _once(points: Sequence[Point]) -> list[Point]:
    """One point a line and footprint: a labelled size may be a point of the sweep too, and the line would go back."""
    chosen: dict[tuple[object, ...], Point] = {}
    for point in points:
        place = (point.run, _kind(point), point.variant, _size(point))
        other = chosen.get(place)
        if other is None or (point.suspect, point.value.value) < (other.suspect, other.value.value):
            chosen[place] = point
    return list(chosen.values())


def _figure(runs: Runs, points: Sequence[Point]) -> Figure:
    columns = of_points(
        runs,
        (
            Column("layout", _kind), Column("footprint", lambda point: text.size(_size(point))),
            Measured("ns per hop", lambda point: point.value),
            Column("samples", lambda point: str(len(point.record.samples))), STATUS,
        ),
        more="footprint",
    )  # fmt: skip
    kinds = list(dict.fromkeys(_kind(point) for point in points))
    variants = len({point.variant for point in points})
    # Of several runs only the main line of each is drawn: more would hide what differs. The table has them all.
    shown = [
        point
        for point in _once(points)
        if not runs.several or _kind(point) == (_main(runs, point.run) or point.variant)
    ]
    marks = []
    legend = {}
    for point in shown:
        series = f"{runs.labels[point.run]}: {_kind(point)}" if runs.several else _kind(point)
        series += f", {point.variant}" if variants > 1 else ""
        colour = f"c{(point.run if runs.several else kinds.index(_kind(point))) % 8 + 1}"
        legend[series] = Key(series, colour, "line")
        marks.append(columns.mark(point, series=series, colour=colour, x=float(_size(point))))
    rules: list[tuple[float, str, bool]] = []
    first = caches(runs[0])
    sizes = [mark.x for mark in marks]
    if not runs.several:
        rules = [(float(cache.bytes), f"L{cache.level}", True) for cache in first if min(sizes) < cache.bytes]
        rules += [(found.step.value, "", False) for found in runs.hierarchies[0].caches if found.step is not None]
        if rules:
            legend["reported"] = Key("level size as reported", "ink-2", "dash")
        if any(not dashed for _, _, dashed in rules):
            legend["measured"] = Key("where a level is left", "ink-2", "line")
    domain = (min(sizes), max([*sizes, *(at for at, _, _ in rules)]))
    spec = charts.lines(
        marks,
        x_title="footprint",
        y_title=columns.title,
        x_kind="bytes",
        x_domain=domain,
        rules=rules,
        height=340,
        more=columns.more,
        alt_text="Latency of a pointer chase over its footprint: a staircase with a step at each cache level.",
    )
    table = columns.table("Every footprint", sorted(points, key=lambda point: (point.run, _kind(point), _size(point))))
    return Figure("Staircase", [Panel("", spec, "Latency over footprint")], table, "", list(legend.values()), wide=True)


def _levels(runs: Runs) -> Table:
    rows: list[Sequence[str]] = []
    for index, run in enumerate(runs):
        found, reading = runs.hierarchies[index], runs.readings[index]
        for one in found.caches:
            headline = reading.get(f"l{one.cache.level}.latency") if one.cache else None
            rows.append(runs.row(index, _row(one, headline)))
            if one.streamed and one.step is not None:
                step = (
                    "its random reach",
                    text.NOTHING,
                    text.size(one.step.value),
                    _bytes(one.step),
                    "translation",
                )
                rows.append(runs.row(index, (*step, *[text.NOTHING] * 3)))
        row = ("memory", text.size(run.machine.memory.total), text.NOTHING, text.NOTHING, "")
        rows.append(runs.row(index, (*row, *_of_headline(reading.get("dram.latency")), "100 ns")))
        for number, level in enumerate(found.translation[:-1]):
            beyond = found.translation[number + 1].seconds.scaled(1e9)
            if level.size is not None:
                known = clear(level.size)
                reach, verdict = (text.size(level.size.value), "") if known else (text.NOTHING, "not clear")
                value, interval = _latency(beyond)
                cost = (f"+{value} beyond", interval) if known else (text.NOTHING, text.NOTHING)
                row = ("TLB, 4K pages", text.NOTHING, reach, _bytes(level.size), verdict)
                rows.append(runs.row(index, (*row, *cost, text.NOTHING)))
        reported = {cache.line for cache in caches(run)}
        for name, size in (("line, L2 to L1", found.line), ("unit, memory to L2", found.unit)):
            if size is not None:
                told = ", ".join(f"{line} B" for line in sorted(reported))
                verdict = "as reported" if size.value in reported else "lines in pairs" * (size.value / 2 in reported)
                row = (name, told, text.size(size.value), _bytes(size), verdict)
                rows.append(runs.row(index, (*row, text.NOTHING, text.NOTHING, "64 B")))
    head = (
        "level", "reported", "measured", "95% interval", "verdict", "latency", "95% interval", "latency in the lecture",
    )  # fmt: skip
    caption = (
        "Levels, reported and measured. A level is a range of footprints with constant latency; it ends at the "
        "change point to the next one. The interval comes from a bootstrap over the samples and is at least one step "
        "of the sweep. A virtual machine that has less of a cache than is reported shares it with other guests. "
        "Where sequential loads keep a cache's speed beyond the step of the chase, their end is the cache's size, "
        "and the step of the chase is the reach of the TLB. A reach whose interval spans a decade is not clear, and "
        "has no value. The latency is the headline's: random order at the level's size label, on huge pages where "
        "there are any. A level that the system does not report has the latency of its range."
    )
    return Table(caption, runs.head(head), rows)


def _row(found: MeasuredCache, headline: Headline | None) -> tuple[str, ...]:
    size = found.size
    if found.cache or not found.level:
        latency = _of_headline(headline)
    else:
        latency = _latency(found.level.seconds.scaled(1e9))
    return (
        f"L{found.cache.level}" if found.cache else "a level",
        text.size(found.cache.bytes) if found.cache else "not reported",
        text.size(size.value) if size else text.NOTHING,
        _bytes(size),
        found.verdict,
        *latency,
        LECTURE.get(found.cache.level, text.NOTHING) if found.cache else text.NOTHING,
    )


def _bytes(size: Estimate | None) -> str:
    return f"{text.size(size.low)}–{text.size(size.high)}" if size else text.NOTHING


def _of_headline(found: Headline | None) -> tuple[str, str]:
    if found is None:
        return text.NOTHING, text.NOTHING
    value, interval = _latency(Estimate(found.value, found.low, found.high).scaled(1e9))
    return value + text.DOUBTFUL * bool(found.doubt), interval


def _latency(value: Estimate | None) -> tuple[str, str]:
    shown, interval = text.columns(value)
    return f"{shown} ns" if value else shown, interval
