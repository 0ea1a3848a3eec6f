"""One run from selection to file: plans the groups, measures them, saves after each, judges the whole at the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from .. import catalog, errors
from ..analysis import plausibility
from ..devices import Device
from ..devices.selection import devices, needed, spread, with_gpus
from ..host import machine
from ..record import store
from ..record.model import Cpu, Policy, Record, Run, key
from . import cases as measure_cases
from . import numba_settings
from .autosave import Interrupted, _Keeper
from .engine import Engine
from .observer import Observer, _Unheard
from .planning import Plan, _answerable, _begin, _present, _preset, absent, skipped
from .policy import POLICIES


def execute(plan: Plan, observer: Observer, stop: Callable[[], None] = lambda: None) -> tuple[Run, Path | None]:
    """Measure what the plan asks for; the run, and the file it lies in (None: it could be written nowhere).

    `stop` is called again and again between samples; it raises KeyboardInterrupt where the run is to end.
    Raises UsageError or StoreError before anything is measured, Interrupted after Ctrl-C or SIGTERM.
    """
    started = begun = time.perf_counter()
    observer = _Unheard(observer)
    if plan.budget is not None and not (math.isfinite(plan.budget) and plan.budget > 0):
        raise errors.UsageError(f"--budget {plan.budget:g}: is no time in seconds")
    if plan.preset not in POLICIES:
        raise errors.UsageError(f"--preset {plan.preset}: is none of {', '.join(POLICIES)}")
    numba_settings.check()
    asked = catalog.select(plan.select)  # what is misspelt is said before the machine is looked at
    known = devices(needed(plan.device, asked))
    here, _ = with_gpus(machine.describe(plan.machine), known)
    cut_off = store.unfinished(plan.out, here) if plan.resume else None
    preset = _preset(plan, cut_off, observer)
    chosen = catalog.select(plan.select, preset)
    groups = measure_cases.groups(
        chosen if plan.select else [bench for bench in chosen if _answerable(bench, known)],
        preset=preset,
        params=plan.params,
        variants=plan.variants,
        devices={name: device.kind for name, device in known.items()},
        spread=spread(known),
    )
    present = [_present(group, known) for group in groups]
    run, path = _begin(plan, here, cut_off, sum(len(part.cases) for part in present))
    versions = {bench.name: bench.version for bench in chosen}
    done = {key(record) for record in run.records if versions.get(record.bench) == record.version}
    missing = [skipped(group, case, why) for group in groups for case, why in absent(group, known)]
    run = msgspec.structs.replace(run, records=[*run.records, *(r for r in missing if key(r) not in done)])
    left = [part for part in present if not all(key(case) in done for case in part.cases)]
    engine = Engine(known, run.policy)
    engine.stop = stop
    engine.phases.seconds |= run.policy.phases  # a resumed run goes on with its clock
    started -= run.policy.phases.get("total", 0.0)
    engine.phases.seconds["start-up"] = run.policy.phases.get("start-up", 0.0) + time.perf_counter() - begun
    keeper = _Keeper(path, observer)
    keeper.save(run)
    observer.planned(left, len(done))
    try:
        for index, group in enumerate(left):
            observer.measuring(group)
            seconds = _share(plan.budget, time.perf_counter() - begun, len(left) - index)
            records = _measure(engine, group, seconds, plan.budget)
            with engine.phases("save"):
                # A contrast that an earlier session had in part is measured anew as a whole, and replaces that part.
                fresh = {key(record) for record in records}
                kept = [record for record in run.records if key(record) not in fresh]
                run = msgspec.structs.replace(
                    run, records=[*kept, *records], policy=_policy(run.policy, engine, known, started)
                )
                keeper.save(run)
            observer.measured(group, records)
    except KeyboardInterrupt:
        run = msgspec.structs.replace(run, records=refuse_impossible(run.records, run.policy.sizes, here.cpu))
        keeper.save(run)  # also because it may have come in the middle of saving
        raise Interrupted(run, keeper.path, spare=keeper.elsewhere) from None
    run = msgspec.structs.replace(
        run,
        records=refuse_impossible(run.records, run.policy.sizes, here.cpu),
        policy=_policy(run.policy, engine, known, started),
        finished=store.now(),
    )
    keeper.save(run)
    return run, keeper.path


def _share(budget: float | None, spent: float, groups: int) -> float:
    """Seconds that the rounds of the next group may take: an even share of what is left; 0 when nothing is."""
    return math.inf if budget is None else max(0.0, (budget - spent) / groups)


def _measure(engine: Engine, group: measure_cases.Group, seconds: float, budget: float | None) -> list[Record]:
    if seconds > 0:
        return engine.measure(group, seconds)
    reason = f"the budget of {budget:g} s was spent before its turn; raise --budget"
    return [skipped(group, case, reason) for case in group.cases]


def _policy(policy: Policy, engine: Engine, known: Mapping[str, Device], started: float) -> Policy:
    sizes = {label: size for device in known.values() for label, size in device.sizes.items()}
    phases = {name: round(value, 3) for name, value in engine.phases.seconds.items()}
    phases["total"] = round(time.perf_counter() - started, 3)
    return msgspec.structs.replace(policy, sizes=policy.sizes | sizes, phases=phases)


def refuse_impossible(records: Sequence[Record], sizes: Mapping[str, int], cpu: Cpu | None = None) -> list[Record]:
    """The records with those made suspect that the machine's limits say cannot be true, or call in doubt."""
    kinds = {name: bench.limit for name, bench in catalog.benches().items()}
    return plausibility.judged(records, kinds, sizes, cpu)
