"""Benchmarks that came and went."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.tracking.given_up import began, last_measured
from hwbench.tracking.history import Commit, History, Series, Setting

COUNT = 60


def series(bench, places, failed=(), setting=0):
    """A series with values at these commits."""
    values = np.full(COUNT, np.nan)
    values[list(places)] = 1.0
    return Series(bench, "", {}, setting, values, values * np.nan, values * np.nan, failed=failed)


@pytest.mark.parametrize(
    ("places", "failed", "last"),
    [
        (range(60), (), None), (range(56), (), None), (range(55), (), 54), (range(10, 20), (), 19),
        (range(0, 51, 10), (), None),  # each tenth commit is its pace
        (range(0, 31, 10), (), 30), (range(20), range(20, 60), None),  # fails, but is tried
        (range(20), (20,), 20),
    ],
)  # fmt: skip
def test_a_series_is_given_up_after_more_commits_than_any_gap(places, failed, last):
    """Five commits at least without a try; a failure is a try."""
    assert last_measured(series("a.x", places, failed)) == last


def test_new_and_gone_benchmarks_are_named_by_their_commits():
    """On whatever machine; what began long ago, or with the history, is not new."""
    every = [
        series("a.new", range(58, 60)), series("a.old", range(60)), series("a.later", range(20, 60)),
        series("a.gone", range(30)), series("a.moved", range(30)), series("a.moved", range(30, 60), setting=1),
        series("a.both", range(45, 47)),
    ]  # fmt: skip
    made = History("x", "asv", [Commit(f"c{i}", 1e9 + i) for i in range(COUNT)], [Setting("a"), Setting("b")], every)
    assert began(made) == ({58: ["a.new"]}, {46: ["a.both"], 29: ["a.gone"]})
