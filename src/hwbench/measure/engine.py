"""The engine: check, warm up, calibrate, sample interleaved, judge -> Records.

It knows devices only through `Device` and time only through the clock it is given, so that every rule here can be
tested to the digit with a scripted device.
"""

from __future__ import annotations

import contextlib
import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from ..bench import Bench, Skip
from ..devices import Device
from ..record import interference
from ..record.estimate import estimate
from ..record.model import Case, Policy, Record
from ..record.units import format_bytes
from .cases import Group
from .order import _generator, _orders
from .trial import Phases, Trial, _caught, _ended, _line, _survived
from .verify_output import mismatch

MEMORY_SHARE = 0.6  # of the free memory: the rest stays with the system and whoever else is on it
STABLE = 0.02  # three warm-up samples in a row within this of one another
GROWTH = 10.0  # a call measured too briefly is a poor forecast, so loops grow by this at most
AGAIN = 0.05  # of the time so far may go into repeating what was disturbed: where nothing is ever quiet all would be
PRIMED_LOOPS = 20  # calls a sample from which one more, untimed, costs at most a twentieth
DIGITS = 4  # significant ones kept of telemetry, which judges and explains but is never a result


class Engine:
    """Measures groups of cases on devices, by one policy.

    Parameters
    ----------
    devices
        By name, as cases name them.
    policy
        Samples, rounds, precision and budgets.
    clock
        Seconds, monotonic; what budgets and phases are read from.
    """

    def __init__(
        self, devices: Mapping[str, Device], policy: Policy, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.devices = devices
        self.policy = policy
        self.clock = clock
        self.phases = Phases(clock)
        self.stop: Callable[[], None] = lambda: None  # called between samples; may raise KeyboardInterrupt
        self._settled: set[str] = set()
        self._started = clock()
        self._repeated = 0.0

    def measure(self, group: Group, seconds: float = math.inf) -> list[Record]:
        """The records of one group, in the order of its cases; `seconds` bounds its rounds beside the policy."""
        with self.prepared(group) as trials:
            live = [trial for trial in trials if trial.live]
            telemetry = self._time(live, seconds) if live else {}
            for trial in live:
                if trial.work is not None:
                    with _survived([trial]):
                        trial.facts |= _plain(trial.work.facts)  # some are known only now
        with self.phases("judge"):
            return [self._record(group.bench, trial, telemetry) for trial in trials]

    @contextlib.contextmanager
    def prepared(self, group: Group) -> Iterator[list[Trial]]:
        """The group's cases with their work built and checked, in order; what they hold is freed at the end."""
        trials = [self._resolve(group.bench, case) for case in group.cases]
        try:
            self._prepare(group.bench, trials)
            yield trials
        finally:
            for trial in trials:
                if trial.work is not None and trial.work.close is not None:
                    with self.phases("close"), _survived([trial]):  # so that the others are closed too
                        trial.work.close()
            for name in {trial.case.device for trial in trials}:
                with _survived(_of(name, trials)):
                    self.devices[name].reclaim()

    # --- before the clock -----------------------------------------------------------------------------------------

    def _resolve(self, bench: Bench, case: Case) -> Trial:
        """Axis values as builders get them, or the reason why this machine has none."""
        trial = Trial(case, dict(case.params))
        device = self.devices[case.device]
        with self.phases("resolve"), _caught(trial):
            trial.values = {**device.resolve(case.params), "device": device, "variant": case.variant}
            trial.facts = {"threads": trial.values["threads"]} if "threads" in trial.values else {}
            if reason := bench.lacks(case.variant, trial.values):
                raise Skip(reason)
        return trial

    def _prepare(self, bench: Bench, trials: Sequence[Trial]) -> None:
        """Inputs, works and checks; what cannot be had or answers wrongly ends here."""
        live = [trial for trial in trials if trial.status == "ok"]
        self._guard_memory(bench, live)
        made: dict[Any, tuple[Any, ...]] = {}
        placed: dict[Any, tuple[Any, ...]] = {}
        answers: dict[Any, Any] = {}
        for trial in live:
            if trial.status != "ok":
                continue
            self.stop()
            with _caught(trial):
                shared = _shared(bench, trial)
                trial.values["rng"] = _generator(self.policy.seed, trial.case)
                with self.phases("inputs"):
                    if shared not in made:
                        made[shared] = bench.make_inputs(trial.values)
                    trial.counts = bench.count(trial.values, made[shared])
                with self.phases("build"):
                    trial.values["rng"] = _generator(self.policy.seed, trial.case)  # whoever made the inputs
                    where = bench.variants[trial.case.variant].inputs
                    place = (trial.case.device, where, shared)
                    found = self.devices[trial.case.device].place(() if place in placed else made[shared], where)
                    trial.work = bench.build(trial.case.variant, trial.values, placed.setdefault(place, found))
                    trial.facts |= _plain(trial.work.facts)
                with self.phases("check"):
                    output = trial.work.call()
                    output = output if trial.work.output is None else trial.work.output()
                    asked = _asked(bench, trial)
                    if asked not in answers:
                        answers[asked] = bench.ask("reference", trial.values, made[shared])
                    flops = trial.counts.get("flops", 0.0)
                    if reason := mismatch(output, answers[asked], trial.values, flops, bench.tolerance):
                        trial.end("wrong", reason)

    def _guard_memory(self, bench: Bench, trials: Sequence[Trial]) -> None:
        """Skip what would take more than its share of the free memory of its device; both numbers are told."""
        for name in dict.fromkeys(trial.case.device for trial in trials):
            self._guard_device(bench, name, [trial for trial in trials if trial.case.device == name])

    def _guard_device(self, bench: Bench, device: str, trials: Sequence[Trial]) -> None:
        needs = []
        for trial in trials:
            with _caught(trial):
                own = _footprint(bench, trial.values)
                if own:
                    trial.facts = {"footprint": own // int(trial.facts.get("threads", 1))} | trial.facts
                needs.append(own)
        # once more the largest, for the reference answer and its temporaries
        need = (max(needs, default=0) if bench.shared else sum(needs)) + max(needs, default=0)
        free = math.inf
        with _survived(trials):
            free = self.devices[device].free_memory()
        if need > MEMORY_SHARE * free:
            for trial in (trial for trial in trials if trial.status == "ok"):
                trial.end(
                    "skipped",
                    f"needs {format_bytes(need)} for {len(needs)} variants; "
                    f"{MEMORY_SHARE:.0%} of the {format_bytes(free)} free may be taken",
                )

    # --- on the clock ---------------------------------------------------------------------------------------------

    def _time(self, trials: list[Trial], seconds: float) -> dict[str, list[float]]:
        """Warm up, calibrate and sample; returns the telemetry: a list for each counter and gauge, an entry a round."""
        for name in {trial.case.device for trial in trials} - self._settled:
            with self.phases("warm-up"), _survived(_of(name, trials)):
                self.devices[name].settle(2.0)
                self._settled.add(name)
        enabled = gc.isenabled()
        gc.disable()  # a collection inside a sample would be ours, not the variant's
        try:
            for trial in [trial for trial in trials if trial.live]:
                with self.phases("warm-up"), _caught(trial):
                    self.warm_up(trial)
            telemetry = self._rounds(trials, seconds)
            # Events on a GPU do not count what others do to the host.
            hosts = any(trial.facts.get("timed_by") != "events" for trial in trials)
            reasons = interference.disturbed(telemetry) if hosts else []
            if reasons and self._repeated <= AGAIN * (self.clock() - self._started):
                return self._again(trials, seconds, telemetry, "; ".join(reasons))
            return telemetry
        finally:
            if enabled:
                gc.enable()

    def _again(
        self, trials: list[Trial], seconds: float, telemetry: dict[str, list[float]], why: str
    ) -> dict[str, list[float]]:
        """Sample once more what was disturbed; where it then was not, that is what counts, whatever the times say.

        What decides is what the system tells of others, never the samples: else the lucky would be chosen. Where one
        of them fails this time, all keep what they had: variants are compared round by round.
        """
        live = [trial for trial in trials if trial.live]
        before = [trial.samples for trial in live]
        for trial in live:
            trial.samples = []
        started = self.clock()
        second = self._rounds(live, seconds) if live else {}
        self._repeated += self.clock() - started
        if second and not interference.disturbed(second) and all(trial.live for trial in live):
            for trial in live:
                trial.facts["repeated"] = why
            return second
        for trial, samples in zip(live, before, strict=True):
            if not trial.live:
                trial.doubts.append(_line(f"sampled once more it failed: {trial.reason}"))
                trial.status, trial.reason = "ok", ""
            trial.samples = samples
        return telemetry

    def sample(self, trial: Trial, loops: int) -> float:
        """Seconds a call, of `loops` calls."""
        if trial.work is None:
            raise RuntimeError("no work was built")
        taken = self.devices[trial.case.device].time(trial.work, loops)
        if not (math.isfinite(taken) and taken > 0):
            raise RuntimeError(f"the timer said {taken} s for {loops} calls")
        return float(taken) / loops

    def warm_up(self, trial: Trial) -> None:
        """Run until three samples in a row agree, for `warmup_s` at most; sets the loops of a sample on the way."""
        target = self.policy.min_sample_s
        started = self.clock()
        recent: list[float] = []
        trial.loops = 1
        while True:
            self.stop()
            each = self.sample(trial, trial.loops)
            wanted = _loops(trial, target / each)
            if wanted > 1.25 * trial.loops:
                trial.loops = min(wanted, math.ceil(trial.loops * GROWTH))
                recent.clear()
            else:
                recent.append(each)
            last = recent[-3:]
            if len(last) == 3 and max(last) <= min(last) * (1 + STABLE):
                break
            if self.clock() - started > self.policy.warmup_s:
                break
        trial.loops = _loops(trial, target / min(recent, default=each))

    def _rounds(self, trials: list[Trial], seconds: float) -> dict[str, list[float]]:
        """Time every trial once a round in balanced random order, until the medians are known well enough."""
        order = _orders(_generator(self.policy.seed, trials[0].case), len(trials))
        devices = {name: self.devices[name] for name in dict.fromkeys(trial.case.device for trial in trials)}
        budget = min(seconds, self.policy.case_s * len(trials))
        telemetry: dict[str, list[float]] = {}
        started = self.clock()
        check_at = self.policy.rounds
        for done in range(1, self.policy.max_rounds + 1):
            before: dict[str, dict[str, float]] = {}
            with self.phases("telemetry"):
                for name, device in devices.items():
                    with _ended(_of(name, trials)):
                        before[name] = device.counters()
            with self.phases("sample"):
                for index in next(order):
                    self.stop()
                    trial = trials[index]
                    if trial.live:
                        with _caught(trial):
                            self._prime(trial)
                            trial.samples.append(self.sample(trial, trial.loops))
            with self.phases("telemetry"):
                told: dict[str, float] = {}
                for name, old in before.items():
                    with _ended(_of(name, trials)):
                        gauges = devices[name].gauges()  # before the counters, with which a device's next round begins
                        new = devices[name].counters()
                        growth = {counter: new[counter] - old[counter] for counter in old if counter in new}
                        told = growth | gauges | told  # what two devices tell, such as steal, is the first one's word
                for gauge, value in told.items():
                    telemetry.setdefault(gauge, []).append(_rounded(value))
            live = [trial for trial in trials if trial.live]
            if not live:
                break
            if done >= self.policy.rounds and self.clock() - started >= budget:
                break
            if done == check_at:
                with self.phases("stopping rule"):
                    if all(estimate(trial.samples).relative <= self.policy.precision for trial in live):
                        break
                check_at = math.ceil(check_at * 1.25)
        return telemetry

    def _prime(self, trial: Trial) -> None:
        """One untimed call where a sample has many: it brings back the data that the variants before it have evicted.

        Refilling an L3 of 16 MiB at memory's 15 GB/s takes 1 ms of a sample of 10, which would read as a slower L3.
        Where a sample has few calls they are long, and hold the same misses as any other call.
        """
        if trial.work is not None and trial.loops >= PRIMED_LOOPS:
            trial.work.call()

    # --- after the clock ------------------------------------------------------------------------------------------

    def _record(self, bench: Bench, trial: Trial, telemetry: dict[str, list[float]]) -> Record:
        status, reason = trial.status, trial.reason
        if status == "ok":
            device = self.devices[trial.case.device]
            reasons = [*filter(None, [interference.shape(trial.samples)]), *trial.doubts]
            if device.kind == "gpu":
                reasons = interference.disturbed_gpu(telemetry) + reasons
            if trial.facts.get("timed_by") != "events":  # the GPU's own clock does not stop for what the host does
                reasons = interference.disturbed(telemetry) + reasons
                if trial.facts.get("threads", 1) > 1:
                    reasons += filter(None, [interference.moved(telemetry)])
            if reasons:
                status, reason = "suspect", "; ".join(reasons)
        return Record(
            bench=bench.name,
            version=bench.version,
            variant=trial.case.variant,
            device=trial.case.device,
            params=trial.case.params,
            status=status,
            reason=reason,
            loops=trial.loops if trial.samples else 0,
            samples=trial.samples,
            counts=trial.counts,
            facts=trial.facts,
            telemetry=dict(telemetry) if trial.samples else {},
        )


def _of(device: str, trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.case.device == device]


def _shared(bench: Bench, trial: Trial) -> Any:
    """What the inputs depend on: cases of a group that agree in it share their arrays."""
    return _parameters(trial, bench.names("inputs"))


def _asked(bench: Bench, trial: Trial) -> Any:
    """What the reference answer depends on."""
    return _parameters(trial, (*bench.names("inputs"), *bench.names("reference")))


def _parameters(trial: Trial, names: Sequence[str]) -> tuple[Any, ...]:
    case = {*trial.case.params, "variant"}
    return tuple((name, str(trial.values[name])) for name in names if name in case)


def _loops(trial: Trial, wanted: float) -> int:
    """Calls of a sample: as many as wanted, at least one, and no more than the work allows."""
    most = trial.work.most if trial.work is not None else None
    loops = max(1, math.ceil(wanted))
    return loops if most is None else min(loops, most)


def _footprint(bench: Bench, values: Mapping[str, Any]) -> int:
    """Bytes that one variant keeps."""
    if "memory" in bench.hooks:
        return int(bench.ask("memory", values))
    return int(values.get("size", 0)) * int(values.get("threads", 1))


def _plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as a run file holds them: NumPy's scalars and arrays as numbers and lists; TypeError for anything else."""

    def builtin(value: Any) -> Any:
        if isinstance(value, np.generic | np.ndarray):
            return value.tolist()
        raise TypeError(f"a fact is no plain data but {type(value).__name__}")

    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(dict(facts), enc_hook=builtin))
    return plain


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
