"""How the page writes cases and axis values."""

from __future__ import annotations

import pytest

from hwbench.report import format


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


def test_a_share_beyond_what_can_be_had_is_marked() -> None:
    """1.05 is within what two measurements of one limit differ by."""
    assert [format.share(value) for value in (0.5, 1.05, 1.2, None)] == ["50%", "105%", "120%?", "–"]
