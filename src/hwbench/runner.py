"""One run from selection to file: plans the groups, measures them, saves after each, judges the whole at the end."""

from __future__ import annotations

import math
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import msgspec
import psutil

from . import __version__, disturbances, machine, plausible, registry, store, variables
from .bench import Bench, Sweep
from .devices import Device
from .devices.absent import AbsentGpu
from .engine import Engine
from .model import Case, Cpu, Gpu, Machine, Policy, Record, Run, Scalar, key

NOT_USED = Gpu(name="not used")

POLICIES = {
    "quick": Policy(preset="quick", min_sample_s=0.005, case_s=0.1, warmup_s=0.1, max_rounds=20, precision=0.02),
    "standard": Policy(preset="standard", case_s=0.1, warmup_s=0.1),
    "full": Policy(preset="full", case_s=0.2, warmup_s=0.2, max_rounds=300),
}
FEW_S = 30.0  # of the full preset: the rounds of few cases may take so much in all,
FEW_CASE_S = 2.0  # and those of one of them so much: a neighbour's visit of half a second is no median of that


def fitted(policy: Policy, cases: int) -> Policy:
    """The policy for so many cases: in the full preset few have more time each, and are to be known the better."""
    if policy.preset != "full" or not cases:
        return policy
    times = min(FEW_CASE_S, max(FEW_S / cases, policy.case_s)) / policy.case_s
    return msgspec.structs.replace(
        policy, case_s=policy.case_s * times, max_rounds=round(policy.max_rounds * times),
        precision=policy.precision / times,
    )  # fmt: skip


def usual_seconds(preset: str) -> float:
    """What a case usually takes: its rounds, half its warm-up, as much to be built and checked; 0: unknown."""
    policy = POLICIES.get(preset)
    return policy.case_s + policy.warmup_s if policy else 0.0


@dataclass(frozen=True)
class Plan:
    """What was asked for on the command line."""

    select: Sequence[str] = ()
    preset: str = "standard"
    device: str = "cpu"
    params: Mapping[str, Sequence[str]] = field(default_factory=dict)
    variants: Sequence[str] = ()
    budget: float | None = None
    out: Path = Path("reports")
    machine: str | None = None
    resume: bool = False


class Observer(Protocol):
    """Who watches a run: a progress bar, lines, a test."""

    def planned(self, groups: Sequence[registry.Group], measured: int) -> None:
        """What will be measured, and how many cases an earlier run measured already."""

    def measuring(self, group: registry.Group) -> None:
        """A group is about to be measured."""

    def measured(self, group: registry.Group, records: Sequence[Record]) -> None:
        """A group was measured and saved."""

    def trouble(self, message: str) -> None:
        """Something went wrong that the run survives."""


class Interrupted(Exception):  # noqa: N818 - it ends a run as Ctrl-C asked, it is no error
    """A run that was stopped; carries what was measured and where it lies: `spare`, where `--resume` does not look."""

    def __init__(self, run: Run, path: Path | None, *, spare: bool = False) -> None:
        super().__init__("interrupted")
        self.run = run
        self.path = path
        self.spare = spare


class _Unheard:
    """An observer that may fail to print (on a full disk, into a closed pipe) without ending the run."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer

    def planned(self, groups: Sequence[registry.Group], measured: int) -> None:
        with suppress(OSError):
            self.observer.planned(groups, measured)

    def measuring(self, group: registry.Group) -> None:
        with suppress(OSError):
            self.observer.measuring(group)

    def measured(self, group: registry.Group, records: Sequence[Record]) -> None:
        with suppress(OSError):
            self.observer.measured(group, records)

    def trouble(self, message: str) -> None:
        with suppress(OSError):
            self.observer.trouble(message)


class _Keeper:
    """Saves a run where it belongs; where that fails, in the temporary directory; where that fails too, in memory."""

    def __init__(self, path: Path, observer: Observer) -> None:
        self.path: Path | None = path
        self.home = path
        self.observer = observer
        self.spare: Path | None = None
        with suppress(OSError):  # there may be no such directory; asked now, for on a full disk none is found usable
            self.spare = Path(tempfile.gettempdir())

    @property
    def elsewhere(self) -> bool:
        """Whether the run lies where it does not belong."""
        return self.path != self.home

    def save(self, run: Run) -> None:
        """Write this state of the run; says once where it went wrong and where the run lies now."""
        while self.path is not None:
            try:
                store.write(run, self.path)
                return
            except store.StoreError as error:
                spare = self.spare / f"{run.id}.json" if self.spare is not None else None
                self.path = spare if spare != self.path else None
                where = f"keeping the run in {spare}" if self.path else "keeping the run in memory until its end"
                self.observer.trouble(f"{error}; {where}")


def devices(which: str) -> dict[str, Device]:
    """The devices named by `--device`: cpu, gpu, gpu:N or all. Where there is no GPU, one that says why not."""
    from .devices.cpu import CpuDevice

    if not re.fullmatch("cpu|gpu|gpu:[0-9]{1,3}|all", which):
        raise registry.UsageError(f"--device {which}: is none of cpu, gpu, gpu:N, all")
    found: dict[str, Device] = {"cpu": CpuDevice()} if which in ("cpu", "all") else {}
    return found if which == "cpu" else found | gpus(which)


def gpus(which: str = "gpu") -> dict[str, Device]:
    """All GPUs, or `gpu:N`; in the place of what cannot be used, a device that says why not."""
    from .devices.gpu_probe import probe

    there = probe()
    if there.state != "ok":
        return {"gpu": AbsentGpu(there.why)}
    index = which.partition(":")[2]
    if index and int(index) >= there.count:
        names = ", ".join(f"gpu:{i}" for i in range(there.count))
        raise registry.UsageError(f"--device {which}: this machine has no such GPU; there is {names}")
    from .devices.gpu import GpuDevice

    found: dict[str, Device] = {}
    for number in [int(index)] if index else range(there.count):
        name = f"gpu:{number}"
        if number in there.unusable:
            found[name] = AbsentGpu(there.unusable[number], name)
            continue
        try:
            found[name] = GpuDevice(number)
        except Exception as error:  # noqa: BLE001 - in exclusive use, out of memory, fallen off the bus …
            found[name] = AbsentGpu(f"the GPU cannot be used ({error}); nvidia-smi tells more", name)
    return found


def with_gpus(here: Machine, known: Mapping[str, Device]) -> tuple[Machine, str]:
    """The machine with its GPUs described, and why those that cannot be used are missing ("" where none is).

    Each has the place of its number, for records name it by that; nothing is known of those in between.
    """
    described = {name: device.describe() for name, device in known.items() if hasattr(device, "describe")}
    last = max((int(name.partition(":")[2]) for name in described), default=-1)
    cards = [described.get(f"gpu:{number}", NOT_USED) for number in range(last + 1)]
    why = "; ".join(device.why for device in known.values() if isinstance(device, AbsentGpu))
    return msgspec.structs.replace(here, gpus=cards or here.gpus), why


def needed(which: str, chosen: Sequence[Bench]) -> str:
    """`--device`, less the GPU where `all` was asked for and no bench has a variant for one: it need not be woken."""
    return "cpu" if which == "all" and not any("gpu" in bench.kinds for bench in chosen) else which


def spread(known: Mapping[str, Device]) -> Callable[[Any], Sequence[Scalar]]:
    """What machine-dependent axis values stand for, said by the first usable device of the kind they are about."""

    def values(value: Any) -> Sequence[Scalar]:
        kind = value.on if isinstance(value, Sweep) else "cpu"
        fitting = [device for device in known.values() if device.kind == kind]
        if not fitting:  # a bench of CPU and GPU variants, of which only one kind is measured
            return AbsentGpu("").spread(value) if kind == "gpu" else _cpu_spread(value)
        return min(fitting, key=lambda device: isinstance(device, AbsentGpu)).spread(value)

    return values


def _cpu_spread(value: Any) -> Sequence[Scalar]:
    from .devices.cpu import CpuDevice

    return CpuDevice().spread(value)


def execute(plan: Plan, observer: Observer, stop: Callable[[], None] = lambda: None) -> tuple[Run, Path | None]:
    """Measure what the plan asks for; the run, and the file it lies in (None: it could be written nowhere).

    `stop` is called again and again between samples; it raises KeyboardInterrupt where the run is to end.
    Raises UsageError or StoreError before anything is measured, Interrupted after Ctrl-C or SIGTERM.
    """
    started = begun = time.perf_counter()
    observer = _Unheard(observer)
    if plan.budget is not None and not (math.isfinite(plan.budget) and plan.budget > 0):
        raise registry.UsageError(f"--budget {plan.budget:g}: is no time in seconds")
    if plan.preset not in POLICIES:
        raise registry.UsageError(f"--preset {plan.preset}: is none of {', '.join(POLICIES)}")
    variables.check()
    asked = registry.select(plan.select)  # what is misspelt is said before the machine is looked at
    known = devices(needed(plan.device, asked))
    here, _ = with_gpus(machine.describe(plan.machine), known)
    cut_off = store.unfinished(plan.out, here) if plan.resume else None
    preset = _preset(plan, cut_off, observer)
    chosen = registry.select(plan.select, preset)
    groups = registry.groups(
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


def _answerable(bench: Bench, known: Mapping[str, Device]) -> bool:
    """Whether there is a device of the kind without which the bench's question has no answer."""
    usable = {device.kind for device in known.values() if not isinstance(device, AbsentGpu)}
    return not bench.about or bench.about in usable


def _preset(plan: Plan, cut_off: tuple[Path, Run] | None, observer: Observer) -> str:
    """The preset of the plan, or of the run that is resumed: half of one and half of another would be neither."""
    if cut_off is None:
        return plan.preset
    path, run = cut_off
    if run.policy.preset not in POLICIES:
        raise store.StoreError(f"{path}: was measured by a preset that is none of {', '.join(POLICIES)}; cannot go on")
    if run.policy.preset != plan.preset:
        observer.trouble(f"going on with --preset {run.policy.preset}, as the run was begun")
    return run.policy.preset


def _begin(plan: Plan, here: Machine, cut_off: tuple[Path, Run] | None, cases: int) -> tuple[Run, Path]:
    """A new run of so many cases, or the one that was cut off; its directory is known to be writable."""
    store.prepare(plan.out / "runs" / here.name)
    stamp = {**identity(), "pid": os.getpid(), "process_started": psutil.Process().create_time()}
    if cut_off is not None:
        path, run = cut_off
        return msgspec.structs.replace(run, hwbench=stamp), path
    policy = msgspec.structs.replace(fitted(POLICIES[plan.preset], cases), budget_s=plan.budget)
    run = Run(
        id=store.new_id(here.name), started=store.now(), hwbench=stamp,
        machine=here, software=machine.software(), policy=policy, disturbances=disturbances.find(here),
    )  # fmt: skip
    return run, store.path_of(run, plan.out)


def _share(budget: float | None, spent: float, groups: int) -> float:
    """Seconds that the rounds of the next group may take: an even share of what is left; 0 when nothing is."""
    return math.inf if budget is None else max(0.0, (budget - spent) / groups)


def _measure(engine: Engine, group: registry.Group, seconds: float, budget: float | None) -> list[Record]:
    if seconds > 0:
        return engine.measure(group, seconds)
    reason = f"the budget of {budget:g} s was spent before its turn; raise --budget"
    return [skipped(group, case, reason) for case in group.cases]


def absent(group: registry.Group, known: Mapping[str, Device]) -> list[tuple[Case, str]]:
    """The cases of a group whose device is not there, with the reason."""
    return [(case, device.why) for case in group.cases if isinstance(device := known[case.device], AbsentGpu)]


def _present(group: registry.Group, known: Mapping[str, Device]) -> registry.Group:
    """The rest of the group."""
    there = tuple(case for case in group.cases if not isinstance(known[case.device], AbsentGpu))
    return registry.Group(group.bench, there)


def skipped(group: registry.Group, case: Case, reason: str) -> Record:
    """A record that says why a case was not measured."""
    return Record(
        bench=group.bench.name, version=group.bench.version, variant=case.variant, device=case.device,
        params=case.params, status="skipped", reason=reason,
    )  # fmt: skip


def _policy(policy: Policy, engine: Engine, known: Mapping[str, Device], started: float) -> Policy:
    sizes = {label: size for device in known.values() for label, size in device.sizes.items()}
    phases = {name: round(value, 3) for name, value in engine.phases.seconds.items()}
    phases["total"] = round(time.perf_counter() - started, 3)
    return msgspec.structs.replace(policy, sizes=policy.sizes | sizes, phases=phases)


def refuse_impossible(records: Sequence[Record], sizes: Mapping[str, int], cpu: Cpu | None = None) -> list[Record]:
    """The records with those made suspect that the machine's limits say cannot be true, or call in doubt."""
    kinds = {name: bench.limit for name, bench in registry.benches().items()}
    return plausible.judged(records, kinds, sizes, cpu)


def identity() -> dict[str, Any]:
    """Version of hwbench, and commit and cleanliness of the checkout it runs from, None where it is no checkout."""
    root = Path(__file__).resolve().parents[2]
    commit = dirty = None
    if (root / ".git").exists():
        commit = _git(root, "rev-parse", "HEAD") or None
        changed = _git(root, "status", "--porcelain", "--", "src")
        dirty = None if changed is None else bool(changed)
    return {"version": __version__, "commit": commit, "dirty": dirty}


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603, S607
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
