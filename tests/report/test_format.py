"""How the page writes numbers, cases and comparisons."""

from __future__ import annotations

import math

import pytest

from hwbench.record.estimate import Estimate
from hwbench.report import format


def test_an_interval_that_holds_one_is_no_difference() -> None:
    """A ratio whose interval holds 1 is called the same, however far its median lies."""
    assert format.compared(Estimate(1.3, 0.9, 2.0)) == "same"
    assert format.compared(Estimate(1.3, 1.2, 1.4)) == "1.30× slower"
    assert format.compared(Estimate(0.1, 0.09, 0.11)) == "10.0× faster"


def test_what_is_not_there_is_a_dash() -> None:
    """No value, no finite value, no bound."""
    assert format.number(None) == format.number(math.inf) == format.percent(None) == format.NOTHING
    assert format.bounds(Estimate(1.0, 0.0, math.inf)) == format.NOTHING
    assert format.bounds(Estimate(25.1, 24.9, 25.3)) == "24.9–25.3"
    assert (format.number(25.13, "GB/s"), format.percent(0.614), format.percent(0.0012)) == (
        "25.1 GB/s", "61%", "0.120%",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("axis", "value", "words"),
    [
        ("threads", 1, "1 thread"), ("threads", 4, "4 threads"), ("threads", "all", "all threads"),
        ("n", 10**6, "10⁶"), ("n", 1500, "1500"), ("n", "many", "many"), ("dtype", "f4", "float32"),
        ("dtype", "x", "x"), ("chains", 1, "1 chain"), ("pages", "4K", "4K pages"), ("order", "random", "random order"),
        ("size", "L1", "L1"),
    ],
)  # fmt: skip
def test_axis_values_are_told_in_words(axis: str, value: object, words: str) -> None:
    """As a person would write them beside a chart."""
    assert format.value_of(axis, value) == words
