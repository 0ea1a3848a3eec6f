"""Values that no ratio describes."""

from __future__ import annotations

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


def test_the_history_bounds_a_difference():
    """A score that always strayed by one is not known better; one that never did is exact."""
    past = [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]
    known = differences.difference(entry(-10.0, past), entry(-5.0, past))
    assert (known.value, known.scale) == (5.0, 10.0)
    assert known.high - known.value == pytest.approx(1.96 * 1.4826, rel=1e-3)
    assert differences.difference(entry(0.0), entry(5.0))[:3] == (5.0, 5.0, 5.0)
