"""From single measurements, as runs and files of pytest-benchmark hold them, to series over commits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from .history import Series


class Observation(NamedTuple):
    """One case measured once: seconds a call, and the standard error of their median."""

    bench: str
    variant: str
    params: dict[str, str]
    setting: int
    version: str
    counts: Mapping[str, float]
    median: float
    error: float


class SeriesBuilder:
    """Points, oldest first, on their way to series: of each case in a setting those that time what the newest does."""

    def __init__(self, commits: int) -> None:
        self.commits = commits
        self.points: dict[Any, list[tuple[int, Observation]]] = {}

    def add(self, point: Observation, now: int) -> None:
        """A point at a commit."""
        at = (point.bench, point.variant, tuple(point.params.items()), point.setting)
        self.points.setdefault(at, []).append((now, point))

    def series(self) -> tuple[list[Series], list[str]]:
        """The series, and a sentence where points were left out."""
        made, left = [], 0
        for points in self.points.values():
            newest = points[-1][1]
            alike = [(now, one) for now, one in points if comparable(newest, one)]
            left += len(alike) < len(points)
            values, low, high = np.full((3, self.commits), np.nan)
            for now, one in alike:
                reach = 1.96 * one.error
                values[now], low[now], high[now] = one.median, one.median - reach, one.median + reach
            made.append(
                Series(
                    newest.bench, newest.variant, newest.params, newest.setting, values, low, high,
                    version=newest.version, counts=newest.counts,
                )
            )  # fmt: skip
        told = (
            f"Results of other versions, or of other work a call, of {left} case{'s' * (left != 1)} are left out: they "
        )
        return made, [told + "time something else."] * bool(left)


def comparable(one: Observation, other: Observation) -> bool:
    """Whether two points time the same; counts out of a rate and a median are known to six digits."""
    counts, others = one.counts, other.counts
    close = all(math.isclose(counts[name], others[name], rel_tol=1e-6) for name in counts if name in others)
    return one.version == other.version and close
