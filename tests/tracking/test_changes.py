"""What changed in a history, and what of it still holds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwbench.tracking.change_points import Step
from hwbench.tracking.changes import Change, _change, _failures, _state, changes, said
from hwbench.tracking.controls import Indices
from hwbench.tracking.history import Commit, History, Series, Setting
from hwbench.tracking.readers import asv_history
from made_up.histories import asv_file, benchmarks_file, row

pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")


def history(**levels):
    """Series of ten commits a level."""
    commits = 10 * max(len(one[2] if isinstance(one[0], str) else one) for one in levels.values())
    made = []
    for name, one in levels.items():
        unit, higher, values = one if isinstance(one[0], str) else ("s", False, one)
        each = np.repeat(np.array(values, float), 10)
        steady = each + 1e-4 * np.abs(each).max() * (np.arange(len(each)) % 2)
        made.append(Series(name, "", {}, 0, steady, steady * np.nan, steady * np.nan, unit=unit, higher=higher))
    return History("x", "asv", [Commit(f"c{i}", 1e9 + i) for i in range(commits)], [Setting("box")], made)


def told(made):
    return [(one.series.bench, one.state, one.step.first) for one in changes(made, {})]


def test_what_is_still_slower_comes_first_then_what_recovered_then_gains():
    """The largest first within each; a slowdown is open until some later level is as good as before."""
    made = history(
        gain=(3.0, 1.0, 1.0), back=(1.0, 4.0, 1.0), small=(1.0, 1.2, 1.2), large=(1.0, 1.0, 2.0), part=(1.0, 2.0, 1.6)
    )
    assert told(made) == [
        ("large", "slower", 20), ("part", "slower", 10), ("small", "slower", 10), ("back", "recovered", 10),
        ("back", "faster", 20), ("gain", "faster", 10), ("part", "faster", 20),
    ]  # fmt: skip


def test_rates_and_values_without_a_ratio_have_states_too():
    """A rate that falls is slower; errors that begin and scores that rise from below zero are steps."""
    made = history(
        rate=("GB/s", True, (10.0, 5.0)), errors=("errors", False, (0.0, 5.0)), score=("", True, (-10.0, -5.0))
    )
    found = {one.series.bench: one for one in changes(made, {})}
    assert {name: one.state for name, one in found.items()} == {"rate": "slower", "errors": "slower", "score": "faster"}
    assert found["rate"].ratio == pytest.approx(2.0, rel=0.01)
    assert found["errors"].ratio is None
    assert [said(found[name]) for name in ("rate", "errors", "score")] == [
        "2.00× slower", "5.00 errors more", "5.00 more",
    ]  # fmt: skip
    assert [found[name].size for name in ("errors", "score")] == pytest.approx([1.0, 0.5], rel=0.01)


def test_what_fails_now_is_open(tmp_path):
    """Null after a value is a failure at that commit, once a benchmark; NaN was skipped, and a value after it mends."""
    benchmarks_file(tmp_path, {"a.time_x": {"param_names": ["n"]}, "a.time_y": {}, "a.time_z": {}})
    axes = [["1", "2"]]
    measured = (([1.0, 1.0], 1.0, 1.0), ([1.0, 1.0], math.nan, None), ([None, None], math.nan, 1.0))
    for number, (x, y, z) in enumerate(measured, 1):
        asv_file(tmp_path, number, {"a.time_x": row(x, axes), "a.time_y": row([y]), "a.time_z": row([z])})
    [one] = changes(asv_history.history(tmp_path), {})
    assert (one.label, one.state, one.step.last, one.step.first) == ("a.time_x (2 cases)", "failed", 1, 2)
    assert one.step.old == 1.0
    assert math.isnan(one.step.new)


def test_an_environment_that_was_given_up_fails_nothing(tmp_path):
    """All fails at the last commit of one Python, and a later commit has it measured under the next."""
    benchmarks_file(tmp_path, {"a.time_x": {}})
    for number, value, python in ((1, 1.0, "3.11"), (2, None, "3.11"), (3, 1.0, "3.12")):
        asv_file(tmp_path, number, {"a.time_x": row([value])}, python=python)
    assert changes(asv_history.history(tmp_path), {}) == []


# --- rules by themselves ----------------------------------------------------------------------------------------------


def one_series(values=(1.0, 1.0), **more):
    """A series over as many commits, without intervals."""
    values = np.array(values, float)
    return Series("a.b", "v", {"size": "L1"}, 0, values, values * np.nan, values * np.nan, **more)


def step(old, new, last=0, first=1):
    return Step(last, first, old, new, slice(0, last + 1), slice(first, first + 1))


def change(factor, old=1.0, new=2.0, state="slower", **more):
    return Change(one_series(), step(old, new), factor, "", 1.0, state, **more)


def test_the_size_of_a_change():
    """The log of the factor, either way; else the difference relative to the larger level; of a failure none."""
    assert change(2.0).size == change(0.5).size == pytest.approx(math.log(2))
    assert change(math.nan, -4.0, 1.0).size == pytest.approx(1.25)
    assert change(math.nan, 0.25, -0.5).size == pytest.approx(1.5)
    assert change(math.nan, 0.0, 0.0).size == 0.0
    assert change(0.0, 2.0, 1.0).size == 0.5
    assert change(math.nan, 1.0, math.nan, "failed").size == 0.0
    assert [change(1.5).ratio, change(math.nan).ratio] == [1.5, None]


def test_what_a_change_is_called():
    """One case by its label, several by their benchmark; all but what got faster is worse."""
    assert [change(2.0, **more).label for more in ({}, {"cases": 2})] == ["a.b/v [L1]", "a.b (2 cases)"]
    assert [change(2.0, state=state).worse for state in ("slower", "failed", "recovered", "faster")] == [
        True, True, True, False]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "since", "higher", "state"),
    [
        (1.0, 2.0, [2.0], False, "slower"),
        (2.0, 1.0, [1.0], False, "faster"),
        (1.0, 2.0, [2.0], True, "faster"),
        (2.0, 1.0, [1.0], True, "slower"),
        (1.0, 2.0, [2.0, 1.26], False, "slower"),
        (1.0, 2.0, [2.0, 1.25], False, "recovered"),
        (1.0, 2.0, [2.0, 1.25, 2.0], False, "recovered"),
        (8.0, 4.0, [4.0, 6.9], True, "slower"),
        (8.0, 4.0, [4.0, 7.0], True, "recovered"),
        (100.0, 96.0, [96.0, 98.0], True, "recovered"),
        (100.0, 104.0, [104.0, 102.1], False, "slower"),
        (100.0, 104.0, [104.0, 102.0], False, "recovered"),
        (0.25, 0.5, [0.5, 0.33], False, "slower"),
        (-10.0, -5.0, [-5.0, -8.0], False, "slower"),
        (0.0, 0.5, [0.5], False, "slower"),
    ],
)
def test_what_is_left_of_a_slowdown(old, new, since, higher, state):
    """More than a quarter of it, and two percent, at the best level since; rates the other way round."""
    assert _state(one_series(higher=higher), step(old, new), since) == state


@pytest.mark.parametrize(
    ("values", "higher", "names", "factor", "whose"),
    [
        ((1.0, 2.0), False, ("a", "b"), 2.0, ""),
        ((1.0, 2.0), True, ("a", "b"), 0.5, ""),
        ((0.25, 0.5), False, ("a", "b"), 2.0, ""),
        ((0.0, 2.0), False, ("a", "b"), math.nan, ""),
        ((-0.5, 2.0), False, ("a", "b"), math.nan, ""),
        ((1.0, 2.0), False, ("a", "a"), 2.0, "neither"),
        ((1.0, 2.0), False, ("a+", "a+"), 2.0, ""),
    ],
)
def test_whose_a_step_is(values, higher, names, factor, whose):
    """Between two measurements of one commit it is nobody's, unless the tree had changes of its own."""
    made = one_series(values, higher=higher)
    where = History("x", "runs", [Commit(name, 1e9) for name in names], [Setting("box")], [made])
    found = _change(where, made, step(*values), [values[1]], Indices(where, {}))
    assert found.factor == pytest.approx(factor, nan_ok=True)
    assert (found.whose, found.machine) == (whose, 1.0)


def test_a_step_of_the_machine_is_its_own_between_any_measurements(monkeypatch):
    """Also between two of one commit: the controls moved."""
    made = one_series((1.0, 2.0))
    where = History("x", "runs", [Commit("a", 1e9)] * 2, [Setting("box")], [made])
    monkeypatch.setattr("hwbench.tracking.changes.blame", lambda *_: ("machine", 1.9))
    found = _change(where, made, step(1.0, 2.0), [2.0], Indices(where, {}))
    assert (found.whose, found.machine) == ("machine", 1.9)


@pytest.mark.parametrize(
    ("values", "failed", "last", "first"),
    [
        ((1.0, 2.0, math.nan, math.nan), [2, 3], 1, 2),
        ((1.0, math.nan, 2.0, math.nan), [1, 3], 2, 3),
        ((1.0, math.nan, 2.0, 3.0), [1], None, None),
        ((math.nan, math.nan), [0, 1], None, None),
        ((3.0, math.nan), [1], 0, 1),
    ],
)
def test_what_fails_since_when(values, failed, last, first):
    """From the first failure after the last value on; never measured is no failure."""
    found = [(one.step, one.state, one.cases, one.machine) for one in _failures([one_series(values, failed=failed)])]
    if last is None:
        assert found == []
        return
    [(at, state, cases, machine)] = found
    assert (state, cases, machine, at.last, at.first, at.old) == ("failed", 1, 1.0, last, first, values[last])
    assert (at.before, at.after) == (slice(last, last + 1), slice(first, first))


def test_what_is_measured_elsewhere_at_the_failure_or_after_it_does_not_fail():
    """Of the same case in another setting; an earlier value there does not count."""
    fails = one_series((1.0, math.nan, math.nan), failed=[1])
    for values, count in (((math.nan, 1.0, math.nan), 0), ((1.0, math.nan, math.nan), 1), ((1.0, 1.0, 1.0), 0),
                          ((math.nan,) * 3, 1)):  # fmt: skip
        other = Series(*(fails.bench, fails.variant, fails.params, 1), *[np.array(values)] * 3)
        assert len(_failures([fails, other])) == len(_failures([other, fails])) == count


def test_the_words_of_a_difference():
    """By its sign; a rate by what it does."""
    assert [said(change(math.nan, *ends)) for ends in ((-0.25, 0.5), (0.5, -0.25), (-1.0, -3.0))] == [
        "750 ms more", "750 ms less", "2.00 s less"]  # fmt: skip
    assert said(change(math.nan, state="failed")) == ""
    assert said(change(2.0)) == "2.00× slower"
    assert said(Change(one_series(unit="bytes"), step(1.0, 2.0), 2.0, "", 1.0, "slower")) == "2.00× more"


def test_what_is_no_longer_measured_stands_behind(monkeypatch):
    """However much slower it was; small steps are looked for in all histories but asv's."""
    asked = []

    def find(every, *, small):
        asked.append(small)
        return [[step(1.0, 2.0 + len(one.bench))] for one in every]

    monkeypatch.setattr("hwbench.tracking.changes.change_points.find", find)
    monkeypatch.setattr("hwbench.tracking.changes.last_measured", lambda one: 1 if one.bench == "longer" else None)
    for source, small in (("asv", False), ("runs", True)):
        made = history(b=(1.0, 2.0), longer=(1.0, 2.0), mid=(1.0, 2.0))
        made.source = source
        assert [(one.series.bench, one.last) for one in changes(made, {})] == [
            ("mid", None),
            ("b", None),
            ("longer", 1),
        ]
        assert asked.pop() is small
