"""Statistics of samples: median, bootstrap interval, ratio of two sets, crossover, bimodality, drift."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 999
WIDTH = 1000  # RESAMPLES, up to whole words
DECADE = 10.0  # a crossover whose interval is wider is none
BLOCK = 512  # samples that are resampled at once: their counts fit a core's caches
MAD = 1.4826  # standard deviations of a normal variable in its median absolute deviation
Amount = TypeVar("Amount", float, "NDArray[np.float64]")


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
    if (found := _ahead.pop(samples, None)) is not None:
        return found
    if not samples:
        raise ValueError("no samples")
    value = float(middle(samples))
    if len(samples) < 3:
        return Estimate(value, 0.0, math.inf)
    if min(samples) == max(samples):
        return Estimate(value, value, value)
    # scipy.stats.bootstrap gives the same to 12 digits, but takes a second to import and a millisecond a call; a report
    # calls this a thousand times.
    return _estimates([samples])[0]


_ahead: dict[tuple[float, ...], Estimate] = {}


def prepare(many: Iterable[Sequence[float]]) -> None:
    """Let `estimate` know these sets of samples: together they take half the time."""
    by_length: dict[int, list[tuple[float, ...]]] = {}
    for samples in many:
        if len(samples) >= 3:
            by_length.setdefault(len(samples), []).append(tuple(samples))
    for sets in by_length.values():
        size = max(1, BLOCK // len(sets[0]))
        for at in range(0, len(sets), size):
            block = sets[at : at + size]
            _ahead.update(zip(block, _estimates(block), strict=True))
            for samples in block:
                _estimate(samples)
    _ahead.clear()


def _estimates(sets: Sequence[tuple[float, ...]]) -> list[Estimate]:
    """The estimates of sets of samples of one length, all resampled by the same indices.

    Only the samples are sorted: how often each is in a resample is known beforehand, and the median is the sample with
    which, counted from the least, half of the resample is reached.
    """
    samples, count = np.asarray(sets), len(sets[0])
    order, times = samples.argsort(axis=-1), _times(count)
    ordered = np.sort(samples, axis=-1)
    words = times.view(np.uint64).take(order.T, axis=0, mode="clip")
    for before, sums in pairwise(words):
        sums += before
    reached, half = words.view(times.dtype)[..., :RESAMPLES], count // 2  # sample, set, resample
    first = np.arange(len(sets))[:, np.newaxis] * count
    if count % 2:
        within = np.count_nonzero(reached > half, axis=-1)  # medians up to each sample
        found = ordered.take(first + np.add.reduce(within[..., np.newaxis] <= BOUNDS, axis=0))
        value = ordered[:, half]
    else:
        # Of each resample the values before and after its middle.
        below, above = (
            ordered.take(first + np.add.reduce(reached <= most, axis=0, dtype=times.dtype), mode="clip")
            for most in (half - 1, half)
        )
        found = np.partition((below + above) / 2, BOUNDS, axis=-1)[:, BOUNDS]
        value = (ordered[:, half - 1] + ordered[:, half]) / 2
    low, high = (_between(found[:, at], found[:, at + 1], part) for at, part in ((0, LOW[1]), (2, HIGH[1])))
    low, high = np.minimum(low, value), np.maximum(high, value)  # quantiles are interpolated, hence rounded
    return [Estimate(*one) for one in zip(value.tolist(), low.tolist(), high.tolist(), strict=True)]


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
    below, part = _place(len(ordered), share)
    return _between(float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)]), part)


def _place(count: int, share: float) -> tuple[int, float]:
    at = (count - 1) * share
    return int(at), at - int(at)


def _between(a: Amount, b: Amount, part: float) -> Amount:
    return a + (b - a) * part if part < 0.5 else b - (b - a) * (1 - part)


LOW, HIGH = (_place(RESAMPLES, share) for share in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
BOUNDS = np.array([LOW[0], LOW[0] + 1, HIGH[0], HIGH[0] + 1])  # the medians of resamples that bound the interval


@functools.lru_cache(maxsize=32)
def _times(count: int) -> np.ndarray:
    """How often each of `count` samples is in each resample, in rows of whole words: these are added as such."""
    picks = np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
    cells = picks * WIDTH + np.arange(RESAMPLES)[:, np.newaxis]
    found: np.ndarray = np.bincount(cells.ravel(), minlength=count * WIDTH).reshape(count, WIDTH)
    return found.astype(np.min_scalar_type(count))  # so that no sum carries into the next


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
