"""Strides: the cost of an element over the step to the next one, and the size of a line that follows from it."""

from __future__ import annotations

from collections.abc import Sequence

from ...record import text
from ...record.estimate import Estimate
from ...record.model import ITEM_TIME
from ...record.phrases import mark
from .. import charts
from ..columns import OF_LIMIT, STATUS, Column, Columns, Measured, axis, of_points
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel, Section

MEASURES = "stride"
SLOTS = ("c1", "c2", "c3", "c7", "c4", "c6", "c5", "c8")
LEVELS = {"DRAM": "memory"}


def view(runs: Runs) -> Section | None:
    """A curve for each level and way, one chart a run; None where fewer than three strides were measured."""
    points = [point for point in runs.measuring(MEASURES) if _step(point) and point.record.counts.get("items")]
    if len({_step(point) for point in points}) < 3:
        return None
    names = list(dict.fromkeys(_name(point) for point in points))
    colours = {name: SLOTS[i % len(SLOTS)] for i, name in enumerate(names)}
    columns = _columns(runs, points)
    panels, said = [], []
    for index, label, here in columns.by_run(points):
        line, unit = _lines_of(runs, index)
        reported = next((cache.line for cache in runs[index].machine.cpu.caches if cache.line), 0)
        pair = "pair" if line and unit and unit.value == 2 * line.value else "memory"
        rules = [(found.value, label, False) for found, label in ((line, "line"), (unit, pair)) if found]
        rules = rules[:1] if line and unit and line.value == unit.value else rules
        if reported and not any(at == reported for at, _, _ in rules):
            rules.append((float(reported), "OS", True))
        marks = [
            columns.mark(
                point, series=_name(point), colour=colours[_name(point)], x=float(_step(point)),
                dash="dash" if point.variant == "numpy" else "",
            )
            for point in here
        ]  # fmt: skip
        spec = charts.lines(
            marks, x_title="step to the next element", y_title=columns.title, x_kind="bytes", rules=rules,
            alt_text=f"Nanoseconds per element over the stride in bytes. {label}",
        )  # fmt: skip
        panels.append(Panel(label, spec, f"Cost of an element over the stride. {label}"))
        doubts = [_mark(here, size) for size in ("L2", "DRAM")]
        said.append(f"{label + ': ' if label else ''}{_told(line, unit, reported, doubts)}")
    legend = [Key(name, colours[name], "dash" if name.startswith("numpy") else "line") for name in names]
    intro = [
        "The same number of elements at every stride. While a line holds several of the elements that are used, twice "
        "the stride brings twice the lines; at strides of a line or more each element needs a line of its own, and the "
        "curve is flat. The ratio of that level to the start is what a column of a matrix costs compared with a row.",
        *said,
    ]
    table = columns.table("Every stride", sorted(points, key=lambda point: (point.run, _name(point), _step(point))))
    figure = Figure("Cost of an element by stride", panels, table, "", legend, wide=not runs.several)
    return Section("strides", "Strides", "Strides and the cache line", intro, [figure], topic="memory")


def _columns(runs: Runs, points: Sequence[Point]) -> Columns[Point]:
    first = {(point.run, _name(point)): _cost(point).value for point in sorted(points, key=_step, reverse=True)}

    def over_first(point: Point) -> str:
        return text.amount(_cost(point).value / first[point.run, _name(point)], "×")

    return of_points(
        runs,
        (
            Column("where", _name), axis("stride"), Column("bytes", lambda point: text.size(_step(point))),
            Measured("ns per element", _cost, ITEM_TIME.unit), Column("× the first", over_first), OF_LIMIT, STATUS,
        ),
    )  # fmt: skip


def _lines_of(runs: Runs, index: int) -> tuple[Estimate | None, Estimate | None]:
    """The line's size, from L2, and the bytes that memory moves at a time."""
    found = runs.readings[index].hierarchy
    return found.line, found.unit


def _mark(points: Sequence[Point], size: str) -> str:
    """Why the records are suspect from which a level's line follows, those of the baseline; "" where none is."""
    used = (
        one.record
        for one in points
        if one.bench and one.record.variant == one.bench.baseline and one.text("size") == size
    )
    return mark(*used)


def _told(line: Estimate | None, unit: Estimate | None, reported: int, marks: Sequence[str]) -> str:
    told = f"Measured in L2: a line of {text.size(line.value)}" if line else "In L2 no size of a line was found"
    if line and reported:
        told += ", as the system reports" if line.value == reported else f", where the system reports {reported}"
        told += " (OS in the picture)" if line.value != reported else ""
    told += marks[0]
    if unit:
        told += f"; in memory the cost per element grows up to a stride of {text.size(unit.value)}"
        told += ", a pair of lines" if line and unit.value == 2 * line.value else ""
        told += marks[1]
    return f"{told}."


def _step(point: Point) -> int:
    """The stride in bytes; 0 where the file holds something else there."""
    step = point.record.facts.get("stride_bytes")
    return step if isinstance(step, int) and 0 < step < 2**40 else 0


def _cost(point: Point) -> Estimate:
    return point.seconds.scaled(ITEM_TIME.scale / point.record.counts["items"])


def _name(point: Point) -> str:
    size = point.text("size")
    return f"{point.variant}, {LEVELS.get(size, size)}"
