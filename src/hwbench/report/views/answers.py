"""Benches whose answer is a fact and no rate: layers that a gradient survives, cycles of a simulated array."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...record import text
from ...record.model import Answer, BenchInfo, Record, Scalar
from .. import charts, format
from ..columns import STATUS, VARIANT, Column, against_baseline, table, worded
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel, Spec

ROWS = 8  # cases that a chart shows
ALIKE = 0.01  # variants whose facts differ by less are one bar
LARGEST = 1e30
DIRECTION = {True: ", more is better", False: ", less is better", None: ""}

Params = tuple[tuple[str, Scalar], ...]


def figure(runs: Runs, name: str, points: Sequence[Point], bench: BenchInfo) -> Figure | None:
    """A chart for each answer, a bar for each case; None where no record has the facts."""
    panels: list[Panel] = []
    legend: dict[str, Key] = {}
    most = 0
    for run in dict.fromkeys(point.run for point in points):
        for answer in bench.answers:
            found = [point for point in points if point.run == run and of(point.record, answer) is not None]
            cases = list(dict.fromkeys(_params(point) for point in found))
            if not cases:
                continue
            most = max(most, len(cases))
            shown = [point for point in found if _params(point) in cases[:ROWS]]
            panel, keys = _panel(runs, name, answer, shown)
            panels.append(Panel(answer.name + runs.suffix(run), panel, f"{name}: {answer.name}"))
            legend |= keys
    if not panels:
        return None
    told = bench.question + (f" The first {ROWS} of {most} cases are drawn; the table has all." if most > ROWS else "")
    columns: tuple[Column[Point], ...] = (
        *(worded(axis, bench.axes.get(axis, "")) for axis in _varying(points)),
        VARIANT,
        *map(_column, bench.answers),
        Column("one execution", lambda point: text.seconds(point.seconds.value)),
        against_baseline(runs, f"against {bench.baseline}"),
        STATUS,
    )
    every = table(runs, f"{name}: every case", columns, points, lambda point: point.run)
    return Figure(name, panels, every, told, list(legend.values()), wide=len(panels) == 1)


def of(record: Record, answer: Answer) -> float | None:
    """The answer in its unit; None where the record has no such fact: a file may hold anything."""
    found = record.facts.get(answer.fact)
    if answer.at is not None:
        inside = isinstance(found, list) and -len(found) <= answer.at < len(found)
        found = found[answer.at] if isinstance(found, list) and inside else None
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    value = found * answer.scale
    return value if math.isfinite(value) and 0 <= value < LARGEST else None


def _column(answer: Answer) -> Column[Point]:
    head = f"{answer.name}, {answer.unit}" if answer.unit else answer.name
    return Column(head, lambda point: text.amount(of(point.record, answer)))


def _panel(runs: Runs, name: str, answer: Answer, points: Sequence[Point]) -> tuple[Spec, dict[str, Key]]:
    values = [value for point in points if (value := of(point.record, answer)) is not None]
    single = _alike(points, answer)
    if single:
        points = list({_params(point): point for point in reversed(points)}.values())[::-1]
    axes = _varying(points)
    low, top = charts.value_range(values)
    logarithmic = top / low > charts.WIDE
    marks = []
    for point in points:
        value = of(point.record, answer) or 0.0
        label = _said(value, answer)
        marks.append(
            charts.Mark(
                "" if single else point.variant, "c1" if single else runs.colours[point.variant],
                format.case(point.record), value if value or not logarithmic else None, unit=answer.unit,
                group=_group(point, axes), label=label, more=_time(point),
            )
        )  # fmt: skip
    series = list(dict.fromkeys(mark.series for mark in marks))
    unit = (answer.unit or answer.name.partition(",")[0]) + DIRECTION[answer.higher]
    spec = charts.bars(
        marks, groups=list(dict.fromkeys(mark.group for mark in marks)), series=series, unit=unit, top=top,
        bottom=low if logarithmic else None, best=True, more="one execution takes",
        alt_text=f"{name}: {answer.name}",
    )  # fmt: skip
    return spec, {} if single else {name: Key(name, runs.colours[name]) for name in series}


def _time(point: Point) -> str:
    """`351 ns`, `351 ns~`: what disturbs a time leaves a fact as it is, so the mark itself has no doubt."""
    return text.seconds(point.seconds.value) + text.DOUBTFUL * point.suspect


def _said(value: float, answer: Answer) -> str:
    return f"{text.amount(value)}{answer.unit}" if answer.unit == "%" else text.amount(value, answer.unit)


def _alike(points: Sequence[Point], answer: Answer) -> bool:
    """Whether each case has one answer, whatever the variant."""
    found: dict[Params, list[float]] = {}
    for point in points:
        found.setdefault(_params(point), []).append(of(point.record, answer) or 0.0)
    return all(max(values) - min(values) <= ALIKE * max(values) for values in found.values())


def _params(point: Point) -> Params:
    return tuple(point.record.params.items())


def _varying(points: Sequence[Point]) -> list[str]:
    values: dict[str, set[Scalar]] = {}
    for point in points:
        for axis, value in point.record.params.items():
            values.setdefault(axis, set()).add(value)
    return [axis for axis, found in values.items() if len(found) > 1]


def _group(point: Point, axes: Sequence[str]) -> str:
    return ", ".join(format.value_of(axis, point.record.params.get(axis, ""), point.threads) for axis in axes)
