"""Which figures of a run cannot be true, and which are doubtful, by the machine's own limits.

Disturbance makes a machine slower and never faster. So where a level comes out slower than one further from the core,
the nearer one was disturbed, and the further one shows what it should have reached at least. A figure is refused only
where it breaks a harder bound: the limit that its bench should touch, what its threads do one by one, or what a core's
paths carry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ..record.model import LEVELS, Cpu, Record, Run
from .limits import (
    GPU_SOURCES,
    IMPOSSIBLE,
    SOURCES,
    TOLERANCE,
    Limit,
    beats,
    best_of,
    bounds,
    limit_of,
    measured,
    share,
)

DOUBTFUL = "slower than a level further from the core"  # how the reason of a limit begins that is not all there is
LEVEL_TOLERANCE = 1.10  # a level may not be faster than the one nearer to the core by more than this
LINES = 2  # from beyond its L1 a core gets a line a cycle and gives one back; no processor sold has wider paths


def concluded(run: Run) -> Run:
    """The run with the verdicts of its own limits on its records.

    A run that describes its benches was stored as measured. One that does not is older: its verdicts were stored when
    it was measured, and stand.
    """
    if not run.benches:
        return run
    kinds = {name: bench.limit for name, bench in run.benches.items()}
    return replace(run, records=judged(run.records, kinds, run.policy.sizes, run.machine.cpu))


def judged(
    records: Sequence[Record], kinds: Mapping[str, str | None], sizes: Mapping[str, int], cpu: Cpu | None = None
) -> list[Record]:
    """The records with those made suspect that the limits refute or call in doubt, beside what was said of them.

    What an earlier call said of them goes first: a run that was cut off is judged, and judged anew when it is whole.

    Parameters
    ----------
    kinds
        The limit that each bench should touch.
    sizes
        Bytes of the size labels, for one thread.
    cpu
        What was measured on: its lines, and who shares which cache.
    """
    fresh = [_cleared(record) for record in records]
    doubts = doubtful(fresh, cpu)
    return _suspect(fresh, doubts | impossible(fresh, kinds, sizes, cpu))


def impossible(
    records: Sequence[Record], kinds: Mapping[str, str | None], sizes: Mapping[str, int], cpu: Cpu | None = None
) -> dict[int, str]:
    """Records (by position) whose figures cannot be true, each with the reason.

    Faster than the best limit of all levels that may serve its data, of the kind that its bench (`kinds`: bench to
    limit) touches; or, for a limit, faster than a level nearer to the core and beyond a harder bound too. A best sample
    is compared with a best sample; a suspect limit, and one beside which a nearer is missing, accuse nobody.
    """
    found = _excessive(records, cpu)
    limits = measured(_suspect(records, found | doubtful(records, cpu)))
    for index, record in enumerate(records):
        kind = kinds.get(record.bench)
        if kind is None or not record.timed or record.bench in SOURCES or record.bench in GPU_SOURCES:
            continue
        known = bounds(record, kind, limits, sizes, cpu)
        there = [limit for limit in known if limit is not None]
        if not there or known[-1] is None or (limit := best_of(there)).suspect:
            continue
        reached = share(record, limit, min(record.samples))
        if reached is not None and reached > TOLERANCE:
            shown = f"{limit.name}: {limit.shown:.3g} {limit.metric.unit}"
            found[index] = f"{IMPOSSIBLE}: {reached:.2f} times the limit it should touch ({shown})"
    return found


def doubtful(records: Sequence[Record], cpu: Cpu | None = None) -> dict[int, str]:
    """Records (by position) of limits that a level further from the core beats, each with the reason.

    All records are told that would stand for the limit; slower variants stand for nothing but themselves.
    """
    refused = _excessive(records, cpu)
    limits = measured(records)
    ahead: dict[tuple[str, ...], Limit] = {}
    for index, record in enumerate(records):
        mine = limit_of(record)
        nearer = _beaten(mine, limits) if mine and index not in refused else None
        if mine and nearer and (nearer.place not in ahead or beats(mine.value, ahead[nearer.place], 1.0)):
            ahead[nearer.place] = mine
    found = {}
    for index, record in enumerate(records):
        mine = limit_of(record)
        further = ahead.get(mine.place) if mine else None
        if mine and further and beats(further.value, mine, LEVEL_TOLERANCE / TOLERANCE):
            [standing] = [limit for limit in limits if limit.place == mine.place]
            if not beats(standing.value, mine, TOLERANCE):
                found[index] = (
                    f"{DOUBTFUL} ({further.name}: {further.shown:.3g} {further.metric.unit}), so it was disturbed"
                )
    return found


def _excessive(records: Sequence[Record], cpu: Cpu | None) -> dict[int, str]:
    """Limits' records that beat a nearer level because they break a harder bound, each with the reason."""
    limits = measured(records)
    found = {}
    for index, record in enumerate(records):
        mine = limit_of(record)
        nearer = _beaten(mine, limits) if mine else None
        reason = _broken(record, mine, limits, cpu) if mine and nearer else ""
        if mine and nearer and reason:
            shown = f"{nearer.name} ({nearer.shown:.3g} {nearer.metric.unit})"
            found[index] = f"{IMPOSSIBLE}: faster than {shown}, a level nearer to the core, and {reason}"
    return found


def _beaten(mine: Limit, limits: Sequence[Limit]) -> Limit | None:
    """The limit of the nearest level towards the core, where this one of a CPU is faster than that may be."""
    if mine.device != "cpu" or mine.level not in LEVELS:
        return None
    for label in reversed(LEVELS[: LEVELS.index(mine.level)]):
        place = (mine.device, mine.kind, label, str(mine.threads), mine.dtype)
        for limit in limits:
            if limit.place == place and not limit.suspect:
                return limit if beats(mine.value, limit, LEVEL_TOLERANCE) else None
    return None


def _broken(record: Record, mine: Limit, limits: Sequence[Limit], cpu: Cpu | None) -> str:
    """Which harder bound a bandwidth breaks, in words: its threads' own, one by one, or their cores' paths; or ""."""
    if not mine.metric.higher:
        return ""
    alone = (mine.device, mine.kind, mine.level, "1", mine.dtype)
    for limit in limits:
        fits = mine.threads > 1 and limit.place == alone and not limit.suspect
        if fits and mine.value > mine.threads * limit.value * TOLERANCE:
            return f"than {mine.threads} times {limit.name} ({limit.shown:.3g} {limit.metric.unit})"
    clocks = record.telemetry.get("clock_hz")
    line = max((cache.line for cache in cpu.caches), default=0) if cpu else 0
    most = mine.threads * LINES * line * max(clocks, default=0.0) if isinstance(clocks, list) else 0.0
    if 0 < most * TOLERANCE < mine.value:
        return f"than {LINES} lines a cycle ({most * mine.metric.scale:.3g} {mine.metric.unit})"
    return ""


def _suspect(records: Sequence[Record], reasons: Mapping[int, str]) -> list[Record]:
    """The records with these reasons (by position) beside their own."""
    out = list(records)
    for index, reason in reasons.items():
        old = out[index]
        out[index] = replace(old, status="suspect", reason="; ".join(filter(None, [old.reason, reason])))
    return out


def _cleared(record: Record) -> Record:
    """The record without what `judged` said of it."""
    parts = record.reason.split("; ")
    kept = [part for part in parts if not part.startswith((IMPOSSIBLE, DOUBTFUL))]
    if len(kept) == len(parts):
        return record
    return replace(record, reason="; ".join(kept), status="suspect" if kept else "ok")
