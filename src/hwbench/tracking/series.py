"""Series over commits, built from the single observations in runs and pytest-benchmark's files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from .history import Series


class Observation(NamedTuple):
    """One case measured once: the median of seconds per call, its standard error, and why it is suspect."""

    bench: str
    variant: str
    params: dict[str, str]
    setting: int
    version: str
    counts: Mapping[str, float]
    median: float
    error: float
    suspect: str = ""


_Place = tuple[str, str, tuple[tuple[str, str], ...], int]  # bench, variant, parameters, setting


class SeriesBuilder:
    """Makes series of observations added oldest first; drops those not comparable with the newest of their case."""

    def __init__(self, commits: int) -> None:
        self.commits = commits
        self.observations: dict[_Place, list[tuple[int, Observation]]] = {}

    def add(self, one: Observation, commit: int) -> None:
        """An observation at the commit of this position."""
        place = (one.bench, one.variant, tuple(one.params.items()), one.setting)
        self.observations.setdefault(place, []).append((commit, one))

    def series(self) -> tuple[list[Series], list[str]]:
        """The series, and a sentence where observations were dropped."""
        made, left = [], 0
        for observations in self.observations.values():
            newest = observations[-1][1]
            kept = [(commit, one) for commit, one in observations if comparable(newest, one)]
            left += len(kept) < len(observations)
            values, low, high = np.full((3, self.commits), np.nan)
            for commit, one in kept:
                reach = 1.96 * one.error
                values[commit], low[commit], high[commit] = one.median, one.median - reach, one.median + reach
            made.append(
                Series(
                    newest.bench, newest.variant, newest.params, newest.setting, values, low, high,
                    version=newest.version, counts=newest.counts,
                    suspect={commit: one.suspect for commit, one in kept if one.suspect},
                )
            )  # fmt: skip
        note = (
            f"Results of other versions, or of other work a call, of {left} case{'s' * (left != 1)} are left out: they "
            "time something else."
        )
        return made, [note] * bool(left)


def comparable(one: Observation, other: Observation) -> bool:
    """Whether two observations time the same work: equal version, counts equal to six digits."""
    counts, others = one.counts, other.counts
    close = all(math.isclose(counts[name], others[name], rel_tol=1e-6) for name in counts if name in others)
    return one.version == other.version and close
