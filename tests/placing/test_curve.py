"""Bandwidth by working set."""

from __future__ import annotations

import pytest

from hwbench.placing.curve import Band, Node, band, monotone

NODES = [Node(32, 200.0, "L1"), Node(128, 100.0, "L2"), Node(1024, 100.0, "L2"), Node(4096, 20.0, "DRAM")]


@pytest.mark.parametrize(
    ("size", "value", "level"), [(1, 200.0, "L1"), (32, 200.0, "L1"), (500, 100.0, "L2"), (10**6, 20.0, "DRAM")]
)
def test_within_a_level_its_bandwidth_is_full(size, value, level):
    """And beyond the last one as well."""
    assert band(NODES, size) == Band(value, value, value, level)


def test_between_two_levels_seconds_are_interpolated():
    """Halfway between 10.24 and 204.8 s a pass; the bandwidths of both bound it."""
    found = band(NODES, 2560)
    assert found.value == pytest.approx(2560 / ((10.24 + 204.8) / 2))
    assert (found.low, found.high, found.level) == (20.0, 100.0, "L2–DRAM")


def test_a_larger_working_set_is_never_faster():
    """Over all sizes."""
    values = [band(NODES, size).value for size in range(1, 5000, 7)]
    assert values == sorted(values, reverse=True)


def test_a_disturbed_node_is_raised_to_what_a_larger_one_reaches():
    """A smaller working set is no slower."""
    assert [one.rate for one in monotone([Node(64, 30.0, "L2"), Node(1, 90.0, "L1"), Node(512, 50.0, "L3")])] == [
        90.0, 50.0, 50.0,
    ]  # fmt: skip
    assert band([], 1) is None
