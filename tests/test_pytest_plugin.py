"""The fixture `roofline`, and the example project that uses it."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from hwbench import api, pytest_plugin
from hwbench.errors import UsageError
from hwbench.placing import engine
from hwbench.placing.model import Placed
from hwbench.placing.probe import CHANGES
from hwbench.placing.result import Placement
from hwbench.record.estimate import Estimate
from made_up.placed import chain, exactly, roofs

EXAMPLE = Path(__file__).parents[1] / "docs" / "examples" / "own-code"


QUICK = exactly(50e-3)


def placement(seconds=QUICK, doubts=()):
    at = engine.point("f", chain(10**7), seconds, roofs(), written=8 * 10**7, doubts=list(doubts))
    return Placement(Placed("f", (at,)), roofs())


@pytest.fixture
def placed(monkeypatch):
    """What is found at each try."""
    queue = []
    monkeypatch.setattr(api, "placed", lambda _function, _args, _kwargs: queue.pop(0))
    return queue


def fixture(**more):
    return pytest_plugin.Roofline(SimpleNamespace(fixturenames=list(more), getfixturevalue=more.get))


def test_a_share_is_asserted(placed):
    """In a share of the machine."""
    placed.append(placement())
    assert 0.3 < fixture()(len, []).share < 0.4


def test_noise_is_looked_at_twice_and_then_skips(placed):
    """With what disturbed it."""
    placed += [placement(doubts=["others ran"]), placement()]
    assert fixture()(len, []).doubt == ""
    placed += [placement(doubts=["others ran"]), placement(seconds=Estimate(50e-3, 30e-3, 90e-3))]
    with pytest.raises(pytest.skip.Exception, match="too noisy for a share of the roof: its time is uncertain by 60%"):
        fixture()(len, [])


def test_an_update_in_place_is_no_noise():
    """Its doubt stays, and the test runs; what disturbed it beside that still counts."""
    assert pytest_plugin.noisy(placement(doubts=[CHANGES])) == ""
    assert pytest_plugin.noisy(placement(doubts=[CHANGES, "others ran"])) == "others ran"


def test_a_function_that_cannot_be_placed_fails_the_test(monkeypatch):
    """In its one line, without a traceback."""

    def refuse(_function, _args, _kwargs):
        raise UsageError("f: prints (hello)")

    monkeypatch.setattr(api, "placed", refuse)
    with pytest.raises(pytest.fail.Exception, match=r"f: prints \(hello\)"):
        fixture()(len, [])


def test_pytest_benchmark_gets_roof_and_share(placed):
    """In its extra figures."""
    placed.append(placement())
    benchmark = SimpleNamespace(extra_info={})
    fixture(benchmark=benchmark)(len, [])
    assert benchmark.extra_info["roof"] == "DRAM triad, 1 thread, 24.0 GB/s"
    assert benchmark.extra_info["share"] == pytest.approx(1 / 3)


def test_the_plugin_imports_nothing_heavy():
    """Before a test uses it: neither NumPy nor anything of hwbench beside itself."""
    code = (
        "import pytest, sys; before = set(sys.modules); import hwbench.pytest_plugin; "
        "print(*sorted(set(sys.modules) - before))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert said == ["hwbench", "hwbench.pytest_plugin"]


# --- the example ------------------------------------------------------------------------------------------------------


@pytest.fixture
def example(monkeypatch):
    """The modules of the example project, in which every function reaches a third of its roof."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    monkeypatch.syspath_prepend(str(EXAMPLE / "benchmarks"))
    yield lambda name: importlib.import_module(name)
    for name in ("smooth", "test_smooth", "benchmarks"):
        sys.modules.pop(name, None)


@pytest.fixture
def quick(monkeypatch):
    """Functions are placed for real, below roofs that are made up and with three samples each."""
    monkeypatch.setitem(api._kept, "roofs", roofs())
    monkeypatch.setattr(pytest_plugin, "noisy", lambda _found: "")
    monkeypatch.setattr(engine.timing, "POLICY", engine.timing.policy_for(0.5))
    monkeypatch.setattr(engine, "beside", lambda *_given: {})


def test_the_examples_asv_benchmarks_track_shares(example, quick):
    """For each function, as asv does it: `setup`, then `track_share` with the same parameters."""
    made = example("benchmarks").Smooth()
    assert made.param_names == ("function", "n")
    for function in made.params[0]:
        made.setup(function, 1000)
        assert made.track_share(function, 1000) > 0


def test_the_examples_suite_runs_as_a_project(quick, monkeypatch):
    """`pytest` in its folder, in this process: its four tests pass, by the plugins that are installed."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    # Whether a share exceeds a bound is the machine's, and its roofs are made up here.
    monkeypatch.setattr(Placement, "share", property(lambda found: max(0.2, found.point.share)))
    seen = []

    class Watch:
        def pytest_runtest_logreport(self, report):
            if report.when == "call":
                seen.append((report.nodeid.rpartition("::")[2], report.outcome))

    options = ["-q", "-p", "no:cacheprovider", "--benchmark-max-time=0.01", "-n", "0"]
    code = pytest.main([*options, "--rootdir", str(EXAMPLE), "-c", os.devnull, str(EXAMPLE)], plugins=[Watch()])
    for name in ("smooth", "test_smooth", "benchmarks"):
        sys.modules.pop(name, None)
    assert code == 0
    assert [outcome for _, outcome in seen] == ["passed"] * 4
    assert "test_with_pytest_benchmark" in dict(seen)
