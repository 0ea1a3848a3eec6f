"""Cache levels, TLB reach and line size from latency and stride sweeps, by segmentation.

Pure functions on numbers. A sweep maps a size in bytes to samples in seconds; every result is an `Estimate` whose
interval is from a bootstrap over these samples.

A latency sweep is a staircase on logarithmic axes: level while the data fits a cache, climbing where a growing part
does not. The levels are the exact optimum of a cost, by dynamic programming over all ways to cut the sweep into level
segments and points that belong to none (Jackson et al., "An algorithm for optimal partitioning of data on an interval",
IEEE Signal Processing Letters 12(2), 2005; here with a robust cost):

    cost = Σ over levels (PRICE + Σ min(PRICE, ((y - median) / tolerance)²)) + PRICE × points on no level,

with y the logarithm of the median time. A point further than √PRICE tolerances from its level costs no more than a
point on the climb, so an outlier does not cut a level in two. The tolerance is not noise, which is far smaller, but the
flatness of a level: translation, page placement and neighbours tilt even the best by some percent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..record.estimate import CONFIDENCE, Estimate, medians, middle, quantile

TOLERANCE = 0.10  # of a level's time; the uncertainty of the point is added
WALKS = 0.20  # the same for translation: page tables move from cache to cache as they grow
PRICE = 4.0  # of a level, and of a point on none: (2 tolerances)²
LARGEST_LINE = 256  # bytes: A64FX
STEP = 1.5  # least ratio of times between neighbouring levels, as in lmbench's cache.c
LONG = 4  # a climb over this ratio of sizes may hide a level between the sweep's points
LESSER = 0.8  # a slope certainly below 1, with allowance for noise
LEAST = 3  # points of a level, which must span at least an octave
MOST = 256  # points that are looked at, evenly chosen: a sweep has about fifty, and time grows with their square
RESAMPLES = 499

SweepSamples = Mapping[int, Sequence[float]]


@dataclass(frozen=True)
class Level:
    """A level: from footprint `first` to `last` an access takes `seconds`.

    `size` is its end: the last footprint nearer to this level than to the next. Its interval holds the true end, so it
    is at least as wide as the sweep's step, and as wide as the climb where that may hide a level. None where the sweep
    ends on the level.
    """

    seconds: Estimate
    first: int
    last: int
    size: Estimate | None


class Staircase:
    """The logarithms of a sweep, with replicates from a bootstrap over the samples of each size."""

    def __init__(self, sweep: SweepSamples, tolerance: float = TOLERANCE) -> None:
        self.tolerance = tolerance
        sizes = sorted(size for size, samples in sweep.items() if len(samples) and min(samples) > 0)
        self.sizes = sizes[:: max(1, -(-len(sizes) // MOST))]
        self.values = np.array([math.log(middle(sweep[size])) for size in self.sizes])
        self._samples = [np.asarray(sweep[size], dtype=float) for size in self.sizes]

    @cached_property
    def replicates(self) -> np.ndarray:
        """`RESAMPLES` × sizes: logarithms of the medians of samples drawn with replacement, seeded."""
        rng = np.random.default_rng(0)
        return np.asarray(np.log(np.column_stack([_medians(rng, samples) for samples in self._samples])))

    @cached_property
    def tolerances(self) -> np.ndarray:
        """The tolerance of each point: flatness of a level and the point's own uncertainty."""
        return np.asarray(np.hypot(self.tolerance, self.replicates.std(axis=0)))


def find_levels(sweep: SweepSamples) -> list[Level]:
    """The levels of a latency sweep, the nearest to the core first; none where nothing is level over an octave."""
    return _levels(Staircase(sweep))


def find_translation(small: SweepSamples, huge: SweepSamples) -> list[Level]:
    """The time that address translation adds on small pages, as levels: none, second-level TLB, page walks.

    At equal sizes the data of both sweeps lies in the same cache, so their difference is translation. Levels are sought
    in difference + the shortest time of all, as if all data lay in L1. The end of the first level is the TLB reach;
    `seconds` is the time added. Sizes where the sweep on huge pages climbs from one cache to the next are left out: on
    small pages that climb may lie elsewhere.
    """
    near, far = Staircase(small), Staircase(huge)
    level = [(one.first, one.last) for one in _levels(far)]
    sizes = [size for size in near.sizes if size in far.sizes and any(a <= size <= b for a, b in level)]
    if len(sizes) < LEAST:
        return []
    shortest = float(np.exp(min(near.values.min(), far.values.min())))
    added = Staircase({}, WALKS)
    added.sizes = sizes
    at = [[stairs.sizes.index(size) for size in sizes] for stairs in (near, far)]

    def as_if_near(small_values: np.ndarray, huge_values: np.ndarray) -> np.ndarray:
        # Small pages are never faster: a negative difference is noise, and would have no logarithm.
        return np.asarray(np.log(np.maximum(np.exp(small_values) - np.exp(huge_values), 0.0) + shortest))

    added.values = as_if_near(near.values[at[0]], far.values[at[1]])
    added.replicates = as_if_near(near.replicates[:, at[0]], far.replicates[:, at[1]])
    return [
        Level(Estimate(*(max(0.0, seconds - shortest) for seconds in one.seconds)), one.first, one.last, one.size)
        for one in _levels(added)
    ]


def find_line(sweep: SweepSamples) -> Estimate | None:
    """The unit of transfer in bytes, from seconds per element by stride in bytes; None where no corner shows.

    Below the line size, twice the stride needs twice the lines for as many elements: the time doubles. Beyond it each
    element needs one line, and the time may still grow (prefetchers, pages) but no longer in proportion. So the curve
    is flat while arithmetic hides memory, then of slope 1 on logarithmic axes, then of a smaller slope. The line size
    is the second corner of the best fit of these three pieces, with corners at measured strides. Strides beyond twice
    the largest known line are left out: from 1 KiB on they hit fewer cache sets, which gives a corner of its own.
    """
    stairs = Staircase({stride: samples for stride, samples in sweep.items() if stride <= 2 * LARGEST_LINE})
    if len(stairs.sizes) < 4 or stairs.sizes[0] <= 0:
        return None
    weights = 1 / stairs.tolerances
    bends = _bends(np.log(np.array(stairs.sizes, dtype=float)), weights)
    misses = np.stack([bend.misses(np.vstack([stairs.values, stairs.replicates])) for bend in bends])
    corners = np.array([bend.corner for bend in bends])[np.argmin(misses, axis=0)]
    corner = int(corners[0])
    # Slope 1 must be seen: over the octave before the corner the time must grow by half at least.
    before = max((i for i in range(corner) if 2 * stairs.sizes[i] <= stairs.sizes[corner]), default=None)
    if before is None or not np.isfinite(misses[:, 0]).any():
        return None
    if stairs.values[corner] - stairs.values[before] < math.log(STEP):
        return None
    low, high = _inner(np.array(stairs.sizes, dtype=float)[corners[1:]])
    line = float(stairs.sizes[corner])
    return Estimate(line, min(low, line), max(high, line))


# --- segmentation -----------------------------------------------------------------------------------------------------


def _medians(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    if len(samples) < 3:  # too few to resample, see `record.estimate`
        return np.full(RESAMPLES, np.median(samples))
    return medians(samples[rng.integers(0, len(samples), (RESAMPLES, len(samples)))])


def _inner(values: np.ndarray) -> tuple[float, float]:
    """The 95% interval of values that are sizes of the sweep; its ends are sizes of the sweep, too."""
    tail, ordered = 50 * (1 - CONFIDENCE), np.sort(values)
    low, high = ((len(ordered) - 1) * (percent / 100) for percent in (tail, 100 - tail))
    return float(ordered[math.floor(low)]), float(ordered[math.ceil(high)])


def _levels(stairs: Staircase) -> list[Level]:
    if len(stairs.sizes) < LEAST:
        return []
    segments = _merged(stairs, _cut(stairs))
    rng = np.random.default_rng(1)
    out = []
    ends = [_end(stairs, here, there) for here, there in itertools.pairwise(segments)]
    for (first, last), end in itertools.zip_longest(segments, ends):
        size = end
        if end is None and last < len(stairs.sizes):  # the sweep ends on a climb
            size = Estimate(*(float(stairs.sizes[i]) for i in (last - 1, last - 1, last)))
        # Bootstrap in two stages: the footprints of the level, and the samples of each.
        drawn = rng.integers(first, last, (RESAMPLES, last - first))
        middles = medians(np.take_along_axis(stairs.replicates, drawn, axis=1))
        value = middle(stairs.values[first:last].tolist())
        low, high = (quantile(middles, 50 * part / 100) for part in (1 - CONFIDENCE, 1 + CONFIDENCE))
        seconds = Estimate(*(math.exp(each) for each in (value, min(low, value), max(high, value))))
        out.append(Level(seconds, stairs.sizes[first], stairs.sizes[last - 1], size))
    return out


def _cut(stairs: Staircase) -> list[tuple[int, int]]:
    """The level segments of the cheapest cut, as ranges of positions."""
    count = len(stairs.sizes)
    cheapest = [0.0] + [math.inf] * count
    back: list[int] = [0] * (count + 1)  # start of the last segment in the cheapest cut of that many points
    for end in range(1, count + 1):
        cheapest[end], back[end] = cheapest[end - 1] + PRICE, end  # the last point is on no level
        for start in range(end - LEAST + 1):
            cost = cheapest[start] + PRICE + _flatness_cost(stairs, start, end)
            if cost < cheapest[end]:
                cheapest[end], back[end] = cost, start
    found = []
    end = count
    while end > 0:
        if back[end] < end:
            found.append((back[end], end))
            end = back[end]
        else:
            end -= 1
    return found[::-1]


def _flatness_cost(stairs: Staircase, start: int, end: int) -> float:
    """The cost of calling this segment a level: ∞ where it is too short, or begins or ends with an outlier."""
    if stairs.sizes[end - 1] < 2 * stairs.sizes[start]:
        return math.inf
    values = stairs.values[start:end]
    misses = ((values - middle(values.tolist())) / stairs.tolerances[start:end]) ** 2
    outliers = misses >= PRICE
    if outliers[0] or outliers[-1] or len(misses) - outliers.sum() < LEAST:
        return math.inf
    return float(np.minimum(misses, PRICE).sum())


def _merged(stairs: Staircase, segments: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The segments, merged where less than STEP apart: memory alone rises by a third over some octaves."""
    out: list[tuple[int, int]] = []
    for segment in segments:
        out.append(segment)
        while len(out) > 1 and _middle(stairs, out[-1]) - _middle(stairs, out[-2]) < math.log(STEP):
            (first, _), (_, last) = out[-2:]
            out[-2:] = [(first, last)]
    return out


def _middle(stairs: Staircase, segment: tuple[int, int]) -> float:
    return middle(stairs.values[slice(*segment)].tolist())


def _end(stairs: Staircase, here: tuple[int, int], there: tuple[int, int]) -> Estimate:
    """The end of one level: the change point that best splits the points between it and the next."""
    span = slice(here[0], there[1])
    sizes = np.array(stairs.sizes[span], dtype=float)

    def cuts(values: np.ndarray) -> np.ndarray:
        """The number of points on the near side, for each row."""
        near = medians(values[:, : here[1] - here[0]])[:, None]
        far = medians(values[:, there[0] - here[0] :])[:, None]
        weights = stairs.tolerances[span] ** -2
        gain = np.cumsum(((values - near) ** 2 - (values - far) ** 2) * weights, axis=1)  # cost of the near side
        return np.asarray(1 + np.argmin(gain[:, :-1], axis=1))

    best = int(cuts(stairs.values[None, span])[0])
    drawn = cuts(stairs.replicates[:, span])
    low, _ = _inner(sizes[drawn - 1])
    _, high = _inner(sizes[drawn])
    last, first = stairs.sizes[here[1] - 1], stairs.sizes[there[0]]
    if first >= LONG * last:
        low, high = min(low, float(last)), max(high, float(first))
    return Estimate(float(sizes[best - 1]), min(low, float(sizes[best - 1])), max(high, float(sizes[best])))


@dataclass(frozen=True)
class _Bend:
    """Piecewise linear curves over log stride: flat, then of slope 1, then from `corner` on of a smaller slope.

    `given` is the part of slope 1, which has no parameter; `free` (points × 2) has columns for the height and the last
    slope.
    """

    corner: int
    given: np.ndarray
    free: np.ndarray
    weights: np.ndarray

    def misses(self, values: np.ndarray) -> np.ndarray:
        """The squared residual of the best such curve for each row; ∞ where the last slope is not smaller."""
        rest = (values - self.given) * self.weights
        free = self.free * self.weights[:, None]
        fitted = rest @ np.linalg.pinv(free).T
        squares = ((rest - fitted @ free.T) ** 2).sum(axis=1)
        return np.asarray(np.where(fitted[:, 1] < LESSER, squares, np.inf))


def _bends(strides: np.ndarray, weights: np.ndarray) -> list[_Bend]:
    """One for each pair of corners among the strides, with at least one point beyond the second."""
    out = []
    for first, second in itertools.combinations(range(len(strides) - 1), 2):
        given = np.clip(strides, strides[first], strides[second]) - strides[first]
        free = np.column_stack([np.ones(len(strides)), np.maximum(strides - strides[second], 0.0)])
        out.append(_Bend(second, given, free, weights))
    return out
