"""The memory hierarchy as measured by latency, bandwidth and stride sweeps, beside what the operating system reports.

A virtual machine may report a last-level cache that other guests share, and huge pages that the host backs with small
ones; the sweeps show the usable size.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..record.estimate import Estimate
from ..record.facts import caches, footprint
from ..record.model import LEVELS, Cache, Record, Run
from .measures import measuring
from .staircase import Level, find_levels, find_line, find_translation

SEEN = 1e-9  # seconds that small pages may add and count as nothing: less than any page walk
BEYOND = 1.5  # × the largest reported cache: a level that ends beyond is no cache
# They share the host's CPUs, and see all of their caches.
CONTAINERS = ("Docker", "Podman", "Kubernetes", "LXC", "Sysbox", "gVisor")
FARTHEST = 512  # bytes; longer strides are slowed by page boundaries and set conflicts as well


@dataclass(frozen=True)
class MeasuredCache:
    """A reported cache with its measured level, or one of the two alone.

    `streamed` is the size up to which sequential loads run at the cache's speed, where that is beyond the step of the
    random chase: the chase then left the TLB's reach, not the cache. `unsure`: this is the last cache, and no bandwidth
    sweep tells capacity from TLB reach.
    """

    cache: Cache | None
    level: Level | None
    streamed: Estimate | None = None
    unsure: bool = False

    @property
    def size(self) -> Estimate | None:
        """The end of the level in bytes."""
        return self.streamed or self.step

    @property
    def step(self) -> Estimate | None:
        """The step of the random chase, in bytes."""
        return self.level.size if self.level is not None else None

    @property
    def verdict(self) -> str:
        """`as reported`, `less than reported` or `more than reported`; "" where there is nothing to compare."""
        if self.cache is None or self.size is None:
            return ""
        if self.cache.bytes > self.size.high:
            return "less than reported"
        if self.unsure and self.cache.bytes < self.size.low:
            return ""  # the step may be TLB reach
        return "more than reported" if self.cache.bytes < self.size.low else "as reported"


@dataclass(frozen=True)
class Hierarchy:
    """Caches from the core outwards, memory, cost of address translation, and the unit of transfer.

    `line` is the transfer from L2 to L1, `unit` that from memory: some processors fetch lines in pairs. `main` are the
    axis values of the sweep that gave the levels. `memory` is None where the sweep ends before it is level;
    `translation` is empty where only one page size was measured.
    """

    caches: Sequence[MeasuredCache]
    memory: Level | None
    translation: Sequence[Level]
    line: Estimate | None
    unit: Estimate | None
    main: dict[str, str]

    @property
    def last(self) -> MeasuredCache | None:
        """The last-level cache, where one is reported and measured."""
        return _last(self.caches)

    @property
    def reach(self) -> Estimate | None:
        """The TLB reach: bytes on 4 KiB pages up to which translation is free; None where no step shows."""
        return self.translation[0].size if len(self.translation) > 1 else None


class Found(NamedTuple):
    """What the sweeps of sizes show: the caches, the level of memory, and the axis values of the sweep behind them.

    `sweeps` are all chases by pages and order.
    """

    caches: Sequence[MeasuredCache]
    memory: Level | None
    main: tuple[str, str]
    sweeps: dict[tuple[str, str], dict[int, list[float]]]

    @property
    def last(self) -> MeasuredCache | None:
        """The last-level cache, where one is reported and measured."""
        return _last(self.caches)


def hierarchy(run: Run, known: Found | None = None) -> Hierarchy:
    """The hierarchy from the run's latency sweeps and strides; empty where none was measured.

    `known` are its levels, where they were looked for already.
    """
    found, memory, main, sweeps = known or levels_of(run)
    small, huge = sweeps.get(("4K", "random")), sweeps.get(("huge", "random"))
    return Hierarchy(
        found,
        memory,
        find_translation(small, huge) if small and huge else [],
        line_of(run, "L2"),
        line_of(run, LEVELS[-1]),
        dict(zip(("pages", "order"), main, strict=True)),
    )


def levels_of(run: Run) -> Found:
    """The caches and memory from the run's latency and bandwidth sweeps."""
    chases = [record for record in measuring(run, "latency") if record.device == "cpu" and record.timed]
    kinds = list(dict.fromkeys((_text(record, "pages"), _text(record, "order")) for record in chases))
    sweeps = {kind: _sweep(r for r in chases if (_text(r, "pages"), _text(r, "order")) == kind) for kind in kinds}
    # Prefer huge pages (fewest TLB misses) and random order (no prefetching); then the sweep with most sizes.
    main = max(kinds, key=lambda kind: (kind[0] == "huge", kind[1] == "random", len(sweeps[kind])), default=("", ""))
    reported = caches(run)
    streams = find_levels(_loads(run, main[0]))
    near, memory = apart(reported, find_levels(sweeps.get(main, {})), streams)
    found = match(reported, near)
    told = _unsure(found) if math.isinf(_left(reported, streams)) else further_out(found, streams)
    return Found(told, memory, main, sweeps)


def apart(
    reported: Sequence[Cache], levels: Sequence[Level], streams: Sequence[Level] = ()
) -> tuple[list[Level], Level | None]:
    """The levels that may be caches, and the level of memory, which has no end or one beyond all caches.

    A guest may get less of a cache than is reported, never more. Beyond the size where sequential loads leave the last
    cache (`streams`) nothing is a cache: a step out there is TLB reach. Without such a size the number of levels
    decides: one more than there are caches, ending beyond the last of them, is memory. A sweep that ends within the
    last cache has no level of memory.
    """
    left, largest = _left(reported, streams), max((cache.bytes for cache in reported), default=0)
    most = min(BEYOND * largest or math.inf, left)
    for position, level in enumerate(levels):
        if level.size is None and level.last <= min(left, largest):
            return list(levels[:position]), None
        surplus = math.isinf(left) and position >= len(reported) > 0
        if level.size is None or level.size.low > (largest if surplus else most):
            return list(levels[:position]), replace(level, size=None)
    return list(levels), None


def match(reported: Sequence[Cache], levels: Sequence[Level]) -> list[MeasuredCache]:
    """Each reported cache with its measured level; unreported levels stand between them.

    Both keep their order; where their numbers differ, the pairs whose sizes agree best are taken.
    """
    ending = [level for level in levels if level.size is not None]
    count = min(len(reported), len(ending))

    def distance(pair: tuple[tuple[Cache, ...], tuple[Level, ...]]) -> float:
        return sum(_distance(cache, level) for cache, level in zip(*pair, strict=True))

    pairs = itertools.product(itertools.combinations(reported, count), itertools.combinations(ending, count))
    chosen = min(pairs, key=distance)
    partner = {cache.level: level for cache, level in zip(*chosen, strict=True)}
    found = [MeasuredCache(cache, partner.get(cache.level)) for cache in reported]
    found += [MeasuredCache(None, level) for level in ending if level not in chosen[1]]
    return sorted(found, key=_position)


def further_out(found: Sequence[MeasuredCache], streams: Sequence[Level]) -> list[MeasuredCache]:
    """The caches, the last with the end that sequential loads show, where that is beyond the step of the chase.

    Beyond the TLB reach a random chase needs a page walk per hop: a hundred nanoseconds, as long as memory, in a guest
    that the host backs with small pages. Sequential loads need a walk per page only, and stay at the cache's speed
    while the data fits.
    """
    out = list(found)
    last = max((i for i, one in enumerate(out) if one.cache is not None), default=None)
    step = out[last].step if last is not None else None
    if last is None or step is None:
        return out
    for level in streams:
        if level.size is not None and level.first <= step.high < level.size.low:
            out[last] = replace(out[last], streamed=level.size)
    return out


def _last(found: Sequence[MeasuredCache]) -> MeasuredCache | None:
    reported = [one for one in found if one.cache is not None]
    return reported[-1] if reported and reported[-1].level is not None else None


def _left(reported: Sequence[Cache], streams: Sequence[Level]) -> float:
    """The size where sequential loads have certainly left the last cache, in bytes; ∞ where unknown."""
    # Loads that are no faster in the last cache than in memory take their last step at the cache before.
    inner = BEYOND * (reported[-2].bytes if len(reported) > 1 else 0)
    return max((one.size.high for one in streams if one.size and one.size.low > inner), default=math.inf)


def _unsure(found: Sequence[MeasuredCache]) -> list[MeasuredCache]:
    """The caches, the last one marked `unsure`, as a chase alone leaves it."""
    last = max((i for i, one in enumerate(found) if one.cache is not None), default=None)
    return [replace(one, unsure=True) if i == last else one for i, one in enumerate(found)]


def _loads(run: Run, pages: str) -> dict[int, list[float]]:
    """Seconds per byte by footprint, for loads of one thread by the baseline's kernel, the same at all sizes."""
    best: dict[int, tuple[bool, list[float]]] = {}
    for record in measuring(run, "load"):
        size, moved = footprint(record), record.counts.get("bytes")
        alone = record.device == "cpu" and _baseline(run, record) and record.facts.get("threads", 1) == 1
        if not (alone and record.timed and size and moved and _text(record, "pages") == pages):
            continue
        rated = (record.status == "suspect", [seconds / moved for seconds in record.samples])
        if size not in best or rated[0] < best[size][0]:
            best[size] = rated
    return {size: each for size, (_, each) in best.items()}


def _distance(cache: Cache, level: Level) -> float:
    """Octaves from the reported size to the measured interval; inside it, 1% of the octaves to the value."""
    if level.size is None:
        return math.inf
    value, low, high = level.size
    outside = max(0.0, math.log2(low / cache.bytes), math.log2(cache.bytes / high))
    return outside + 0.01 * abs(math.log2(cache.bytes / value))


def _position(found: MeasuredCache) -> float:
    """The size to sort by."""
    if found.size is not None:
        return found.size.value
    return float(found.cache.bytes) if found.cache else math.inf


def _sweep(records: Iterable[Record]) -> dict[int, list[float]]:
    """Seconds per hop by footprint; of two records at one footprint the less disturbed."""
    best: dict[int, tuple[bool, float, list[float]]] = {}
    for record in records:
        size, hops = footprint(record), record.counts.get("hops")
        if size is None or not hops:
            continue
        each = [seconds / hops for seconds in record.samples]
        rated = (record.status == "suspect", sorted(each)[len(each) // 2], each)
        if size not in best or rated < best[size]:
            best[size] = rated
    return {size: each for size, (_, _, each) in best.items()}


def _baseline(run: Run, record: Record) -> bool:
    """Whether the record is of its bench's baseline: figures of one sweep must come from one kernel."""
    return record.variant == run.benches[record.bench].baseline


def line_of(run: Run, level: str) -> Estimate | None:
    """The bytes that move at a time to L1 from a level, by the strides there; None where they show none."""
    return find_line(strides(run, level))


def strides(run: Run, level: str) -> dict[int, list[float]]:
    """Seconds per element by stride in bytes, from the baseline, a compiled loop, at a labelled size."""
    found = {}
    for record in measuring(run, "stride"):
        step, items = record.facts.get("stride_bytes"), record.counts.get("items")
        if not _baseline(run, record) or record.params.get("size") != level:
            continue
        if record.timed and items and isinstance(step, int) and 0 < step <= FARTHEST:
            found[step] = [seconds / items for seconds in record.samples]
    return found


def _text(record: Record, axis: str) -> str:
    return str(record.params.get(axis, ""))
