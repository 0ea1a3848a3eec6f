"""Shares of the roof for asv."""

from __future__ import annotations

import pytest

from hwbench import api, asv


@pytest.fixture
def placed(monkeypatch):
    """Every function reaches half of its roof."""
    asked = []

    class Half:
        share = 0.5

    def place(function, args, kwargs):
        asked.append((function, tuple(args), kwargs))
        return Half()

    monkeypatch.setattr(api, "placed", place)
    return asked


def test_a_benchmark_records_the_share(placed):
    """Of the function that its `setup` names."""

    class Sorting(asv.RoofShare):
        def setup(self, n):
            self.call = sorted, ([1] * n,)

    one = Sorting()
    one.setup(3)
    assert one.track_share(3) == 0.5
    assert placed == [(sorted, ([1, 1, 1],), {})]
    assert one.unit == "share of the roof"


def test_less_is_better_for_asv(placed):
    """Twice the least time."""
    assert asv.times_the_least(sorted, [1], reverse=True) == 2.0
    assert placed == [(sorted, ([1],), {"reverse": True})]
