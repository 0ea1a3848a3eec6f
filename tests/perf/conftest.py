"""The benches for pytest-benchmark: contrasts that hwbench's engine builds and checks, and the machine's limits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from hwbench import api, catalog
from hwbench.analysis.limits import serving
from hwbench.analysis.reading import Reading
from hwbench.bench import Bench, Pages, Skip, Sweep, Threads
from hwbench.devices import selection
from hwbench.host import machine
from hwbench.measurement import policy
from hwbench.measurement.cases import Group, groups
from hwbench.measurement.engine import Engine
from hwbench.measurement.trial import Trial
from hwbench.record.model import LEVELS, Policy, Record, Run, Scalar
from hwbench.tracking.sides import identity


def labels(value: Pages | Sweep | Threads) -> Sequence[Scalar]:
    """Machine-dependent axis values, sizes by label, so that collecting the tests measures nothing."""
    if isinstance(value, Pages):
        return selection.devices("cpu")["cpu"].spread(value)
    return (1, "all") if isinstance(value, Threads) else LEVELS


def contrasts() -> list[Group]:
    """The quick set: each group's variants share inputs, and its axis values."""
    return groups(catalog.select(), preset="quick", devices={"cpu": "cpu"}, spread=labels)


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """What times depend on and pytest-benchmark does not record: memory, GPUs, quota, caches, huge pages."""
    here, _ = selection.with_gpus(machine.describe(), selection.gpus())
    machine_info["hwbench"] = identity(here)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test a case, named as the command line names it; the cases of a contrast follow one another in one process."""
    if {"group", "index"} <= set(metafunc.fixturenames):
        cases = [
            pytest.param(group, i, id=case.label.replace(" ", ""), marks=pytest.mark.xdist_group(f"contrast {number}"))
            for number, group in enumerate(contrasts())
            for i, case in enumerate(group.cases)
        ]
        metafunc.parametrize(("group", "index"), cases)


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Engine:
    """hwbench's engine on this machine's CPUs, by the policy of `--preset quick`; without times, caches as reported."""
    measuring = request.config.getoption("benchmark_only")
    return Engine(selection.devices("cpu", measuring=measuring), policy.POLICIES["quick"])


class Contrasts:
    """The contrast whose turn it is, built and checked against the reference; the one before is freed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.group: Group | None = None
        self.trials: list[Trial] = []
        self.stack = contextlib.ExitStack()

    def trial(self, group: Group, index: int) -> Trial:
        """One case of a group."""
        if group is not self.group:
            self.stack.close()
            self.group, self.trials = group, self.stack.enter_context(self.engine.prepared(group))
        return self.trials[index]


@pytest.fixture(scope="session")
def prepared(engine: Engine) -> Iterator[Contrasts]:
    """Contrasts to measure, one at a time."""
    contrasts = Contrasts(engine)
    with contrasts.stack:
        yield contrasts


@pytest.fixture
def trial(prepared: Contrasts, group: Group, index: int) -> Trial:
    """The case under test."""
    return prepared.trial(group, index)


class Limits:
    """The machine's limits, each measured when it is first asked for."""

    def __init__(self, engine: Engine) -> None:
        self.device = engine.devices["cpu"]
        self.machine = machine.describe()
        self.known: dict[tuple[str, str], list[Record]] = {}
        for label in LEVELS:
            with contextlib.suppress(Skip):  # not every machine has every level
                self.device.resolve({"size": label})

    @property
    def sizes(self) -> dict[str, int]:
        """What the size labels stand for here, in bytes a thread."""
        return dict(self.device.sizes)

    def reading(self, record: Record, bench: Bench) -> Reading:
        """A reading of the record and of the limits of its bench's kind at the levels that may serve its data."""
        records = [record]
        if (kind := bench.limit) is not None:
            levels = [""] if kind == "fma" else serving(record, self.sizes, self.machine.cpu) or [""]
            for level in levels:
                if (kind, level) not in self.known:
                    [source] = [one for one in catalog.benches().values() if one.measures == kind]
                    at = {"size": level} if level else {}
                    self.known[kind, level] = api.measure(source, preset="quick", **at)
                records += self.known[kind, level]
        policy = Policy(sizes=self.sizes)
        run = Run(id="perf", started="", machine=self.machine, policy=policy, records=records,
                  benches={one.bench: catalog.benches().get(one.bench, bench).info for one in records})  # fmt: skip
        return Reading(run, {**catalog.benches(), bench.name: bench})


@pytest.fixture(scope="session")
def limits(engine: Engine) -> Limits:
    """The machine's limits."""
    return Limits(engine)
