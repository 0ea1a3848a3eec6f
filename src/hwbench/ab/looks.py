"""When `ab` judges, and at which level: alpha spending as O'Brien and Fleming's boundaries do it.

`ab` looks twice: at half of its quads (or of its time) and at the end. The levels of the looks add up to that of the
run, so that stopping at the first one costs nothing: at half of the information 0.002% of 0.25% is spent, and 0.56% of
the 5% of an interval. The sum holds whatever the dependence of the looks (Bonferroni); the exact boundaries of Lan and
DeMets (Biometrika 70 (1983) 659) would be hardly wider.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass

FAMILY = 0.0025  # the chance that a run in which nothing changed calls anything slower or faster
OUTSIDE = 0.05  # the chance that an interval misses the truth at any look
SHARES = (0.5, 1.0)
FEWEST = 3  # quads: two ratios give no useful interval
MOST = 1000  # quads


@dataclass(frozen=True)
class Look:
    """A look at a share of the quads: the level of all verdicts together, and that of an interval, both two-sided."""

    share: float
    family: float
    outside: float

    def due(self, quads: int) -> int:
        """After how many of all quads it is."""
        return min(quads, max(FEWEST, math.ceil(self.share * quads)))


def spent(level: float, share: float) -> float:
    """How much of a level is spent up to a share of the information."""
    normal = statistics.NormalDist()
    return 2 * normal.cdf(normal.inv_cdf(level / 2) / math.sqrt(share)) if share > 0 else 0.0


def looks() -> tuple[Look, ...]:
    """All looks, the last of which is at the end."""
    found, before = [], 0.0
    for share in SHARES:
        levels = (spent(level, share) - spent(level, before) for level in (FAMILY, OUTSIDE))
        found.append(Look(share, *levels))
        before = share
    return tuple(found)


LOOKS = looks()
EARLY, LAST = LOOKS[0], LOOKS[-1]
