"""Twins: cases that measure one quantity, and must agree.

A quantity may be measured by several cases of a run: the latency of idle memory by `latency.chase`, by
`latency.parallel` with one chase and by both variants of `latency.loaded`; one footprint by its label and in a sweep.
If the 95% intervals of two twins, each widened by the run-to-run deviation, do not overlap, all twins of that quantity
are marked, since nothing tells which of them was disturbed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from msgspec.structs import replace

from ..record.estimate import Estimate, estimate
from ..record.facts import threads_of
from ..record.model import HOP_TIME, LEVELS, Record, Scalar, metrics
from ..record.units import digits
from .run_quality import REPEATS

TWINS = "another measurement of this quantity disagrees"  # begins the reason

# Cases whose hops all wait for one load from idle memory: the bench and the axis values that make them so.
IDLE: dict[str, Mapping[str, Scalar]] = {
    "latency.chase": {"order": "random"},
    "latency.parallel": {"chains": 1},
    "latency.loaded": {"gap": "idle"},
}
# Axes that name the work and do not change it where footprint, threads and counts are equal.
NAMES = ("size", "scaling", "threads")
# Benches whose variants do the same at these axis values: one copy, and one wait at its end.
ALIKE: dict[str, tuple[tuple[str, ...], Mapping[str, Scalar]]] = {
    "transfer.chunks": (("once", "each"), {"pieces": 1}),
}


def quantity(record: Record) -> Hashable | None:
    """What the record measures, the same for twins; None where no other case measures it."""
    if not record.timed:
        return None
    if record.bench in IDLE:
        if not record.counts.get("hops") or not _has(record, IDLE[record.bench]):
            return None
        place = record.facts.get("elements", record.params.get("size"))
        return "idle latency", record.device, str(place), str(record.params.get("pages"))
    variant = record.variant
    if record.bench in ALIKE:
        variants, values = ALIKE[record.bench]
        if variant in variants and _has(record, values):
            variant = "/".join(variants)
    footprint = record.facts.get("footprint")
    if footprint is None:
        return None
    axes = tuple((axis, str(value)) for axis, value in sorted(record.params.items()) if axis not in NAMES)
    work = tuple(sorted(record.counts.items()))
    return record.bench, variant, record.device, axes, work, str(footprint), threads_of(record)


def disagreeing(records: Sequence[Record]) -> dict[int, str]:
    """The twins that disagree by position, each with the reason: the other value that is furthest from its own."""
    groups: dict[Hashable, list[int]] = {}
    for index, record in enumerate(records):
        if (what := quantity(record)) is not None:
            groups.setdefault(what, []).append(index)
    found = {}
    for members in groups.values():
        labels = {records[index].params.get("size") for index in members}.intersection(LEVELS)
        if len(members) < 2 or len(labels) > 1:  # labels of two levels never have one footprint: the file is wrong
            continue
        each = {index: _each(records[index]) for index in members}
        if not any(_apart(one, other) for one in each.values() for other in each.values()):
            continue
        for index in members:
            furthest = max((other for other in members if other != index), key=lambda at: _gap(each[at], each[index]))
            found[index] = f"{TWINS} ({records[furthest].case.label}: {_shown(records[furthest])})"
    return found


def marked(records: Sequence[Record]) -> list[Record]:
    """The records, with twins that disagree marked suspect. Marks of an earlier call are replaced."""
    out = [_cleared(record) for record in records]
    for index, reason in disagreeing(out).items():
        old = out[index]
        out[index] = replace(old, status="suspect", reason="; ".join(filter(None, [old.reason, reason])))
    return out


def _has(record: Record, values: Mapping[str, Scalar]) -> bool:
    return all(record.params.get(axis, value) == value for axis, value in values.items())


def _each(record: Record) -> Estimate:
    """Seconds per hop of a chase, else per call: twins have equal counts."""
    seconds = estimate(record.samples)
    return seconds.scaled(1 / record.counts["hops"]) if record.bench in IDLE else seconds


def _apart(one: Estimate, other: Estimate) -> bool:
    """Whether the widened intervals do not overlap, `one` above the other."""
    return one.low / (1 + REPEATS) > other.high * (1 + REPEATS)


def _gap(one: Estimate, other: Estimate) -> float:
    """How many times one value is the other, at least 1."""
    return max(one.value / other.value, other.value / one.value)


def _shown(record: Record) -> str:
    """The median in the record's leading metric."""
    seconds = estimate(record.samples).value
    metric = HOP_TIME if record.bench in IDLE else next(iter(metrics(record)), None)
    if metric is None:
        return f"{digits(seconds)} s"
    return f"{digits(metric.value(seconds, record.counts))} {metric.unit}"


def _cleared(record: Record) -> Record:
    """The record without an earlier mark."""
    parts = record.reason.split("; ")
    kept = [part for part in parts if not part.startswith(TWINS)]
    if len(kept) == len(parts):
        return record
    return replace(record, reason="; ".join(kept), status="suspect" if kept else "ok")
