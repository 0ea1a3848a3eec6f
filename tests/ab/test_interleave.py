"""`hwbench ab`: the order of processes, what cancels and what is found."""

from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest

from doubles.scripted import record, run_of
from hwbench.ab import interleave
from hwbench.record import store
from hwbench.record.model import BenchInfo
from hwbench.record.reasons import Reason
from hwbench.tracking.history import TrackingError
from made_up.declared import DECLARED


def test_the_order_is_a_b_b_a_then_b_a_a_b():
    """In each quad each side has an early and a late process, and neither is always first."""
    assert list(interleave.order(2)) == [(0, 0), (0, 1), (0, 1), (0, 0), (1, 1), (1, 0), (1, 0), (1, 1)]


def quads(count, ratio, *, drift=0.0, noise=0.0, seed=0, **more):
    """Scripted quads: a machine that gets slower by `drift` a process, and strays by `noise`."""
    rng = np.random.default_rng(seed)
    out = [([], []) for _ in range(count)]
    for number, (quad, side) in enumerate(interleave.order(count)):
        level = math.exp(drift * number + rng.normal(0, noise)) * (ratio if side else 1.0)
        out[quad][side].append(run_of(record(samples=[level * (1 + i / 1e4) for i in range(10)], **more)))
    return out


def verdict(runs, threshold=interleave.THRESHOLD):
    [case] = interleave.judged(runs, ("base", "new"), threshold).cases
    return case


def test_what_was_measured_is_kept_though_a_later_process_fails(tmp_path, monkeypatch):
    """Ten processes of twelve, hours of them perhaps, lie there with their numbers."""

    def measured(one, asked, scratch, number):
        if number == 11:
            raise TrackingError("killed")
        return run_of(record(), id=f"p{number}")

    monkeypatch.setattr(interleave, "measured", measured)
    with pytest.raises(TrackingError, match="killed"):
        interleave.interleaved(["a", "b"], interleave.Asked(), 3, tmp_path, lambda _: None, tmp_path)
    kept = sorted(path.name for path in tmp_path.glob("*.json"))
    assert kept[:4] == ["001-base.json", "002-new.json", "003-new.json", "004-base.json"]
    assert len(kept) == 10


def test_two_percent_are_found_though_the_machine_drifts():
    """A machine that loses 1% with every process: the drift cancels to the last digit, 2% are found."""
    case = verdict(quads(6, 1.02, drift=0.01))
    assert case.verdict == "slower"
    assert case.ratio == pytest.approx(1.02, rel=1e-9)
    assert verdict(quads(6, 1.0, drift=0.01)).verdict == "same"


def test_two_percent_in_noise_of_half_a_percent():
    """Found with six quads; an interval that covers the truth; nothing found where nothing is."""
    found = [verdict(quads(6, 1.02, noise=0.005, seed=seed)) for seed in range(20)]
    assert sum(case.verdict == "slower" for case in found) >= 19
    assert sum(case.low <= 1.02 <= case.high for case in found) >= 17
    nothing = [verdict(quads(6, 1.0, noise=0.005, seed=seed)).verdict for seed in range(200)]
    assert nothing.count("slower") <= 2


def test_runs_are_kept_as_measured_and_judged_as_concluded(tmp_path, monkeypatch):
    """A process of a side stores no verdict; what its limits refute counts as disturbed."""
    at = {"params": {"size": "L1", "dtype": "f8"}, "counts": {"bytes": 1e9}}
    raw = run_of(
        record(bench="stream.load", **at), record(bench="access.steps", samples=(0.5,) * 3, **at),
        benches={"access.steps": BenchInfo("How fast?", "a", "load"), "stream.load": DECLARED["stream.load"]},
    )  # fmt: skip
    monkeypatch.setattr(interleave, "measured", lambda *_: raw)
    [(base, _), *_] = interleave.interleaved([None, None], interleave.Asked(), 3, tmp_path, lambda _: None, tmp_path)
    assert [one.status for one in base[0].records] == ["ok", "suspect"]
    assert store.read(tmp_path / "001-base.json") == raw


def test_faster_is_faster():
    """The other way round."""
    assert verdict(quads(6, 0.9, noise=0.005)).verdict == "faster"


def test_what_cannot_be_compared_is_said():
    """Another version on one side, a failure, and too few quads."""
    runs = quads(4, 1.0)
    for _, new in runs:
        new[:] = [run_of(record(version=2)) for _ in new]
    assert "different things" in verdict(runs).reason
    assert verdict(quads(2, 1.0)).reason == "fewer than 3 quads measured both sides"
    lacking = [run_of(record(samples=(), status="skipped", reasons=[Reason("needs_smt")]))] * 2
    one = verdict([(lacking, [run_of(record())] * 2)] * 4)
    assert (one.verdict, one.reason) == ("new", "skipped in base: needs SMT")
    wrong = [run_of(record(samples=(), status="wrong", reasons=[Reason("wrong_answer", "differs")]))] * 2
    one = verdict([([run_of(record())] * 2, wrong)] * 4)
    assert (one.verdict, one.reason) == ("failed", "wrong in new: differs")
    assert verdict([([run_of(record())] * 2, [run_of()] * 2)] * 4).verdict == "gone"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the Python of the test is one of Linux")
def test_the_same_environment_twice_is_not_slower(command, tmp_path, warm):
    """End to end: twelve processes of this Python on both sides, one case; a ratio near 1 with its interval."""
    only = ("--quads", "3", "--variant", "numpy", "--param", "n=1000", "--threshold", "0.5")
    python = warm.python(tmp_path / "python")
    done = command("ab", python, python, "vectorize.add", *only, "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert told["software_differs"] == []
    assert {case["verdict"] for case in told["cases"]} <= {"same", "ambiguous"}
    assert "process 12 of 12" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--quads", "2"], "at least 3"),
        (["--threshold", "-1"], "no relative difference"),
        (["--param", "x"], "KEY=VALUE"),
    ],
)
def test_bad_wishes_are_one_line(command, arguments, said):
    """Before any process is started."""
    done = command("ab", sys.executable, sys.executable, *arguments)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert said in done.err
