"""Values that no ratio describes, for one is zero or negative: judged by their difference."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from ..record.estimate import MAD, middle
from .sides import Entry

EARLIER = 30  # values of a history that are used
NORMAL = 1.959963984540054  # half a 95% interval in standard errors


class Difference(NamedTuple):
    """New less base, with its 95% interval, in the values' unit; `scale` is what a threshold is relative to."""

    value: float
    low: float
    high: float
    scale: float


def needed(old: Entry, new: Entry) -> bool:
    """Whether a side has a value that has no logarithm."""
    return any(one.median <= 0 for entry in (old, new) for one in entry.measurements)


def difference(old: Entry, new: Entry) -> Difference:
    """The difference of two cases; the noise is that of the case's own history and its measurements."""
    before, after = old.value or 0.0, new.value or 0.0
    errors = [math.hypot(*(one.error for one in entry.measurements)) / len(entry.measurements) for entry in (old, new)]
    known = [error for error in errors if math.isfinite(error)]
    past = max((entry.earlier for entry in (old, new)), key=len)[-EARLIER:]
    reach = NORMAL * math.hypot(*known, math.sqrt(2) * _noise(past))
    moved = after - before
    return Difference(moved, moved - reach, moved + reach, max(abs(before), abs(after)))


def _noise(values: Sequence[float]) -> float:
    """The deviation of a value from commit to commit; a step is one outlier among the differences."""
    if len(values) < 4:
        return 0.0
    return MAD * middle([abs(now - then) for then, now in itertools.pairwise(values)]) / math.sqrt(2)
