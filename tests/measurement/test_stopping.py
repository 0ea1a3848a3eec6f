"""The stopping rule by itself: least and most rounds, precision, budget."""

import math

import pytest

from hwbench.measurement.stopping import StoppingRule
from hwbench.record.model import Policy

STEADY, NOISY = [1.0] * 100, [1.0, 1.3, 1.1, 1.4, 1.2] * 20


def stops_after(*samples, policy=None, seconds=math.inf, each=1e-3):
    """The rounds after which the rule says enough, at `each` second a round."""
    rule = StoppingRule(policy or Policy(rounds=10, max_rounds=40, case_s=1.0, precision=0.01), len(samples), seconds)
    return next(n for n in range(1, 1000) if rule.enough(n, n * each, [one[:n] for one in samples]))


@pytest.mark.parametrize(("samples", "rounds"), [([STEADY], 10), ([NOISY], 40), ([STEADY, NOISY], 40)])
def test_every_median_has_to_be_known_well_enough(samples, rounds):
    """One noisy case keeps the others going, to the most rounds."""
    assert stops_after(*samples) == rounds


def test_intervals_are_looked_at_seldom():
    """After 10, 13, 17 and 22 rounds: samples that settle after the tenth round stop at a later look."""
    late = [1.2, 1.0] * 5 + [1.0] * 90
    assert stops_after(late) in (13, 17, 22)


@pytest.mark.parametrize(("cases", "rounds"), [(1, 20), (2, 40)])
def test_the_budget_is_so_many_seconds_a_case(cases, rounds):
    """Rounds of 50 ms on 1 s a case."""
    assert stops_after(*[NOISY] * cases, each=0.05) == rounds


def test_the_group_s_seconds_bound_it_too_but_not_the_least_rounds():
    """0.6 s are 12 rounds of 50 ms; 0.1 s would be 2, and ten are measured."""
    assert stops_after(NOISY, seconds=0.6, each=0.05) == 12
    assert stops_after(NOISY, seconds=0.1, each=0.05) == 10
