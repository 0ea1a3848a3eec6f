"""Scaling: the speed-up of more threads against the ideal line, for work bound by memory, by arithmetic, and uneven."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ...analysis.ratios import ratio
from ...record import text
from ...record.estimate import Estimate
from .. import charts, format
from ..columns import Column, Columns, Measured
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel, Section
from . import overhead

MEASURES = "scaling"
SLOTS = ("c1", "c2", "c3", "c7", "c4", "c6", "c5", "c8")


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


WORK: Column[Speedup] = Column("work", lambda speedup: speedup.work)
THREADS: Column[Speedup] = Column("threads", lambda speedup: str(speedup.point.threads))
EFFICIENCY: Column[Speedup] = Column("efficiency", lambda speedup: format.share(speedup.efficiency))
SHARE: Measured[Speedup] = Measured(
    "% of the ideal", lambda speedup: speedup.value.scaled(100 / speedup.point.threads), "%"
)
STATUS: Column[Speedup] = Column("status", lambda speedup: speedup.point.status)
SERIAL: Column[Speedup] = Column("serial fraction", lambda speedup: text.amount(speedup.serial))


def view(runs: Runs) -> Section | None:
    """One chart for each kind of work; None without one thread and more to compare."""
    speedups = _speedups(runs)
    price = overhead.figure(runs)
    if not any(speedup.point.threads > 1 for speedup in speedups):
        return _section([price]) if price is not None else None
    columns: Columns[Speedup] = Columns(
        runs,
        lambda speedup: speedup.point,
        (
            WORK, Column("scaling", lambda speedup: speedup.point.text("scaling")),
            Column("variant", lambda speedup: speedup.point.variant), THREADS,
            Measured("speed-up", lambda speedup: speedup.value, "×"), EFFICIENCY, SERIAL,
            STATUS,
        ),
        more="efficiency",
    )  # fmt: skip
    most = max(speedup.point.threads for speedup in speedups)
    highest = max([float(most), *(speedup.value.value for speedup in speedups)]) * 1.08
    series = _series(runs, speedups)
    panels = []
    for work in dict.fromkeys(speedup.work for speedup in speedups):
        marks = [
            columns.mark(
                speedup,
                series=(name := _name(runs, speedup.point)),
                colour=series[name],
                x=float(speedup.point.threads),
                dash="dash" if speedup.weak else "",
            )
            for speedup in speedups
            if speedup.work == work
        ]
        spec = charts.lines(
            marks,
            x_title="threads",
            y_title="speed-up over one thread",
            x_kind="threads",
            log_y=False,
            height=240,
            x_domain=(1.0, float(most)),
            y_domain=(0.0, highest),
            ideal=[(1.0, 1.0), (float(most), float(most))],
            more=columns.more,
            alt_text=f"Speed-up over threads for {work or 'the work'}, beside the ideal line.",
        )
        panels.append(Panel(work, spec, f"Speed-up over threads, {work}"))
    legend = [Key(name, colour, "dash" if name.startswith("weak") else "line") for name, colour in series.items()]
    legend.append(Key("ideal", "ink-2", "dots"))
    table = columns.table("Every thread count", speedups)
    blocks = [Figure("Speed-up", panels, table, "", legend, narrow=True), _efficiency(runs, speedups)]
    return _section([block for block in (*blocks, price) if block is not None])


def _section(blocks: Sequence[Figure]) -> Section:
    intro = [
        "More threads on the same loop. The dotted line is the ideal: twice the threads, twice the work a second. "
        "Strong scaling divides a fixed amount of work; weak scaling (dashed) gives every thread as much work as one "
        "thread had.",
        "Memory-bound work levels off where the bandwidth of memory is used up; compute-bound work grows with the "
        "cores. The serial fraction (Karp and Flatt) is the part that behaves as if it were not parallel; where it "
        "grows with the threads, overhead is the cause.",
    ]
    return Section("scaling", "Scaling", "Scaling with threads", intro, blocks, topic="threads")


def _efficiency(runs: Runs, speedups: Sequence[Speedup]) -> Figure:
    """What is left of each thread as they become more, in strong scaling, and what Karp and Flatt make of it."""
    strong = [speedup for speedup in speedups if not speedup.weak] or speedups
    works = list(dict.fromkeys(speedup.work for speedup in strong))
    colours = dict(zip(works, itertools.cycle(SLOTS), strict=False))
    columns: Columns[Speedup] = Columns(
        runs, lambda speedup: speedup.point, (WORK, THREADS, EFFICIENCY, SERIAL, STATUS), more="efficiency", draws=SHARE
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
