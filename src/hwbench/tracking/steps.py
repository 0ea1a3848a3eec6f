"""Change points of a series, by asv's own step detection (`asv.step_detect`), so that its site and ours agree.

asv is optional: without it nothing is sought, and the report says so. Its detection takes 30 ms for 500 commits, so a
sieve goes first: a series in which no stretch of any length differs from the one before by more than noise explains
has no step that asv would find, and most series have none.
"""

from __future__ import annotations

import importlib.util
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .history import Series, Values

SMALLEST = 0.02  # relative; a smaller step is not told
SIEVE = 3.5  # noise deviations between neighbouring stretches from which asv is asked
FEW = 12  # commits up to which asv is always asked
STRETCHES = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Step:
    """A change between two measured commits, by their places in the history.

    `last` is the last commit of the old level, `first` the first of the new one; `old` and `new` the levels. The
    levels hold over `before` and `after`.
    """

    last: int
    first: int
    old: float
    new: float
    before: slice
    after: slice

    @property
    def factor(self) -> float:
        """The new level over the old."""
        return self.new / self.old


def available() -> bool:
    """Whether asv is installed."""
    return importlib.util.find_spec("asv") is not None


def find(series: Series) -> list[Step]:
    """The steps of a series, oldest first; [] where asv is not installed."""
    there = np.flatnonzero(series.values > 0)
    if len(there) < 3 or not available() or not suspicious(series.values[there]):
        return []
    from asv.step_detect import detect_steps

    values = series.values[there].tolist()
    pieces = detect_steps(values, _weights(series, there))
    found = []
    for (left, mid, old, *_), (start, right, new, *_) in itertools.pairwise(pieces):
        if old > 0 and new > 0 and abs(math.log(new / old)) >= math.log1p(SMALLEST):
            last, first = int(there[mid - 1]), int(there[start])
            found.append(
                Step(last, first, old, new, slice(int(there[left]), last + 1), slice(first, int(there[right - 1]) + 1))
            )
    return found


def _weights(series: Series, there: Sequence[int] | np.ndarray) -> list[float | None]:
    """asv's: the inverse of the half-width of the 99% interval; None where that is not known."""
    widths = (series.high - series.low)[there]
    return [2 / float(width) if math.isfinite(width) and width > 0 else None for width in widths]


def suspicious(values: Values) -> bool:
    """Whether some stretch of a series differs from the one before it by more than its noise explains."""
    n = len(values)
    if n <= FEW:
        return True
    logs = np.log(values)
    steps = np.diff(logs)
    noise = 1.4826 * float(np.median(np.abs(steps))) / math.sqrt(2)
    sums = np.concatenate([[0.0], np.cumsum(logs)])
    for width in STRETCHES:
        if 2 * width > n:
            break
        means = (sums[width:] - sums[:-width]) / width
        apart = np.abs(means[width:] - means[:-width])
        if float(apart.max()) > max(SIEVE * noise * math.sqrt(2 / width), math.log1p(SMALLEST) / 2):
            return True
    return False
