"""Series and benchmarks that are no longer measured, and benchmarks that are new."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .history import History, Series

ABSENT = 5  # commits in a row without a benchmark, at the end of a history, after which it counts as given up
NEW = 20  # newest commits, at which a benchmark that began counts as new


class Began(NamedTuple):
    """Benchmarks by the position of the commit: those that began at one of the newest, those last measured at it."""

    new: dict[int, list[str]]
    gone: dict[int, list[str]]


def last_measured(series: Series) -> int | None:
    """The position of the last commit that ran a series, where it is no longer run; else None."""
    tried = np.unique([*series.measured[0].tolist(), *series.failed])
    return _given_up(tried.astype(int).tolist(), len(series.values))


def began(history: History) -> Began:
    """The new benchmarks of a history, the newest first, and those that are gone, on whatever machine."""
    tried: dict[str, set[int]] = {}
    for one in history.series:
        tried.setdefault(one.bench, set()).update(one.measured[0].tolist(), one.failed)
    made = Began({}, {})
    commits = len(history.commits)
    start = max(1, commits - NEW)
    for bench, places in sorted(tried.items()):
        if (last := _given_up(sorted(places), commits)) is not None:
            made.gone.setdefault(last, []).append(bench)
        elif min(places) >= start:
            made.new.setdefault(min(places), []).append(bench)
    return Began(*(dict(sorted(one.items(), reverse=True)) for one in made))


def _given_up(tried: Sequence[int], commits: int) -> int | None:
    """The last of the commits that were tried, where all since are more than any gap before; else None."""
    if not tried:
        return None
    missed = commits - 1 - tried[-1]
    gap = max((after - before - 1 for before, after in itertools.pairwise(tried)), default=0)
    return int(tried[-1]) if missed >= ABSENT and missed > gap else None
