"""The runs of one page, prepared for all views: each figure derived once, each variant in one colour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

from ..analysis.crosscheck import PRESET
from ..analysis.findings import findings
from ..analysis.headline import CPU
from ..analysis.hierarchy import Hierarchy
from ..analysis.limits import Limit, plausible
from ..analysis.ratios import ratio
from ..analysis.reading import Reading, Share
from ..bench import Bench
from ..record.estimate import Estimate
from ..record.facts import this_cpu, threads_of, variant_on
from ..record.model import GPU_LEVELS, LEVELS, BenchInfo, Metric, Record, Run, contrast_key, same_work
from ..tracking.history import History
from . import theme


@dataclass(frozen=True)
class Point:
    """A timed record as views show it. `run` is its run's index, `value` its median in the leading metric's unit.

    `variant` is what the page calls the record's variant, see `Runs.variant`.
    """

    run: int
    record: Record
    variant: str
    bench: BenchInfo | None
    metric: Metric | None
    seconds: Estimate
    value: Estimate
    of_limit: Share | None
    level: str
    threads: int

    @property
    def limit(self) -> Limit | None:
        """The limit that bounds it."""
        return self.of_limit.limit if self.of_limit else None

    @property
    def share(self) -> float | None:
        """The share of that limit."""
        return self.of_limit.value if self.of_limit else None

    @property
    def unit(self) -> str:
        """The unit of `value`."""
        return self.metric.unit if self.metric else "s"

    @property
    def suspect(self) -> bool:
        """Whether something disturbed the measurement."""
        return self.record.status == "suspect"

    @property
    def status(self) -> str:
        """The record's status: ok or suspect, for only these have a time."""
        return self.record.status

    @property
    def n(self) -> int:
        """The value of the axis `n`; 0 where the file holds something else there."""
        n = self.record.params.get("n")
        return n if isinstance(n, int) and 0 < n < 2**63 else 0

    def text(self, axis: str) -> str:
        """The value of an axis as the file states it; "" where it has no such axis."""
        return str(self.record.params.get(axis, ""))


class Runs(Sequence[Run]):
    """Runs in the order given, and histories that asv and pytest-benchmark measured.

    Questions, baselines and limits are those that the runs state. `catalogue` holds the installed benches by name, for
    their findings, and for runs of earlier versions, which state nothing of their benches.
    Comparisons with native tools check the benches and describe no machine: they are kept apart as `proofs`, unless
    nothing else was given.
    """

    def __init__(
        self, runs: Sequence[Run | Reading], histories: Sequence[History] = (), *, catalogue: Mapping[str, Bench]
    ) -> None:
        self.catalogue = catalogue
        readings = [Reading.of(run, catalogue) for run in runs]
        self.proofs = tuple(one.given for one in readings if one.given.policy.preset == PRESET)
        self.readings = tuple(one for one in readings if one.given.policy.preset != PRESET) or tuple(readings)
        self.given = tuple(reading.given for reading in self.readings)  # as the files have them
        self.runs = tuple(reading.run for reading in self.readings)
        self.histories = tuple(histories)

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
        """Whether there is more than one run."""
        return len(self.runs) > 1

    @cached_property
    def labels(self) -> list[str]:
        """A distinct name for each run: the machine, and as far as needed its date, its time, its index."""
        names = [run.machine.name for run in self.runs]
        if not self.several:
            return names
        by_date = [f"{name}, {run.started[:10]}" for name, run in zip(names, self.runs, strict=True)]
        by_time = [f"{name}, {when(run)}" for name, run in zip(names, self.runs, strict=True)]
        by_place = [f"{label} ({i})" for i, label in enumerate(by_time, 1)]
        return next(labels for labels in (by_date, by_time, by_place) if len(set(labels)) == len(labels))

    def row(self, run: int, cells: Sequence[str]) -> Sequence[str]:
        """A row of a table, preceded by the run's name where there are several runs."""
        return (self.labels[run], *cells) if self.several else cells

    def head(self, cells: Sequence[str]) -> Sequence[str]:
        """The head of a table of such rows."""
        return ("run", *cells) if self.several else cells

    def suffix(self, run: int) -> str:
        """` · laptop`: the run's name at the end of a title; "" for a lone run."""
        return f" · {self.labels[run]}" if self.several else ""

    @cached_property
    def limits(self) -> list[list[Limit]]:
        """What each run measured of its machine's limits."""
        return [reading.limits for reading in self.readings]

    @cached_property
    def hierarchies(self) -> list[Hierarchy]:
        """The cache levels that each run's sweeps show, beside those that its system reports."""
        return [reading.hierarchy for reading in self.readings]

    @cached_property
    def points(self) -> list[Point]:
        """Every timed record of every run."""
        return [
            point
            for index, reading in enumerate(self.readings)
            for record in reading.records
            if record.timed and (point := self._point(index, reading, record)) is not None
        ]

    def _point(self, index: int, reading: Reading, record: Record) -> Point | None:
        found = reading.performance(record)
        if not (plausible(found.value.value) and plausible(found.seconds.value)):
            return None  # no real measurement: it is listed in the table of records and drawn in no chart
        return Point(
            index,
            record,
            self.variant(index, record),
            reading.benches.get(record.bench),
            found.metric,
            found.seconds,
            found.value,
            found.share,
            reading.level(record),
            threads_of(record),
        )

    @cached_property
    def benches(self) -> dict[str, BenchInfo]:
        """What is stated of each bench: by the first run that has it, else by the catalogue."""
        stated = {name: info for run in reversed(self.runs) for name, info in run.benches.items()}
        return {name: bench.info for name, bench in self.catalogue.items()} | stated

    def measuring(self, *kinds: str) -> list[Point]:
        """The points of all benches that measure one of these kinds, by the kinds' order."""
        return [
            point
            for kind in kinds
            for points in self.by_bench.values()
            for point in points
            if point.bench is not None and point.bench.measures == kind
        ]

    @cached_property
    def by_bench(self) -> dict[str, list[Point]]:
        """The points by bench, the benches in the order of the runs."""
        found: dict[str, list[Point]] = {}
        for point in self.points:
            found.setdefault(point.record.bench, []).append(point)
        return found

    @cached_property
    def findings(self) -> dict[str, list[str]]:
        """The findings by bench; where there are several runs, each with the run's name before it."""
        found: dict[str, list[str]] = {}
        for label, reading in zip(self.labels, self.readings, strict=True):
            for name, sentences in findings(reading, self.catalogue.values()).items():
                found.setdefault(name, []).extend(
                    f"{label}: {sentence}" if self.several else sentence for sentence in sentences
                )
        return found

    @cached_property
    def colours(self) -> dict[str, str]:
        """A colour for each variant as it is called here, the same in every chart of the page."""
        together: dict[str, set[str]] = {}
        for index, run in enumerate(self.runs):
            for record in run.records:
                together.setdefault(record.bench, set()).add(self.variant(index, record))
        return theme.assign(together.values())

    def variant(self, index: int, record: Record) -> str:
        """What a record's variant is called: `opencl (this CPU)`, and with its device where others have it, too."""
        if record.device == CPU:
            return record.variant
        run, several = self.runs[index], len(self._devices[index].get((record.bench, record.variant), ())) > 1
        return variant_on(run, record) if several or this_cpu(run, record.device) else record.variant

    @cached_property
    def _devices(self) -> list[dict[tuple[str, str], set[str]]]:
        """The devices that each variant of each bench was timed on, by run."""
        found: list[dict[tuple[str, str], set[str]]] = []
        for run in self.runs:
            found.append({})
            for record in run.records:
                if record.timed:
                    found[-1].setdefault((record.bench, record.variant), set()).add(record.device)
        return found

    @cached_property
    def _bases(self) -> dict[tuple[int, object], Record]:
        """The baseline's record of each contrast."""
        return {
            (point.run, contrast_key(point.record)): point.record
            for point in self.points
            if point.bench is not None and point.record.variant == point.bench.baseline
        }

    def against_baseline(self, point: Point) -> Estimate | None:
        """Seconds of a point over those of its contrast's baseline; None for the baseline, or if the work differs."""
        base = self._bases.get((point.run, contrast_key(point.record)))
        alike = base is not None and base is not point.record and same_work(base, point.record)
        return ratio(point.record, base) if base is not None and alike else None


def when(run: Run) -> str:
    """`2026-11-22 18:27`, in UTC."""
    return run.started[:16].replace("T", " ")


def swept(record: Record) -> bool:
    """Whether the record's size is a point of a sweep, not a label such as L1 or, on a GPU, HBM."""
    return "size" in record.params and record.params["size"] not in (*LEVELS, *GPU_LEVELS)
