"""From records to what the machine can do at best, and to what cannot be true.

A limit is the best sample of a bench that does nothing but touch it: `stream.*` for bandwidth, `peak.fma` for
floating-point rates, `latency.chase` for latency; on a GPU the benches of `GPU_SOURCES`. Everything else is set against
these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .bench import LEVELS
from .model import BANDWIDTH, FLOP_RATE, HOP_TIME, Metric, Record

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
LEVEL_TOLERANCE = 1.10  # a level may not be faster than the one nearer to the core by more than this


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
    def shown(self) -> float:
        """The value in the metric's unit."""
        return self.value * self.metric.scale


def threads_of(record: Record) -> int:
    """How many threads the record's work ran on."""
    stated = record.facts.get("threads", record.params.get("threads", 1))
    return stated if isinstance(stated, int) and stated > 0 else 1


def rate(record: Record, metric: Metric, seconds: float) -> float | None:
    """SI value of `metric` for a call of `seconds`: work a second, or seconds a piece of work."""
    amount = record.counts.get(metric.count)
    if not amount:
        return None
    return amount / seconds if metric.higher else seconds / amount


def measured(records: Iterable[Record]) -> list[Limit]:
    """The machine's limits: for each device, kind, level, thread count and dtype the best sample of any variant.

    A disturbed sample is slower than the machine, never faster: so the best counts though its record be suspect, and is
    told as such, unless an undisturbed one comes within the tolerance of it. Figures that cannot be true are no limit.
    """
    found: dict[tuple[str, tuple[str, str, int, str]], list[Limit]] = {}
    for record in records:
        if record.bench in GPU_SOURCES:
            if record.timed and IMPOSSIBLE not in record.reason and (limit := _of_gpu(record)) is not None:
                found.setdefault((limit.device, (limit.kind, limit.level, 1, limit.dtype)), []).append(limit)
            continue
        source = SOURCES.get(record.bench)
        level = str(record.params.get("size", ""))
        if source is None or not record.timed or (level and level not in LEVELS) or IMPOSSIBLE in record.reason:
            continue
        kind, metric = source
        value = rate(record, metric, min(record.samples))
        if value is None:
            continue
        place = (kind, level, threads_of(record), str(record.params.get("dtype", "")))
        doubt = record.reason if record.status == "suspect" else ""
        limit = Limit(*place, value, metric, record.variant, doubt, record.device)
        found.setdefault((record.device, place), []).append(limit)
    return [_best(candidates) for candidates in found.values()]


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
    choose = max if fitting[0].metric.higher else min
    return choose(fitting, key=lambda limit: limit.value)


def _best(candidates: Sequence[Limit]) -> Limit:
    """The best of one kind; an undisturbed one where it is as good within the tolerance."""
    ordered = sorted(candidates, key=lambda limit: limit.value, reverse=candidates[0].metric.higher)
    clean = [limit for limit in ordered if not limit.suspect]
    return clean[0] if clean and not _beats(ordered[0].value, clean[0], TOLERANCE) else ordered[0]


def level_of(record: Record, sizes: Mapping[str, int]) -> str:
    """The size label whose limit bounds the record: the first level that holds its footprint.

    `sizes` are the resolved bytes of the labels (each half of its level), so twice a label's size is the level. What
    is larger lies in memory for certain only from the size of `DRAM` on, four times the last-level caches: below that,
    part of it may hit, and the bound is that of the farthest cache. A GPU has levels of its own.
    """
    if record.device != "cpu":
        return _gpu_level(record) or ""
    stated = record.params.get("size")
    if stated in LEVELS:
        return str(stated)
    footprint = record.facts.get("footprint")
    if not isinstance(footprint, int | float):
        return ""
    caches = [label for label in LEVELS[:-1] if label in sizes]
    for label in caches:
        if footprint <= 2 * sizes[label]:
            return label
    # arrays are cut to whole elements, and shared out to whole threads
    beyond = footprint * threads_of(record) >= 0.99 * sizes.get(LEVELS[-1], 0)
    return LEVELS[-1] if beyond or not caches else caches[-1]


def limit_for(record: Record, kind: str | None, limits: Sequence[Limit], sizes: Mapping[str, int]) -> Limit | None:
    """The limit of this kind at the record's device, level, thread count and dtype; None where it was not measured.

    Bandwidth is a matter of bytes, so a limit of another dtype serves where the record's own is missing; a
    floating-point peak is not.
    """
    if kind is None:
        return None
    if record.device != "cpu":
        return _gpu_limit(record, kind, limits)
    level = "" if kind == "fma" else level_of(record, sizes)
    here = [x for x in limits if x.device == record.device]
    fitting = [x for x in here if x.kind == kind and x.level == level and x.threads == threads_of(record)]
    dtype = str(record.params.get("dtype", "f8"))
    exact = [x for x in fitting if x.dtype in (dtype, "")]
    if exact:
        return exact[0]
    return fitting[0] if fitting and kind != "fma" else None


def share(record: Record, limit: Limit, seconds: float) -> float | None:
    """How much of the limit a call of `seconds` reaches: 1.0 is all of it."""
    value = rate(record, limit.metric, seconds)
    if value is None:
        return None
    return value / limit.value if limit.metric.higher else limit.value / value


def impossible(records: Sequence[Record], kinds: Mapping[str, str | None], sizes: Mapping[str, int]) -> dict[int, str]:
    """Records (by position) whose figures cannot be true, each with the reason.

    Faster than the limit that its bench (`kinds`: bench to limit) touches; or, for a limit, faster than the same at a
    level nearer to the core. A best sample is compared with a best sample.
    """
    limits = measured(records)
    found: dict[int, str] = {}
    for index, record in enumerate(records):
        if not record.timed:
            continue
        best = min(record.samples)
        if record.bench in GPU_SOURCES:
            continue
        if record.bench in SOURCES:
            nearer = _nearer(record, limits)
            value = rate(record, SOURCES[record.bench][1], best)
            if nearer is not None and value is not None and _beats(value, nearer, LEVEL_TOLERANCE):
                shown = f"{nearer.name} ({nearer.shown:.3g} {nearer.metric.unit})"
                found[index] = f"{IMPOSSIBLE}: faster than {shown}, a level nearer to the core"
            continue
        limit = limit_for(record, kinds.get(record.bench), limits, sizes)
        if limit is None or limit.suspect:
            continue
        reached = share(record, limit, best)
        if reached is not None and reached > TOLERANCE:
            shown = f"{limit.name}: {limit.shown:.3g} {limit.metric.unit}"
            found[index] = f"{IMPOSSIBLE}: {reached:.2f} times the limit it should touch ({shown})"
    return found


def _nearer(record: Record, limits: Sequence[Limit]) -> Limit | None:
    """The limit of the same kind one level nearer to the core."""
    kind = SOURCES[record.bench][0]
    level = record.params.get("size")
    if level not in LEVELS or level == LEVELS[0] or record.device != "cpu":
        return None
    for label in reversed(LEVELS[: LEVELS.index(str(level))]):
        for limit in limits:
            same = limit.threads == threads_of(record) and limit.dtype == str(record.params.get("dtype", ""))
            same = same and limit.device == record.device
            if limit.kind == kind and limit.level == label and same and not limit.suspect:
                return limit
    return None


def _beats(value: float, limit: Limit, tolerance: float) -> bool:
    return value > limit.value * tolerance if limit.metric.higher else value < limit.value / tolerance
