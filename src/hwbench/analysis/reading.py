"""The reading of a run: the one place that answers for its limits, its shares of them and its headline quantities.

Terminal, report, findings and extra figures of other tools take a record's figures, its limit and its marks from here.
Device and threads are those of the record. A figure above its limit, a twin that disagrees, and whatever disturbed
measuring mark a record as suspect; a doubtful value is shown with its mark and never replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from msgspec.structs import replace

from ..record import text
from ..record.estimate import Estimate, estimate
from ..record.facts import threads_of
from ..record.measures import TOLERANCE
from ..record.model import LEVELS, BenchInfo, Metric, Record, Run, metrics
from ..record.phrases import ABOVE, SUSPECT_LIMIT
from . import run_quality
from .headline import Headline, Rate, fastest, headline
from .hierarchy import Found, Hierarchy, hierarchy, levels_of
from .limits import Limit, comparable, limit_for, measured, plausible, serving, serving_level, share, sharers
from .measures import Benches, Catalogue, kind_of
from .plausibility import concluded

# By kind of device: the kinds of limits that are a roofline's slopes, and those that are its ceilings.
ROOFS = {"cpu": (("load",), ("fma",)), "gpu": (("copy", "triad"), ("fma", "gpu matmul"))}
ROOFS["opencl"] = ROOFS["gpu"]


@dataclass(frozen=True)
class Share:
    """The share of its limit that a record's median reaches, with the codes of the doubts about it.

    `above_limit`: it is more than two measurements of one limit may differ by. `suspect_limit`: the limit was
    disturbed.
    """

    value: float
    limit: Limit
    doubt: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The share in per cent, with a `~` where it is doubtful."""
        return text.share(self.value) + text.DOUBTFUL * bool(self.doubt)


@dataclass(frozen=True)
class Performance:
    """A timed record as shown: seconds per call, the leading metric, the share of its limit, and its marks' codes."""

    seconds: Estimate
    metric: Metric | None
    value: Estimate
    share: Share | None
    doubt: tuple[str, ...] = ()

    @property
    def unit(self) -> str:
        """The unit of `value`."""
        return self.metric.unit if self.metric else "s"


class Reading:
    """What a run says.

    `given` is the run as the file has it, `run` the run with the declarations of its benches and the verdicts of its
    own limits and twins on its records. What the file does not say of its benches is looked up in `catalogue`.
    """

    def __init__(self, run: Run, catalogue: Catalogue | None = None) -> None:
        self.given = run
        self.run = concluded(run, catalogue)

    @classmethod
    def of(cls, run: Run | Reading, catalogue: Catalogue | None = None) -> Reading:
        """The reading of a run, or the one given."""
        return run if isinstance(run, Reading) else cls(run, catalogue)

    @property
    def benches(self) -> Benches:
        """What the run's benches declare, by name."""
        return self.run.benches

    @property
    def records(self) -> list[Record]:
        """The run's records, with their marks."""
        return self.run.records

    @cached_property
    def limits(self) -> list[Limit]:
        """What the run measured of its machine's limits."""
        return [limit for limit in measured(self.records, self.benches) if plausible(limit.value)]

    @cached_property
    def hierarchy(self) -> Hierarchy:
        """The cache levels that the run's sweeps show, beside those that its system reports."""
        return hierarchy(self.run, self.levels)

    @cached_property
    def levels(self) -> Found:
        """The part of `hierarchy` that limits need: to find it takes a third of the time."""
        return levels_of(self.run)

    @cached_property
    def headline(self) -> list[Headline]:
        """The headline quantities that the run has."""
        return headline(self.run)

    @cached_property
    def checks(self) -> list[run_quality.Check]:
        """What may speak against the run."""
        return run_quality.check(self.run)

    def get(self, name: str, device: str = "cpu") -> Headline | None:
        """A headline quantity by its name: `reading.get("dram.latency")`; None where it was not measured."""
        return next((one for one in self.headline if (one.name, one.device) == (name, device)), None)

    @cached_property
    def who(self) -> str:
        """The threads that a machine's first figures are of: `all` where memory or a peak was measured on all of them.

        Else `one`: headline quantities of a CPU are named by it.
        """
        names = [one.name for one in self.headline]
        return "all" if any(name.startswith(("dram.", "peak.f")) and name.endswith(".all") for name in names) else "one"

    def memory(self, device: str = "cpu") -> Headline | None:
        """The bandwidth that stands for a device's memory: of reading, else of copying, else of the triad."""
        names = [f"{'dram' if device == 'cpu' else 'hbm'}.{kernel}" for kernel in ("read", "copy", "triad")]
        return self._first([f"{name}.{self.who}" if device == "cpu" else name for name in names], device)

    def link(self, way: str, device: str) -> Headline | None:
        """The bandwidth of the link to a GPU, `h2d` or `d2h`: from pinned memory, else from pageable memory."""
        return self._first([f"{way}.{memory}" for memory in ("pinned", "pageable")], device)

    def _first(self, names: Sequence[str], device: str) -> Headline | None:
        return next((found for name in names if (found := self.get(name, device)) is not None), None)

    def limit_for(self, record: Record, kind: str | None = None) -> Limit | None:
        """The limit of this kind that bounds the record; without a kind, the one that its bench should touch.

        Data larger than the last cache was measured to be are bounded by memory; by nothing where they are faster.
        """
        info = self.benches.get(record.bench)
        kind = kind or (info.limit if info is not None else None)
        limit = limit_for(record, kind, self.limits, self.run.policy.sizes, self.run.machine.cpu)
        if kind is None or limit is None or not self._outgrown(record, limit):
            return limit
        at = replace(record, params={**record.params, "size": LEVELS[-1]})
        memory = limit_for(at, kind, self.limits, self.run.policy.sizes, self.run.machine.cpu)
        reached = share(record, memory, min(record.samples)) if memory is not None and record.timed else None
        return memory if reached is None or reached <= TOLERANCE else None

    def _outgrown(self, record: Record, limit: Limit) -> bool:
        """Whether the limit is of the last cache, and the record's data exceed the size that was measured of it."""
        size, cpu = record.facts.get("footprint"), self.run.machine.cpu
        if record.device != "cpu" or record.params.get("size") in LEVELS or not isinstance(size, int | float):
            return False
        if limit.level in ("", LEVELS[-1]) or (last := self.levels.last) is None or last.cache is None:
            return False
        if last.size is None or last.unsure or limit.level != f"L{last.cache.level}":
            return False
        return size * sharers(limit.level, threads_of(record), cpu) > last.size.high

    def share(self, record: Record, kind: str | None = None) -> Share | None:
        """The share of that limit that the record's median reaches; None where no limit is known or fits."""
        limit = self.limit_for(record, kind) if comparable(record, self.benches) else None
        return None if limit is None else self.share_of(record, limit)

    def share_of(self, record: Record, limit: Limit) -> Share | None:
        """The share of a limit that the record's median reaches."""
        value = share(record, limit, estimate(record.samples).value)
        if value is None:
            return None
        doubt = [ABOVE] if value > TOLERANCE else []
        return Share(value, limit, (*doubt, *([SUSPECT_LIMIT] if limit.suspect else [])))

    def roof(self, record: Record) -> Share | None:
        """The share of the roofline's roof above the record: of the slope of its level or the peak, whichever is lower.

        A GPU's slope is the better of copy and triad, its peak that of multiply-adds or of products of matrices in the
        record's precision. None where neither was measured, and on a CPU where a slope that was not measured may be the
        lower of the two.
        """
        roofs = []
        for kinds in ROOFS.get(record.device.partition(":")[0], ()):
            shares = [found for kind in kinds if (found := self.share(record, kind)) is not None]
            roofs += [min(shares, key=lambda found: found.value)] if shares else []
        roof = max(roofs, key=lambda found: found.value, default=None)
        return None if roof is not None and len(roofs) == 1 and self._below_slope(record, roof.limit) else roof

    def _below_slope(self, record: Record, peak: Limit) -> bool:
        """Whether a slope that was not measured may be lower than the peak, which is the only roof that was.

        No slope of a nearer level is lower than one of a level further out.
        """
        moved, done = record.counts.get("bytes"), record.counts.get("flops")
        if record.device != "cpu" or peak.kind != "fma" or not moved or not done:
            return False
        nearest = (serving(record, self.run.policy.sizes, self.run.machine.cpu) or LEVELS)[-1]
        levels, threads = LEVELS[LEVELS.index(nearest) :], threads_of(record)
        slopes = [self.best("load", level=level, threads=threads) for level in levels]
        return all(slope is None or slope.value * done / moved < peak.value for slope in slopes)

    def best(
        self, *kinds: str, device: str = "cpu", level: str = "", dtype: str = "", threads: int | None = None
    ) -> Limit | None:
        """The highest limit of these kinds on a device, on the most threads that any of them was measured on.

        `level`, `dtype` and `threads` narrow it down where they are given. None without any.
        """
        fitting = [
            one
            for one in self.limits
            if (one.device, one.kind in kinds) == (device, True)
            and level in ("", one.level)
            and dtype in ("", one.dtype)
            and threads in (None, one.threads)
        ]
        most = max((one.threads for one in fitting), default=0)
        return max((one for one in fitting if one.threads == most), key=lambda one: one.value, default=None)

    def by_variant(self, kind: str, threads: int, dtype: str) -> list[Limit]:
        """The CPU's limits of a kind by each variant alone: the peak of each vector width."""
        records = [record for record in self.records if kind_of(record, self.benches) == kind]
        variants = dict.fromkeys(record.variant for record in records)
        each = [measured((r for r in records if r.variant == name), self.benches) for name in variants]
        wanted = ("cpu", kind, threads, dtype)
        return [
            one
            for limits in each
            for one in limits
            if (one.device, one.kind, one.threads, one.dtype) == wanted and plausible(one.value)
        ]

    def fastest(self, rate: Rate, device: str = "cpu") -> Record | None:
        """The record that gives a quantity, by the rules of the headline; None where none was timed."""
        return fastest([one for one in self.records if one.timed and one.device == device], rate, self.benches)

    def machine_limit(self, record: Record, kinds: Sequence[str]) -> Limit | None:
        """The limit on all threads for the bytes that the record moves, evenly divided: of the first kind measured."""
        moved = record.counts.get("bytes")
        for kind in kinds:
            threads = max((one.threads for one in self.limits if (one.device, one.kind) == ("cpu", kind)), default=0)
            if threads and moved and record.device == "cpu":
                facts = {"footprint": moved / threads, "threads": threads}
                at = replace(record, params={"dtype": record.params.get("dtype", "f8")}, facts=facts)
                if (limit := self.limit_for(at, kind)) is not None:
                    return limit
        return None

    def level(self, record: Record) -> str:
        """The level that serves most of the record's data; "" where the footprint is unknown."""
        return serving_level(record, self.limits, self.run.policy.sizes, self.run.machine.cpu)

    def performance(self, record: Record) -> Performance:
        """The figures of a timed record."""
        seconds = estimate(record.samples)
        metric = leading_metric(record, self.benches.get(record.bench))
        value = in_unit(record, metric) if metric else seconds
        return Performance(seconds, metric, value, self.share(record), tuple(record.codes))


def leading_metric(record: Record, bench: BenchInfo | None) -> Metric | None:
    """The metric that is shown first: of the count that the bench leads with, else the first that the record has."""
    known = metrics(record)
    wanted = bench.leading if bench else ""
    return next((metric for metric in known if metric.count == wanted), next(iter(known), None))


def in_unit(record: Record, metric: Metric) -> Estimate:
    """The record's median and interval in the metric's unit."""
    seconds = estimate(record.samples)
    amount = record.counts[metric.count]
    value = seconds.inverse(amount) if metric.higher else seconds.scaled(1 / amount)
    return value.scaled(metric.scale)
