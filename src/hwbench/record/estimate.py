"""Statistics of samples: median, bootstrap interval, ratio of two sets, crossover, bimodality, drift."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 999
DECADE = 10.0  # a crossover whose interval is wider is none
MAD = 1.4826  # standard deviations of a normal variable in its median absolute deviation


class Estimate(NamedTuple):
    """A median with its 95% interval."""

    value: float
    low: float
    high: float

    @property
    def relative(self) -> float:
        """Half the width of the interval over the median."""
        return (self.high - self.low) / 2 / abs(self.value) if self.value else math.inf

    def scaled(self, factor: float) -> Estimate:
        """The estimate in another unit."""
        return Estimate(self.value * factor, *sorted((self.low * factor, self.high * factor)))

    def inverse(self, factor: float = 1.0) -> Estimate:
        """`factor` over the estimate: a rate from seconds; a bound at 0 becomes ∞."""
        low, high = (factor / bound if bound else math.inf for bound in (self.high, self.low))
        return Estimate(factor / self.value, low, high)


def estimate(samples: Sequence[float]) -> Estimate:
    """The median of `samples` with its percentile bootstrap interval, seeded by a constant.

    Fewer than three samples give no interval: it is (0, ∞).
    """
    return _estimate(tuple(samples))


@functools.lru_cache(maxsize=8192)
def _estimate(samples: tuple[float, ...]) -> Estimate:
    if not samples:
        raise ValueError("no samples")
    value = float(middle(samples))
    if len(samples) < 3:
        return Estimate(value, 0.0, math.inf)
    if min(samples) == max(samples):
        return Estimate(value, value, value)
    # scipy.stats.bootstrap gives the same to 12 digits, but takes a second to import and a millisecond a call; a report
    # calls this a thousand times.
    low, high = _interval(medians(np.asarray(samples).take(_picks(len(samples)), mode="clip")))
    return Estimate(value, min(low, value), max(high, value))  # quantiles are interpolated, hence rounded


def medians(rows: np.ndarray) -> np.ndarray:
    """The median of each row: what `np.median` gives. Rows are short, and sorted several times as fast as parted."""
    ordered, half = np.sort(rows, axis=-1), rows.shape[-1] // 2
    return np.asarray(ordered[..., half] if rows.shape[-1] % 2 else (ordered[..., half - 1] + ordered[..., half]) / 2)


def _interval(values: np.ndarray) -> tuple[float, float]:
    """The quantiles that bound the interval."""
    ordered = np.sort(values)
    return _at(ordered, (1 - CONFIDENCE) / 2), _at(ordered, (1 + CONFIDENCE) / 2)


def quantile(values: Sequence[float] | np.ndarray, share: float) -> float:
    """A quantile, interpolated: what `np.quantile` gives, in a tenth of its time and without loading `numpy.ma`."""
    return _at(np.sort(values) if isinstance(values, np.ndarray) else sorted(values), share)


def _at(ordered: Sequence[float] | np.ndarray, share: float) -> float:
    at = (len(ordered) - 1) * share
    below = int(at)
    a, b, part = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)]), at - below
    return a + (b - a) * part if part < 0.5 else b - (b - a) * (1 - part)


@functools.lru_cache(maxsize=16)
def _picks(count: int) -> np.ndarray:
    """Indices of the samples in each resample: the same for the same `count`."""
    picks = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    return picks if count <= 2**8 else picks.astype(np.uint16 if count <= 2**16 else int)  # `take` wants whole words


def paired_ratio(samples: Sequence[float], base: Sequence[float]) -> Estimate:
    """Median of sample / base, round by round, with its interval: drift common to both cancels.

    Both need the same length, that is the same rounds; `unpaired_ratio` takes any two sets.
    """
    if len(samples) != len(base):
        raise ValueError(f"{len(samples)} samples cannot be paired with {len(base)}")
    return estimate([a / b for a, b in zip(samples, base, strict=True)])


def unpaired_ratio(samples: Sequence[float], base: Sequence[float]) -> Estimate:
    """Ratio of the medians of two sets that share no rounds; each is resampled on its own."""
    return _unpaired(tuple(samples), tuple(base))


@functools.lru_cache(maxsize=8192)
def _unpaired(samples: tuple[float, ...], base: tuple[float, ...]) -> Estimate:
    value = float(middle(samples) / middle(base))
    if min(len(samples), len(base)) < 3:
        return Estimate(value, 0.0, math.inf)
    rng = np.random.default_rng(0)  # drawn in the order of scipy.stats.bootstrap, which gives the same
    drawn = [medians(np.asarray(one)[rng.integers(0, len(one), (RESAMPLES, len(one)))]) for one in (samples, base)]
    return Estimate(value, *_interval(drawn[0] / drawn[1]))


def crossover(points: Sequence[tuple[float, Estimate]]) -> Estimate | None:
    """The x beyond which a ratio of times stays below 1; the interval is that of the ratios' lower and upper bounds.

    `points` are (x, ratio) in ascending order; log ratio is interpolated linearly in log x. The first x where the ratio
    is below 1 everywhere, ∞ where it is not below 1 at the last x; None for fewer than two points.
    """
    if len(points) < 2:
        return None
    found = [max(points[0][0], crossing([(x, ratio[k]) for x, ratio in points])) for k in range(3)]
    return Estimate(found[0], min(found), max(found))


def clear(at: Estimate) -> bool:
    """Whether there is a crossover to speak of: its interval has an end and spans less than a decade."""
    return math.isfinite(at.high) and at.high < DECADE * at.low


def crossing(points: Sequence[tuple[float, float]]) -> float:
    """The x beyond which the ratio stays below 1, for at least two points (x, ratio) in ascending order.

    0 where it is below 1 everywhere, ∞ where it is not below 1 at the last x. Of several crossings the last counts:
    single points before it may be noise.
    """
    if points[-1][1] >= 1:
        return math.inf
    falls = [(before, after) for before, after in pairwise(points) if before[1] >= 1 > after[1]]
    if not falls:
        return 0.0
    (x0, r0), (x1, r1) = falls[-1]
    if not math.isfinite(r0) or r1 <= 0:
        return x1 if r1 > 0 else x0  # an unbounded ratio: all that is known is that the crossing lies between x0 and x1
    return float(x0 * (x1 / x0) ** (math.log(r0) / (math.log(r0) - math.log(r1))))


def bimodal(samples: Sequence[float], gap: float = 0.05, share: float = 0.2) -> tuple[float, float] | None:
    """The medians of the two modes of bimodal samples, else None.

    Bimodal: the widest gap between sorted neighbours is at least `gap` of the median and three times the interquartile
    range of either mode, and each mode holds at least `share` of the samples.
    """
    ordered = np.sort(np.asarray(samples, dtype=float))
    if len(ordered) < 10:
        return None
    least = math.ceil(share * len(ordered))
    steps = np.diff(ordered)[least - 1 : len(ordered) - least]
    if not len(steps):
        return None
    cut = int(np.argmax(steps)) + least
    low, high = ordered[:cut], ordered[cut:]
    step = ordered[cut] - ordered[cut - 1]
    widest_iqr = max(float(np.subtract(*np.percentile(mode, (75, 25)))) for mode in (low, high))
    if step < gap * float(np.median(ordered)) or step < 3 * widest_iqr:
        return None
    return float(np.median(low)), float(np.median(high))


def drift(readings: Sequence[float]) -> float:
    """Relative drift of a gauge: (90th - 10th percentile) / median, so that a single outlier counts for nothing."""
    values = sorted(float(reading) for reading in readings if reading > 0)
    if len(values) < 3:
        return 0.0
    # Inner readings, not interpolated ones: of ten readings the outermost would still weigh a tenth.
    low, high = values[math.ceil((len(values) - 1) * 0.1)], values[math.floor((len(values) - 1) * 0.9)]
    return max(0.0, (high - low) / middle(values))


# --- comparing runs ---------------------------------------------------------------------------------------------------


def median_error(samples: Sequence[float]) -> float:
    """Standard error of the median from order statistics; ∞ for fewer than three samples.

    The interval from the c-th smallest to the c-th largest sample covers the median with a binomial probability, which
    gives its width in standard errors: Price and Bonett, J. Stat. Comput. Simul. 68 (2001) 295. As accurate as a
    bootstrap and a thousand times as fast.
    """
    n = len(samples)
    if n < 3:
        return math.inf
    c, quantile = _price_bonett(n)
    ordered = sorted(samples)
    return (ordered[n - c] - ordered[c - 1]) / (2 * quantile)


@functools.lru_cache(maxsize=1024)
def _price_bonett(n: int) -> tuple[int, float]:
    """For n samples: the order statistic c, and its distance from the median in standard errors."""
    from statistics import NormalDist

    c = max(1, round((n + 1) / 2 - math.sqrt(n)))
    outside = 2 * math.fsum(math.comb(n, i) for i in range(c)) / 2.0**n if n < 1000 else 2 * NormalDist().cdf(-2.0)
    return c, NormalDist().inv_cdf(1 - outside / 2)


def middle(values: Sequence[float]) -> float:
    """The median of a few values: of thirty, NumPy's takes ten times as long."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def mad_sigma(values: Sequence[float]) -> float:
    """Robust standard deviation: `MAD` × the median absolute deviation, which a few outliers do not change."""
    if len(values) < 2:
        return math.nan
    center = middle(values)
    return MAD * middle([abs(value - center) for value in values])
