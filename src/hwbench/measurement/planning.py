"""Plan what a run measures, from a request, the benches, the devices and an earlier run. Nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from .. import errors
from ..bench import Bench
from ..devices import Device
from ..devices.absent import AbsentGpu
from ..devices.selection import spread
from ..record.model import Case, CaseKey, Policy, Record, Run, key
from ..record.reasons import Reason
from . import cases
from .cases import Group
from .policy import POLICIES


@dataclass(frozen=True)
class Request:
    """What the command line asks for.

    `only` chooses among the cases, `policy` replaces the preset's, and `folder` is where below `out` the run is kept.
    Without `gate` GPUs time work that is not held back until it is queued.
    """

    select: Sequence[str] = ()
    preset: str = "standard"
    device: str = "cpu"
    params: Mapping[str, Sequence[str]] = field(default_factory=dict)
    variants: Sequence[str] = ()
    budget: float | None = None
    out: Path = Path("reports")
    machine: str | None = None
    resume: bool = False
    only: Callable[[Bench, Case], bool] | None = None
    policy: Policy | None = None
    folder: str = "runs"
    gate: bool = True


@dataclass(frozen=True)
class Plan:
    """The groups that the devices here can measure, and a skipped record for every case whose device is absent.

    `without` names the selected benches of which the request leaves no case.
    """

    groups: Sequence[Group]
    absent: Sequence[Record]
    without: Sequence[str] = ()

    @property
    def cases(self) -> int:
        """How many cases the groups have."""
        return sum(len(group.cases) for group in self.groups)


def check(request: Request) -> None:
    """UsageError for a budget or a preset that makes no sense."""
    if request.budget is not None and not (math.isfinite(request.budget) and request.budget > 0):
        raise errors.UsageError(f"--budget {request.budget:g}: must be a time in seconds above 0")
    if request.policy is None and request.preset not in POLICIES:
        raise errors.UsageError(f"--preset {request.preset}: must be one of {', '.join(POLICIES)}")


def preset_of(request: Request, cut_off: tuple[Path, Run] | None) -> str:
    """The preset to measure by. A run that is resumed keeps its own: no run mixes two."""
    if cut_off is None:
        return request.preset
    path, run = cut_off
    if run.policy.preset not in POLICIES:
        raise errors.StoreError(f"{path}: cannot be continued: its preset is none of {', '.join(POLICIES)}")
    return run.policy.preset


def plan(request: Request, preset: str, benches: Sequence[Bench], devices: Mapping[str, Device]) -> Plan:
    """The cases of the benches on these devices.

    Where the request selects no bench, those are left out whose question needs a device that is absent, and those that
    are measured by name alone or belong to the full set.
    """
    groups = cases.groups(
        benches if request.select else [one for one in benches if answerable(one, devices) and in_set(one, preset)],
        preset=preset,
        params=request.params,
        variants=request.variants,
        devices={name: device.kind for name, device in devices.items()},
        spread=spread(devices),
    )
    if request.only is not None:
        groups = [Group(one.bench, tuple(c for c in one.cases if request.only(one.bench, c))) for one in groups]
        groups = [group for group in groups if group.cases]
    why = {name: device.why for name, device in devices.items() if isinstance(device, AbsentGpu)}
    absent = [skipped(group, case, why[case.device]) for group in groups for case in group.cases if case.device in why]
    here = [Group(group.bench, tuple(case for case in group.cases if case.device not in why)) for group in groups]
    left = {group.bench.name for group in groups}
    without = [bench.name for bench in benches if request.select and bench.name not in left]
    return Plan([group for group in here if group.cases], absent, without)


def answerable(bench: Bench, devices: Mapping[str, Device]) -> bool:
    """Whether the kind of device that the bench's question is about can be used here: of a GPU, any accelerator."""
    usable = {device.kind for device in devices.values() if not isinstance(device, AbsentGpu)}
    return not bench.about or bench.about in usable or (bench.about == "gpu" and "opencl" in usable & set(bench.kinds))


def in_set(bench: Bench, preset: str) -> bool:
    """Whether a preset has the bench where none is selected."""
    return not bench.by_name and (preset == "full" or not bench.full_only)


def unbounded(own: Sequence[Bench], benches: Sequence[Bench], known: Mapping[str, Bench]) -> list[str]:
    """A line for each of a user's own benches whose limit no selected bench measures: what to select as well."""
    kinds = {bench.measures for bench in benches}
    lacking = [bench for bench in own if bench in benches and bench.limit and bench.limit not in kinds]
    sources: dict[str, str] = {}
    for name, bench in known.items():
        sources.setdefault(bench.measures or "", name)
    return [
        f"{bench.name}: no share of its limit is shown, since nothing here measures it; select {sources[limit]} as well"
        for bench in lacking
        if (limit := bench.limit or "") in sources
    ]


def measured(run: Run, benches: Sequence[Bench]) -> set[CaseKey]:
    """The keys of the cases that a run has from these benches as they are now, but for those that failed."""
    versions = {bench.name: bench.version for bench in benches}
    found = (record for record in run.records if versions.get(record.bench) == record.version)
    return {key(record) for record in found if record.status != "error"}


def remaining(plan: Plan, done: set[CaseKey], failed: Container[CaseKey] = ()) -> list[Group]:
    """The groups of which at least one case is not measured yet: a group is measured as a whole.

    Last come those of which a case has `failed` before, and may take its device with it again.
    """
    left = [group for group in plan.groups if not all(key(case) in done for case in group.cases)]
    return sorted(left, key=lambda group: any(key(case) in failed for case in group.cases))


def without(group: Group, devices: Container[str]) -> Group:
    """The group without the cases of these devices."""
    return Group(group.bench, tuple(case for case in group.cases if case.device not in devices))


def merged(run: Run, records: Sequence[Record]) -> Run:
    """The run with these records, in place of earlier ones of the same cases."""
    fresh = {key(record) for record in records}
    return msgspec.structs.replace(run, records=[*(old for old in run.records if key(old) not in fresh), *records])


def described(run: Run, plan: Plan, benches: Mapping[str, Bench]) -> Run:
    """The run with what a reader needs to know of each bench that it measures, has measured or skips."""
    names = {record.bench for record in [*run.records, *plan.absent]} | {group.bench.name for group in plan.groups}
    known = {name: bench.info for name, bench in benches.items() if name in names}
    return msgspec.structs.replace(run, benches=run.benches | known)


def seconds_for(budget: float | None, spent: float, groups: int) -> float:
    """Seconds that the rounds of the next group may take: an even share of what is left; 0 when nothing is."""
    return math.inf if budget is None else max(0.0, (budget - spent) / groups)


def skipped(group: Group, case: Case, reason: Reason) -> Record:
    """A record that says why a case was not measured."""
    return Record(
        bench=group.bench.name, version=group.bench.version, variant=case.variant, device=case.device,
        params=case.params, status="skipped", reasons=[reason],
    )  # fmt: skip
