"""The runs of one page, and what all views read of them: derived once, named alike, coloured alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

from .. import catalog
from ..analysis import derived
from ..analysis.crosscheck import PRESET
from ..analysis.findings import ratio
from ..analysis.hierarchy import Hierarchy, hierarchy
from ..analysis.limits import Limit, level_of, limit_for, measured
from ..bench import Bench
from ..record.estimate import Estimate
from ..record.facts import threads_of
from ..record.model import LEVELS, Metric, Record, Run, contrast_key, same_work
from ..tracking.history import History
from . import theme


@dataclass(frozen=True)
class Point:
    """A timed record as views show it. `run` is its run's position, `value` its median in the leading metric's unit."""

    run: int
    record: Record
    bench: Bench | None
    metric: Metric | None
    seconds: Estimate
    value: Estimate
    limit: Limit | None
    share: float | None
    level: str
    threads: int

    @property
    def unit(self) -> str:
        """The unit of `value`."""
        return self.metric.unit if self.metric else "s"

    @property
    def suspect(self) -> bool:
        """Whether the figure was disturbed."""
        return self.record.status == "suspect"


class Runs(Sequence[Run]):
    """Runs in the order given, and histories that others measured. Views take any runs through `Runs.of`.

    Comparisons with native tools are about the benches, not about a machine: they are set apart as `proofs`, unless
    nothing else was given.
    """

    def __init__(self, runs: Sequence[Run], histories: Sequence[History] = ()) -> None:
        self.proofs = tuple(run for run in runs if run.policy.preset == PRESET)
        self.runs = tuple(run for run in runs if run.policy.preset != PRESET) or self.proofs
        self.histories = tuple(histories)

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Runs:
        """The runs with what was derived of them already, where they are such."""
        return runs if isinstance(runs, cls) else cls(runs)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | Sequence[Run]:
        return self.runs[index]

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    @property
    def several(self) -> bool:
        """Whether there is something to set side by side."""
        return len(self.runs) > 1

    @cached_property
    def labels(self) -> list[str]:
        """A name for each run, no two alike: the machine, then its date, its time, its place in the list."""
        names = [run.machine.name for run in self.runs]
        if not self.several:
            return names
        by_date = [f"{name}, {run.started[:10]}" for name, run in zip(names, self.runs, strict=True)]
        by_time = [f"{name}, {when(run)}" for name, run in zip(names, self.runs, strict=True)]
        by_place = [f"{label} ({i})" for i, label in enumerate(by_time, 1)]
        return next(labels for labels in (by_date, by_time, by_place) if len(set(labels)) == len(labels))

    def row(self, run: int, cells: Sequence[str]) -> Sequence[str]:
        """A table's row, the run's name before it where there are several."""
        return (self.labels[run], *cells) if self.several else cells

    def head(self, cells: Sequence[str]) -> Sequence[str]:
        """The head of a table of such rows."""
        return ("run", *cells) if self.several else cells

    @cached_property
    def benches(self) -> Mapping[str, Bench]:
        """The benches this hwbench knows; a run may hold others, which then have no question and no baseline."""
        return catalog.benches()

    @cached_property
    def limits(self) -> list[list[Limit]]:
        """What each run measured of its machine's limits."""
        return [[limit for limit in measured(run.records) if plausible(limit.value)] for run in self.runs]

    @cached_property
    def hierarchies(self) -> list[Hierarchy]:
        """The levels that each run's sweeps betray, set against the reported ones."""
        return [hierarchy(run) for run in self.runs]

    @cached_property
    def points(self) -> list[Point]:
        """Every timed record of every run."""
        return [
            point
            for index, run in enumerate(self.runs)
            for record in run.records
            if record.timed and (point := self._point(index, run, record)) is not None
        ]

    def _point(self, index: int, run: Run, record: Record) -> Point | None:
        bench = self.benches.get(record.bench)
        reading = derived.performance(record, bench, self.limits[index], run.policy.sizes, run.machine.cpu)
        if not (plausible(reading.value.value) and plausible(reading.seconds.value)):
            return None  # no run of ours: it stays in the table of records, and out of every chart
        return Point(
            index,
            record,
            bench,
            reading.metric,
            reading.seconds,
            reading.value,
            reading.limit,
            reading.share,
            self._level(index, run, record),
            threads_of(record),
        )

    def _level(self, index: int, run: Run, record: Record) -> str:
        """Where the record's data lies: by what bounds its loads, a nearer level where it is too fast for its own."""
        slope = limit_for(record, "load", self.limits[index], run.policy.sizes, run.machine.cpu)
        on_cpu = slope is not None and record.device == "cpu"
        return slope.level if slope and on_cpu else level_of(record, run.policy.sizes, run.machine.cpu)

    @cached_property
    def by_bench(self) -> dict[str, list[Point]]:
        """The points by bench, the benches in the order of the runs."""
        found: dict[str, list[Point]] = {}
        for point in self.points:
            found.setdefault(point.record.bench, []).append(point)
        return found

    @cached_property
    def colours(self) -> dict[str, str]:
        """A colour for each variant, the same in every chart of the page."""
        together: dict[str, set[str]] = {}
        for run in self.runs:
            for record in run.records:
                together.setdefault(record.bench, set()).add(record.variant)
        return theme.assign(together.values())

    @cached_property
    def _bases(self) -> dict[tuple[int, object], Record]:
        """The baseline's record of each contrast."""
        return {
            (point.run, contrast_key(point.record)): point.record
            for point in self.points
            if point.bench is not None and point.record.variant == point.bench.baseline
        }

    def against_baseline(self, point: Point) -> Estimate | None:
        """Seconds of a point over those of its contrast's baseline; None for itself or without one of the same work."""
        base = self._bases.get((point.run, contrast_key(point.record)))
        alike = base is not None and base is not point.record and same_work(base, point.record)
        return ratio(point.record, base) if base is not None and alike else None


def when(run: Run) -> str:
    """`2026-11-22 18:27`, in UTC."""
    return run.started[:16].replace("T", " ")


def plausible(value: float) -> bool:
    """Whether a chart can show it: 10³⁰ is far beyond any machine, and near to where scales lose their digits."""
    return math.isfinite(value) and 1e-30 < value < 1e30


def swept(record: Record) -> bool:
    """Whether the record is a point of a sweep of sizes and not of the labelled ones."""
    return "size" in record.params and record.params["size"] not in LEVELS


def _n(point: Point) -> int:
    """The value of n; 0 where a file has something else there."""
    n = point.record.params.get("n")
    return n if isinstance(n, int) and 0 < n < 2**31 else 0
