"""A few cases measured once more at the end of a run, to see whether they give the same figure a while later.

What disturbs a host for minutes (a neighbour in its caches or memory, another place of the pages) shows in no counter
and in no interval. A second measurement, in buffers of its own, tells whether a third would agree. Only the
cases that give the headline quantities are measured again, which takes a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from ..bench import Bench
from ..record.estimate import estimate
from ..record.facts import rounds_ended
from ..record.model import JsonObject, Record, Scalar
from .cases import Group

APART_S = 30.0  # since a case was measured: less is the same moment
# What a case measures, the count of its work, and the values of axes that it has.
TWICE: list[tuple[str, str, dict[str, Scalar]]] = [
    ("latency", "hops", {"size": "L1", "order": "random"}),
    ("latency", "hops", {"size": "L2", "order": "random"}),
    ("latency", "hops", {"size": "L3", "order": "random"}),
    ("latency", "hops", {"size": "DRAM", "order": "random"}),
    ("load", "bytes", {"size": "L2", "dtype": "f8", "threads": 1}),
    ("load", "bytes", {"size": "L3", "dtype": "f8", "threads": 1}),
    ("load", "bytes", {"size": "DRAM", "dtype": "f8", "threads": 1}),
    ("load", "bytes", {"size": "DRAM", "dtype": "f8", "threads": "all"}),
    ("triad", "bytes", {"size": "DRAM", "dtype": "f8", "threads": "all"}),
    ("fma", "flops", {"dtype": "f8", "threads": 1}),
    ("fma", "flops", {"dtype": "f8", "threads": "all"}),
    ("call", "calls", {}),
]


def groups(records: Sequence[Record], benches: Mapping[str, Bench], now: float) -> Iterator[tuple[Group, Record]]:
    """The cases to measure once more, each with its record: the fastest that gives a quantity of `TWICE` on the CPU.

    `now` is in Unix time, as the stamps of rounds are.
    """
    known = [one for one in records if one.timed and one.device == "cpu" and one.bench in benches]
    for kind, count, params in TWICE:
        fitting = [
            one for one in known
            if benches[one.bench].measures == kind and one.counts.get(count)
            and one.version == benches[one.bench].version and params.items() <= one.params.items()
            and (kind != "call" or one.variant == "numpy")
        ]  # fmt: skip
        found = min(fitting, key=lambda one: _rank(one, count), default=None)
        if found is not None and "again" not in found.facts and now - _ended(found) >= APART_S:
            yield Group(benches[found.bench], (found.case,)), found


def compared(first: Record, second: Record) -> Record:
    """The first record with what the second gave as a fact, and why that one is suspect; unless it failed."""
    if not second.timed:
        return first
    value = estimate(second.samples)
    told: JsonObject = {"median_s": value.value, "low_s": value.low, "high_s": value.high}
    if second.status != "ok":
        told["suspect"] = list(second.codes)
    later = _ended(second) - _ended(first)
    if math.isfinite(later):  # older files have no stamps
        told["after_s"] = round(later, 1)
    return replace(first, facts={**first.facts, "again": told})


def _rank(record: Record, count: str) -> tuple[bool, float]:
    """Huge pages first, then the fastest median."""
    return record.params.get("pages", "huge") != "huge", estimate(record.samples).value / record.counts[count]


def _ended(record: Record) -> float:
    """When its last round ended, in Unix time; before everything where it has no stamps."""
    return max(rounds_ended(record), default=-math.inf)
