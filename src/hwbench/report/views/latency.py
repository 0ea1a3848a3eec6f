"""The latency staircase: nanoseconds a hop of a pointer chase over its footprint, and the cache sizes it betrays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...limits import Step, staircase
from ...model import HOP_TIME, Cache, Run
from ...quantity import format_bytes
from .. import charts, words
from ..sections import Block, Figure, Key, Panel, Section, Table
from ..source import Point, Runs, caches, footprint

BENCH = "latency.chase"
LECTURE = {1: "0.5 ns", 2: "7 ns"}


def view(runs: Sequence[Run]) -> Section | None:
    """The staircase and reported against measured level sizes; None where no sweep was measured."""
    runs = Runs.of(runs)
    points = [
        point
        for point in runs.by_bench.get(BENCH, ())
        if point.metric == HOP_TIME and footprint(point.record) is not None
    ]
    if len({footprint(point.record) for point in points}) < 2:
        return None
    stairs = {index: _stairs(points, index) for index in range(len(runs))}
    figure = _figure(runs, points, stairs)
    blocks: list[Block] = [figure]
    if any(one.caches or one.memory for one in stairs.values()):
        blocks.append(_levels(runs, stairs))
    intro = [
        "Each hop loads the address of the next one, so nothing can be fetched ahead: the time of a hop is the "
        "latency of the level that holds the data. The line is level while all of it fits, and climbs where it "
        "outgrows a cache. Lower is better.",
        "With 4K pages large footprints also pay for address translation, which huge pages spare. Page-local order "
        "stays within a page for a while and shows the data's own way without it.",
    ]
    return Section("latency", "Latency", "Latency by footprint", intro, blocks)


def _kind(point: Point) -> str:
    """What tells one line of a run from another: how the chase was laid out."""
    params = point.record.params
    laid = [words.value_of(axis, value) for axis, value in params.items() if axis != "size"]
    return ", ".join(laid) or point.record.variant


def _main(points: Sequence[Point], run: int) -> str:
    """The line least disturbed by address translation: huge pages and random order where they were measured."""
    counts: dict[str, int] = {}
    for point in points:
        if point.run == run:
            counts[_kind(point)] = counts.get(_kind(point), 0) + 1
    return max(counts, key=lambda kind: ("huge" in kind, "random" in kind, counts[kind]), default="")


@dataclass(frozen=True)
class Stairs:
    """The plateaus of a sweep: those of the caches, and memory's, where the sweep ends on a level stretch."""

    caches: Sequence[Step]
    memory: Step | None


def _stairs(points: Sequence[Point], run: int) -> Stairs:
    """The plateaus of the run's main line, by best samples: a latency is a limit, and only disturbance adds to it."""
    main = _main(points, run)
    best: dict[int, float] = {}
    for point in points:
        if point.run == run and _kind(point) == main:
            size, hops = footprint(point.record) or 0, point.record.counts["hops"]
            best[size] = min([best.get(size, math.inf), *(seconds / hops for seconds in point.record.samples)])
    steps = staircase(list(best.items()))
    if steps and steps[-1].high == max(best):
        return Stairs(steps[:-1], steps[-1])
    return Stairs(steps, None)


def _once(points: Sequence[Point]) -> list[Point]:
    """One point a line and footprint: a labelled size may be one of the sweep too, and the line would double back."""
    chosen: dict[tuple[object, ...], Point] = {}
    for point in points:
        place = (point.run, _kind(point), point.record.variant, footprint(point.record))
        other = chosen.get(place)
        if other is None or (point.suspect, point.value.value) < (other.suspect, other.value.value):
            chosen[place] = point
    return list(chosen.values())


def _figure(runs: Runs, points: Sequence[Point], stairs: dict[int, Stairs]) -> Figure:
    kinds = list(dict.fromkeys(_kind(point) for point in points))
    variants = len({point.record.variant for point in points})
    # Side by side each run shows its main line alone; the others would hide what differs, and stand in the table.
    shown = [point for point in _once(points) if not runs.several or _kind(point) == _main(points, point.run)]
    marks = []
    legend = {}
    for point in shown:
        series = f"{runs.labels[point.run]}: {_kind(point)}" if runs.several else _kind(point)
        series += f", {point.record.variant}" if variants > 1 else ""
        colour = f"c{(point.run if runs.several else kinds.index(_kind(point))) % 8 + 1}"
        legend[series] = Key(series, colour, "line")
        size = footprint(point.record) or 0
        marks.append(charts.mark_of(runs, point, series=series, colour=colour, x=float(size), more=format_bytes(size)))
    rules: list[tuple[float, str, bool]] = []
    first = caches(runs[0])
    sizes = [mark.x for mark in marks]
    if not runs.several:
        rules = [(float(cache.bytes), f"L{cache.level}", True) for cache in first if min(sizes) < cache.bytes]
        for _, bound in _matched(first, stairs[0].caches):
            if bound is not None:
                rules.append((float(bound), "", False))
        if rules:
            legend["reported"] = Key("level size as reported", "ink-2", "dash")
        if any(not dashed for _, _, dashed in rules):
            legend["measured"] = Key("level size as measured", "ink-2", "line")
    domain = (min(sizes), max([*sizes, *(at for at, _, _ in rules)]))
    spec = charts.lines(
        marks,
        x_title="footprint",
        y_title="ns per hop",
        x_kind="bytes",
        x_domain=domain,
        rules=rules,
        height=340,
        more="footprint",
        alt_text="Latency of a pointer chase over its footprint: a staircase with a step at each cache level.",
    )
    rows = []
    for point in sorted(points, key=lambda point: (point.run, _kind(point), footprint(point.record) or 0)):
        row = (
            _kind(point),
            format_bytes(footprint(point.record) or 0),
            words.number(point.value.value),
            words.bounds(point.value),
            str(len(point.record.samples)),
            point.record.status,
        )
        rows.append(runs.row(point.run, row))
    head = ("layout", "footprint", "ns per hop", "95% interval", "samples", "status")
    table = Table("Every footprint", runs.head(head), rows)
    return Figure("Staircase", [Panel("", spec, "Latency over footprint")], table, "", list(legend.values()), wide=True)


def _matched(levels: Sequence[Cache], plateaus: Sequence[Step]) -> list[tuple[Cache, int | None]]:
    """Each reported level with the measured end of its plateau.

    Levels and plateaus keep their order; where there are unlike numbers of them, those that agree best are paired.
    """
    ends = [step.high for step in plateaus]
    count = min(len(levels), len(ends))

    def apart(pair: tuple[tuple[Cache, ...], tuple[int, ...]]) -> float:
        return sum(abs(math.log(cache.bytes / end)) for cache, end in zip(*pair, strict=True))

    pairs = itertools.product(itertools.combinations(levels, count), itertools.combinations(ends, count))
    chosen = min(pairs, key=apart)
    found = dict(zip((cache.level for cache in chosen[0]), chosen[1], strict=True))
    return [(cache, found.get(cache.level)) for cache in levels]


def _levels(runs: Runs, stairs: dict[int, Stairs]) -> Table:
    rows: list[Sequence[str]] = []
    for index, run in enumerate(runs):
        plateaus, memory = stairs[index].caches, stairs[index].memory
        if not plateaus and memory is None:
            continue
        by_end = {step.high: step for step in plateaus}
        for cache, end in _matched(caches(run), plateaus):
            latency = words.number(by_end[end].seconds * 1e9, "ns") if end else words.NOTHING
            row = (
                f"L{cache.level}",
                format_bytes(cache.bytes),
                format_bytes(end) if end else words.NOTHING,
                latency,
                LECTURE.get(cache.level, words.NOTHING),
            )
            rows.append(runs.row(index, row))
        row = (
            "memory",
            format_bytes(run.machine.memory.total),
            words.NOTHING,
            words.number(memory.seconds * 1e9, "ns") if memory else words.NOTHING,
            "100 ns",
        )
        rows.append(runs.row(index, row))
    head = ("level", "size as reported", "size as measured", "latency as measured", "latency in the lecture")
    caption = (
        "Level sizes, reported and measured by best samples. A measured size is the last footprint still at its "
        "level's latency, so it is exact to one step of the sweep; far below what is reported, the rest is shared "
        "with others."
    )
    return Table(caption, runs.head(head), rows)
