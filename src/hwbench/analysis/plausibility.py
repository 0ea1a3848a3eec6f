"""Implausible and doubtful figures of a run, by the machine's own limits.

A disturbance makes a machine slower, never faster. So a limit that is lower than that of a level further out was
disturbed: it is doubtful. A figure is implausible only where it breaks a harder bound: the limit its bench should
touch, the sum of its threads one by one, or the width of a core's load and store paths.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from ..record import text
from ..record.measures import LIMITS, TOLERANCE
from ..record.model import LEVELS, Cpu, Record, Run, as_measured, without
from ..record.reasons import Reason, because, has
from . import order, twins
from .limits import Limit, beats, limit_for, limit_of, measured, share, standing
from .measures import Benches, Catalogue, completed, declared

LEVEL_TOLERANCE = 1.10  # how much faster a level may be than one nearer to the core
LINES = 2  # cache lines per cycle between L1 and L2: one in, one out; no processor sold has wider paths


def concluded(run: Run, catalogue: Catalogue | None = None) -> Run:
    """The run with the declarations of its benches, and its records judged anew by its own limits and twins.

    All readers of a run, old or new, judge it here. What the file does not say of its benches is looked up in
    `catalogue`.
    """
    run = completed(run, {} if catalogue is None else catalogue)
    return replace(run, records=judged(run.records, run.benches, run.policy.sizes, run.machine.cpu))


def judged(
    records: Sequence[Record], benches: Benches, sizes: Mapping[str, int], cpu: Cpu | None = None
) -> list[Record]:
    """The records, with implausible and doubtful ones, twins that disagree and cases out of order marked suspect.

    Other reasons stay. Earlier conclusions are dropped first. Those of a bench without a declaration cannot be drawn
    anew and are kept, except for twins and order.

    Parameters
    ----------
    benches
        What the benches declare: the limit that each should touch, and what it measures.
    sizes
        Bytes of the size labels, for one thread.
    cpu
        The CPU measured on, for its cache lines and who shares which cache.
    """
    new = [as_measured(one) if one.bench in benches else without(one, "twins", "out_of_order") for one in records]
    given = _given(new, benches)
    refused = _excessive(new, given, cpu)
    slower = _doubtful(given, refused)
    new = _suspect(new, slower | _impossible(new, benches, sizes, cpu, refused, slower))
    new = _suspect(new, above(new, benches, sizes, cpu))
    new = _suspect(new, twins.disagreeing(new, benches))
    return _suspect(new, order.disordered(new, benches))


def impossible(
    records: Sequence[Record], benches: Benches, sizes: Mapping[str, int], cpu: Cpu | None = None
) -> dict[int, Reason]:
    """Implausible records by position, each with the reason.

    A record is implausible if its best sample is faster than the best limit of all levels that may serve its data, of
    the kind that its bench should touch; or if it is itself a limit, is faster than a nearer level, and
    breaks a harder bound. A figure is called impossible only against an undisturbed limit, and only if the nearest
    level was measured.
    """
    given = _given(records, benches)
    refused = _excessive(records, given, cpu)
    return _impossible(records, benches, sizes, cpu, refused, _doubtful(given, refused))


def _impossible(
    records: Sequence[Record],
    benches: Benches,
    sizes: Mapping[str, int],
    cpu: Cpu | None,
    refused: Mapping[int, Reason],
    slower: dict[int, Reason],
) -> dict[int, Reason]:
    """`refused` are the records that break a harder bound, `slower` those that are doubtful."""
    found = dict(refused)
    limits = measured(_suspect(records, found | slower), benches)
    for index, limit, reached in _exceeding(records, benches, limits, sizes, cpu):
        if not limit.suspect:
            found[index] = because(
                "implausible", f"{text.amount(reached)} times the limit it should touch ({_shown(limit)})"
            )
    return found


def above(
    records: Sequence[Record], benches: Benches, sizes: Mapping[str, int], cpu: Cpu | None = None
) -> dict[int, Reason]:
    """Records above a limit that is suspect itself, each with the reason; none that a verdict says so of already."""
    return {
        index: because("above_limit", f"{text.amount(reached)} times {_shown(limit)}")
        for index, limit, reached in _exceeding(records, benches, measured(records, benches), sizes, cpu)
        if limit.suspect and not has(records[index].reasons, "implausible", "above_limit")
    }


def _exceeding(
    records: Sequence[Record], benches: Benches, limits: Sequence[Limit], sizes: Mapping[str, int], cpu: Cpu | None
) -> Iterator[tuple[int, Limit, float]]:
    """Records whose best sample exceeds the limit that their bench should touch: position, limit and share."""
    for index, record in enumerate(records):
        info = benches.get(record.bench)
        kind = info.limit if info is not None else None
        if kind is None or not record.timed or declared(record, benches) in LIMITS:
            continue
        limit = limit_for(record, kind, limits, sizes, cpu)
        reached = share(record, limit, min(record.samples)) if limit is not None else None
        if limit is not None and reached is not None and reached > TOLERANCE:
            yield index, limit, reached


def _shown(limit: Limit) -> str:
    return f"{limit.name}: {text.amount(limit.shown, limit.metric.unit)}"


def doubtful(records: Sequence[Record], benches: Benches, cpu: Cpu | None = None) -> dict[int, Reason]:
    """Doubtful records by position, each with the reason: limits that a level further out beats.

    All records within TOLERANCE of the limit are doubtful; slower variants are not, since they give no limit.
    """
    given = _given(records, benches)
    return _doubtful(given, _excessive(records, given, cpu))


def _given(records: Sequence[Record], benches: Benches) -> list[Limit | None]:
    """The limit that each record gives: asked for once, since that takes longer than all rules."""
    return [limit_of(record, benches) for record in records]


def _doubtful(given: Sequence[Limit | None], refused: Mapping[int, Reason]) -> dict[int, Reason]:
    limits = standing(given)
    ahead: dict[tuple[str, ...], Limit] = {}
    for index, mine in enumerate(given):
        nearer = _beaten(mine, limits) if mine and index not in refused else None
        if mine and nearer and (nearer.place not in ahead or beats(mine.value, ahead[nearer.place], 1.0)):
            ahead[nearer.place] = mine
    found = {}
    for index, mine in enumerate(given):
        further = ahead.get(mine.place) if mine else None
        if mine and further and beats(further.value, mine, LEVEL_TOLERANCE / TOLERANCE):
            [best] = [limit for limit in limits if limit.place == mine.place]
            if not beats(best.value, mine, TOLERANCE):
                found[index] = because("doubtful", f"{further.name}: {text.amount(further.shown, further.metric.unit)}")
    return found


def _excessive(records: Sequence[Record], given: Sequence[Limit | None], cpu: Cpu | None) -> dict[int, Reason]:
    """Records of limits that beat a nearer level and break a harder bound, each with the reason."""
    limits = standing(given)
    found = {}
    for index, (record, mine) in enumerate(zip(records, given, strict=True)):
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
