"""Why a comparison is ambiguous, and for how long a level stood."""

from __future__ import annotations

import math

from hwbench.tracking import doubts
from hwbench.tracking.sides import Entry, Measurement


def reason(within, between, *, alone=False):
    one = Entry("x", "", "cpu", {}, measurements=[Measurement(1.0, within)])
    return doubts.reason(one, one, doubts.Doubt(within, between, alone, 40))


def test_the_cause_that_weighs_most_is_told_with_what_settles_it():
    """The correction for many, one round, scatter within a run, deviation from run to run."""
    assert reason(0.01, 0.02, alone=True).startswith("clear alone, but not among 40 cases; compare it alone")
    assert reason(math.inf, 0.02) == "one round on a side; measure 3 at least"
    assert reason(0.05, 0.02) == "rounds scatter, medians are known within 5.0%; measure more rounds"
    assert reason(0.01, 0.02) == "medians differ from run to run by 2.0%; give each side more runs"


def test_a_level_stands_until_a_value_leaves_it():
    """Counted from the newest."""
    assert doubts.held([1.0, 2.0, 2.01, 1.99], 2.0, 0.02) == 3
    assert doubts.held([1.0, 2.0, 1.0], 2.0, 0.02) == 0
    assert doubts.held([8.0, 3.0, 4.0], 4.0, 0.25) == 2


def test_the_bound_is_the_larger_end():
    """Of an interval of log ratios, as a relative change."""
    assert math.isclose(doubts.bound(-0.01, math.log(1.04)), 0.04)
    assert doubts.bound(-math.inf, 1.0) == math.expm1(700)


def test_what_weighs_as_much_is_not_told_first():
    """Rounds, where they scatter more than runs do; the modes of a side by their distance."""
    assert reason(0.02, 0.02).startswith("medians differ")
    one = Entry("x", "", "cpu", {}, measurements=[Measurement(5.0, 0.1, samples=[4.0] * 6 + [6.0] * 6)])
    told = doubts.reason(one, one, doubts.Doubt(0.1, 0.2, False, 1))
    assert told == "bimodal in base, 50% apart; find what switches between the modes"
