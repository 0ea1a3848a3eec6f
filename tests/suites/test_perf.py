"""What pytest-benchmark is given of benches; tests/end_to_end/test_pytest_benchmark.py runs it."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from doubles.scripted import Clock
from hwbench.bench import Pages, Sweep, Threads
from hwbench.measurement.policy import POLICIES
from hwbench.suites import perf

BENCH = """from hwbench import Bench, Work
bench = Bench("mine.perf", question="Which?", axes={"size": ("L1", "L2")}, baseline="a")
bench.reference(lambda: 3)
bench.variant("a")(lambda: Work(lambda: 3))
bench.variant("b")(lambda: Work(lambda: 4))
gpu = Bench("mine.gpu", question="Which?", axes={}, baseline="a")
gpu.reference(lambda: 3)
gpu.variant("a", on="gpu")(lambda: Work(lambda: 3))
"""


@pytest.fixture
def source(benches, tmp_path, monkeypatch):
    """A file of benches, and a file beside whose directory it lies."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "perf_mine.py").write_text(BENCH)
    return "../perf_mine.py", str(tmp_path / "tests" / "test_mine.py")


def test_the_cases_of_a_file_are_those_of_its_quick_sets(source):
    """Named as the command line names them, the variants of a contrast in a row; what needs a GPU is left out."""
    assert [str(case) for case in perf.cases(*source)] == [
        "mine.perf/a[L1]", "mine.perf/b[L1]", "mine.perf/a[L2]", "mine.perf/b[L2]"
    ]  # fmt: skip
    assert perf.cases(source[0] + "::mine.gpu", source[1]) == []


def test_benches_of_the_full_set_alone_have_no_cases():
    """Their own tests build every variant."""
    found = [case.group.bench for case in perf.cases()]
    assert "stream.load" in {bench.name for bench in found}
    assert not any(bench.full_only for bench in found)


def test_collecting_measures_nothing():
    """Sizes and threads are labels until a test runs."""
    assert perf.labels(Threads()) == (1, "all")
    assert perf.labels(Sweep(4096)) == ("L1", "L2", "L3", "DRAM")
    assert set(perf.labels(Pages())) <= {"huge", "4K"}


class Benchmark:
    """pytest-benchmark's fixture, as far as `check` uses it."""

    def __init__(self):
        self.disabled, self.extra_info, self.calls = False, {}, 0
        self.stats = SimpleNamespace(stats=SimpleNamespace(data=[]))

    def pedantic(self, function, rounds=1):
        for _ in range(rounds):
            begun = perf.device_clock()
            function()
            self.calls += 1
            self.stats.stats.data.append(perf.device_clock() - begun)


@pytest.fixture
def contrasts(device, monkeypatch):
    """A scripted engine, and limits that nobody measures."""
    from hwbench.measurement.engine import Engine

    monkeypatch.setattr(perf, "Limits", lambda engine: SimpleNamespace(
        reading=lambda record, bench: SimpleNamespace(records=[record], share=lambda record: None)))  # fmt: skip
    device.clock = Clock()
    found = perf.Contrasts(Engine({"cpu": device}, POLICIES["quick"], device.clock))
    with found.stack:
        yield found


def asked(*, measuring):
    return SimpleNamespace(config=SimpleNamespace(getoption=lambda name, default: measuring))


def test_without_times_each_case_is_checked_and_called_once(source, contrasts):
    """A right answer passes, and a wrong one fails with its reason."""
    right, wrong, *_ = perf.cases(*source)
    benchmark = Benchmark()
    perf.check(benchmark, asked(measuring=False), contrasts, right)
    assert (benchmark.calls, benchmark.extra_info) == (1, {})
    assert benchmark.name == "mine.perf/a [L1]"
    assert benchmark.params == {"variant": "a", "size": "L1"}
    with pytest.raises(AssertionError, match="4"):
        perf.check(Benchmark(), asked(measuring=False), contrasts, wrong)


def test_with_times_the_device_s_clock_is_what_counts(benches, contrasts):
    """Ten rounds of the script's second, and what stands beside them."""
    [case, *_] = perf.cases()
    benchmark = Benchmark()
    perf.check(benchmark, asked(measuring=True), contrasts, case)
    assert benchmark.calls == perf.ROUNDS
    assert benchmark.stats.stats.data == pytest.approx([0.001] * perf.ROUNDS)
    assert benchmark.extra_info["bench"] == "access.steps"
    assert benchmark.extra_info["doubt"] == []


def test_a_machine_says_what_it_is(monkeypatch):
    """In files of pytest-benchmark, by which runs are told apart."""
    monkeypatch.setattr(perf.selection, "gpus", dict)
    info = {}
    perf.pytest_benchmark_update_machine_info(info)
    assert "cpu" in str(info["hwbench"]).lower()
