"""Single observations made into series."""

from __future__ import annotations

import math

import pytest

from hwbench.tracking.series import Observation, SeriesBuilder, comparable


def observed(median=1.0, bench="a.b", version="1", counts=None, setting=0, error=0.1, **params):
    return Observation(bench, "v", params, setting, version, counts or {}, median, error)


def test_observations_of_a_case_are_one_series_with_gaps():
    """Each stands at its commit with its 95% interval; a commit without it is NaN; settings are apart."""
    builder = SeriesBuilder(3)
    builder.add(observed(1.0, size="L1"), 0)
    builder.add(observed(3.0, size="L1"), 2)
    builder.add(observed(9.0, size="L1", setting=1), 1)
    (first, second), notes = builder.series()
    assert notes == []
    assert first.label == "a.b/v [L1]"
    assert (first.values[0], first.values[2]) == (1.0, 3.0)
    assert math.isnan(first.values[1])
    assert (first.low[2], first.high[2]) == pytest.approx((3.0 - 0.196, 3.0 + 0.196))
    assert (second.setting, second.values[1]) == (1, 9.0)


def test_suspect_observations_stand_in_the_series_with_their_reason():
    """Their values stay, and are missing where a change is to be proved."""
    builder = SeriesBuilder(2)
    builder.add(observed(1.0), 0)
    builder.add(observed(3.0)._replace(suspect="steal"), 1)
    [series], _ = builder.series()
    assert (series.values.tolist(), series.suspect) == ([1.0, 3.0], {1: "steal"})
    assert series.sound[0] == 1.0
    assert math.isnan(series.sound[1])


def test_what_is_not_comparable_with_the_newest_is_dropped_and_said():
    """Another version, or another number of bytes under the same label."""
    builder = SeriesBuilder(3)
    builder.add(observed(1.0, version="1"), 0)
    builder.add(observed(2.0, version="2"), 1)
    builder.add(observed(3.0, version="2"), 2)
    [series], [note] = builder.series()
    assert [math.isnan(value) for value in series.values] == [True, False, False]
    assert series.version == "2"
    assert "of 1 case are left out" in note


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (observed(counts={"bytes": 1e6}), True),
        (observed(counts={"bytes": 1e6 * (1 + 1e-7)}), True),
        (observed(counts={"bytes": 1.00001e6}), False),
        (observed(counts={"flops": 5.0}), True),
        (observed(version="2", counts={"bytes": 1e6}), False),
    ],
)
def test_counts_agree_to_six_digits_where_both_state_them(other, same):
    """Counts out of a rate and a median are rounded; versions must be equal."""
    assert comparable(observed(counts={"bytes": 1e6}), other) is same
