"""Implausible and doubtful figures of a run, by the machine's own limits.

A disturbance makes a machine slower, never faster. So a limit that is lower than that of a level further out was
disturbed: it is doubtful. A figure is implausible only where it breaks a harder bound: the limit its bench should
touch, the sum of its threads one by one, or the width of a core's load and store paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ..record import text
from ..record.measures import LIMITS
from ..record.model import LEVELS, Cpu, Record, Run, as_measured
from ..record.reasons import Reason, because
from .limits import (
    TOLERANCE,
    Limit,
    beats,
    best_of,
    bounds,
    limit_of,
    measured,
    share,
)
from .measures import Benches, declared

LEVEL_TOLERANCE = 1.10  # how much faster a level may be than one nearer to the core
LINES = 2  # cache lines per cycle between L1 and L2: one in, one out; no processor sold has wider paths


def concluded(run: Run) -> Run:
    """The run with the verdicts of its own limits on its records.

    A run that describes its benches was stored as measured. One that does not is older: its verdicts were stored when
    it was measured, and stand.
    """
    if not run.benches:
        return run
    return replace(run, records=judged(run.records, run.benches, run.policy.sizes, run.machine.cpu))


def judged(
    records: Sequence[Record], benches: Benches, sizes: Mapping[str, int], cpu: Cpu | None = None
) -> list[Record]:
    """The records, with implausible and doubtful ones marked suspect; other reasons are kept.

    Reasons of an earlier call are dropped first: an interrupted run is judged again when it is complete.

    Parameters
    ----------
    benches
        What the benches declare: the limit that each should touch, and what it measures.
    sizes
        Bytes of the size labels, for one thread.
    cpu
        The CPU measured on, for its cache lines and who shares which cache.
    """
    fresh = [as_measured(record) for record in records]
    doubts = doubtful(fresh, benches, cpu)
    return _suspect(fresh, doubts | impossible(fresh, benches, sizes, cpu))


def impossible(
    records: Sequence[Record], benches: Benches, sizes: Mapping[str, int], cpu: Cpu | None = None
) -> dict[int, Reason]:
    """Implausible records by position, each with the reason.

    A record is implausible if its best sample is faster than the best limit of all levels that may serve its data, of
    the kind that its bench should touch; or if it is itself a limit, is faster than a nearer level, and
    breaks a harder bound. A figure is called impossible only against an undisturbed limit, and only if the nearest
    level was measured.
    """
    found = _excessive(records, benches, cpu)
    limits = measured(_suspect(records, found | doubtful(records, benches, cpu)), benches)
    for index, record in enumerate(records):
        info = benches.get(record.bench)
        kind = info.limit if info is not None else None
        if kind is None or not record.timed or declared(record, benches) in LIMITS:
            continue
        known = bounds(record, kind, limits, sizes, cpu)
        there = [limit for limit in known if limit is not None]
        if not there or known[-1] is None or (limit := best_of(there)).suspect:
            continue
        reached = share(record, limit, min(record.samples))
        if reached is not None and reached > TOLERANCE:
            shown = f"{limit.name}: {text.amount(limit.shown, limit.metric.unit)}"
            found[index] = because("implausible", f"{text.amount(reached)} times the limit it should touch ({shown})")
    return found


def doubtful(records: Sequence[Record], benches: Benches, cpu: Cpu | None = None) -> dict[int, Reason]:
    """Doubtful records by position, each with the reason: limits that a level further out beats.

    All records within TOLERANCE of the limit are doubtful; slower variants are not, since they give no limit.
    """
    refused = _excessive(records, benches, cpu)
    limits = measured(records, benches)
    ahead: dict[tuple[str, ...], Limit] = {}
    for index, record in enumerate(records):
        mine = limit_of(record, benches)
        nearer = _beaten(mine, limits) if mine and index not in refused else None
        if mine and nearer and (nearer.place not in ahead or beats(mine.value, ahead[nearer.place], 1.0)):
            ahead[nearer.place] = mine
    found = {}
    for index, record in enumerate(records):
        mine = limit_of(record, benches)
        further = ahead.get(mine.place) if mine else None
        if mine and further and beats(further.value, mine, LEVEL_TOLERANCE / TOLERANCE):
            [standing] = [limit for limit in limits if limit.place == mine.place]
            if not beats(standing.value, mine, TOLERANCE):
                found[index] = because("doubtful", f"{further.name}: {text.amount(further.shown, further.metric.unit)}")
    return found


def _excessive(records: Sequence[Record], benches: Benches, cpu: Cpu | None) -> dict[int, Reason]:
    """Records of limits that beat a nearer level and break a harder bound, each with the reason."""
    limits = measured(records, benches)
    found = {}
    for index, record in enumerate(records):
        mine = limit_of(record, benches)
        nearer = _beaten(mine, limits) if mine else None
        bound = _broken(record, mine, limits, cpu) if mine and nearer else ""
        if mine and nearer and bound:
            shown = f"{nearer.name} ({text.amount(nearer.shown, nearer.metric.unit)})"
            found[index] = because("implausible", f"faster than {shown}, a level nearer to the core, and {bound}")
    return found


def _beaten(mine: Limit, limits: Sequence[Limit]) -> Limit | None:
    """The limit of the next nearer level of a CPU, where `mine` is faster than LEVEL_TOLERANCE allows."""
    if mine.device != "cpu" or mine.level not in LEVELS:
        return None
    for label in reversed(LEVELS[: LEVELS.index(mine.level)]):
        place = (mine.device, mine.kind, label, str(mine.threads), mine.dtype)
        for limit in limits:
            if limit.place == place and not limit.suspect:
                return limit if beats(mine.value, limit, LEVEL_TOLERANCE) else None
    return None


def _broken(record: Record, mine: Limit, limits: Sequence[Limit], cpu: Cpu | None) -> str:
    """The harder bound that a bandwidth breaks, in words: the sum of single threads, or lines per cycle; else ""."""
    if not mine.metric.higher:
        return ""
    alone = (mine.device, mine.kind, mine.level, "1", mine.dtype)
    for limit in limits:
        fits = mine.threads > 1 and limit.place == alone and not limit.suspect
        if fits and mine.value > mine.threads * limit.value * TOLERANCE:
            return f"than {mine.threads} times {limit.name} ({text.amount(limit.shown, limit.metric.unit)})"
    clocks = record.telemetry.get("clock_hz")
    line = max((cache.line for cache in cpu.caches), default=0) if cpu else 0
    most = mine.threads * LINES * line * max(clocks, default=0.0) if isinstance(clocks, list) else 0.0
    if 0 < most * TOLERANCE < mine.value:
        return f"than {LINES} lines a cycle ({text.amount(most * mine.metric.scale, mine.metric.unit)})"
    return ""


def _suspect(records: Sequence[Record], reasons: Mapping[int, Reason]) -> list[Record]:
    """The records, marked suspect at these positions, with the reasons added to their own."""
    out = list(records)
    for index, reason in reasons.items():
        old = out[index]
        out[index] = replace(old, status="suspect", reasons=[*old.reasons, reason])
    return out
