"""From records to what the machine can do at best, and which of it bounds a record.

A limit is the best sample of a bench that does nothing but touch it: `stream.*` for bandwidth, `peak.fma` for
floating-point rates, `latency.chase` for latency; on a GPU the benches of `GPU_SOURCES`. Everything else is set against
these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..record.facts import threads_of
from ..record.model import BANDWIDTH, FLOP_RATE, HOP_TIME, LEVELS, Cpu, Metric, Record

# The bench that measures a limit, its kind, and the metric it is told in.
SOURCES: dict[str, tuple[str, Metric]] = {
    "stream.load": ("load", BANDWIDTH),
    "stream.store": ("store", BANDWIDTH),
    "stream.copy": ("copy", BANDWIDTH),
    "stream.scale": ("scale", BANDWIDTH),
    "stream.add": ("add", BANDWIDTH),
    "stream.triad": ("triad", BANDWIDTH),
    "peak.fma": ("fma", FLOP_RATE),
    "latency.chase": ("latency", HOP_TIME),
}
# The same on a GPU and on the way to it; a kind may take the value of an axis of the record.
GPU_SOURCES: dict[str, tuple[str, Metric]] = {
    "transfer.copy": ("{direction}", BANDWIDTH),
    "device.stream": ("gpu {kernel}", BANDWIDTH),
    "device.latency": ("gpu latency", HOP_TIME),
    "device.peak": ("gpu fma", FLOP_RATE),
    "device.matmul": ("gpu matmul", FLOP_RATE),
}
# Which of these bounds a GPU's record, by what its bench calls the limit that it should touch.
GPU_KINDS = {
    "link": "{direction}", "device": "gpu {kernel}", "copy": "gpu copy", "triad": "gpu triad", "fma": "gpu fma",
}  # fmt: skip
GPU_NAMES = {"h2d": "host to GPU", "d2h": "GPU to host", "both": "host and GPU both ways"}
GPU_CERTAIN = 4  # × L2: a footprint from which on a GPU's cache holds next to nothing of it
TOLERANCE = 1.05  # two measurements of one limit agree within this on a quiet machine
IMPOSSIBLE = "cannot be true"  # how the reason of a record begins that the machine's limits refute
REACH = 4  # × a cache: data of fewer bytes may be served by it in a part that shows (as DRAM is 4 × the last caches)
CERTAIN = 0.99  # of the size of DRAM: arrays are cut to whole elements, and shared out to whole threads


@dataclass(frozen=True)
class Limit:
    """The best that was measured of one kind.

    `value` is in SI units: B/s, FLOP/s, or s a hop. `level` is a size label, or "" for `fma`; `threads` a count.
    `suspect` carries the reason where only disturbed samples were to be had. `device` is where it was measured: it
    bounds nothing on another.
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
            told = GPU_NAMES.get(self.kind, self.kind.removeprefix("gpu "))
            parts = (self.level, "FP peak" if told == "fma" else told, self.dtype, f"of {self.device}")
            return " ".join(filter(None, parts))
        what = "FP peak" if self.kind == "fma" else self.kind
        return f"{f'{self.level} ' if self.level else ''}{what}, {self.threads} thread{'s' * (self.threads != 1)}"

    @property
    def place(self) -> tuple[str, ...]:
        """What tells one limit of a machine from another: the device, what was measured, where and on how much."""
        return self.device, self.kind, self.level, str(self.threads), self.dtype

    @property
    def shown(self) -> float:
        """The value in the metric's unit."""
        return self.value * self.metric.scale


def rate(record: Record, metric: Metric, seconds: float) -> float | None:
    """SI value of `metric` for a call of `seconds`: work a second, or seconds a piece of work."""
    amount = record.counts.get(metric.count)
    if not amount:
        return None
    return amount / seconds if metric.higher else seconds / amount


def measured(records: Iterable[Record]) -> list[Limit]:
    """The machine's limits: for each device, kind, level, thread count and dtype the best sample of any variant.

    A disturbed sample is slower than the machine, never faster: so the best counts though its record be suspect, and is
    told as such, unless an undisturbed one comes within the tolerance of it. Figures that cannot be true are no limit,
    nor is a chase whose next hop a prefetcher foresees.
    """
    found: dict[tuple[str, ...], list[Limit]] = {}
    for record in records:
        limit = limit_of(record)
        if limit is not None:
            found.setdefault(limit.place, []).append(limit)
    return [_best(candidates) for candidates in found.values()]


def limit_of(record: Record) -> Limit | None:
    """The limit that a record stands for by its best sample; None where it is of no such bench, or cannot be true."""
    if not record.timed or IMPOSSIBLE in record.reason:
        return None
    if record.bench in GPU_SOURCES:
        return _of_gpu(record)
    level = str(record.params.get("size", ""))
    if record.bench not in SOURCES or (level and level not in LEVELS) or not at_random(record):
        return None
    kind, metric = SOURCES[record.bench]
    value = rate(record, metric, min(record.samples))
    if value is None:
        return None
    doubt = record.reason if record.status == "suspect" else ""
    dtype = str(record.params.get("dtype", ""))
    return Limit(kind, level, threads_of(record), dtype, value, metric, record.variant, doubt, record.device)


def _of_gpu(record: Record) -> Limit | None:
    """The limit that a GPU's record stands for; None where it lies between two levels, or says too little of itself."""
    kind, metric = GPU_SOURCES[record.bench]
    value = rate(record, metric, min(record.samples))
    level = _gpu_level(record) if record.bench in ("device.stream", "device.latency") else ""
    if value is None or level is None or (record.bench == "device.latency" and record.variant != "l2"):
        return None
    try:
        kind = kind.format_map(record.params)
    except KeyError:
        return None
    dtype = str(record.params.get("dtype", record.params.get("precision", "")))
    doubt = record.reason if record.status == "suspect" else ""
    return Limit(kind, level, 1, dtype, value, metric, record.variant, doubt, record.device)


def _gpu_level(record: Record) -> str | None:
    """`L2` or `HBM`, where the record's footprint lies; None between the two."""
    footprint, l2 = record.facts.get("footprint"), record.facts.get("l2_bytes")
    if not (isinstance(footprint, int | float) and isinstance(l2, int | float)):
        return None
    if footprint <= l2 / 2:
        return "L2"
    return "HBM" if footprint >= GPU_CERTAIN * l2 else None


def _gpu_limit(record: Record, kind: str, limits: Sequence[Limit]) -> Limit | None:
    """The limit of a GPU that bounds the record: between two levels the better one."""
    try:
        kind = GPU_KINDS.get(kind, kind).format_map(record.params)
    except KeyError:
        return None
    dtype = str(record.params.get("dtype", record.params.get("precision", "")))
    level = _gpu_level(record)
    fitting = [
        limit
        for limit in limits
        if (limit.device, limit.kind) == (record.device, kind)
        and limit.dtype in ("", dtype)
        and (not limit.level or level in (None, limit.level))
    ]
    if not fitting:
        return None
    return best_of(fitting)


def _best(candidates: Sequence[Limit]) -> Limit:
    """The best of one kind; an undisturbed one where it is as good within the tolerance."""
    ordered = sorted(candidates, key=lambda limit: limit.value, reverse=candidates[0].metric.higher)
    clean = [limit for limit in ordered if not limit.suspect]
    return clean[0] if clean and not beats(ordered[0].value, clean[0], TOLERANCE) else ordered[0]


def at_random(record: Record) -> bool:
    """Whether it is no chase, or one whose hops nothing foresees: inside a page prefetchers run ahead of it."""
    return record.bench != "latency.chase" or record.params.get("order", "random") == "random"


def sharers(level: str, threads: int, cpu: Cpu | None) -> int:
    """How many of `threads` share one cache of a level: threads are put on a core each first, and on siblings last.

    Where it is not known who shares a cache (`cpu` is None, or has no such level), each thread counts as alone.
    """
    shared_by = next((cache.shared_by for cache in cpu.caches if f"L{cache.level}" == level), 1) if cpu else 1
    if cpu is None or shared_by <= 1:
        return 1
    cores = -(-shared_by // max(1, cpu.smt))
    return min(threads, shared_by, cores * -(-threads // max(1, cpu.physical)))


def level_of(record: Record, sizes: Mapping[str, int], cpu: Cpu | None = None) -> str:
    """The size label of the level where the record's data lies: the first that holds it; "" where that is not told.

    `sizes` are the resolved bytes of the labels (each half of its level, for one thread), so twice a label's size is
    the level; `cpu` says how many threads share it, whose footprints all have to fit. A GPU has levels of its own.
    """
    if record.device != "cpu":
        return _gpu_level(record) or ""
    return next(iter(serving(record, sizes, cpu)), "")


def serving(record: Record, sizes: Mapping[str, int], cpu: Cpu | None = None) -> list[str]:
    """The levels that may serve a part of a CPU's record that shows: where its data lies, then the nearer ones.

    A cache serves some of what is up to `REACH` times as large; the last one, of which more may be there than a chase
    found, until the data is as large as `DRAM`. A labelled size lies well inside its level.
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
    if not holding:
        return [LEVELS[-1], *reversed(found)]
    return [label for label in reversed(found) if caches.index(label) <= caches.index(holding[0])]


def bounds(
    record: Record, kind: str, limits: Sequence[Limit], sizes: Mapping[str, int], cpu: Cpu | None = None
) -> list[Limit | None]:
    """The limits of this kind at each of the levels that may serve the record; None in the place of what is missing.

    Bandwidth is a matter of bytes, so a limit of another dtype serves where the record's own is missing; a
    floating-point peak is not.
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
    """The limit of this kind that bounds the record, on its device, threads and dtype; None where none was measured.

    It is that of the level where the data lies, or, if that was not measured, of the next nearer one that still serves
    a part of it. A record that is faster owes it to such a nearer level: then it is the best limit of these.
    """
    known = [limit for limit in bounds(record, kind, limits, sizes, cpu) if limit is not None] if kind else []
    if not known:
        return None
    reached = share(record, known[0], min(record.samples)) if record.samples else None
    return best_of(known) if reached is not None and reached > TOLERANCE else known[0]


def best_of(limits: Sequence[Limit]) -> Limit:
    """The best of limits of one kind."""
    return (max if limits[0].metric.higher else min)(limits, key=lambda limit: limit.value)


def share(record: Record, limit: Limit, seconds: float) -> float | None:
    """How much of the limit a call of `seconds` reaches: 1.0 is all of it."""
    value = rate(record, limit.metric, seconds)
    if value is None:
        return None
    return value / limit.value if limit.metric.higher else limit.value / value


def beats(value: float, limit: Limit, tolerance: float) -> bool:
    """Whether a figure in the limit's SI unit is better than it by more than the tolerance."""
    return value > limit.value * tolerance if limit.metric.higher else value < limit.value / tolerance
