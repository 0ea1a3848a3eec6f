"""Committed runs, and mutations of them: other figures, fewer records, other threads, devices, statuses and facts.

A mutation is a function of a run and a seeded source of chance. `mutated` draws a run, keeps some of its benches, and
applies several of them, so that limits are exceeded, disturbed or missing, and twins disagree.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

from msgspec.structs import replace

from hwbench import catalog
from hwbench.analysis.measures import declared
from hwbench.analysis.twins import quantity
from hwbench.record import store
from hwbench.record.measures import LIMITS
from hwbench.record.model import LEVELS, Record, Run, as_measured
from hwbench.record.reasons import because
from made_up.declared import described

REPORTS = Path(__file__).parents[2] / "reports"
RUNS, VERIFIED = (sorted((REPORTS / kind).glob("*/*.json")) for kind in ("runs", "verify"))
DISTURBED = ("steal", "other_processes", "quota", "clock_drift", "bimodal", "gpu_power_cap", "cpus_moved")
Mutation = Callable[[Run, random.Random], Run]


@cache
def committed(path: Path) -> Run:
    """A committed run."""
    return store.read(path)


def mutated(seed: int, records: int = 0) -> Run:
    """A mutation of a committed run, the same for the same seed; of about so many `records` at most, 0: of all."""
    rng = random.Random(seed)
    run = committed(RUNS[seed % len(RUNS)] if seed % 10 else rng.choice(VERIFIED))
    if rng.random() < 0.5:
        run = described(run)  # a file of this hwbench, whose verdicts are concluded anew
    # The verdicts of an older file are stored, and tell of figures that mutations change.
    run = replace(run, records=[as_measured(one) for one in run.records])
    if records:
        run = smaller(run, rng, records)
    for mutation in rng.sample(MUTATIONS, rng.randint(1, 4)):
        run = mutation(run, rng)
    return run


def smaller(run: Run, rng: random.Random, most: int) -> Run:
    """Some records of the run: a few twins, limits at labelled sizes, and then benches in random order."""
    benches = catalog.benches()
    limits = {name for name, bench in benches.items() if bench.info.measures in LIMITS}
    labelled = [one for one in run.records if one.bench in limits and one.params.get("size", "L1") in LEVELS]
    groups = twins_of(run)
    kept = {id(one) for group in rng.sample(groups, min(len(groups), 3)) for one in group}
    kept |= {id(one) for one in rng.sample(labelled, min(len(labelled), most // 2))}
    names = sorted({one.bench for one in run.records})
    rng.shuffle(names)
    for name in names:
        mine = [one for one in run.records if one.bench == name and id(one) not in kept]
        kept |= {id(one) for one in mine[: max(0, most - len(kept))]}
    return replace(run, records=[one for one in run.records if id(one) in kept])


def twins_of(run: Run) -> list[list[Record]]:
    """The records that are twins of one another, by what they measure."""
    benches, groups = described(run).benches, defaultdict(list)
    for one in run.records:
        if (what := quantity(one, benches)) is not None:
            groups[what].append(one)
    return [group for group in groups.values() if len(group) > 1]


# --- mutations --------------------------------------------------------------------------------------------------------


def each(change: Callable[[Record, random.Random], Record], share: float) -> Mutation:
    """Change a share of the timed records."""

    def mutation(run: Run, rng: random.Random) -> Run:
        changed = [change(one, rng) if one.timed and rng.random() < share else one for one in run.records]
        return replace(run, records=changed)

    return mutation


def slower_or_faster(record: Record, rng: random.Random) -> Record:
    """Times of 0.3 to 3 times as long."""
    factor = 10 ** rng.uniform(-0.5, 0.5)
    return replace(record, samples=[one * factor for one in record.samples])


def scattered(record: Record, rng: random.Random) -> Record:
    """Samples further apart, or all alike."""
    wide = rng.choice((0.0, 0.01, 0.3))
    middle = sorted(record.samples)[len(record.samples) // 2]
    return replace(record, samples=[middle * (1 + wide * rng.random()) for _ in record.samples])


def fewer_or_more(record: Record, rng: random.Random) -> Record:
    """Another number of samples, from one on."""
    return replace(record, samples=[rng.choice(record.samples) for _ in range(rng.choice((1, 2, 3, 5, 30)))])


def disturbed(record: Record, rng: random.Random) -> Record:
    """Suspect, for one more reason."""
    return replace(record, status="suspect", reasons=[*record.reasons, because(rng.choice(DISTURBED))])


def refused(record: Record, rng: random.Random) -> Record:
    """Without a time: a wrong answer, an error, or skipped."""
    status, code = rng.choice((("wrong", "wrong_answer"), ("error", "error"), ("skipped", "needs_smt")))
    return replace(record, status=status, reasons=[because(code)], samples=[])


def without_facts(record: Record, rng: random.Random) -> Record:
    """Some facts fewer."""
    return replace(record, facts={name: value for name, value in record.facts.items() if rng.random() < 0.6})


def dropped(run: Run, rng: random.Random) -> Run:
    """Without a third of the records."""
    return replace(run, records=[one for one in run.records if rng.random() < 0.67])


def without_benches(run: Run, rng: random.Random) -> Run:
    """Without some benches."""
    gone = {name for name in {one.bench for one in run.records} if rng.random() < 0.3}
    return replace(run, records=[one for one in run.records if one.bench not in gone])


def limits_disturbed(run: Run, rng: random.Random) -> Run:
    """Limits that were disturbed and are too low, so that what they bound is above them."""
    factor = rng.uniform(1.0, 2.5)
    benches = described(run).benches
    changed = [
        replace(disturbed(one, rng), samples=[seconds * factor for seconds in one.samples])
        if one.timed and declared(one, benches) in LIMITS and rng.random() < 0.7 else one
        for one in run.records
    ]  # fmt: skip
    return replace(run, records=changed)


def above_limits(run: Run, rng: random.Random) -> Run:
    """Benches that are faster than their undisturbed limits, some by a little."""
    factor = rng.choice((0.3, 0.7, 0.9, 0.94))
    benches = described(run).benches
    names = sorted({one.bench for one in run.records if declared(one, benches) not in LIMITS})
    fast = set(rng.sample(names, min(len(names), 4)))
    changed = [
        replace(one, samples=[seconds * factor for seconds in one.samples]) if one.bench in fast else one
        for one in run.records
    ]
    return replace(run, records=changed)


def twins_apart(run: Run, rng: random.Random) -> Run:
    """Twins set apart, where there are any: all but the first of some pairs take half as long again."""
    apart = {id(one) for group in twins_of(run) if rng.random() < 0.5 for one in group[1:]}
    changed = [
        replace(one, samples=[seconds * 1.5 for seconds in one.samples]) if id(one) in apart else one
        for one in run.records
    ]
    return replace(run, records=changed)


def other_levels(run: Run, rng: random.Random) -> Run:
    """Levels of another size, and fewer of them."""
    sizes = {name: size * rng.choice((1, 2, 8)) for name, size in run.policy.sizes.items() if rng.random() < 0.9}
    return replace(run, policy=replace(run.policy, sizes=sizes))


def on_one_thread(run: Run, rng: random.Random) -> Run:
    """Without the cases on one thread, or without those on several: `all` may be one."""
    one = rng.random() < 0.5
    kept = [record for record in run.records if (record.params.get("threads", 1) == 1) == one]
    if one or rng.random() < 0.5:
        return replace(run, records=kept)
    alone = [
        replace(record, facts={**record.facts, "threads": 1}) if record.params.get("threads") == "all" else record
        for record in run.records
    ]
    return replace(run, records=alone)


def on_another_gpu(run: Run, rng: random.Random) -> Run:
    """Some benches of the first GPU on a second one."""
    names = {one.bench for one in run.records if one.device == "gpu:0" and rng.random() < 0.4}
    moved = [replace(one, device="gpu:1") if one.bench in names and one.device == "gpu:0" else one
             for one in run.records]  # fmt: skip
    gpus = [*run.machine.gpus, *run.machine.gpus][:2]
    return replace(run, records=moved, machine=replace(run.machine, gpus=gpus))


MUTATIONS: tuple[Mutation, ...] = (
    each(slower_or_faster, 0.1),
    each(slower_or_faster, 1.0),
    each(scattered, 0.3),
    each(fewer_or_more, 0.3),
    each(disturbed, 0.2),
    each(refused, 0.1),
    each(without_facts, 0.5),
    dropped,
    without_benches,
    limits_disturbed,
    above_limits,
    twins_apart,
    other_levels,
    on_one_thread,
    on_another_gpu,
)
