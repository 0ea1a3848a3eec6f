"""Twins: cases that measure one quantity, and must agree.

A quantity may be measured by several cases of a run: the latency of idle memory by a chase, by loads in flight with one
chase and by both variants of loaded latency; one footprint by its label and in a sweep.
If the 95% intervals of two twins, each widened by the run-to-run deviation, do not overlap, all twins of that quantity
are marked, since nothing tells which of them was disturbed.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from ..record import text
from ..record.estimate import Estimate, estimate
from ..record.facts import threads_of
from ..record.model import HOP_TIME, LEVELS, Record, Scalar, metrics
from ..record.reasons import Reason, because
from .measures import Benches, declared
from .run_quality import REPEATS

# Cases whose hops all wait for one load from idle memory: what their bench measures, and the axis values needed.
IDLE: dict[str, Mapping[str, Scalar]] = {
    "latency": {"order": "random"},
    "loads in flight": {"chains": 1},
    "loaded latency": {"gap": "idle"},
}
# Axes that name the work and do not change it where footprint, threads and counts are equal.
NAMES = ("size", "scaling", "threads")
# What benches measure whose variants do the same at these axis values: one copy, and one wait at its end.
ALIKE: dict[str, tuple[tuple[str, ...], Mapping[str, Scalar]]] = {
    "copies in pieces": (("once", "each"), {"pieces": 1}),
}


def quantity(record: Record, benches: Benches) -> Hashable | None:
    """What the record measures, the same for twins; None where no other case measures it."""
    if not record.timed:
        return None
    measures = declared(record, benches)
    if measures in IDLE:
        if not record.counts.get("hops") or not _has(record, IDLE[measures]):
            return None
        place = record.facts.get("elements", record.params.get("size"))
        return "idle latency", record.device, str(place), str(record.params.get("pages"))
    variant = record.variant
    if measures in ALIKE:
        variants, values = ALIKE[measures]
        if variant in variants and _has(record, values):
            variant = "/".join(variants)
    footprint = record.facts.get("footprint")
    if footprint is None:
        return None
    axes = tuple((axis, str(value)) for axis, value in sorted(record.params.items()) if axis not in NAMES)
    work = tuple(sorted(record.counts.items()))
    return record.bench, variant, record.device, axes, work, str(footprint), threads_of(record)


def disagreeing(records: Sequence[Record], benches: Benches) -> dict[int, Reason]:
    """The twins that disagree by position, each with the reason: the other value that is furthest from its own."""
    groups: dict[Hashable, list[int]] = {}
    for index, record in enumerate(records):
        if (what := quantity(record, benches)) is not None:
            groups.setdefault(what, []).append(index)
    found = {}
    for members in groups.values():
        sizes = [records[index].params.get("size") for index in members]
        labels = [label for label in LEVELS if label in sizes]
        if len(members) < 2 or len(labels) > 1:  # labels of two levels never have one footprint: the file is wrong
            continue
        each = {index: _each(records[index], benches) for index in members}
        if not apart(max(each.values(), key=lambda one: one.low), min(each.values(), key=lambda one: one.high)):
            continue
        ends = sorted(members, key=lambda at: each[at].value)
        for index in members:
            furthest = max((ends[0], ends[-1]), key=lambda at: _gap(each[at], each[index]))
            found[index] = because("twins", f"{records[furthest].case.label}: {shown(records[furthest], benches)}")
    return found


def _has(record: Record, values: Mapping[str, Scalar]) -> bool:
    return all(record.params.get(axis, value) == value for axis, value in values.items())


def _each(record: Record, benches: Benches) -> Estimate:
    """Seconds per hop of a chase, else per call: twins have equal counts."""
    seconds = estimate(record.samples)
    return seconds.scaled(1 / record.counts["hops"]) if declared(record, benches) in IDLE else seconds


def apart(one: Estimate, other: Estimate) -> bool:
    """Whether the widened intervals do not overlap, `one` above the other."""
    return one.low / (1 + REPEATS) > other.high * (1 + REPEATS)


def _gap(one: Estimate, other: Estimate) -> float:
    """How many times one value is the other, at least 1."""
    return max(one.value / other.value, other.value / one.value)


def shown(record: Record, benches: Benches) -> str:
    """The median in the record's leading metric."""
    seconds = estimate(record.samples).value
    metric = HOP_TIME if declared(record, benches) in IDLE else next(iter(metrics(record)), None)
    if metric is None:
        return text.seconds(seconds)
    return text.amount(metric.value(seconds, record.counts), metric.unit)
