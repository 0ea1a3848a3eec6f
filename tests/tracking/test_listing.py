"""The changes of a history as plain data."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.tracking import listing
from hwbench.tracking.history import Commit, History, Series, Setting

pytest.importorskip("asv", reason="asv is not installed: pip install '.[asv]'")


def test_a_listing_survives_packing():
    """With a machine's name that UTF-8 cannot hold, and a failure without a level after."""
    values = np.repeat([1.0, 2.0], 10) * (1 + 1e-4 * (np.arange(20) % 2))
    broken = np.where(np.arange(20) < 19, 1.0, np.nan)
    every = [
        Series(name, "v", {"n": "1"}, 0, one, one * np.nan, one * np.nan, failed=failed)
        for name, one, failed in (("a.slow", values, ()), ("a.broken", broken, (19,)))
    ]
    made = History("x", "asv", [Commit(f"c{i}", 1e9 + i) for i in range(20)], [Setting("box\udcff")], every)
    found = listing.listed(made, {})
    assert listing.unpacked(listing.packed([found])) == [found]
    assert [(row.benchmark, row.state, row.at, row.after) for row in found.rows] == [
        ("a.slow/v", "slower", 10, pytest.approx(2.0, rel=1e-3)), ("a.broken/v", "failed", 19, None),
    ]  # fmt: skip
