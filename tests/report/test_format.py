"""How the page writes cases and axis values."""

from __future__ import annotations

import pytest

from hwbench.report import format


@pytest.mark.parametrize(
    ("axis", "value", "words"),
    [
        ("threads", 1, "1 thread"), ("threads", 4, "4 threads"), ("threads", "all", "all threads"),
        ("n", 10**6, "10⁶"), ("n", 1500, "1500"), ("n", "many", "many"), ("dtype", "f4", "float32"),
        ("dtype", "x", "x"), ("chains", 1, "1 chain"), ("chains", "best", "best number of chains"),
        ("pages", "4K", "4K pages"), ("order", "random", "random order"),
        ("size", "L1", "L1"), ("array", "128x128", "128 × 128"), ("shape", "64x784x10", "64x784x10"),
    ],
)  # fmt: skip
def test_axis_values_are_told_in_words(axis: str, value: object, words: str) -> None:
    """As a person would write them beside a chart."""
    assert format.value_of(axis, value) == words


def test_a_share_beyond_what_can_be_had_is_marked() -> None:
    """1.05 is within what two measurements of one limit differ by."""
    assert [format.share(value) for value in (0.5, 1.05, 1.2, None)] == ["50%", "105%", "120%~", "–"]


def test_a_value_without_a_heading_names_its_axis() -> None:
    """A bare number says nothing; a value in words needs no name. The number of all threads is stated where known."""
    assert format.labelled("units", 2) == "units = 2"
    assert format.labelled("k", 16, name="stride") == "stride = 16"
    assert format.labelled("n", 10**6) == "n = 10⁶"
    assert [format.labelled("threads", value, 2) for value in (1, "all")] == ["1 thread", "all 2 threads"]
    assert format.labelled("dtype", "f8") == "float64"
