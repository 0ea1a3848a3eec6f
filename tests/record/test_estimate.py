"""Statistics: intervals that hold the median, ratios that pair, heaps that are told apart."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.record import estimate as estimating
from hwbench.record.estimate import (
    CONFIDENCE,
    RESAMPLES,
    Estimate,
    bimodal,
    clear,
    crossing,
    crossover,
    drift,
    estimate,
    mad_sigma,
    median_error,
    medians,
    middle,
    paired_ratio,
    prepare,
    quantile,
    unpaired_ratio,
)

TIMES = st.lists(st.floats(1e-9, 1e3), min_size=3, max_size=40)


@given(TIMES)
def test_the_interval_holds_the_median(samples):
    """low ≤ median ≤ high, and all three lie within the samples but for rounding."""
    found = estimate(samples)
    assert found.low <= found.value <= found.high
    assert min(samples) * (1 - 1e-12) <= found.low
    assert found.high <= max(samples) * (1 + 1e-12)


@given(TIMES, st.floats(1e-3, 1e3))
def test_an_estimate_does_not_depend_on_the_order(samples, factor):
    """The same samples give the same interval, and a factor moves all of it."""
    found = estimate(samples)
    assert found == estimate(list(samples))
    scaled = found.scaled(factor)
    assert scaled.low <= scaled.value <= scaled.high
    assert scaled.value == pytest.approx(found.value * factor)


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    """Of 300 sets of 20 lognormal samples, the 95% interval holds the true median in 88 to 99%."""
    import numpy as np

    rng = np.random.default_rng(7)
    hits = sum(
        found.low <= 1.0 <= found.high for found in (estimate(np.exp(rng.normal(0, 0.1, 20))) for _ in range(300))
    )
    assert 0.88 <= hits / 300 <= 0.99


@pytest.mark.parametrize("samples", [[2.0], [1.0, 3.0]])
def test_few_samples_bound_nothing(samples):
    """One or two samples have an interval of the whole line, also as a rate."""
    found = estimate(samples)
    assert found == Estimate(2.0, 0.0, math.inf)
    assert found.relative == math.inf
    assert found.inverse(10.0) == Estimate(5.0, 0.0, math.inf)


def test_equal_samples_have_a_point_interval():
    """Samples without spread need no resampling."""
    assert estimate([2.0] * 10) == Estimate(2.0, 2.0, 2.0)
    assert estimate([2.0] * 10).relative == 0.0


def test_no_samples_are_an_error():
    """There is no median of nothing."""
    with pytest.raises(ValueError, match="no samples"):
        estimate([])


def test_a_rate_turns_the_interval_round():
    """The longest time is the lowest rate."""
    assert Estimate(2.0, 1.0, 4.0).inverse(8.0) == Estimate(4.0, 2.0, 8.0)
    assert Estimate(2.0, 0.0, 0.0).inverse(8.0) == Estimate(4.0, math.inf, math.inf)
    assert Estimate(2.0, 1.0, 4.0).scaled(-1.0) == Estimate(-2.0, -4.0, -1.0)


def test_an_interval_s_half_width_is_told_of_the_median():
    """Also of a negative median; without a factor the inverse is that of the estimate."""
    assert Estimate(4.0, 2.0, 5.0).relative == 0.375
    assert Estimate(-2.0, -3.0, -1.0).relative == 0.5
    assert Estimate(2.0, 1.0, 4.0).inverse() == Estimate(0.5, 0.25, 1.0)


def test_drift_that_hits_both_cancels_in_a_paired_ratio():
    """Two variants that slow down together keep their ratio to the digit, where medians alone do not bound it."""
    base = [2.0**i for i in range(12)]
    double = [2 * x for x in base]
    assert paired_ratio(double, base) == Estimate(2.0, 2.0, 2.0)
    apart = unpaired_ratio(double, base)
    assert apart.value == 2.0
    assert apart.high / apart.low > 4


def test_unlike_lengths_do_not_pair():
    """Samples of other rounds are refused."""
    with pytest.raises(ValueError, match="3 samples cannot be paired with 2"):
        paired_ratio([1, 2, 3], [1, 2])


@given(TIMES)
def test_a_ratio_with_oneself_is_one(samples):
    """Anything against itself is 1, paired to the digit and unpaired with 1 inside."""
    assert paired_ratio(samples, samples) == Estimate(1.0, 1.0, 1.0)
    apart = unpaired_ratio(samples, samples)
    assert apart.value == 1.0
    assert apart.low <= 1.0 <= apart.high


def test_few_samples_bound_no_ratio():
    """With two samples on one side nothing can be said."""
    assert unpaired_ratio([2.0, 2.0], [1.0] * 9) == Estimate(2.0, 0.0, math.inf)


def test_two_heaps_are_seen():
    """A fifth of the samples 10% slower than the rest is a second heap; their centres are told."""
    assert bimodal([1.0] * 8 + [1.1] * 2) == (1.0, 1.1)
    assert bimodal([1.1, 1.0] * 5) == (1.0, 1.1)


@pytest.mark.parametrize(
    "samples",
    [
        [1.0] * 9 + [1.1],  # one outlier is no heap
        [1.0] * 5 + [1.04] * 5,  # closer than 5%
        [1.0 + i / 20 for i in range(20)],  # evenly spread
        [1.0] * 5 + [2.0] * 4,  # too few to tell
        [0.98, 1.0, 1.02, 1.04, 1.06, 1.14, 1.16, 1.18, 1.20, 1.22],  # the gap is not three times a heap's spread
    ],
)
def test_what_is_no_second_heap(samples):
    """An outlier, a small step, an even spread and few samples are not two heaps."""
    assert bimodal(samples) is None


def test_a_second_heap_is_bounded_by_its_gap_and_by_its_spread():
    """At exactly the gap asked for, and at exactly three times the interquartile range of either heap."""
    assert bimodal([1.0] * 5 + [1.5] * 5, gap=0.4) == (1.0, 1.5)
    assert bimodal([10.0] * 5 + [10.4] * 5) is None
    assert bimodal([1.0] * 4 + [1.02] + [1.065] * 5) is None
    low = [16.0, 16.5, 17.0, 17.5, 18.0]
    assert bimodal(low + [21.0] * 5) == (17.0, 21.0)
    assert bimodal(low + [20.97] * 5) is None
    assert bimodal([1.0] * 5 + [1.5] * 5, share=0.6) is None


def test_drift_forgives_one_bad_reading():
    """One reading that is off by half is no drift, of 20 or of the fewest that there are; a ramp of 10% is."""
    assert drift([3e9] * 19 + [1.5e9]) == 0.0
    assert drift([3e9] * 9 + [1.5e9]) == 0.0
    assert drift([3e9] * 8 + [1.5e9, 1.4e9]) > 0.4
    assert drift([3e9 * (1 + 0.1 * i / 20) for i in range(21)]) == pytest.approx(0.08 / 1.05, rel=1e-6)
    assert drift([3e9, 4e9]) == 0.0
    assert drift([0.0, 0.0, 0.0, 3e9]) == 0.0
    assert drift([0.5] * 8 + [0.25, 0.2]) > 0.4
    assert drift(range(1, 12)) == pytest.approx((10 - 2) / 6)
    assert drift(range(1, 13)) == pytest.approx((10 - 3) / 6.5)


def sure(points):
    """Points whose ratios are known exactly."""
    return [(x, Estimate(ratio, ratio, ratio)) for x, ratio in points]


@pytest.mark.parametrize(
    ("points", "at"),
    [
        ([(1, 2.0), (100, 0.5)], 10.0),
        ([(1, 0.9), (10, 0.1)], 1.0),
        ([(1, 9.0), (1000, 1.5)], math.inf),
        ([(1, 4.0), (10, 0.9), (100, 2.0), (10000, 0.5)], 1000.0),
    ],
)
def test_crossover(points, at):
    """The crossover is interpolated in log x, at the last time the ratio falls below 1."""
    assert crossover(sure(points)) == pytest.approx((at, at, at))


@pytest.mark.parametrize(
    ("points", "at"),
    [
        ([(0.5, 0.9), (10, 0.1)], 0.0),
        ([(1, 2.0), (10, 1.0)], math.inf),
        ([(1, 2.0), (10, 0.5), (100, 2.0)], math.inf),
        ([(1, 1.5), (100, 1 / 1.5)], 10.0),
        ([(1, 2.0), (100, 0.5), (1000, 0.1)], 10.0),
        ([(1, 2.0), (10, 1.0), (100, 0.5)], 10.0),
        ([(1, 2.0), (100, 0.0)], 1),
        ([(1, math.inf), (100, 0.5)], 100),
        ([(1, math.inf), (100, 0.0)], 1),
        ([(2, 4.0), (8, 0.25)], 4.0),
    ],
)
def test_crossing(points, at):
    """A ratio of exactly 1 is not below 1; without a bound to interpolate to, the crossing is at an end."""
    assert crossing(points) == pytest.approx(at)


def test_a_crossover_needs_two_points():
    """One point has no neighbour to cross towards."""
    assert crossover(sure([(1, 0.5)])) is None
    assert crossover([]) is None


def test_a_crossover_is_as_uncertain_as_its_ratios():
    """Ratios known to a factor of two leave a crossover within what both ends of their intervals give."""
    at = crossover([(1, Estimate(2.0, 1.0, 4.0)), (100, Estimate(0.5, 0.25, 0.9))])
    assert at is not None
    assert (at.value, at.low) == pytest.approx((10.0, 1.0))
    assert at.high == pytest.approx(100 ** (math.log(4) / (math.log(4) - math.log(0.9))))
    open_ended = crossover([(1, Estimate(2.0, 0.0, math.inf)), (100, Estimate(0.5, 0.0, math.inf))])
    assert open_ended == (10.0, 1, math.inf)


def test_an_interval_of_a_decade_or_without_an_end_is_no_crossover():
    """Below ten times is clear, ten times and ∞ are not."""
    assert clear(Estimate(20.0, 10.0, 99.0))
    assert not clear(Estimate(20.0, 10.0, 100.0))
    assert not clear(Estimate(20.0, 10.0, math.inf))
    assert not clear(Estimate(20.0, 0.0, 30.0))


@pytest.mark.parametrize("count", [3, 4, 10, 37, 100])
def test_the_interval_is_that_of_scipy(count):
    """Percentile bootstrap of the median, 999 resamples, by the same seed: SciPy's own to the last digit but one."""
    from scipy.stats import bootstrap

    samples = np.random.default_rng(count).lognormal(0, 0.1, count)
    theirs = bootstrap((samples,), np.median, n_resamples=999, confidence_level=0.95, method="percentile", rng=0)
    found = estimate(list(samples))
    low, high = theirs.confidence_interval
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)


@pytest.mark.parametrize("count", [3, 4, 10, 37, 100])
def test_medians_are_numpys_and_a_ratio_of_two_sets_is_scipys(count):
    """To the last digit but one, without the second that SciPy takes to be imported."""
    from scipy.stats import bootstrap

    rng = np.random.default_rng(count)
    samples, base = rng.lognormal(0, 0.1, count), rng.lognormal(0, 0.1, count + 1)
    rows = rng.normal(size=(50, count))
    assert (medians(rows) == np.median(rows, axis=1)).all()

    def ratio(a, b, axis=-1):
        return np.median(a, axis=axis) / np.median(b, axis=axis)

    theirs = bootstrap((samples, base), ratio, n_resamples=999, confidence_level=0.95, method="percentile", rng=0)
    found = unpaired_ratio(samples.tolist(), base.tolist())
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval), rel=1e-12)


@pytest.mark.parametrize("count", [3, 4, 10, 37, 255, 256, 301])
def test_an_interval_has_the_bits_of_resamples_that_are_sorted(count):
    """Alone or together with others of its length, with and without equal samples."""
    rng = np.random.default_rng(count)
    sets = [rng.lognormal(0, 0.1, count).round(digits).tolist() for digits in (1, 2, 16, 16)]
    picks = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    expected = []
    for samples in sets:
        drawn, value = np.median(np.asarray(samples)[picks], axis=1), float(np.median(samples))
        low, high = (quantile(drawn, (1 + side * CONFIDENCE) / 2) for side in (-1, 1))
        expected.append(Estimate(value, min(low, value), max(high, value)))
    estimating._estimate.cache_clear()
    assert [estimate(samples) for samples in sets] == expected
    estimating._estimate.cache_clear()
    prepare(sets[:1])
    assert estimating._estimate.cache_info().currsize == 1
    estimating._estimate.cache_clear()
    prepare([*sets, [1.0, 2.0], []])
    assert estimating._estimate.cache_info().currsize == len(sets)
    assert [estimate(samples) for samples in sets] == expected


def test_sets_of_more_samples_than_a_block_are_prepared_one_by_one():
    """With the intervals that they have alone."""
    sets = np.random.default_rng(1).normal(1, 0.1, (2, estimating.BLOCK + 1)).tolist()
    alone = [estimate(one) for one in sets]
    estimating._estimate.cache_clear()
    prepare(sets)
    assert [estimate(one) for one in sets] == alone


def test_quantiles_are_numpy_s_to_the_last_bit():
    """Of lists and arrays, at the ends, between values and halfway."""
    for values in np.random.default_rng(4).lognormal(size=(20, 7)):
        for share in (0.0, 0.025, 1 / 12, 0.25, 0.4, 0.6, 0.975, 1.0):
            assert quantile(values, share) == quantile(values.tolist(), share) == np.quantile(values, share)
    assert quantile([1.0], 0.3) == 1.0


def test_middles_of_few_values():
    """The median of odd and even numbers of them, also of one row; the robust deviation, from two values on."""
    assert (middle([3.0, 1.0, 2.0]), middle([7.0, 1.0, 3.0, 2.0]), middle([5.0])) == (2.0, 2.5, 5.0)
    assert medians(np.array([3.0, 1.0, 2.0])) == 2.0
    assert medians(np.array([7.0, 1.0, 3.0, 2.0])) == 2.5
    assert mad_sigma([1.0, 2.0, 4.0, 9.0, 100.0]) == pytest.approx(1.4826 * 3)
    assert mad_sigma([1.0, 3.0]) == pytest.approx(1.4826)
    assert math.isnan(mad_sigma([5.0]))


@pytest.mark.parametrize("n", [3, 10, 11, 100, 999])
def test_the_median_s_error_is_price_and_bonett_s(n):
    """The width between two order statistics by the binomial probability that they hold the median."""
    from scipy.stats import binom, norm

    samples = np.random.default_rng(n).lognormal(size=n)
    c = max(1, round((n + 1) / 2 - math.sqrt(n)))
    ordered = np.sort(samples)
    width = 2 * norm.ppf(1 - binom.cdf(c - 1, n, 0.5))
    assert median_error(samples) == pytest.approx((ordered[n - c] - ordered[c - 1]) / width)


def test_of_a_thousand_samples_the_median_s_error_is_that_of_many():
    """Two standard errors, as of a normal variable."""
    ordered = np.arange(1000.0)
    assert median_error(ordered) == pytest.approx((ordered[1000 - 469] - ordered[468]) / 4)


@pytest.mark.parametrize("n", [10, 20, 100])
def test_the_median_s_error_is_what_medians_scatter_by(n):
    """Price and Bonett's error of normal samples is the deviation of many such medians, within a fifth."""
    rng = np.random.default_rng(2)
    drawn = rng.normal(10, 1, (2000, n))
    mean = float(np.mean([median_error(samples) for samples in drawn]))
    assert mean == pytest.approx(float(np.median(drawn, axis=1).std()), rel=0.2)
    assert median_error([1.0, 2.0]) == math.inf
