"""The levels of the looks: what they add up to, and when they are due."""

from __future__ import annotations

import pytest

from hwbench.ab import looks


def test_the_levels_add_up_to_those_of_the_run():
    """A first look that costs nothing, and nothing above the level in all."""
    assert sum(one.family for one in looks.LOOKS) == pytest.approx(looks.FAMILY)
    assert sum(one.outside for one in looks.LOOKS) == pytest.approx(looks.OUTSIDE)
    assert looks.EARLY.family < looks.FAMILY / 50
    assert looks.EARLY.outside < looks.OUTSIDE / 5


def test_spending_is_that_of_o_brien_and_fleming():
    """At the half of the information 0.0056 of 0.05, as in the tables of Lan and DeMets."""
    assert looks.spent(0.05, 0.5) == pytest.approx(0.00557, abs=2e-5)
    assert looks.spent(0.05, 1) == pytest.approx(0.05)
    assert looks.spent(0.05, 0) == 0


@pytest.mark.parametrize(("quads", "due"), [(3, 3), (6, 3), (8, 4), (9, 5), (100, 50)])
def test_the_first_look_is_at_half_of_the_quads_but_not_before_three(quads, due):
    """Two ratios bound nothing."""
    assert looks.EARLY.due(quads) == due
    assert looks.LAST.due(quads) == quads
