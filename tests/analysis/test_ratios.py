"""Ratios of two records: paired where they share rounds, unpaired elsewhere."""

from doubles.scripted import record
from hwbench.analysis.ratios import ratio
from hwbench.record.estimate import Estimate


def test_shared_rounds_are_compared_round_by_round():
    """Drift that both share leaves no interval."""
    assert ratio(record(samples=(4.0, 8.0, 16.0)), record(samples=(2.0, 4.0, 8.0))) == Estimate(2.0, 2.0, 2.0)


def test_unlike_rounds_and_benches_are_compared_unpaired():
    """Sample counts that differ, or another bench, give the ratio of the medians."""
    assert ratio(record(samples=(4.0,) * 4), record(samples=(2.0,) * 3)).value == 2.0
    drifting = (1.0, 10.0, 100.0)
    assert ratio(record(samples=drifting), record(samples=drifting, bench="other.one")).high > 1.0
