"""Which direction of a unit is better."""

from __future__ import annotations

import pytest

from hwbench.tracking import directions
from hwbench.tracking.readers import asv_history
from made_up.histories import LOAD, benchmarks_file, three_commits


@pytest.fixture
def results(tmp_path):
    """Three commits of a bench of ours and of a foreign one."""
    return three_commits(tmp_path / "results")


def test_a_unit_whose_better_direction_nobody_knows_is_told(results):
    """Less of it is taken to be better, as asv does; of times and rates nothing needs to be said."""
    assert not [note for note in asv_history.history(results).notes if "less is taken" in note]
    benchmarks_file(results, {"suite.track_rate": {"unit": "widgets"}, "suite.time_sum": {}, LOAD: {}})
    assert "Of widgets less is taken to be better, as asv does." in asv_history.history(results).notes


@pytest.mark.parametrize(
    "unit",
    ["GB/s", "items/ms", "words/cycle", "fps", "QPS", "IPC", "s^-1", "1/s", "MFLOPS", "GFLOP/s", "kHz", "Mops", "ops",
     "requests per second", "speedup", "hit rate"],
)  # fmt: skip
def test_more_of_a_rate_is_better(unit):
    """Work by time, in whatever words."""
    assert directions.higher_is_better(unit)


@pytest.mark.parametrize(
    "unit",
    ["s", "seconds", "bytes", "MiB", "ns/ops", "us per 1000 ops", "hops", "drops", "loops", "faults/s", "cycles/byte",
     "s per iteration", "misses per second", ""],
)  # fmt: skip
def test_less_of_a_time_and_of_trouble_is_better(unit):
    """Though it has a rate's look."""
    assert not directions.higher_is_better(unit)
