"""Scaling: rates over threads beside the ideal and the best serial loop, of three kinds of work.

Hoefler and Belli's first rule: absolute figures, and what a speed-up is based on: one thread of the same prange loop.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...analysis.headline import Headline
from ...analysis.ratios import ratio
from ...record import text
from ...record.estimate import Estimate
from ...record.model import BANDWIDTH, FLOP_RATE, Metric
from ...record.phrases import counted
from ...record.reasons import words_of
from .. import charts, format
from ..columns import Column, Columns, Measured
from ..dataset import Point, Runs
from ..sections import Block, Figure, Key, Notes, Panel, Section
from . import beside_serial, overhead

MEASURES = "scaling"
SLOTS = ("c1", "c2", "c3", "c7", "c4", "c6", "c5", "c8")
SERIAL = {"triad": "dram.triad.one"}  # work whose best serial loop another bench measures
SERIAL_KEY = "best serial loop of the run, 1 thread"


@dataclass(frozen=True)
class Speedup:
    """A case against one thread: work a second over work a second, so that it fits strong and weak scaling."""

    point: Point
    value: Estimate

    @property
    def work(self) -> str:
        """What kind of work is shared."""
        return self.point.text("work")

    @property
    def metric(self) -> Metric | None:
        """The rate of the work: bytes where it does less than an operation a byte, else operations."""
        moved, done = (self.point.record.counts.get(name, 0.0) for name in ("bytes", "flops"))
        return FLOP_RATE if done and done >= moved else BANDWIDTH if moved else None

    @property
    def rate(self) -> Estimate:
        """The rate in its unit; executions a second where the work is not counted."""
        metric = self.metric
        amount = self.point.record.counts[metric.count] * metric.scale if metric else 1.0
        return self.point.seconds.inverse(amount)

    @property
    def unit(self) -> str:
        """The unit of `rate`."""
        return self.metric.unit if self.metric else "1/s"

    @property
    def efficiency(self) -> float:
        """The speed-up a thread."""
        return self.value.value / self.point.threads

    @property
    def serial(self) -> float | None:
        """Karp and Flatt's experimentally determined serial fraction; only a fixed amount of work has one."""
        p, s = self.point.threads, self.value.value
        if p < 2 or self.weak:
            return None
        return (1 / s - 1 / p) / (1 - 1 / p)

    @property
    def weak(self) -> bool:
        """Whether the work grows with the threads."""
        return self.point.text("scaling") == "weak"


VARIANT: Column[Speedup] = Column("variant", lambda speedup: speedup.point.variant)
WORK: Column[Speedup] = Column("work", lambda speedup: speedup.work)
THREADS: Column[Speedup] = Column("threads", lambda speedup: str(speedup.point.threads))
EFFICIENCY: Column[Speedup] = Column("efficiency", lambda speedup: format.share(speedup.efficiency))
SHARE: Measured[Speedup] = Measured(
    "% of the ideal", lambda speedup: speedup.value.scaled(100 / speedup.point.threads), "%"
)
STATUS: Column[Speedup] = Column("status", lambda speedup: speedup.point.status)
SERIAL_FRACTION: Column[Speedup] = Column("serial fraction", lambda speedup: text.amount(speedup.serial))


def view(runs: Runs) -> Section | None:
    """One chart for each kind of work; None without one thread and more to compare."""
    speedups = _speedups(runs)
    more = [one for one in (beside_serial.figure(runs), overhead.figure(runs)) if one is not None]
    if not any(speedup.point.threads > 1 for speedup in speedups):
        return _section(more) if more else None
    columns: Columns[Speedup] = Columns(
        runs,
        lambda speedup: speedup.point,
        (
            WORK, Column("scaling", lambda speedup: speedup.point.text("scaling")),
            *([VARIANT] if len({speedup.point.variant for speedup in speedups}) > 1 else []), THREADS,
            Measured("rate", lambda speedup: speedup.rate), Column("unit", lambda speedup: speedup.unit),
            Measured("speed-up", lambda speedup: speedup.value, "×"), EFFICIENCY, SERIAL_FRACTION,
            Column("over the best serial loop", lambda speedup: _over_serial(runs, speedup)), STATUS,
        ),
        draws=Measured("rate", lambda speedup: speedup.rate),
    )  # fmt: skip
    series = _series(runs, speedups)
    panels = []
    for work in dict.fromkeys(speedup.work for speedup in speedups):
        here = [speedup for speedup in speedups if speedup.work == work]
        unit = here[0].unit
        marks = [
            replace(
                columns.mark(
                    speedup,
                    series=(name := _name(runs, speedup.point)),
                    colour=series[name],
                    x=float(speedup.point.threads),
                    dash="dash" if speedup.weak else "",
                    more=f"{text.times(speedup.value)} one thread, {format.share(speedup.efficiency)} of the ideal",
                ),
                unit=unit,
            )
            for speedup in here
            if speedup.unit == unit
        ]
        most = max(speedup.point.threads for speedup in here)
        one = max(speedup.rate.value for speedup in here if speedup.point.threads == 1)
        marks += _serial_marks(runs, work, most, unit)
        spec = charts.lines(
            marks, x_title="threads", y_title=unit, x_kind="threads", log_y=False, height=240,
            x_domain=(1.0, float(most)), ideal=[(1.0, one), (float(most), most * one)], more="speed-up",
            alt_text=f"{unit} over threads for {work or 'the work'}, beside the ideal line.",
        )  # fmt: skip
        panels.append(Panel(work, spec, f"{unit} over threads, {work}"))
    legend = [Key(name, colour, "dash" if name.startswith("weak") else "line") for name, colour in series.items()]
    legend.append(Key("ideal: one thread times their number", "ink-2", "dots"))
    if any(_serial(runs, index, speedup.work) for index in range(len(runs)) for speedup in speedups):
        legend.append(Key(SERIAL_KEY, "ink", "line"))
    table = columns.table("Every thread count", speedups)
    blocks: list[Block] = [Figure("Rate over threads", panels, table, "", legend, narrow=True)]
    return _section([*blocks, _efficiency(runs, speedups), *more])


def _serial(runs: Runs, run: int, work: str) -> Headline | None:
    """The fastest loop of one thread that does the same work, in any bench of the run; None where none was measured."""
    return runs.readings[run].get(SERIAL[work]) if work in SERIAL else None


def _serial_marks(runs: Runs, work: str, most: int, unit: str) -> list[charts.Mark]:
    """A level line for each run."""
    return [
        charts.Mark(
            SERIAL_KEY + runs.suffix(index), "ink", found.record, found.value * BANDWIDTH.scale, unit=unit, x=float(x),
            more="the base of 'over the best serial loop'", suspect=", ".join(map(words_of, found.doubt or ())),
        )
        for index in range(len(runs))
        if (found := _serial(runs, index, work)) is not None and unit == BANDWIDTH.unit
        for x in (1, most)
    ]  # fmt: skip


def _over_serial(runs: Runs, speedup: Speedup) -> str:
    found = _serial(runs, speedup.point.run, speedup.work)
    if found is None or speedup.metric is not BANDWIDTH:
        return text.NOTHING
    return text.times(speedup.rate.value / (found.value * BANDWIDTH.scale)) + text.DOUBTFUL * bool(found.doubt)


def _section(blocks: Sequence[Block]) -> Section:
    intro = [
        "More threads on the same loop, in GB/s where it moves memory and in GFLOP/s where it computes. A speed-up is "
        "over one thread of the same prange loop. The best serial loop stands beside work that another bench measures "
        "serially: the triad, additions and a*b + c*d; of the polynomial and the uneven work there is none. The dotted "
        "line is the ideal: twice the threads, twice the work a second. "
        "Strong scaling divides a fixed amount of work; weak scaling (dashed) gives every thread as much work as one "
        "thread had.",
        "Memory-bound work levels off where the bandwidth of memory is used up; compute-bound work grows with the "
        "cores. The serial fraction (Karp and Flatt) is the part that behaves as if it were not parallel; where it "
        "grows with the threads, overhead is the cause.",
    ]
    return Section("scaling", "Scaling", "Scaling with threads", intro, blocks, topic="threads")


def _efficiency(runs: Runs, speedups: Sequence[Speedup]) -> Figure | Notes:
    """What is left of each thread as they become more, in strong scaling, and what Karp and Flatt make of it.

    Two points are no curve: then a sentence for each work.
    """
    strong = [speedup for speedup in speedups if not speedup.weak] or speedups
    if max(len({one.point.threads for one in strong if one.point.run == run}) for run in range(len(runs))) <= 2:
        return Notes("Efficiency", [_said(runs, speedup) for speedup in strong if speedup.point.threads > 1])
    works = list(dict.fromkeys(speedup.work for speedup in strong))
    colours = dict(zip(works, itertools.cycle(SLOTS), strict=False))
    columns: Columns[Speedup] = Columns(
        runs,
        lambda speedup: speedup.point,
        (WORK, THREADS, EFFICIENCY, SERIAL_FRACTION, STATUS),
        more="efficiency",
        draws=SHARE,
    )
    panels = []
    for _, label, here in columns.by_run(strong):
        marks = [
            columns.mark(speedup, series=speedup.work, colour=colours[speedup.work], x=float(speedup.point.threads))
            for speedup in here
        ]
        most = float(max(speedup.point.threads for speedup in here))
        top = 1.08 * max(100.0, *(mark.value for mark in marks if mark.value is not None))
        spec = charts.lines(
            marks, x_title="threads", y_title=columns.title, x_kind="threads", log_y=False, height=240,
            x_domain=(1.0, most), y_domain=(0.0, top), ideal=[(1.0, 100.0), (most, 100.0)], more=columns.more,
            alt_text="Efficiency over threads for each kind of work.",
        )  # fmt: skip
        panels.append(Panel(label, spec, "Efficiency over threads"))
    table = columns.table("Efficiency and serial fraction", strong)
    told = (
        "Each thread's share of the ideal. Where it falls at a constant serial fraction, a part of the work is not "
        "parallel; where the fraction grows too, the threads have overhead or wait for the same memory."
    )
    legend = [Key(work, colours[work], "line") for work in works]
    return Figure("Efficiency", panels, table, told, legend, wide=not runs.several)


def _said(runs: Runs, speedup: Speedup) -> str:
    """A sentence: rate, speed-up, share of the ideal and serial fraction."""
    run = f"{runs.labels[speedup.point.run]}: " if runs.several else ""
    said = f"{run}{speedup.work}, {counted(speedup.point.threads, 'thread')}: {text.amount(speedup.rate, speedup.unit)}"
    said += f", {text.times(speedup.value)} one thread, {format.share(speedup.efficiency)} of the ideal"
    if speedup.serial is not None:
        said += f"; serial fraction {text.amount(speedup.serial)}"
    return f"{said}{', suspect' * speedup.point.suspect}."


def _speedups(runs: Runs) -> list[Speedup]:
    points = runs.measuring(MEASURES)
    ones = {_apart(point): point for point in points if point.threads == 1}
    found = []
    for point in points:
        one = ones.get(_apart(point))
        if one is None:
            continue
        if one is point:
            found.append(Speedup(point, Estimate(1.0, 1.0, 1.0)))
            continue
        count = next(
            (
                name
                for name in ("items", "flops", "bytes")
                if point.record.counts.get(name) and one.record.counts.get(name)
            ),
            None,
        )
        grown = point.record.counts[count] / one.record.counts[count] if count else 1.0
        found.append(Speedup(point, ratio(point.record, one.record).inverse(grown)))
    return sorted(found, key=lambda speedup: (speedup.point.run, _apart(speedup.point), speedup.point.threads))


def _apart(point: Point) -> tuple[object, ...]:
    """What a case and its one-thread twin share."""
    rest = sorted((axis, str(value)) for axis, value in point.record.params.items() if axis != "threads")
    return (point.run, point.record.variant, *rest)


def _name(runs: Runs, point: Point) -> str:
    names = [point.text("scaling")]
    names += [point.variant] if len({p.variant for p in runs.measuring(MEASURES)}) > 1 else []
    names += [runs.labels[point.run]] if runs.several else []
    return ", ".join(name for name in names if name) or point.variant


def _series(runs: Runs, speedups: Sequence[Speedup]) -> dict[str, str]:
    """A colour for each line: for each run where there are several, so that only the dash tells strong from weak."""
    names: dict[str, int] = {}
    for speedup in speedups:
        name = _name(runs, speedup.point)
        names.setdefault(name, speedup.point.run if runs.several else len(names))
    return {name: SLOTS[place % len(SLOTS)] for name, place in names.items()}
