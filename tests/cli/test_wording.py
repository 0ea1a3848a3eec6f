"""What commands say of a comparison."""

from __future__ import annotations

import pytest

from hwbench.cli import wording
from hwbench.tracking.comparison import Comparison


def case(verdict="slower", **more):
    return Comparison(bench="x", variant="", device="cpu", params={"n": 3}, verdict=verdict, **more)


def test_a_trend_has_a_bar_for_each_value():
    """The lowest and the highest fill the range; one that hardly varies is flat, and the newest are shown."""
    assert wording.trend([1.0, 1.0, 2.0, 1.5]) == "▁▁█▅"
    assert wording.trend([1.0, 1.01, 1.02]) == "▄▄▄"
    assert len(wording.trend([1.0, 2.0] * 50)) == wording.WIDEST


def test_totals_say_worse_where_metrics_are_of_several_kinds():
    """Times are slower, memory is more; else the verdict alone."""
    slow, more, same = case(change="slower"), case(change="more", unit="bytes"), case("same")
    assert wording.totals([slow, same]) == "1 slower, 1 same"
    assert wording.totals([slow, slow, more, same]) == "3 worse (2 slower, 1 more), 1 same"
    assert wording.totals([]) == "no cases"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ratio": 1.2, "low": 1.1, "high": 1.3}, "1.20× slower (1.10–1.30)"),
        ({"ratio": 1440.0, "low": 0.0, "high": None}, "1440× slower (no interval)"),
        ({"ratio": 1.1, "low": 1.09, "high": 1.11, "unit": "bytes"}, "1.10× more (1.09–1.11)"),
        ({"ratio": 1.8, "low": 1.7, "high": 1.9, "unit": "", "higher": True}, "1.80× less (1.70–1.90)"),
        ({"difference": 5.0, "unit": "errors"}, "5.00 errors more"),
        ({}, ""),
    ],
)
def test_how_much_is_said_in_the_words_of_the_metric(more, said):
    """Slower, more, less; without an interval where one round gives none."""
    assert wording.ratio_of(case(**more)) == said


def test_a_gain_is_green_only_where_the_better_direction_is_known():
    """An accuracy that fell may be none."""
    assert (wording.colour(case("faster")), wording.sign(case("faster"))) == ("green", "🟢")
    assert (wording.colour(case("faster", sure=False)), wording.sign(case("faster", sure=False))) == ("", "🔵")
    assert "the better direction is assumed" in wording.remark(case("faster", sure=False))
