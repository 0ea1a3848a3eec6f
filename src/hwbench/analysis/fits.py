"""Fits to a few measured points: latency and bandwidth, a slope, saturation, break-even, overlap.

Pure functions on numbers. Intervals come from a bootstrap over rounds: points of one contrast were measured
interleaved, so round i of all points is one draw, and a disturbance hits all points of its round.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from ..record.estimate import CONFIDENCE, Estimate, crossing, medians

RESAMPLES = 499
Samples = Sequence[float]


class Link(NamedTuple):
    """A link: seconds = latency + bytes / bandwidth.

    `half` is the size in bytes that reaches half the bandwidth: latency × bandwidth.
    """

    latency: Estimate
    bandwidth: Estimate
    half: Estimate

    def seconds(self, size: float) -> float:
        """The time of `size` bytes."""
        return self.latency.value + size / self.bandwidth.value

    def rate(self, size: float) -> float:
        """Bytes per second of a copy of `size` bytes."""
        return size / self.seconds(size)


def link(points: Sequence[tuple[float, Samples]]) -> Link:
    """Latency and bandwidth of copies: `points` are (bytes, seconds a copy), sizes in any order.

    Least squares of seconds = latency + bytes / bandwidth with relative residuals, so that 64 bytes weigh as much as a
    gigabyte. ValueError for fewer than three sizes, or where no positive line fits.
    """
    sizes = np.array([size for size, _ in points], dtype=float)
    if len(set(sizes.tolist())) < 3:
        raise ValueError(f"{len(set(sizes.tolist()))} sizes bound no latency and no bandwidth; three are needed")

    def fit(seconds: np.ndarray) -> tuple[float, float, float]:
        latency, each = _relative_line(sizes, seconds)
        return latency, 1 / each if each > 0 else math.inf, latency / each if each > 0 else math.inf

    values = _resampled([samples for _, samples in points], fit)
    found = Link(*values)
    if not (found.bandwidth.value < math.inf and found.latency.value >= 0):
        raise ValueError("these times do not grow with the size as a link's do")
    return found


def slope(points: Sequence[tuple[float, Samples]]) -> Estimate:
    """Seconds per unit of x by least squares; ValueError for fewer than two x."""
    at = np.array([x for x, _ in points], dtype=float)
    if len(set(at.tolist())) < 2:
        raise ValueError("a slope needs two points")
    centred = at - at.mean()
    [found] = _resampled(
        [samples for _, samples in points], lambda seconds: (float(centred @ seconds / (centred @ centred)),)
    )
    return found


def overlap(whole: Samples, serial: Samples, parts: Sequence[Samples]) -> Estimate:
    """Achieved share of the possible overlap: 1 is full overlap, 0 none.

    (serial - whole) / (serial - longest): `serial` is the time of the parts in sequence, `whole` that with overlap, and
    the longest of `parts` the lower bound. ValueError where one part takes as long as all in sequence.
    """

    def share(seconds: np.ndarray) -> tuple[float]:
        longest = float(seconds[2:].max())
        gain = seconds[1] - longest
        return (float((seconds[1] - seconds[0]) / gain) if gain > 0 else math.nan,)

    [found] = _resampled([whole, serial, *parts], share)
    if not math.isfinite(found.value):
        raise ValueError("one part takes as long as all of them in sequence: there is nothing to overlap")
    return found


def saturating(points: Sequence[tuple[float, float]], share: float = 0.9) -> float:
    """The x beyond which a rate stays above `share` of its best, interpolated in log x; `points` are (x, rate).

    The first x where all points do. ValueError without points.
    """
    if not points:
        raise ValueError("no points")
    ordered = sorted(points)
    wanted = share * max(rate for _, rate in ordered)
    last = max((i for i, (_, rate) in enumerate(ordered) if rate < wanted), default=-1)
    if last < 0:
        return ordered[0][0]
    if last + 1 == len(ordered):  # the rate falls at the end: take the x of the best
        return max(ordered, key=lambda point: point[1])[0]
    (x0, r0), (x1, r1) = ordered[last], ordered[last + 1]
    part = (wanted - r0) / (r1 - r0)
    return float(x0 * (x1 / x0) ** part)


class Breakeven(NamedTuple):
    """Where one way begins to win: it `crosses` at n, `always` wins in the measured range, or `never`."""

    n: Estimate | None
    state: Literal["crosses", "always", "never"]


def breakeven(points: Sequence[tuple[float, Samples, Samples]]) -> Breakeven:
    """The n beyond which the second samples are shorter; `points` are (n, seconds of one, of the other).

    log ratio is interpolated linearly in log n; of several crossings the last counts, since single points before it may
    be noise. A bound beyond the measured range is 0 or ∞. ValueError for fewer than two n.
    """
    ordered = sorted(points, key=lambda point: point[0])
    sizes = [n for n, _, _ in ordered]
    if len(set(sizes)) < 2:
        raise ValueError("a break-even needs two sizes")

    def cross(seconds: np.ndarray) -> tuple[float]:
        return (crossing(list(zip(sizes, seconds[1::2] / seconds[::2], strict=True))),)

    [found] = _resampled([samples for _, one, other in ordered for samples in (one, other)], cross)
    if found.value == 0:
        return Breakeven(None, "always")
    if found.value == math.inf:
        return Breakeven(None, "never")
    return Breakeven(found, "crosses")


def _relative_line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of y = a + b·x with residuals relative to y, neither of them negative."""
    one, other = 1 / y, x / y
    # Columns scaled to equal length, since bytes reach 2³⁰ and seconds 10⁻⁶; then the normal equations in closed form.
    lengths = math.sqrt(one @ one), math.sqrt(other @ other)
    one, other = one / lengths[0], other / lengths[1]
    cosine, p, q = float(one @ other), float(one.sum()), float(other.sum())
    apart = 1 - cosine**2
    a, b = (p - cosine * q) / apart, (q - cosine * p) / apart
    if a < 0:  # noise at large sizes outweighs the latency: fit through the origin
        a, b = 0.0, q
    elif b < 0:
        a, b = p, 0.0
    return a / lengths[0], b / lengths[1]


def _resampled(rows: Sequence[Samples], fit: Callable[[np.ndarray], tuple[float, ...]]) -> list[Estimate]:
    """`fit` of the rows' medians, with percentile intervals over resampled rounds; seeded.

    Rows of equal length are resampled together, others each on its own. Fewer than three samples in a row give no
    interval: (0, ∞).
    """
    data = [np.asarray(row, dtype=float) for row in rows]
    if not all(len(row) for row in data):
        raise ValueError("no samples")
    middle = fit(np.array([np.median(row) for row in data]))
    if min(len(row) for row in data) < 3:
        return [Estimate(value, 0.0, math.inf) for value in middle]
    if all(row.min() == row.max() for row in data):
        return [Estimate(value, value, value) for value in middle]
    rng = np.random.default_rng(0)
    paired = len({len(row) for row in data}) == 1
    rounds = rng.integers(0, len(data[0]), (RESAMPLES, len(data[0])))
    chosen = [rounds if paired else rng.integers(0, len(row), (RESAMPLES, len(row))) for row in data]
    resampled = np.stack([medians(row[which]) for row, which in zip(data, chosen, strict=True)], axis=1)
    draws = np.array([fit(seconds) for seconds in resampled])
    tail = (1 - CONFIDENCE) / 2
    bounds = [np.sort(column[~np.isnan(column)]) for column in draws.T]
    out = []
    for value, column in zip(middle, bounds, strict=True):
        if not len(column):
            out.append(Estimate(value, 0.0, math.inf))
            continue
        # Order statistics, not interpolated ones: between a number and ∞ there is nothing.
        low, high = column[int(tail * len(column))], column[min(len(column) - 1, math.ceil((1 - tail) * len(column)))]
        out.append(Estimate(value, min(float(low), value), max(float(high), value)))
    return out
