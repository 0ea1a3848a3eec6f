"""Measure a group: build, check, warm up, calibrate, sample interleaved, and note what disturbed it.

The engine knows devices only by the protocol `Device`, and takes time only from the clock it is given. So tests with a
scripted device can check every rule to the digit.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import numpy as np

from ..bench import Bench, Skip
from ..devices import MEMORY_SHARE, Device
from ..host import affinity, openmp
from ..protocols import Facts, Values
from ..record import interference, text
from ..record.model import Case, JsonObject, Policy, Record
from ..record.reasons import Reason, because, has, told
from . import asked_for, warm_up
from .cases import Group
from .check import Check
from .inputs import SharedInputs
from .order import balanced_orders, generator
from .policy import of_static
from .stopping import StoppingRule
from .trial import Phases, Trial, caught, ended, survived
from .verify_output import Answer

REPEAT_SHARE = 0.05  # of elapsed time; bounds re-sampling on a permanently noisy machine
PARTS = 8  # of a sample, one of which is run before it
WARM = 1.1  # times the fastest call so far: the caches are filled
FASTER = 1.05  # than the part before, or the caches get no warmer
PRIMED_LOOPS = 4  # calls a sample from which one more, untimed, costs at most a quarter
DIGITS = 4  # significant digits kept of telemetry, which explains results and is none


class Engine:
    """Measures groups of cases on devices, by one policy.

    Parameters
    ----------
    devices
        By name, as cases name them.
    policy
        Samples, rounds, precision and budgets.
    clock
        Seconds, monotonic; budgets and phases are measured by it.
    """

    def __init__(
        self, devices: Mapping[str, Device], policy: Policy, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.devices = devices
        self.policy = policy
        self.clock = clock
        self.phases = Phases(clock)
        self.stop: Callable[[], None] = lambda: None  # called between samples; may raise KeyboardInterrupt
        self.lost: dict[str, tuple[Trial, str]] = {}  # by device: the trial that ended it, and how
        self._settled: set[str] = set()
        self._last: Trial | None = None  # sampled
        self._warm: Trial | None = None  # whose data the caches hold: nothing else has run since its last sample
        self._past_caches: bool | None = None  # whether the last sample's stores were non-temporal
        self._started = self.begun = clock()  # of the engine, and of the run: a resumed one began earlier
        self._repeated = 0.0

    def measure(self, group: Group, seconds: float = math.inf) -> list[Record]:
        """The records of one group, in the order of its cases. `seconds` and the policy both bound its rounds.

        Where a case ends its device, as an illegal address ends a CUDA context, the others of that device have none.
        """
        self.phases.bench = group.bench.name
        with self.prepared(group) as trials:
            live = [trial for trial in trials if trial.live]
            telemetry = self._time(live, seconds) if live else {}
            for trial in live:
                if trial.work is not None:
                    with survived([trial]):
                        trial.facts |= _as_json(trial.work.facts)  # some are known only now
        self._notice(trials)
        with self.phases("judge"):
            return [self._record(group.bench, trial, telemetry) for trial in trials if not self._left_out(trial)]

    @contextlib.contextmanager
    def prepared(self, group: Group) -> Iterator[list[Trial]]:
        """The group's cases, in order, with their work built and checked; freed at the end."""
        trials = [self._resolve(group.bench, case) for case in group.cases]
        try:
            self._prepare(group.bench, trials)
            yield trials
        finally:
            for trial in trials:
                if trial.work is not None and trial.work.close is not None:
                    with self.phases("close"), survived([trial]):  # a failing close must not keep others open
                        trial.work.close()
            for name in {trial.case.device for trial in trials}:
                with survived(_of(name, trials)):
                    self.devices[name].reclaim()

    # --- before the clock -----------------------------------------------------------------------------------------

    def _resolve(self, bench: Bench, case: Case) -> Trial:
        """A trial with its axis values as builders get them; skipped where this machine lacks one."""
        trial = Trial(case, case.unnamed | case.params)
        device = self.devices[case.device]
        with self.phases("resolve"), caught(trial):
            trial.values = {**case.unnamed, **device.resolve(case.params), "device": device, "variant": case.variant}
            trial.facts = {"threads": trial.values["threads"]} if "threads" in trial.values else {}
            if reason := bench.lacks(case.variant, trial.values):
                raise Skip(reason.code, reason.detail)
        return trial

    def _prepare(self, bench: Bench, trials: Sequence[Trial]) -> None:
        """Make inputs, build each work, and compare one call's output with the reference; a failure ends the trial."""
        live = [trial for trial in trials if trial.status == "ok"]
        self._guard_memory(bench, live)
        inputs = SharedInputs(bench, self.devices, self.policy.seed)
        check = Check(bench, inputs)
        waiting = [trial for trial in live if trial.status == "ok"]
        while waiting:
            for trial in waiting:
                if trial.status != "ok":  # the device was lost meanwhile
                    continue
                self.stop()
                self._build(bench, trial, inputs, check)
                self._notice(trials)
            # Those built before another changed the inputs are built anew, with new ones.
            waiting = [trial for trial in live if trial.live and not inputs.holds(trial)]

    def _build(self, bench: Bench, trial: Trial, inputs: SharedInputs, check: Check) -> None:
        with caught(trial), affinity.kept():
            if trial.work is not None and trial.work.close is not None:
                trial.work.close()
            trial.values["rng"] = generator(self.policy.seed, trial.case)
            with self.phases("inputs"):
                trial.counts = bench.count(trial.values, inputs.host(trial))
            with self.phases("check"):
                check.ask(trial)
            with self.phases("build"):
                placed = inputs.placed(trial)
                trial.values["rng"] = generator(self.policy.seed, trial.case)  # the same for each variant
                trial.work = bench.build(trial.case.variant, trial.values, placed)
                trial.facts |= _as_json(trial.work.facts)
            with self.phases("check"):
                if reason := check.wrong(trial, trial.work):
                    trial.end("wrong", because("wrong_answer", reason))
        if trial.status == "error":
            with self.phases("check"), survived([trial]):
                inputs.changed(trial)  # for those after it

    def _guard_memory(self, bench: Bench, trials: Sequence[Trial]) -> None:
        """Skip trials that need more than MEMORY_SHARE of their device's free memory; the reason has both numbers."""
        for name in dict.fromkeys(trial.case.device for trial in trials):
            self._guard_device(bench, name, [trial for trial in trials if trial.case.device == name])

    def _guard_device(self, bench: Bench, device: str, trials: Sequence[Trial]) -> None:
        needs = []
        for trial in trials:
            with caught(trial):
                own = _footprint(bench, trial.values)
                if own:
                    trial.facts = {"footprint": own // int(trial.facts.get("threads", 1))} | trial.facts
                needs.append(own)
        # The largest counts twice: the reference answer and its temporaries need as much.
        need = (max(needs, default=0) if bench.shared else sum(needs)) + max(needs, default=0)
        free = math.inf
        with survived(trials):
            free = self.devices[device].free_memory()
        if need > MEMORY_SHARE * free:
            for trial in (trial for trial in trials if trial.status == "ok"):
                trial.end(
                    "skipped",
                    because(
                        "needs_memory",
                        f"needs {text.size(need)} for {len(needs)} variants; "
                        f"{text.share(MEMORY_SHARE)} of the {text.size(free)} free may be taken",
                    ),
                )

    # --- on the clock ---------------------------------------------------------------------------------------------

    def _time(self, trials: list[Trial], seconds: float) -> dict[str, list[float]]:
        """Warm up, calibrate and sample; the telemetry: for each counter and gauge a list with one entry a round."""
        for name in {trial.case.device for trial in trials} - self._settled:
            with self.phases("warm-up"), survived(_of(name, trials)):
                self.devices[name].settle(2.0)
                self._settled.add(name)
        enabled = gc.isenabled()
        gc.disable()  # a collection inside a sample would be ours, not the variant's
        try:
            for trial in [trial for trial in trials if trial.live]:
                with self.phases("warm-up"), caught(trial):
                    self.warm_up(trial)
                self._notice(trials)
            telemetry = self._rounds(trials, seconds)
            reasons = _disturbed(trials, telemetry) or _crowded(trials)
            if reasons and not _static(trials) and self._repeated <= REPEAT_SHARE * (self.clock() - self._started):
                return self._repeat(trials, seconds, telemetry, told(reasons))
            return telemetry
        finally:
            if enabled:
                gc.enable()

    def _repeat(
        self, trials: list[Trial], seconds: float, telemetry: dict[str, list[float]], why: str
    ) -> dict[str, list[float]]:
        """Sample a disturbed group once more; the second samples count if nothing disturbed them.

        Accept on telemetry only: choosing by samples is selection bias. If one trial fails the second time, all keep
        their first samples: variants are compared round by round.
        """
        live = [trial for trial in trials if trial.live]
        before = [(trial.samples, trial.shares) for trial in live]
        for trial in live:
            trial.samples, trial.shares = [], []
        started = self.clock()
        second = self._rounds(live, seconds) if live else {}
        self._repeated += self.clock() - started
        if second and not (_disturbed(live, second) or _crowded(live)) and all(trial.live for trial in live):
            for trial in live:
                trial.facts["repeated"] = why
            return second
        for trial, kept in zip(live, before, strict=True):
            if not trial.live:
                trial.doubts.append(because("failed_again", trial.why))
                trial.status, trial.reasons = "ok", []
            trial.samples, trial.shares = kept
        return telemetry

    def sample(self, trial: Trial, loops: int) -> float:
        """Seconds a call, of `loops` calls."""
        if trial.work is None:
            raise RuntimeError("no work was built")
        with affinity.kept():  # the first parallel call on a thread may bind it
            taken = self.devices[trial.case.device].time(trial.work, loops)
        if not (math.isfinite(taken) and taken > 0):
            raise RuntimeError(f"the timer said {taken} s for {loops} calls")
        trial.best = min(trial.best, float(taken) / loops)
        return float(taken) / loops

    def warm_up(self, trial: Trial) -> None:
        """Run until the samples agree, for `warmup_s` at most; calibrates the loops of a sample."""

        def sample(loops: int) -> float:
            self.stop()
            return self.sample(trial, loops)

        self._wait_for_quiet(trial)
        if _static([trial]):  # the check has called it, and how long a call takes says nothing
            trial.loops = 1
            return
        most = trial.work.most if trial.work is not None else None
        policy = self._policy([trial])
        if trial.work is not None and trial.work.least_s > policy.min_sample_s:
            policy = msgspec.structs.replace(policy, min_sample_s=trial.work.least_s)
        trial.loops = warm_up.loops(sample, policy, self.clock, most)

    def _policy(self, trials: Sequence[Trial]) -> Policy:
        return of_static(self.policy) if _static(trials) else self.policy

    def _rounds(self, trials: list[Trial], seconds: float) -> dict[str, list[float]]:
        """Time every trial once a round, in balanced random order, until every median is within the precision."""
        order = balanced_orders(generator(self.policy.seed, trials[0].case), len(trials))
        devices = {name: self.devices[name] for name in dict.fromkeys(trial.case.device for trial in trials)}
        rule = StoppingRule(self._policy(trials), len(trials), seconds)
        telemetry: dict[str, list[float]] = {}
        self._past_caches = None
        started = self.clock()
        with self.phases("telemetry"):
            before: dict[str, dict[str, float]] = {}
            for name, device in devices.items():
                if name not in self.lost:
                    with ended(_of(name, trials)):
                        before[name] = device.counters()
        for done in itertools.count(1):
            with self.phases("sample"):
                for index in next(order):
                    self.stop()
                    trial = trials[index]
                    if trial.live:
                        with caught(trial):
                            self._wait_for_quiet(trial)
                            self._prime(trial)
                            trial.samples.append(self.sample(trial, trial.loops))
                            self._look(trial)
                            self._warm = trial
                            self._past_caches = trial.work is not None and trial.work.past_caches
                        self._notice(trials)
            with self.phases("telemetry"):
                readings: dict[str, float] = {}
                at = self.clock() - self.begun
                telemetry.setdefault("at_s", []).append(round(at, 3))
                telemetry.setdefault(
                    "unix_s", [round(time.time() - at, 3)]
                )  # once: stamps of rounds are a fifth of a file
                for name, old in [*before.items()]:
                    if name in self.lost:
                        continue
                    with ended(_of(name, trials)):
                        gauges = devices[name].gauges()  # first: reading the counters begins the device's next round
                        new = before[name] = devices[name].counters()
                        growth = {counter: new[counter] - old[counter] for counter in old if counter in new}
                        readings = growth | gauges | readings  # of what two devices report (steal), the first counts
                        self._warm = None if gauges else self._warm
                for gauge, value in readings.items():
                    telemetry.setdefault(gauge, []).append(_rounded(value))
            live = [trial for trial in trials if trial.live]
            if not live:
                break
            with self.phases("stopping rule"):
                if rule.enough(done, self.clock() - started, [trial.samples for trial in live]):
                    break
        return telemetry

    def _look(self, trial: Trial) -> None:
        """Read how much of their cores the CPUs of a sample have just had."""
        if trial.work is not None and not _static([trial]):
            with contextlib.suppress(Exception):  # a reading that cannot be had costs no sample
                share = self.devices[trial.case.device].core_share(trial.work)
                if share is not None:
                    trial.shares.append(round(share, 3))

    def _wait_for_quiet(self, trial: Trial) -> None:
        """Let what another variant has left behind come to its end: spinning threads, queued kernels."""
        if trial is self._last:  # its own threads are its own affair
            return
        self._last = trial
        busy = because("busy_threads")
        for name, device in self.devices.items():
            if name not in self.lost and not device.quiet() and busy not in trial.doubts:
                trial.doubts.append(busy)

    def _prime(self, trial: Trial) -> None:
        """Untimed calls before a sample of many: they refill the caches that other variants, or gauges, have evicted.

        One pass fills an L2. The L3 of a Zen 3 needs up to a dozen passes: 1.5 MiB were read at 6 to 30 GB/s during
        these and at 60 GB/s after them, and they took up to a third of a sample. So eighths of a sample are run until
        one is as fast as the fastest so far, or no faster than the one before, half a sample at most.

        The calls of a sample of few are long and miss as often as any other call. But where plain stores went before,
        non-temporal ones wait until the dirty lines are written back (5% of 128 MiB on a Zen 4), and the reverse finds
        none. There one call is run.
        """
        if trial.work is None:
            return
        if trial.loops < PRIMED_LOOPS:
            if self._past_caches not in (None, trial.work.past_caches):
                self.sample(trial, 1)
            return
        if self.devices[trial.case.device].kind != "cpu":
            trial.work.call()
            return
        if trial is self._warm:
            return
        before = math.inf
        for _ in range(PARTS // 2):
            best = trial.best
            taken = self.sample(trial, max(1, trial.loops // PARTS))
            if taken <= WARM * best or taken >= before / FASTER:
                break
            before = taken

    # --- devices that end -----------------------------------------------------------------------------------------

    def _notice(self, trials: Sequence[Trial]) -> None:
        """End the trials of a device that an error of one of them has ended: they would all fail by that error."""
        for trial in trials:
            name = trial.case.device
            why = next(filter(None, (self.devices[name].lost(error) for error in trial.errors)), "")
            if not why or name in self.lost:
                continue
            self.lost[name] = trial, why
            if trial.status == "error":
                trial.reasons = [because("gpu_lost", why)]
            for other in _of(name, trials):
                if other.status == "ok" and other is not trial:
                    other.end("error", because("gpu_lost", why))

    def _left_out(self, trial: Trial) -> bool:
        """Whether a trial failed only because another had ended its device: it is yet to be measured."""
        culprit = self.lost.get(trial.case.device, (trial, ""))[0]
        return trial.status == "error" and trial is not culprit

    # --- after the clock ------------------------------------------------------------------------------------------

    def _record(self, bench: Bench, trial: Trial, telemetry: dict[str, list[float]]) -> Record:
        """The record of a trial; suspect where its telemetry or its samples give a reason."""
        status, reasons = trial.status, trial.reasons
        if status == "ok":
            device = self.devices[trial.case.device]
            reasons = [
                *interference.shape(trial.samples), *openmp.crowded(trial.facts), *trial.doubts,
                *asked_for.refused(trial.case.params, trial.facts),
            ]  # fmt: skip
            if device.kind == "gpu":
                reasons = interference.disturbed_gpu(telemetry, may_cap=bench.may_cap) + reasons
                if capped := interference.power_cap(telemetry):
                    trial.facts["power_cap"] = capped
            reasons = _disturbed([trial], telemetry) + interference.shared(trial.samples, trial.shares) + reasons
            if device.kind == "cpu" and not _static([trial]) and not has(reasons, "other_processes"):
                reasons = interference.beside(trial.samples, telemetry) + reasons
            of_load = interference.of_load(trial.facts, trial.samples)
            reasons += [one for one in of_load if one.code not in {other.code for other in reasons}]
            if reasons:
                status = "suspect"
        return Record(
            bench=bench.name,
            version=bench.version,
            variant=trial.case.variant,
            device=trial.case.device,
            params=trial.case.params,
            status=status,
            reasons=reasons,
            loops=trial.loops if trial.samples else 0,
            samples=trial.samples,
            counts=trial.counts,
            facts=trial.facts,
            telemetry=telemetry | ({"core_share": trial.shares} if trial.shares else {}) if trial.samples else {},
        )


def _disturbed(trials: Sequence[Trial], telemetry: Mapping[str, Sequence[float]]) -> list[Reason]:
    """What disturbed the host while these were sampled; where CPUs went concerns those with several threads."""
    hosts = [trial for trial in trials if trial.facts.get("timed_by") != "events"]  # which the host cannot stretch
    several = any(trial.facts.get("threads", 1) > 1 for trial in hosts)
    return (interference.disturbed(telemetry) if hosts else []) + (interference.moved(telemetry) if several else [])


def _crowded(trials: Sequence[Trial]) -> list[Reason]:
    """Whether others ran on the cores of a trial after most of its samples: by the readings, and not by the samples."""
    return next(filter(None, (interference.mostly_shared(trial.shares) for trial in trials)), [])


def _static(trials: Sequence[Trial]) -> bool:
    """Whether the answers of all are facts, and their seconds say nothing."""
    return all(trial.facts.get("static") for trial in trials)


def _of(device: str, trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.case.device == device]


def _footprint(bench: Bench, values: Values) -> int:
    """Bytes that one variant keeps."""
    if "memory" in bench.hooks:
        return int(bench.ask("memory", values))
    return int(values.get("size", 0)) * int(values.get("threads", 1))


def _as_json(facts: Facts) -> JsonObject:
    """Facts as a run file holds them: NumPy's scalars and arrays as numbers and lists; TypeError for anything else."""

    def builtin(value: np.generic | np.ndarray) -> Answer:
        if isinstance(value, np.generic | np.ndarray):
            plain: Answer = value.tolist()
            return plain
        raise TypeError(f"a fact is no plain data but {type(value).__name__}")

    found: JsonObject = msgspec.json.decode(msgspec.json.encode(dict(facts), enc_hook=builtin))
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
