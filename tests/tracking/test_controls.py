"""Controls: whether a change is the machine's, between two sides and over a history."""

from __future__ import annotations

import math

import numpy as np
import pytest

from doubles.scripted import record, run_of
from hwbench.record.model import BenchInfo
from hwbench.tracking.controls import Controls, Indices, agreed, blame, shift
from hwbench.tracking.history import Commit, History, Series, Setting
from hwbench.tracking.readers import runs
from hwbench.tracking.sides import Entry, Measurement, Side
from hwbench.tracking.verdicts import compare, compare_sides
from made_up.declared import DECLARED, described

CONTROLS = ("stream.load", "latency.chase", "peak.fma")


def touching(**limits):
    """Benches that should touch these limits."""
    return {name: BenchInfo("How fast?", "x", limit) for name, limit in limits.items()}


def limits(factor):
    """Records of the three controls, all slower by a factor."""
    return [record("simd", (factor, factor * 1.001, factor * 0.999) * 4, bench=bench, params={"size": "L1"})
            for bench in ("stream.load", "latency.chase", "peak.fma")]  # fmt: skip


def test_what_the_limits_share_is_the_machine_s():
    """Everything slower by 8%, limits too: nobody's code; a case slower by half besides is accused all the same."""
    base = run_of(*limits(1.0), record("a", (1.0, 1.001, 0.999) * 4), record("b", (1.0, 1.001, 0.999) * 4))
    new = run_of(*limits(1.08), record("a", (1.08, 1.081, 1.079) * 4), record("b", (1.5, 1.501, 1.499) * 4))
    report = compare_sides(runs.side([base]), runs.side([new]), benches=DECLARED)
    found = {one.variant: one for one in report.cases if one.bench == "test.bench"}
    assert found["a"].verdict == "ambiguous"
    assert found["a"].reason == "the machine's own limits changed as much (1.08× slower)"
    assert found["b"].verdict == "slower"
    assert "changed together" in report.remarks[0]


def test_controls_that_hardly_moved_excuse_nobody():
    """A case slower by 3% is not the machine's because the limits moved by 1%, which is less than what matters."""
    base = run_of(*limits(1.0), record("a", (1.0, 1.0001, 0.9999) * 4))
    new = run_of(*limits(1.01), record("a", (1.03, 1.0301, 1.0299) * 4))
    report = compare_sides(runs.side([base] * 6), runs.side([new] * 6), benches=DECLARED)
    assert [one.verdict for one in report.cases if one.bench == "test.bench"] == ["slower"]


def test_a_control_that_moves_alone_is_code():
    """stream.load slower while chase and peak stay: its kernel changed."""
    base, new = described(run_of(*limits(1.0))), described(run_of(*limits(1.2)[:1], *limits(1.0)[1:]))
    assert {one.bench: one.verdict for one in compare(base, new)} == {
        "stream.load": "slower", "latency.chase": "same", "peak.fma": "same",
    }  # fmt: skip


def together(shift, controls=()):
    """Forty cases that moved by a shift and 0.3% each, one of them by a tenth more; controls moved by the shift."""
    rng = np.random.default_rng(3)
    names = [f"c{i}" for i in range(40)]
    logs = rng.normal(0, 0.003, 40) + math.log1p(shift) + math.log1p(0.1) * (np.arange(40) == 7)
    sides = []
    for medians, moved in ((np.ones(40), 1.0), (np.exp(logs), 1 + shift)):
        entries = [
            Entry("made.up", name, "cpu", {}, measurements=[Measurement(float(x), 5e-4)])
            for name, x in zip(names, medians, strict=True)
        ]
        entries += [Entry(name, "v", "cpu", {}, measurements=[Measurement(moved, 5e-4)]) for name in controls]
        sides.append(Side("made up", "box", {}, entries))
    return compare_sides(*sides, benches=DECLARED)


def test_controls_tell_what_all_cases_share():
    """With two controls that moved alike it is the machine; with two that did not, the code's, whatever all did."""
    moved = together(0.05, CONTROLS)
    assert moved.cases[0].reason.startswith("the machine's own limits changed as much")
    assert not [line for line in moved.remarks if line.startswith("the cases moved")]


# --- the rules themselves ---------------------------------------------------------------------------------------------


def entry(bench, median, *, variant="v", counts=None, higher=False, suspect="", **params):
    measured = [Measurement(median, 0.0, suspect)]
    return Entry(bench, variant, "cpu", params, "1", counts or {}, measured, higher=higher)


@pytest.mark.parametrize(
    ("shifts", "shared"),
    [([0.1, 0.2, 0.9], 0.2), ([0.1, 0.2], 0.1), ([-0.1, -0.2], -0.1), ([0.1, -0.2], 0.0), ([0.3], 0.3)],
)
def test_controls_agree_on_the_middle_or_the_smaller(shifts, shared):
    """Three: their median. Two: the smaller, or none where one rose and the other fell."""
    assert agreed(shifts) == shared


def test_a_shift_is_positive_where_it_is_worse():
    """Twice the seconds are as bad as half the rate; per unit of work, twice the time for twice the bytes is none."""
    double = math.log(2)
    assert shift(entry("a", 1.0), entry("a", 2.0)) == pytest.approx(double)
    assert shift(entry("a", 2.0, higher=True), entry("a", 1.0, higher=True)) == pytest.approx(double)
    old, new = entry("a", 1.0, counts={"bytes": 1e6}), entry("a", 2.0, counts={"bytes": 2e6})
    assert shift(old, new, per_work=True) == pytest.approx(0.0)
    assert shift(old, entry("a", 2.0, counts={"flops": 2e6}), per_work=True) == pytest.approx(double)


def test_between_machines_a_case_is_set_against_the_limit_that_its_bench_touches():
    """The caller says which: latency for one, load for another; what is not said is set against the middle of all."""
    moves = {"stream.load": 1.5, "latency.chase": 2.0, "peak.fma": 1.2}
    pairs = [(entry(name, 1.0), entry(name, factor)) for name, factor in moves.items()]
    touched = touching(**{"a.chase": "latency", "a.copy": "copy", "a.free": None})
    found = Controls(pairs, per_work=True, benches=DECLARED | touched)

    def factor(bench):
        return math.exp(found.own_limit(entry(bench, 1.0)).shift)

    assert factor("a.chase") == pytest.approx(2.0)
    assert factor("a.copy") == pytest.approx(1.5)
    assert factor("a.free") == factor("unknown.bench") == pytest.approx(1.5)
    assert factor("peak.fma") == pytest.approx(1.2)
    assert Controls([], per_work=True, benches=DECLARED).own_limit(entry("a.copy", 1.0)) is None


def test_on_one_machine_a_control_is_judged_by_the_others_and_disturbed_ones_are_left_out():
    """Two others at least; a suspect measurement is no control."""
    pairs = [(entry(name, 1.0), entry(name, 1.1)) for name in CONTROLS]
    found = Controls(pairs, per_work=False, benches=DECLARED)
    assert found.known
    assert math.exp(found.own_limit(entry(CONTROLS[0], 1.0)).shift) == pytest.approx(1.1)
    noisy = [(entry(name, 1.0), entry(name, 1.1, suspect="steal")) for name in CONTROLS[:2]]
    few = Controls([*noisy, pairs[2]], per_work=False, benches=DECLARED)
    assert not few.known
    assert few.own_limit(entry("a.b", 1.0)) is None
    assert few.sentences() == []


def test_the_control_case_that_shares_most_axis_values_counts():
    """Loads in L2 for a case in L2."""
    pairs = [(entry("stream.load", 1.0, size=size), entry("stream.load", to, size=size)) for size, to in
             (("L1", 1.1), ("L2", 1.4))]  # fmt: skip
    found = Controls(pairs, per_work=True, benches=DECLARED | touching(**{"a.b": "load"}))
    assert math.exp(found.own_limit(entry("a.b", 1.0, size="L2")).shift) == pytest.approx(1.4)


@pytest.mark.parametrize(
    ("moved", "step", "whose"),
    [
        ((1.1, 1.1), 1.1, "machine"), ((1.1, 1.1), 1.5, "code"), ((1.0, 1.0), 1.1, "code"), ((1.1, 0.9), 1.1, "code"),
        ((1.1,), 1.1, "unclear"), ((), 1.1, ""),
    ],
)  # fmt: skip
def test_a_step_is_the_machine_s_where_two_controls_moved_as_much(moved, step, whose):
    """One alone leaves it unclear, and without any nothing is known."""
    none = np.full(4, np.nan)
    series = [
        Series(name, "v", {}, 0, np.array([1.0, 1.0, factor, factor]), none, none)
        for name, factor in zip(CONTROLS[1:], moved, strict=False)
    ]
    case = Series("a.b", "v", {}, 0, np.array([1.0, 1.0, step, step]), none, none)
    history = History("x", "asv", [Commit(str(i), i) for i in range(4)], [Setting("box")], [*series, case])
    index = Indices(history, DECLARED).of(case)
    assert blame(step, index, slice(0, 2), slice(2, 4))[0] == whose


def test_suspect_controls_of_a_history_blame_no_machine():
    """A control that is suspect on one side of a step moved nothing; one that always is gives no index."""
    none, levels = np.full(4, np.nan), np.array([1.0, 1.0, 1.1, 1.1])
    for places, whose in (((), "machine"), ((2, 3), ""), (range(4), "")):
        suspect = dict.fromkeys(places, "steal")
        controls = [Series(name, "v", {}, 0, levels, none, none, suspect=suspect) for name in CONTROLS]
        case = Series("a.b", "v", {}, 0, levels, none, none)
        history = History("x", "asv", [Commit(str(i), i) for i in range(4)], [Setting("box")], [*controls, case])
        assert blame(1.1, Indices(history, DECLARED).of(case), slice(0, 2), slice(2, 4))[0] == whose


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("levels", [[0.0, 1.0, 1.1, 1.1], [-1.0, -1.0, 1.1, 1.1], [np.nan] * 4])
def test_a_control_without_a_time_above_zero_is_none(levels):
    """Files of other tools may hold such a value, which has no log."""
    none, sound = np.full(4, np.nan), np.array([1.0, 1.0, 1.1, 1.1])
    controls = [Series(name, "v", {}, 0, sound, none, none) for name in CONTROLS[1:]]
    odd = Series(CONTROLS[0], "v", {}, 0, np.array(levels), none, none)
    case = Series("a.b", "v", {}, 0, sound, none, none)
    history = History("x", "asv", [Commit(str(i), i) for i in range(4)], [Setting("box")], [odd, *controls, case])
    index = Indices(history, DECLARED).of(case)
    assert len(index.each) == 2
    assert blame(1.1, index, slice(0, 2), slice(2, 4))[0] == "machine"


def test_a_bench_of_ones_own_is_a_control_by_what_it_declares():
    """Two kinds are needed: two benches of one kind are one control, named by the first of them."""
    mine = {name: BenchInfo("How fast?", "x", measures=kind) for name, kind in
            (("my.load", "load"), ("my.other", "load"), ("my.chase", "latency"))}  # fmt: skip
    moved = [(entry(name, 1.0), entry(name, 1.1)) for name in mine]
    assert Controls(moved[:2], per_work=False, benches=mine).known is False
    found = Controls(moved, per_work=False, benches=mine)
    assert found.sentences() == [
        "the machine's own limits changed together (my.load 1.10× slower, my.chase 1.10× slower): "
        "a case that changed as much changed with the machine"
    ]
    assert Controls(moved, per_work=False, benches={}).known is False
