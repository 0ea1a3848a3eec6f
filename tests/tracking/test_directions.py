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
    notes = asv_history.history(results).notes
    assert any(note.startswith("Of widgets less is taken to be better, as asv does;") for note in notes)


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


def test_more_of_what_a_name_calls_good_is_better_though_not_surely():
    """An accuracy that falls is never a gain; a glob settles it."""
    assert directions.direction("", "suite.track_accuracy") == (True, False)
    assert directions.direction("", "suite.track_errors_left") == (False, False)
    assert directions.direction("errors", "suite.track_x") == (False, True)
    assert directions.direction("", "suite.track_x", ["*.track_x"]) == (True, True)
    assert directions.direction("seconds", "suite.track_score") == (False, True)


def test_memory_is_more_or_less():
    """And an accuracy that got worse is less."""
    assert directions.words("s", higher=False) == directions.words("GB/s", higher=True) == ("slower", "faster")
    assert directions.words("bytes", higher=False) == ("more", "less")
    assert directions.words("", higher=True) == ("less", "more")
    assert [directions.printed(*one) for one in ((0.00131, "s"), (25 * 2**20, "bytes"), (-5.0, ""))] == [
        "1.31 ms", "25 MiB", "-5.00",
    ]  # fmt: skip
