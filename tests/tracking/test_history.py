"""Histories as plain data: names of commits, labels of series and settings."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.tracking.history import Commit, History, Series, Setting

HASH = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("name", "short"),
    [
        (HASH, "01234567"),
        ("v1.2", "v1.2"),
        ("box-20261122T180000Z-a", "box-20261122T180000Z-a"),
        (HASH + "+", "01234567+"),
    ],
)
def test_only_a_hash_is_cut_short(name, short):
    """Eight digits of a hash, with the mark of a dirty tree; tags and runs keep their name."""
    assert Commit(name, 0.0).short == short


def test_short_hashes_differ():
    """Two commits of one history that begin alike get as many digits as tell them apart."""
    other = HASH[:9] + "f" + HASH[10:]
    history = History("x", "asv", [Commit(name, 0.0) for name in (HASH, HASH + "+", other)], [], [])
    assert [one.short for one in history.commits] == ["0123456789", "0123456789+", "012345678f"]


def test_a_commit_is_titled_by_hash_date_and_subject():
    """What is not known is left out, also a time that is none."""
    assert Commit(HASH, 1_763_856_000.0, "Sum in pairs").title == "01234567 (2025-11-23), Sum in pairs"
    assert Commit(HASH, 0.0).title == "01234567"
    assert Commit("x", 1e300).date == ""


def test_a_series_is_labelled_as_the_command_line_writes_it():
    """Bench, variant and values; without a variant or values their brackets go too."""
    none = np.array([])
    assert Series("stream.load", "simd", {"size": "L1", "threads": "1"}, 0, none, none, none).label == (
        "stream.load/simd [L1, 1]"
    )
    assert Series("suite.time_sum", "", {}, 0, none, none, none).label == "suite.time_sum"


def test_settings_have_names_of_their_own():
    """A number where a name stands for two machines, the environment where there are several."""

    def labels(*settings):
        return History("x", "asv", [], settings, []).labels()

    two, four = (("CPUs", "2"),), (("CPUs", "4"),)
    assert labels(Setting("box", two), Setting("fox", two)) == ["box", "fox"]
    assert labels(Setting("box", two), Setting("box", four)) == ["box (1)", "box (2)"]
    assert labels(Setting("box", two, "py3.11"), Setting("box", two, "py3.12")) == ["box, py3.11", "box, py3.12"]
