"""TODO measure.planning."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psutil

from .. import errors
from ..bench import Bench
from ..devices import Device
from ..devices.absent import AbsentGpu
from ..host import disturbances, machine
from ..host.provenance import identity
from ..record import store
from ..record.model import Case, Machine, Record, Run
from . import cases as measure_cases
from .observer import Observer
from .policy import POLICIES, fitted


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
        raise errors.StoreError(f"{path}: was measured by a preset that is none of {', '.join(POLICIES)}; cannot go on")
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


def absent(group: measure_cases.Group, known: Mapping[str, Device]) -> list[tuple[Case, str]]:
    """The cases of a group whose device is not there, with the reason."""
    return [(case, device.why) for case in group.cases if isinstance(device := known[case.device], AbsentGpu)]


def _present(group: measure_cases.Group, known: Mapping[str, Device]) -> measure_cases.Group:
    """The rest of the group."""
    there = tuple(case for case in group.cases if not isinstance(known[case.device], AbsentGpu))
    return measure_cases.Group(group.bench, there)


def skipped(group: measure_cases.Group, case: Case, reason: str) -> Record:
    """A record that says why a case was not measured."""
    return Record(
        bench=group.bench.name, version=group.bench.version, variant=case.variant, device=case.device,
        params=case.params, status="skipped", reason=reason,
    )  # fmt: skip
