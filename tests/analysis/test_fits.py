"""Fits: what they find of numbers that follow the law, with and without noise, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.analysis import fits
from hwbench.record import estimate as record_estimate

SIZES = [64 * 4**i for i in range(12)]  # 64 B … 256 MiB


def noisy(seconds: float, rng: np.random.Generator, rounds: int = 15, noise: float = 0.01) -> list[float]:
    return list(seconds * (1 + noise * rng.standard_normal(rounds)))


@given(st.floats(1e-6, 1e-3), st.floats(1e8, 1e12))
def test_a_link_without_noise_is_found_to_the_digit(latency, bandwidth):
    """Latency, bandwidth and half-bandwidth size come back from exact times over any sizes."""
    found = fits.link([(size, [latency + size / bandwidth] * 3) for size in SIZES])
    total = latency + SIZES[-1] / bandwidth
    if SIZES[-1] / bandwidth > 1e-3 * total:  # else no size tells anything of the bandwidth
        assert found.bandwidth.value == pytest.approx(bandwidth, rel=1e-6)
        assert found.half.value == pytest.approx(latency * bandwidth, rel=1e-6)
    assert found.latency.value == pytest.approx(latency, rel=1e-6)
    assert found.seconds(0) == found.latency.value
    assert found.rate(found.half.value) == pytest.approx(found.bandwidth.value / 2)


@given(st.integers(0, 2**32 - 1))
def test_a_noisy_link_is_found_within_a_percent(seed):
    """With 1% of noise a sample the medians of 15 rounds give 10 µs and 50 GB/s within 2%, inside their intervals."""
    rng = np.random.default_rng(seed)
    found = fits.link([(size, noisy(1e-5 + size / 50e9, rng)) for size in SIZES])
    assert found.latency.value == pytest.approx(1e-5, rel=0.02)
    assert found.bandwidth.value == pytest.approx(50e9, rel=0.02)
    for estimate in found:
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.relative < 0.03


def test_a_link_needs_three_sizes_and_times_that_grow():
    """Fewer sizes, and times that do not grow, are no link."""
    with pytest.raises(ValueError, match="2 sizes bound no latency"):
        fits.link([(1, [1.0]), (2, [2.0])])
    with pytest.raises(ValueError, match="do not grow"):
        fits.link([(1, [3.0]), (2, [2.0]), (400, [1.0])])


def test_a_line_below_the_origin_goes_through_it():
    """Noise that would make the latency negative gives none instead."""
    found = fits.link([(1e6, [0.9e-3] * 3), (2e6, [2e-3] * 3), (4e6, [4.1e-3] * 3)])
    assert found.latency.value == 0
    assert found.bandwidth.value == pytest.approx(1e9, rel=0.05)


@given(st.floats(-1, 1), st.floats(1e-9, 1))
def test_a_slope_is_the_line_s(start, each):
    """Points on a line give its slope, whatever its start."""
    found = fits.slope([(x, [start + each * x] * 5) for x in (1, 2, 8, 32)])
    assert found.value == pytest.approx(each, rel=1e-6, abs=1e-12)


def test_a_slope_needs_two_points():
    """One x has no slope."""
    with pytest.raises(ValueError, match="two points"):
        fits.slope([(1, [1.0]), (1, [2.0])])


@given(st.floats(0, 1), st.tuples(*[st.floats(0.1, 10)] * 3))
def test_overlap_is_the_share_of_what_there_is_to_gain(share, parts):
    """All of it where the whole takes as long as the longest part, none where it takes as long as their sum."""
    serial, longest = sum(parts), max(parts)
    whole = serial - share * (serial - longest)
    found = fits.overlap([whole] * 5, [serial] * 5, [[part] * 5 for part in parts])
    assert found.value == pytest.approx(share, abs=1e-6)


def test_nothing_to_overlap_is_said():
    """One part that takes all the time leaves nothing to gain."""
    with pytest.raises(ValueError, match="nothing to overlap"):
        fits.overlap([1.0], [1.0], [[1.0], [0.0]])


@given(st.floats(1, 1e6))
def test_saturation_is_where_the_share_is_reached(knee):
    """A rate that grows with the threads up to a knee reaches 90% of it a little before the knee."""
    points = [(2.0**i, min(2.0**i, knee)) for i in range(25)]
    found = fits.saturating(points)
    below, above = max(x for x, _ in points if x <= max(knee, 1)), min(x for x, _ in points if x >= 0.9 * knee)
    assert found <= max(above, 1)
    assert found >= min(0.9 * knee, below) / 2
    assert fits.saturating([(1, 5.0)]) == 1
    with pytest.raises(ValueError, match="no points"):
        fits.saturating([])


def test_a_dip_does_not_saturate():
    """What falls below the share again has not saturated before; an end that falls counts where the best is."""
    assert fits.saturating([(1, 1.0), (10, 0.5), (100, 1.0)]) == pytest.approx(10 * 10 ** (0.4 / 0.5))
    assert fits.saturating([(1, 0.1), (10, 1.0), (100, 0.5)]) == 10


@given(st.floats(1e-7, 1e-3), st.floats(1e-12, 1e-9), st.floats(1.5, 100))
def test_break_even_is_where_the_lines_cross(fixed, each, faster):
    """A way that costs `fixed` more and less for each element wins from fixed / (difference of slopes) on."""
    truth = fixed / (each - each / faster)
    sizes = [4.0**i for i in range(-2, 40)]
    points = [(n, [each * n] * 5, [fixed + each / faster * n] * 5) for n in sizes]
    found = fits.breakeven(points)
    assert found.state == "crosses"
    assert found.n.low <= found.n.value <= found.n.high
    assert math.log(found.n.value / truth) == pytest.approx(0, abs=math.log(1.5))  # interpolated between powers of 4


def test_break_even_always_and_never():
    """Where one way wins at every size there is no crossing to tell."""
    assert fits.breakeven([(1, [2.0] * 3, [1.0] * 3), (9, [2.0] * 3, [1.0] * 3)]) == (None, "always")
    assert fits.breakeven([(1, [1.0] * 3, [2.0] * 3), (9, [1.0] * 3, [2.0] * 3)]) == (None, "never")
    with pytest.raises(ValueError, match="two sizes"):
        fits.breakeven([(1, [1.0], [1.0])])


def test_the_last_crossing_counts():
    """A single lucky point in the middle is not where it begins to win."""
    ratios = [2.0, 0.9, 2.0, 0.5]
    assert record_estimate.crossing(list(zip([1, 10, 100, 1000], ratios, strict=True))) == pytest.approx(100 * 10**0.5)


@given(st.integers(0, 2**32 - 1))
def test_an_uncertain_break_even_has_a_wide_interval(seed):
    """Where noise is as large as the difference, the interval holds the true crossing."""
    rng = np.random.default_rng(seed)
    points = [(n, noisy(1e-6 * n, rng, noise=0.05), noisy(1e-4 + 0.5e-6 * n, rng, noise=0.05)) for n in (25, 100, 400)]
    found = fits.breakeven(points)
    assert found.state == "crosses"
    assert found.n.low <= 260
    assert found.n.high >= 160


def test_too_few_rounds_bound_nothing():
    """Two samples give a value, and an interval that says that nothing is known."""
    found = fits.slope([(1, [1.0, 1.0]), (2, [2.0, 2.0])])
    assert found == (1.0, 0.0, math.inf)
    with pytest.raises(ValueError, match="no samples"):
        fits.slope([(1, []), (2, [1.0])])
