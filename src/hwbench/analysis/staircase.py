"""What a sweep betrays of the hardware: level stretches and the sizes at which they end, the TLB's reach, the line.

Pure functions on numbers. A sweep is a mapping of a size in bytes to samples in seconds; every figure comes back as an
`Estimate` whose interval is from a bootstrap over these samples.

A latency sweep is a staircase on logarithmic axes: level while all data fits into a cache, climbing where a growing
part does not. The levels are the exact optimum of a cost, by dynamic programming over all ways to cut the sweep into
level stretches and points that belong to none (Jackson et al., "An algorithm for optimal partitioning of data on an
interval", IEEE Signal Processing Letters 12(2), 2005; here with a robust cost):

    cost = Σ over levels (PRICE + Σ min(PRICE, ((y - median) / tolerance)²)) + PRICE × points on no level,

y being the logarithm of the median time. A point that is further from its level than √PRICE tolerances costs no more
than one that is on the way up, so an outlier cuts no level in two. The tolerance is not the noise, which is far below
it, but how level a level is: translation, page placement and neighbours tilt the best of them by some percent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..record.estimate import CONFIDENCE, Estimate

TOLERANCE = 0.10  # of a level's time, at its points; what the samples themselves leave open is added
WALKS = 0.20  # the same for translation: the page tables, too, move from cache to cache as they grow
PRICE = 4.0  # of a level, and of a point on none: two tolerances, squared
LARGEST_LINE = 256  # bytes: A64FX
STEP = 1.5  # a level takes at least so many times as long as the one before; lmbench's cache.c asks for as much
LONG = 4  # a climb over so many times the size may hide a level that the sweep's few points do not show
LESSER = 0.8  # a slope that is less than 1 beyond the doubt that disturbance leaves
LEAST = 3  # points of a level, which span an octave of sizes at least
RESAMPLES = 499

Sweep = Mapping[int, Sequence[float]]


@dataclass(frozen=True)
class Level:
    """A level stretch: from the footprint `first` to `last` an access takes `seconds`.

    `size` is where it ends: the last footprint nearer to this level than to the next, and an interval that holds the
    end itself, so it is never narrower than the sweep's step, and as wide as the climb where that is long enough to
    hide a level. None where the sweep ends on the level.
    """

    seconds: Estimate
    first: int
    last: int
    size: Estimate | None


class Staircase:
    """The logarithms of a sweep, with replicates from a bootstrap over the samples of each size."""

    def __init__(self, sweep: Sweep, tolerance: float = TOLERANCE) -> None:
        self.tolerance = tolerance
        self.sizes = sorted(size for size, samples in sweep.items() if len(samples) and min(samples) > 0)
        self.values = np.array([math.log(np.median(sweep[size])) for size in self.sizes])
        self._samples = [np.asarray(sweep[size], dtype=float) for size in self.sizes]

    @cached_property
    def replicates(self) -> np.ndarray:
        """`RESAMPLES` × sizes: logarithms of the medians of samples drawn with replacement, seeded."""
        rng = np.random.default_rng(0)
        return np.asarray(np.log(np.column_stack([_medians(rng, samples) for samples in self._samples])))

    @cached_property
    def tolerances(self) -> np.ndarray:
        """How far each point may be from its level: the level's own unevenness and the point's uncertainty."""
        return np.asarray(np.hypot(self.tolerance, self.replicates.std(axis=0)))


def find_levels(sweep: Sweep) -> list[Level]:
    """The levels of a latency sweep, the nearest to the core first; none where nothing stays level for an octave."""
    return _levels(Staircase(sweep))


def find_translation(small: Sweep, huge: Sweep) -> list[Level]:
    """What address translation adds on small pages, in levels: none, that of a second-level TLB, that of page walks.

    At each size of both sweeps the data lies in the same cache, so the difference is translation's. Its levels are
    looked for in difference + the shortest time of all, as if all data lay in L1. The first level's end is the reach of
    the first TLB that matters; `seconds` is what the level adds. Sizes at which the sweep on huge pages climbs from one
    cache to the next are left out: the edges need not lie at the same size on other pages.
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
        # A small page is never the faster one; what reads as such is noise, and must not be without a logarithm.
        return np.asarray(np.log(np.maximum(np.exp(small_values) - np.exp(huge_values), 0.0) + shortest))

    added.values = as_if_near(near.values[at[0]], far.values[at[1]])
    added.replicates = as_if_near(near.replicates[:, at[0]], far.replicates[:, at[1]])
    return [
        Level(Estimate(*(max(0.0, seconds - shortest) for seconds in one.seconds)), one.first, one.last, one.size)
        for one in _levels(added)
    ]


def find_line(sweep: Sweep) -> Estimate | None:
    """The bytes that memory moves at a time, from seconds an element over the stride in bytes; None where none shows.

    While a line holds several of the elements that are used, twice the stride brings twice the lines for as many
    elements: the time doubles. From the line's size on each element brings one, and the time may still grow, since
    prefetchers and pages are outrun, but no longer with the stride. So the curve is level while arithmetic hides
    memory, then of slope 1 on logarithmic axes, then of a lesser slope: the line is the second corner, from the best
    fit of such three pieces, in which the corners are among the strides. Larger strides than two of the largest lines
    known are left out: from 1 KiB on they fall into fewer sets of a cache, which is a corner of its own.
    """
    stairs = Staircase({stride: samples for stride, samples in sweep.items() if stride <= 2 * LARGEST_LINE})
    if len(stairs.sizes) < 4 or stairs.sizes[0] <= 0:
        return None
    weights = 1 / stairs.tolerances
    bends = _bends(np.log(np.array(stairs.sizes, dtype=float)), weights)
    misses = np.stack([bend.misses(np.vstack([stairs.values, stairs.replicates])) for bend in bends])
    corners = np.array([bend.corner for bend in bends])[np.argmin(misses, axis=0)]
    corner = int(corners[0])
    # Slope 1 must be there to be seen: over the octave before the corner the time grows by half as much again at least.
    before = max((i for i in range(corner) if 2 * stairs.sizes[i] <= stairs.sizes[corner]), default=None)
    if before is None or not np.isfinite(misses[:, 0]).any():
        return None
    if stairs.values[corner] - stairs.values[before] < math.log(STEP):
        return None
    low, high = _inner(np.array(stairs.sizes, dtype=float)[corners[1:]])
    line = float(stairs.sizes[corner])
    return Estimate(line, min(low, line), max(high, line))


# --- how --------------------------------------------------------------------------------------------------------------


def _medians(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    if len(samples) < 3:  # they bound nothing, see `stats.estimate`; here they are all there is
        return np.full(RESAMPLES, np.median(samples))
    return np.asarray(np.median(samples[rng.integers(0, len(samples), (RESAMPLES, len(samples)))], axis=1))


def _inner(values: np.ndarray) -> tuple[float, float]:
    """The 95% interval of values that are sizes of the sweep: its ends are sizes, too."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(values, tail, method="lower"), np.percentile(values, 100 - tail, method="higher")
    return float(low), float(high)


def _levels(stairs: Staircase) -> list[Level]:
    if len(stairs.sizes) < LEAST:
        return []
    stretches = _merged(stairs, _cut(stairs))
    rng = np.random.default_rng(1)
    out = []
    ends = [_end(stairs, here, there) for here, there in itertools.pairwise(stretches)]
    for (first, last), end in itertools.zip_longest(stretches, ends):
        size = end
        if end is None and last < len(stairs.sizes):  # the sweep goes on climbing, and never settles
            size = Estimate(*(float(stairs.sizes[i]) for i in (last - 1, last - 1, last)))
        # Resampled twice: the footprints of the level, and the samples of each.
        drawn = rng.integers(first, last, (RESAMPLES, last - first))
        middles = np.median(np.take_along_axis(stairs.replicates, drawn, axis=1), axis=1)
        middle = float(np.median(stairs.values[first:last]))
        low, high = np.percentile(middles, (50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)))
        seconds = Estimate(*(math.exp(value) for value in (middle, min(low, middle), max(high, middle))))
        out.append(Level(seconds, stairs.sizes[first], stairs.sizes[last - 1], size))
    return out


def _cut(stairs: Staircase) -> list[tuple[int, int]]:
    """The level stretches of the cheapest cut, as ranges of positions."""
    count = len(stairs.sizes)
    cheapest = [0.0] + [math.inf] * count
    back: list[int] = [0] * (count + 1)  # where the last stretch of the cheapest cut of so many points begins
    for end in range(1, count + 1):
        cheapest[end], back[end] = cheapest[end - 1] + PRICE, end  # the last point is on no level
        for start in range(end - LEAST + 1):
            cost = cheapest[start] + PRICE + _unevenness(stairs, start, end)
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


def _unevenness(stairs: Staircase, start: int, end: int) -> float:
    """What it costs to call this stretch a level: ∞ where it is too short, or begins or ends with a stray point."""
    if stairs.sizes[end - 1] < 2 * stairs.sizes[start]:
        return math.inf
    values = stairs.values[start:end]
    misses = ((values - np.median(values)) / stairs.tolerances[start:end]) ** 2
    strays = misses >= PRICE
    if strays[0] or strays[-1] or len(misses) - strays.sum() < LEAST:
        return math.inf
    return float(np.minimum(misses, PRICE).sum())


def _merged(stairs: Staircase, stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches with those made one that are no step apart: memory alone rises by a third over some octaves."""
    out: list[tuple[int, int]] = []
    for stretch in stretches:
        out.append(stretch)
        while len(out) > 1 and _middle(stairs, out[-1]) - _middle(stairs, out[-2]) < math.log(STEP):
            (first, _), (_, last) = out[-2:]
            out[-2:] = [(first, last)]
    return out


def _middle(stairs: Staircase, stretch: tuple[int, int]) -> float:
    return float(np.median(stairs.values[slice(*stretch)]))


def _end(stairs: Staircase, here: tuple[int, int], there: tuple[int, int]) -> Estimate:
    """Where one level ends on the way to the next: the change point that parts the points best between the two."""
    span = slice(here[0], there[1])
    sizes = np.array(stairs.sizes[span], dtype=float)

    def cuts(values: np.ndarray) -> np.ndarray:
        """For each row the number of points on the near side."""
        near = np.median(values[:, : here[1] - here[0]], axis=1, keepdims=True)
        far = np.median(values[:, there[0] - here[0] :], axis=1, keepdims=True)
        weights = stairs.tolerances[span] ** -2
        gain = np.cumsum(((values - near) ** 2 - (values - far) ** 2) * weights, axis=1)  # of calling them near
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
    """Curves over the logarithm of the stride: level, from one corner on of slope 1, from `corner` on of a lesser one.

    `given` is the part of slope 1, which leaves nothing to fit; `free` (points × 2) are the height and the last slope.
    """

    corner: int
    given: np.ndarray
    free: np.ndarray
    weights: np.ndarray

    def misses(self, values: np.ndarray) -> np.ndarray:
        """For each row of logarithms the squared miss of the best such curve; ∞ where it would not bend."""
        rest = (values - self.given) * self.weights
        free = self.free * self.weights[:, None]
        fitted = rest @ np.linalg.pinv(free).T
        squares = ((rest - fitted @ free.T) ** 2).sum(axis=1)
        return np.asarray(np.where(fitted[:, 1] < LESSER, squares, np.inf))


def _bends(strides: np.ndarray, weights: np.ndarray) -> list[_Bend]:
    """One for each pair of corners among the strides; beyond the second there is at least one point."""
    out = []
    for first, second in itertools.combinations(range(len(strides) - 1), 2):
        given = np.clip(strides, strides[first], strides[second]) - strides[first]
        free = np.column_stack([np.ones(len(strides)), np.maximum(strides - strides[second], 0.0)])
        out.append(_Bend(second, given, free, weights))
    return out
