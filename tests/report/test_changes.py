"""Which regressions are open, which recovered, and what is read first."""

from __future__ import annotations

import itertools

import pytest

from hwbench.report import changes
from hwbench.tracking.change_points import Step


def steps(*levels: float) -> list[Step]:
    """Steps between these levels, one commit each."""
    return [
        Step(i, i + 1, old, new, slice(i, i + 1), slice(i + 1, i + 2))
        for i, (old, new) in enumerate(itertools.pairwise(levels))
    ]


@pytest.mark.parametrize(
    ("levels", "states"),
    [
        ((1.0, 1.5), ["slower"]),
        ((1.0, 1.5, 1.0), ["recovered", "faster"]),
        ((1.0, 1.5, 1.2), ["slower", "faster"]),
        ((1.0, 1.5, 2.0), ["slower", "slower"]),
        ((1.0, 1.5, 0.8, 1.4), ["recovered", "faster", "slower"]),
        ((2.0, 1.0), ["faster"]),
    ],
)
def test_a_regression_is_open_until_a_level_is_as_good_again(levels: tuple[float, ...], states: list[str]) -> None:
    """Later levels decide, the best of them: what it got worse from after that is a regression of its own."""
    assert changes.states(steps(*levels), higher=False) == states


def test_of_a_rate_less_is_worse() -> None:
    """A bandwidth that fell and came back."""
    assert changes.states(steps(10.0, 5.0), higher=True) == ["slower"]
    assert changes.states(steps(10.0, 5.0, 10.0), higher=True) == ["recovered", "faster"]
