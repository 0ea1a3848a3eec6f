"""Headline figures of two machines side by side."""

from __future__ import annotations

import pytest

from hwbench.tracking.readers.runs import side
from hwbench.tracking.side_by_side import quantities
from hwbench.tracking.sides import Side
from made_up.check_ups import checked


def test_figures_of_both_sides_the_twelve_first():
    """Ratios are of times, so that more bandwidth is faster, and shares are of each machine's own limit."""
    found = quantities(side([checked()]), side([checked(read=100e9, latency=200e-9)]))
    assert [one.base.name for one in found] == ["dram.latency", "dram.read.all", "peak.f8.all"]
    by_name = {one.base.name: one for one in found}
    assert by_name["dram.latency"].times.value == pytest.approx(2.0)
    assert by_name["dram.read.all"].times.value == pytest.approx(0.5)
    assert by_name["peak.f8.all"].times.low < 1 < by_name["peak.f8.all"].times.high
    assert all(share.value == pytest.approx(1, abs=0.01) for one in found for share in one.shares)
    assert all(one.main for one in found)


def test_of_several_runs_the_median_one_counts():
    """As a side has one value, and not the best."""
    runs = [checked(read=read, stamp=f"2026112{day}T000000Z") for day, read in enumerate((40e9, 50e9, 90e9))]
    [read] = [one for one in quantities(side(runs), side([checked()])) if one.base.name == "dram.read.all"]
    assert read.base.value == pytest.approx(50e9)


def test_results_without_runs_have_no_headline():
    """Such as those of asv."""
    assert quantities(Side("asv", "box", {}, []), side([checked()])) == []
