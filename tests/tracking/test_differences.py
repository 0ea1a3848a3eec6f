"""Values that no ratio describes."""

from __future__ import annotations

import math

import pytest

from hwbench.tracking import differences
from hwbench.tracking.sides import Entry, Measurement


def entry(value, past=()):
    return Entry("x", "", "cpu", {}, measurements=[Measurement(value, 0.0)], earlier=past)


def test_only_what_has_no_logarithm_needs_a_difference():
    """Zero and negative values, on either side."""
    assert not differences.needed(entry(1.0), entry(2.0))
    assert differences.needed(entry(0.0), entry(2.0))
    assert differences.needed(entry(1.0), entry(-2.0))
    assert not differences.needed(entry(0.5), entry(0.25))
    assert differences.needed(entry(-0.5), entry(1.0))


def test_the_history_bounds_a_difference():
    """A score that always strayed by one is not known better; one that never did is exact."""
    past = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    known = differences.difference(entry(-10.0, past), entry(-5.0, past))
    assert (known.value, known.scale) == (5.0, 10.0)
    assert known.high - known.value == pytest.approx(1.96 * 1.4826, rel=1e-3)
    assert differences.difference(entry(0.0), entry(5.0)) == (5.0, 5.0, 5.0, 5.0)
    assert differences.difference(entry(5.0), entry(0.0)) == (-5.0, -5.0, -5.0, 5.0)


def test_errors_of_both_sides_and_the_newest_of_a_history_count():
    """Each side by the root of its number of measurements; thirty values, of which four show a noise."""
    twice = Entry("x", "", "cpu", {}, measurements=[Measurement(0.5, 0.3), Measurement(-0.5, 0.4)])
    once = Entry("x", "", "cpu", {}, measurements=[Measurement(-2.0, 0.6)])
    found = differences.difference(twice, once)
    assert (found.value, found.scale) == (-2.0, 2.0)
    assert found.high - found.value == pytest.approx(1.959964 * math.hypot(0.25, 0.6))
    assert found.value - found.low == pytest.approx(1.959964 * math.hypot(0.25, 0.6))
    unknown = Entry("x", "", "cpu", {}, measurements=[Measurement(-2.0, math.inf)])
    assert differences.difference(unknown, unknown)[:3] == (0.0, 0.0, 0.0)
    for past, reach in (
        ([0.0, 1.0, 0.0], 0.0),
        ([0.0, 1.0, 0.0, 1.0], 1.4826),
        ([2.0, 6.0, 2.0, 6.0], 4 * 1.4826),
        ([99.0] + [0.0] * 15 + [1.0] + [10.0, 1.0] * 7, 1.4826),  # of the last thirty: 14 × 0, 1, 14 × 9
    ):
        known = differences.difference(entry(-10.0, past), entry(-5.0))
        assert known.high - known.value == pytest.approx(1.959964 * reach)
