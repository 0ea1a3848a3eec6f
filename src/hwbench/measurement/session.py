"""Execute a request: plan it, measure group by group, save after each. The run holds what was measured, no verdicts."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from .. import catalog
from ..bench import Bench
from ..devices import Device, selection
from ..host import disturbances, machine, variables
from ..host.provenance import stamp
from ..record import identity, interference, store, tickets, witness
from ..record.claim import Claim, started
from ..record.model import JsonObject, Machine, Policy, Record, Run, key
from ..record.phrases import counted
from ..record.reasons import because
from . import again, numba_settings, own_best, planning
from .autosave import Autosave, Interrupted
from .cases import Group
from .engine import Engine
from .observer import Observer, QuietObserver
from .planning import Request
from .policy import POLICIES, fitted


def execute(
    request: Request,
    observer: Observer,
    stop: Callable[[], None] = lambda: None,
    begun: Callable[[Path], None] = lambda _: None,
) -> tuple[Run, Path | None]:
    """Measure what was asked for; the run, and the file that holds it (None: it could be written nowhere).

    `stop` is called between samples; it raises KeyboardInterrupt to end the run. `begun` hears before anything is
    measured which file the run will be in. Raises UsageError or StoreError before that, Interrupted after Ctrl-C or
    SIGTERM.
    """
    with Claim() as claim:
        return _execute(request, QuietObserver(observer), stop, begun, claim)


def _execute(
    request: Request, observer: Observer, stop: Callable[[], None], told: Callable[[Path], None], claim: Claim
) -> tuple[Run, Path | None]:  # fmt: skip
    """Measure what was asked for; `claim` holds the lock of the run's file from here on."""
    begun = time.perf_counter()
    planning.check(request)
    numba_settings.check()
    asked = catalog.select(request.select)  # a wrong name is refused before a GPU is woken
    which = selection.needed(request.device, asked)
    devices = selection.devices(which, gate=request.gate)
    here, _ = selection.with_gpus(machine.describe(request.machine), devices)
    cut_off = store.unfinished(request.out, here, claim) if request.resume else None
    preset = planning.preset_of(request, cut_off)
    if preset != request.preset:
        observer.trouble(f"going on with --preset {preset}, as the run was begun")
    benches = catalog.select(request.select, preset)
    plan = planning.plan(request, preset, benches, devices)
    selection.refuse_absent(which, devices)  # after what no device would measure, and before a file is made
    for line in selection.opencl_troubles(devices, which):
        observer.trouble(line)
    if named := [name for name in plan.without if name in request.select]:  # a glob or a topic asks for no bench
        names = ", ".join(named)
        observer.trouble(f"nothing of {names} has these variants and parameters; `hwbench list` shows what there is")
    for line in planning.unbounded(catalog.own(), benches, catalog.benches()):
        observer.trouble(line)
    store.prepare(request.out / request.folder / here.name)
    path, run = cut_off if cut_off is not None else _new(request, here, plan.cases)
    if cut_off is None:
        claim.take(path)
        for one in run.disturbances:
            if one.severity == "warning" and one.name not in interference.JUDGED:
                observer.trouble(f"{one.name}: {one.state}; {one.affects}; {one.remedy}")
    run = msgspec.structs.replace(run, hwbench=_stamp(locked=claim.held))
    run = planning.described(run, plan, catalog.benches())
    known = planning.measured(run, benches)
    failed = {key(record) for record in run.records if record.status == "error"}
    groups = planning.remaining(plan, known, failed)
    session = _Session(run, path, devices, observer, begun)
    session.engine.stop = stop
    from ..devices.cpu import CpuDevice  # it imports Numba

    for device in devices.values():
        if isinstance(device, CpuDevice):
            device.told = functools.partial(_told, observer, stop)
    session.save([record for record in plan.absent if key(record) not in known])
    told(path)  # which exists from here on
    observer.planned(groups, len(known))
    try:
        for index, planned in enumerate(groups):
            group = planning.without(planned, session.engine.lost)
            session.left += len(planned.cases) - len(group.cases)
            if not group.cases:
                continue
            observer.measuring(group)
            seconds = planning.seconds_for(request.budget, time.perf_counter() - begun, len(groups) - index)
            records = session.measure(group, seconds, request.budget)
            session.left += len(group.cases) - len(records)
            observer.measured(group, records)
        session.again(benches, request.budget, begun)
    except KeyboardInterrupt:
        session.autosave.save(session.run)  # also because it may have come in the middle of saving
        raise Interrupted(session.run, session.autosave.path, spare=session.autosave.elsewhere) from None
    done = session.finish()
    for name, (trial, why) in session.engine.lost.items():
        observer.trouble(
            f"{name} was lost in {trial.case.label}: {why}; {session.left} cases are left, which --resume measures "
            "in a new process, those that failed last"
        )
    claim.release(finished=done.finished is not None)
    return done, session.autosave.path


def _told(observer: Observer, stop: Callable[[], None], what: str) -> None:
    """A builder says what it does, and gives way to a request to stop."""
    stop()
    observer.doing(what)


class _Session:
    """A run under way: what it holds so far, its clock, and its file."""

    def __init__(self, run: Run, path: Path, devices: Mapping[str, Device], observer: Observer, begun: float) -> None:
        self.run = run
        self.devices = devices
        self.observer = observer
        self.engine = Engine(devices, run.policy)
        self.autosave = Autosave(path, observer)
        self.left = 0  # cases of devices that were lost before their turn
        # A resumed run goes on with its clock.
        phases = run.policy.phases
        self.begun = begun - phases.get("total", 0.0)
        self.engine.begun -= phases.get("total", 0.0)
        start_up = phases.get("start-up", 0.0) + time.perf_counter() - begun
        self.engine.phases.seconds |= phases | {"start-up": start_up}
        self.engine.phases.benches |= {name: dict(one) for name, one in run.policy.bench_phases.items()}

    def measure(self, group: Group, seconds: float, budget: float | None) -> list[Record]:
        """The records of a group, saved; skipped where no time is left for it."""
        if seconds > 0:
            records = self.engine.measure(group, seconds)
        else:
            reason = because("budget", f"{budget:g} s")
            records = [planning.skipped(group, case, reason) for case in group.cases]
        with self.engine.phases("save"):
            self.save(records, self._policy())
        return records

    def again(self, benches: Sequence[Bench], budget: float | None, begun: float) -> None:
        """Measure the headline cases once more, as far as the budget allows, and save what that says of each."""
        from ..devices.cpu import CpuDevice

        found = list(again.groups(self.run.records, {bench.name: bench for bench in benches}, time.time()))
        if not found:
            return
        self.observer.doing(f"measuring {counted(len(found), 'headline figure')} once more")
        for device in self.devices.values():
            if isinstance(device, CpuDevice):
                device.forget()  # else large buffers would lie on the pages of before
        for left, (group, first) in zip(range(len(found), 0, -1), found, strict=True):
            seconds = planning.seconds_for(budget, time.perf_counter() - begun, left)
            if seconds <= 0:
                break
            for second in self.engine.measure(group, seconds):
                compared = again.compared(first, second)
                records = [compared if one is first else one for one in self.run.records]
                self.run = msgspec.structs.replace(self.run, records=records, policy=self._policy())
                with self.engine.phases("save"):
                    self.autosave.save(self.run)

    def save(self, records: Sequence[Record], policy: Policy | None = None) -> None:
        """Add records to the run and write it."""
        self.run = msgspec.structs.replace(planning.merged(self.run, records), policy=policy or self.run.policy)
        self.autosave.save(self.run)

    def finish(self) -> Run:
        """Write the run, as finished unless cases are left, and keep what the witness saw at best for later ones."""
        own_best.keep(identity.setup(self.run), witness.best(self.run.records))
        self.run = msgspec.structs.replace(self.run, policy=self._policy(), finished=None if self.left else store.now())
        self.autosave.save(self.run)
        return self.run

    def _policy(self) -> Policy:
        """The policy with the sizes that labels stand for here, and where the time went so far."""
        sizes = {label: size for device in self.devices.values() for label, size in device.sizes.items()}
        phases = _rounded(self.engine.phases.seconds) | {"total": round(time.perf_counter() - self.begun, 3)}
        benches = {name: _rounded(one) for name, one in self.engine.phases.benches.items() if name}
        return msgspec.structs.replace(
            self.run.policy, sizes=self.run.policy.sizes | sizes, phases=phases, bench_phases=benches
        )


def _rounded(phases: Mapping[str, float]) -> dict[str, float]:
    """Seconds to a millisecond."""
    return {name: round(seconds, 3) for name, seconds in phases.items()}


def _new(request: Request, here: Machine, count: int) -> tuple[Path, Run]:
    """The file of a run of so many cases, and the run before anything is measured."""
    software, environment = machine.software(), variables.variables()
    run = Run(
        id=store.new_id(here.name, tickets.here()), started=store.now(), machine=here, software=software,
        variables=environment, policy=msgspec.structs.replace(
            request.policy or fitted(POLICIES[request.preset], count), budget_s=request.budget
        ),
        disturbances=disturbances.here(here, software, environment),
        witness=own_best.earlier(identity.setup_of(here, software, environment)),
    )  # fmt: skip
    return store.path_of(run, request.out, request.folder), run


def _stamp(*, locked: bool) -> JsonObject:
    """Which hwbench measures, and in which process: `--resume` leaves a run alone while its process lives.

    A run that is `locked` is left alone while its lock is held, which containers see of each other. When the process
    started is not known where /proc cannot be read.
    """
    return {**stamp(), "pid": os.getpid(), "process_started": started(), "locked": locked}
