"""The machine's limits as a run measured them, and which of them bounds a record.

A limit is the best sample of a bench that is bound by it alone, and declares so: `measures="load"` for a bandwidth,
`fma` for floating-point rates, `latency`; on a GPU `gpu {kernel}` and the like. Shares of the limit refer to these.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..record.facts import threads_of
from ..record.measures import TOLERANCE, Source, expanded
from ..record.model import LEVELS, Cpu, Metric, Record
from ..record.reasons import has
from .measures import Benches, kind_of, source_of

# The kind that bounds a GPU's record, by the `limit` of its bench.
GPU_KINDS = {
    "link": "{direction}", "device": "gpu {kernel}", "copy": "gpu copy", "triad": "gpu triad", "fma": "gpu fma",
}  # fmt: skip
GPU_NAMES = {"h2d": "host to GPU", "d2h": "GPU to host", "both": "host and GPU both ways"}
GPU_CERTAIN = 16  # × L2: a larger footprint is served by HBM, the share of L2 is negligible
REACH = 4  # a footprint below 4 × the cache still gets noticeable hits (DRAM is 4 × the last-level caches)
CERTAIN = 0.99  # of the size of DRAM: arrays are rounded down to whole elements per thread


@dataclass(frozen=True)
class Limit:
    """The best measured value of one kind.

    `value` is in SI units: B/s, FLOP/s, or s per hop. `level` is a size label, "" for `fma`. `suspect` is the reason
    for doubt where the best sample was disturbed and no undisturbed record confirms it. A limit bounds records of its
    own `device` only.
    """

    kind: str
    level: str
    threads: int
    dtype: str
    value: float
    metric: Metric
    variant: str
    suspect: str = ""
    device: str = "cpu"

    @property
    def name(self) -> str:
        """`L2 load, 1 thread`; `HBM copy of gpu:0`."""
        if self.device != "cpu":
            return " ".join(filter(None, (self.level, self.what, self.dtype, f"of {self.device}")))
        level = f"{self.level} " if self.level else ""
        return f"{level}{self.what}, {self.threads} thread{'s' * (self.threads != 1)}"

    @property
    def what(self) -> str:
        """The kind in words: `load`, `FP peak`, `host to GPU`."""
        kind = GPU_NAMES.get(self.kind, self.kind.removeprefix("gpu "))
        if self.device.startswith("opencl"):
            kind = kind.replace("GPU", "device")
        return "FP peak" if kind == "fma" else kind

    @property
    def place(self) -> tuple[str, ...]:
        """The identity of a limit: device, kind, level, threads, dtype."""
        return self.device, self.kind, self.level, str(self.threads), self.dtype

    @property
    def shown(self) -> float:
        """The value in the metric's unit."""
        return self.value * self.metric.scale


def rate(record: Record, metric: Metric, seconds: float) -> float | None:
    """SI value of `metric` for a call of `seconds`; None where the record lacks its count."""
    amount = record.counts.get(metric.count)
    if not amount:
        return None
    return amount / seconds if metric.higher else seconds / amount


def implausible(record: Record) -> bool:
    """Whether the machine's limits refute the record, as `plausibility.judged` has concluded."""
    return has(record.reasons, "implausible")


def measured(records: Iterable[Record], benches: Benches) -> list[Limit]:
    """The machine's limits: for each device, kind, level, thread count and dtype the best sample of any variant.

    `benches` declare what each of them measures.

    A disturbance makes samples slower, never faster: so the best counts even from a suspect record, and is marked
    suspect unless an undisturbed record comes within TOLERANCE of it. Implausible figures give no limit, nor do chases
    that a prefetcher can follow.
    """
    return standing(limit_of(record, benches) for record in records)


def standing(given: Iterable[Limit | None]) -> list[Limit]:
    """The machine's limits out of those that each record gives."""
    found: dict[tuple[str, ...], list[Limit]] = {}
    for limit in given:
        if limit is not None:
            found.setdefault(limit.place, []).append(limit)
    return [_best(candidates) for candidates in found.values()]


def plausible(value: float) -> bool:
    """Whether a machine can have the value: 10³⁰ is far beyond any, and scales lose digits not far beyond it."""
    return math.isfinite(value) and 1e-30 < value < 1e30


def limit_of(record: Record, benches: Benches) -> Limit | None:
    """The limit given by a record's best sample; None where its bench measures none, or the figure is implausible."""
    return None if implausible(record) else _given(record, benches)


def comparable(record: Record, benches: Benches) -> bool:
    """Whether the limit of its level bounds the record.

    False for a record of a limit's own bench that the limit does not describe: another size or order than the limit's.
    """
    return source_of(record, benches) is None or _given(record, benches) is not None


def _given(record: Record, benches: Benches) -> Limit | None:
    """The limit given by a record's best sample, plausible or not."""
    if not record.timed:
        return None
    source = source_of(record, benches)
    kind = kind_of(record, benches) if source is not None else ""
    if not kind or source is None:
        return None
    level, value = _level_of_limit(record, source), rate(record, source.metric, min(record.samples))
    if level is None or value is None:
        return None
    threads = threads_of(record) if source.on == "cpu" else 1
    doubt = record.why if record.status == "suspect" else ""
    return Limit(
        kind, level, threads, _dtype(record, source), value, source.metric, record.variant, doubt, record.device
    )


def _level_of_limit(record: Record, source: Source) -> str | None:
    """The level of a limit, "" for one without; None at a size between two levels, or where facts are missing."""
    if source.on == "gpu":
        return _gpu_level(record) if source.by_footprint else ""
    label = str(record.params.get("size", ""))
    return label if label in ("", *LEVELS) else None


def _dtype(record: Record, source: Source) -> str:
    """The type that a limit is of; benches of GPUs may call it precision."""
    other = record.params.get("precision", "") if source.on == "gpu" else ""
    return str(record.params.get("dtype", other))


def _gpu_level(record: Record) -> str | None:
    """`L2` or `HBM`, by the record's footprint; None between the two."""
    footprint, l2 = record.facts.get("footprint"), record.facts.get("l2_bytes")
    if not (isinstance(footprint, int | float) and isinstance(l2, int | float)):
        return None
    if footprint <= l2 / 2:
        return "L2"
    return "HBM" if footprint >= GPU_CERTAIN * l2 else None


def _gpu_limit(record: Record, kind: str, limits: Sequence[Limit]) -> Limit | None:
    """The limit of a GPU that bounds the record: between two levels the better one."""
    wanted = expanded(GPU_KINDS.get(kind, kind), record.params)
    dtype = str(record.params.get("dtype", record.params.get("precision", "")))
    level = _gpu_level(record)
    fitting = [
        limit
        for limit in limits
        if (limit.device, limit.kind) == (record.device, wanted)
        and limit.dtype in ("", dtype)
        and (not limit.level or level in (None, limit.level))
    ]
    if not fitting:
        return None
    return best_of(fitting)


def _best(candidates: Sequence[Limit]) -> Limit:
    """The best limit, not suspect where an undisturbed one is within TOLERANCE of it."""
    best = best_of(candidates)
    confirmed = any(not limit.suspect and not beats(best.value, limit, TOLERANCE) for limit in candidates)
    return replace(best, suspect="") if confirmed else best


def sharers(level: str, threads: int, cpu: Cpu | None) -> int:
    """How many of `threads` share one cache of a level, with one thread per core first and SMT siblings last.

    1 where sharing is unknown (`cpu` is None, or has no such level).
    """
    shared_by = next((cache.shared_by for cache in cpu.caches if f"L{cache.level}" == level), 1) if cpu else 1
    if cpu is None or shared_by <= 1:
        return 1
    cores = -(-shared_by // max(1, cpu.smt))
    return min(threads, shared_by, cores * -(-threads // max(1, cpu.physical)))


def level_of(record: Record, sizes: Mapping[str, int], cpu: Cpu | None = None) -> str:
    """The label of the innermost level that holds the record's data; "" where the footprint is unknown.

    `sizes` are the bytes of the labels for one thread, each half of its level. The footprints of all threads that share
    a cache, by `cpu`, must fit together. A GPU has levels of its own.
    """
    if record.device != "cpu":
        return _gpu_level(record) or ""
    return next(iter(serving(record, sizes, cpu)), "")


def serving(record: Record, sizes: Mapping[str, int], cpu: Cpu | None = None) -> list[str]:
    """The levels that may serve a noticeable part of a CPU's record: that of its data first, then nearer ones.

    A cache serves part of a footprint up to REACH times its size. The last-level cache counts up to the size of `DRAM`,
    since it may be larger than a chase found. A labelled size is served by its level alone. In a run that knows the
    sizes of no caches only a footprint as large as `DRAM` tells its level.
    """
    stated = record.params.get("size")
    if stated in LEVELS:
        return [str(stated)]
    footprint = record.facts.get("footprint")
    if not isinstance(footprint, int | float):
        return []
    threads = threads_of(record)
    caches = [label for label in LEVELS[:-1] if label in sizes]
    filled = {label: footprint * sharers(label, threads, cpu) / (2 * sizes[label]) for label in caches}
    found = [label for label in caches if filled[label] < REACH]
    if caches and caches[-1] not in found and footprint * threads < CERTAIN * sizes.get(LEVELS[-1], 0):
        found.append(caches[-1])
    holding = [label for label in caches if filled[label] <= 1]
    if not caches and footprint * threads < CERTAIN * sizes.get(LEVELS[-1], math.inf):
        return []
    if not holding:
        return [LEVELS[-1], *reversed(found)]
    return [label for label in reversed(found) if caches.index(label) <= caches.index(holding[0])]


def bounds(
    record: Record, kind: str, limits: Sequence[Limit], sizes: Mapping[str, int], cpu: Cpu | None = None
) -> list[Limit | None]:
    """The limits of this kind at each level that may serve the record; None where one was not measured.

    Bandwidth depends on bytes, so a limit of another dtype may stand in; a floating-point peak may not.
    """
    if record.device != "cpu":
        return [_gpu_limit(record, kind, limits)]
    dtype, threads = str(record.params.get("dtype", "f8")), threads_of(record)
    here = [x for x in limits if (x.device, x.kind, x.threads) == (record.device, kind, threads)]

    def at(level: str) -> Limit | None:
        fitting = [x for x in here if x.level == level]
        exact = [x for x in fitting if x.dtype in (dtype, "")]
        if exact:
            return exact[0]
        return fitting[0] if fitting and kind != "fma" else None

    return [at(level) for level in ([""] if kind == "fma" else serving(record, sizes, cpu))]


def limit_for(
    record: Record, kind: str | None, limits: Sequence[Limit], sizes: Mapping[str, int], cpu: Cpu | None = None
) -> Limit | None:
    """The limit of this kind that bounds the record, on its device, threads and dtype; None where none is known.

    Data partly in a nearer level are bounded by the best limit of all levels that may serve them. Where the nearest of
    these was not measured, nothing is known.
    """
    known = bounds(record, kind, limits, sizes, cpu) if kind else []
    if not known or known[-1] is None:
        return None
    return best_of([limit for limit in known if limit is not None])


def serving_level(record: Record, limits: Sequence[Limit], sizes: Mapping[str, int], cpu: Cpu | None = None) -> str:
    """The level that serves most of the record's data.

    The one that holds them; if the record is faster than that level can load, the level nearer to the core that can.
    """
    known = [limit for limit in bounds(record, "load", limits, sizes, cpu) if limit is not None]
    if record.device != "cpu" or not known or not record.samples:
        return level_of(record, sizes, cpu)
    reached = share(record, known[0], min(record.samples))
    return best_of(known).level if reached is not None and reached > TOLERANCE else known[0].level


def best_of(limits: Sequence[Limit]) -> Limit:
    """The best of limits of one kind."""
    return (max if limits[0].metric.higher else min)(limits, key=lambda limit: limit.value)


def share(record: Record, limit: Limit, seconds: float) -> float | None:
    """The share of the limit that a call of `seconds` reaches."""
    value = rate(record, limit.metric, seconds)
    if value is None:
        return None
    return value / limit.value if limit.metric.higher else limit.value / value


def beats(value: float, limit: Limit, tolerance: float) -> bool:
    """Whether a value in the limit's SI unit is better than the limit by more than `tolerance`."""
    return value > limit.value * tolerance if limit.metric.higher else value < limit.value / tolerance
