"""What changed in a history, and what of it still holds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwbench.tracking.changes import changes, said
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
