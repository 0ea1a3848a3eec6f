"""Expectations of order: what is nearer to the core is no slower, and idle memory answers no later than loaded memory.

Of one bench, with the same threads, operation and page size: the latency of a level is not below that of a nearer
level, the bandwidth of a level not above that of a nearer level, and the latency of idle memory not above that under
load. Each is broken where the 95% intervals, each widened by the run-to-run deviation, do not overlap; then both cases
are marked, since nothing tells which of them was disturbed. Of several variants of a limit the fastest at each level
counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Sequence

from ..record.estimate import Estimate, estimate
from ..record.model import HOP_TIME, LEVELS, Metric, Record
from ..record.reasons import Reason, because, has
from .limits import limit_of
from .measures import Benches, declared
from .twins import apart, shown

LEVEL = ("a level further from the core", "a level nearer to the core")
LOAD = ("measured under load", "measured without load")


def disordered(records: Sequence[Record], benches: Benches) -> dict[int, Reason]:
    """The cases that break an expectation by position, each with the first case that it contradicts.

    What was called implausible or slower than a level further out already is marked no second time.
    """
    found: dict[int, Reason] = {}
    for (quick, one), (slow, other), words in (*_levels(records, benches), *_loads(records, benches)):
        if not apart(one, other):
            continue
        for index, against, than, what in ((quick, slow, "slower", words[0]), (slow, quick, "faster", words[1])):
            if not has(records[index].reasons, "implausible", "doubtful"):
                label, figure = records[against].case.label, shown(records[against], benches)
                found.setdefault(index, because("out_of_order", f"{than} than {label}: {figure}, {what}"))
    return found


At = tuple[int, Estimate]
"""A record's position, and its seconds for a unit of its work."""


def _levels(records: Sequence[Record], benches: Benches) -> Iterator[tuple[At, At, tuple[str, str]]]:
    """The fastest case of each level of a CPU beside that of each level further out."""
    best: dict[Hashable, dict[str, At]] = {}
    for index, record in enumerate(records):
        limit = limit_of(record, benches)
        if limit is None or record.device != "cpu" or limit.level not in LEVELS:
            continue
        axes = tuple((axis, str(value)) for axis, value in sorted(record.params.items()) if axis != "size")
        levels = best.setdefault((record.bench, limit.kind, limit.threads, axes), {})
        mine = index, _each(record, limit.metric)
        levels[limit.level] = min(levels.get(limit.level, mine), mine, key=lambda at: at[1].value)
    for levels in best.values():
        for near, far in itertools.combinations([level for level in LEVELS if level in levels], 2):
            yield levels[near], levels[far], LEVEL


def _loads(records: Sequence[Record], benches: Benches) -> Iterator[tuple[At, At, tuple[str, str]]]:
    """The latency of idle memory beside that under each load, by the same kind of traffic."""
    chases: dict[Hashable, list[int]] = {}
    for index, record in enumerate(records):
        if record.timed and declared(record, benches) == "loaded latency" and record.counts.get("hops"):
            axes = tuple((axis, str(value)) for axis, value in sorted(record.params.items()) if axis != "gap")
            chases.setdefault((record.bench, record.variant, record.device, axes), []).append(index)
    for members in chases.values():
        idle = [at for at in members if records[at].params.get("gap") == "idle"]
        for one, other in itertools.product(idle, (at for at in members if at not in idle)):
            yield (one, _each(records[one], HOP_TIME)), (other, _each(records[other], HOP_TIME)), LOAD


def _each(record: Record, metric: Metric) -> Estimate:
    return estimate(record.samples).scaled(1 / record.counts[metric.count])
