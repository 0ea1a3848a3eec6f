"""Benches under pytest-benchmark: contrasts that hwbench's engine builds and checks, and the machine's limits.

`pytest DIR --benchmark-only` measures: variants of one contrast in one group, rates and shares of the machine's limits
in `extra_info`. Without that option each case is built, checked against its reference and called once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from .. import api, catalog, own
from ..analysis.limits import serving
from ..analysis.reading import Reading
from ..bench import Bench, Pages, Skip, Sweep, Threads
from ..devices import selection
from ..host import machine
from ..measurement import policy
from ..measurement.cases import Group, groups
from ..measurement.engine import Engine
from ..measurement.trial import Trial
from ..record import interference
from ..record.model import LEVELS, JsonObject, Policy, Record, Run, Scalar, metrics
from ..tracking.sides import identity

ROUNDS = 10
_elapsed = 0.0


def device_clock() -> float:
    """Seconds by a clock that stands still but for the calls that are measured.

    A crew of threads or a GPU knows best how long its calls took, so what its device says moves this clock on, by the
    time of one call for each round.
    """
    return _elapsed


timed = pytest.mark.benchmark(timer=device_clock, warmup=False)
"""The mark of a test that calls `check`."""


@dataclass(frozen=True)
class PerfCase:
    """A case of a group, called as the command line calls it."""

    group: Group
    index: int

    def __str__(self) -> str:
        return self.group.cases[self.index].label.replace(" ", "")


def labels(value: Pages | Sweep | Threads) -> Sequence[Scalar]:
    """Machine-dependent axis values, sizes by label, so that collecting the tests measures nothing."""
    if isinstance(value, Pages):
        return selection.devices("cpu", measuring=False)["cpu"].spread(value)
    return (1, "all") if isinstance(value, Threads) else LEVELS


def cases(source: str = "", file: str = "") -> list[PerfCase]:
    """The CPU's cases of the quick set, those of a contrast in a row.

    `source` is a file, a directory or a package of benches, relative to the `file` that names it; without one the cases
    are of hwbench's benches, but for those of the full set alone.
    """
    chosen = catalog.select([own.beside(source, file)] if source else ())
    chosen = [bench for bench in chosen if "cpu" in bench.kinds and (source or not bench.full_only)]
    found = groups(chosen, preset="quick", devices={"cpu": "cpu"}, spread=labels) if chosen else []
    return [PerfCase(group, index) for group in found for index in range(len(group.cases))]


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: JsonObject) -> None:
    """What times depend on and pytest-benchmark does not record: memory, GPUs, quota, caches, huge pages."""
    here, _ = selection.with_gpus(machine.describe(), selection.gpus())
    machine_info["hwbench"] = identity(here)


class Contrasts:
    """The contrast whose turn it is, built and checked against the reference; the one before is freed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.limits = Limits(engine)
        self.group: Group | None = None
        self.trials: list[Trial] = []
        self.stack = contextlib.ExitStack()

    def trial(self, group: Group, index: int) -> Trial:
        """One case of a group."""
        if group is not self.group:
            self.stack.close()
            self.group, self.trials = group, self.stack.enter_context(self.engine.prepared(group))
        return self.trials[index]


@pytest.fixture(scope="module")
def contrasts(request: pytest.FixtureRequest) -> Iterator[Contrasts]:
    """Contrasts on this machine's CPUs, by the policy of `--preset quick`; without times, caches as reported."""
    found = Contrasts(Engine(selection.devices("cpu", measuring=_measuring(request)), policy.POLICIES["quick"]))
    with found.stack:
        yield found


class Limits:
    """The machine's limits, each measured when it is first asked for."""

    def __init__(self, engine: Engine) -> None:
        self.device = engine.devices["cpu"]
        self.machine = machine.describe()
        self.known: dict[tuple[str, str], list[Record]] = {}
        for label in LEVELS:
            with contextlib.suppress(Skip):  # not every machine has every level
                self.device.resolve({"size": label})

    def reading(self, record: Record, bench: Bench) -> Reading:
        """A reading of the record and of the limits of its bench's kind at the levels that may serve its data."""
        records, sizes = [record], dict(self.device.sizes)
        if (kind := bench.limit) is not None:
            levels = [""] if kind == "fma" else serving(record, sizes, self.machine.cpu) or [""]
            for level in levels:
                if (kind, level) not in self.known:
                    source = next(one for one in catalog.benches().values() if one.measures == kind)
                    at: JsonObject = {"size": level} if level else {}
                    self.known[kind, level] = api.measure(source, preset="quick", **at)
                records += self.known[kind, level]
        run = Run(id="perf", started="", machine=self.machine, policy=Policy(sizes=sizes), records=records,
                  benches={one.bench: catalog.benches().get(one.bench, bench).info for one in records})  # fmt: skip
        return Reading(run, {**catalog.benches(), bench.name: bench})


def check(benchmark: Any, request: pytest.FixtureRequest, contrasts: Contrasts, case: PerfCase) -> None:
    """The variant gives the reference answer, and its times are recorded where measuring was asked for."""
    trial, bench = contrasts.trial(case.group, case.index), case.group.bench
    if trial.status == "skipped":
        benchmark.skipped = True
        pytest.skip(trial.why)
    assert trial.status == "ok", trial.why
    assert trial.work is not None
    benchmark.disabled = benchmark.disabled or not _measuring(request)
    benchmark.name = trial.case.label
    benchmark.group = f"{bench.name} [{', '.join(map(str, trial.case.params.values()))}]"
    benchmark.params = {"variant": trial.case.variant, **trial.case.params}
    if benchmark.disabled:
        benchmark.pedantic(trial.work.call)
        return
    contrasts.engine.warm_up(trial)

    def one_sample() -> None:
        global _elapsed
        _elapsed += contrasts.engine.sample(trial, trial.loops)

    benchmark.pedantic(one_sample, rounds=ROUNDS)
    samples = benchmark.stats.stats.data
    assert len(samples) == ROUNDS
    assert min(samples) > 0
    benchmark.extra_info |= told(bench, trial, samples, contrasts.limits)


def told(bench: Bench, trial: Trial, samples: list[float], limits: Limits) -> JsonObject:
    """What stands beside the times: version, loops, counts, rates by unit, share of the limit, codes of doubts."""
    reasons = interference.shape(samples)
    record = Record(
        bench=bench.name, version=bench.version, variant=trial.case.variant, device=trial.case.device,
        params=trial.case.params, status="suspect" if reasons else "ok", reasons=reasons, loops=trial.loops,
        samples=samples, counts=trial.counts, facts=trial.facts,
    )  # fmt: skip
    seconds = float(np.median(samples))
    info: JsonObject = {
        "bench": bench.name, "version": bench.version, "loops": trial.loops, "counts": record.counts
    }  # fmt: skip
    info |= {metric.unit: metric.value(seconds, record.counts) for metric in metrics(record)}
    reading = limits.reading(record, bench)
    share, [mine, *_] = reading.share(record), reading.records
    if share is not None:
        info |= {"limit": share.limit.name, "% of limit": 100 * share.value}
    return info | {"doubt": list(dict.fromkeys([*mine.codes, *(share.doubt if share is not None else ())]))}


def _measuring(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("benchmark_only", default=False))
