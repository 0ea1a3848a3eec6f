"""Commits at which a whole machine was slow or fast for once: a hosted runner that shares its CPU, a slower host.

Of pytest-benchmark files from hosted runners one in ten is slower as a whole. That is no change of any case: what all
cases of a commit share, against the commits around it, is divided out before changes are searched. A shift that stays
is none of these and is left in place.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ..record.estimate import MAD
from .directions import kind_of
from .history import Series, Values
from .sides import Entry

AROUND = 11  # measurements whose median is what a value is set against: five of them may be slow
ROUNDS = 3
THREADS = 4  # more would need as many copies of a setting's windows
FEWEST = 8  # cases that show what they share
LEAST = 0.03  # relative; less is left in place
CLEAR = 4.0  # standard errors


def shared(every: Sequence[Series]) -> dict[int, Values]:
    """For each setting the log of what all its times share at each commit, against the commits around it."""
    by_setting: dict[int, list[Series]] = {}
    for one in every:
        if kind_of(one.unit) == "time" and not (one.measured[1] <= 0).any():
            by_setting.setdefault(one.setting, []).append(one)
    there = [setting for setting, positive in by_setting.items() if len(positive) >= FEWEST]
    with ThreadPoolExecutor(max(1, min(len(there), THREADS))) as pool:  # NumPy sorts without Python's lock
        return dict(zip(there, pool.map(lambda setting: _of(by_setting[setting]), there), strict=True))


def _of(positive: Sequence[Series]) -> Values:
    """The same for the series of one setting."""
    at = np.unique(np.concatenate([one.measured[0] for one in positive]))
    whole = np.full((len(positive), len(at)), np.nan)
    for row, one in zip(whole, positive, strict=True):
        places, values = without(one, None)
        row[np.searchsorted(at, places)] = np.log(values)
    common = np.zeros(len(at))
    for _ in range(ROUNDS):  # the neighbours of a slow commit are better known without what is slow among them
        before, common = common, _common(whole - _around(whole - common))
        if np.array_equal(before, common):
            break
    found = np.zeros(len(positive[0].values))
    found[at] = common
    return found


def without(series: Series, common: Values | None) -> tuple[NDArray[np.int32], Values]:
    """The commits with a sound value, and their values without what the commit's cases share."""
    at, values, _, _ = series.measured
    if common is not None and kind_of(series.unit) == "time":
        values = values * np.exp((common if series.higher else -common)[at])
    sound = np.isfinite(values) & ~np.isin(at, list(series.suspect)) if series.suspect else np.isfinite(values)
    return at[sound], values[sound]


def _around(logs: Values) -> Values:
    """For each measured value of each series the median of the measurements around it, itself among them.

    Series with values at the same commits are looked at together.
    """
    out = np.full(logs.shape, np.nan)
    measured = ~np.isnan(logs)
    alike: dict[bytes, list[int]] = {}
    for row, there in enumerate(measured):
        alike.setdefault(there.tobytes(), []).append(row)
    for rows in alike.values():
        at, mine = np.flatnonzero(measured[rows[0]]), np.array(rows)
        if len(at) >= AROUND:
            taken = logs[np.ix_(mine, at)]
            padded = np.pad(taken, ((0, 0), (AROUND // 2, AROUND // 2)), mode="reflect")
            windows = np.lib.stride_tricks.sliding_window_view(padded, AROUND, axis=1)
            out[np.ix_(mine, at)] = np.partition(windows, AROUND // 2, axis=2)[..., AROUND // 2]
    return out


def _common(residuals: Values) -> Values:
    """The median over cases where it is clear, else zero."""
    count = (~np.isnan(residuals)).sum(axis=0)
    middle = _middle(residuals, count)
    scatter = MAD * _middle(np.abs(residuals - middle), count)
    with np.errstate(all="ignore"):  # a commit without any
        clear = (count >= FEWEST) & (np.abs(middle) > np.maximum(LEAST, CLEAR * 1.2533 * scatter / np.sqrt(count)))
    return np.where(clear, middle, 0.0)


def _middle(values: Values, count: NDArray[np.int64]) -> Values:
    """The median of each column over its `count` numbers: five times as fast as NumPy's, which sorts no NaN."""
    ordered = np.sort(values, axis=0)  # NaN last
    columns = np.arange(values.shape[1])
    return np.asarray((ordered[np.maximum(count - 1, 0) // 2, columns] + ordered[count // 2, columns]) / 2)


def aligned(entries: Sequence[Entry]) -> list[Entry]:
    """Entries of several files without what single files share: a host that was slower than those of the others."""
    count = max((len(one.measurements) for one in entries), default=0)
    whole = [one for one in entries if len(one.measurements) == count and kind_of(one.unit) == "time"]
    mine = [one for one in whole if all(x.median > 0 for x in one.measurements)]
    if count < 3 or len(mine) < FEWEST:
        return list(entries)
    logs = np.log([[one.median for one in entry.measurements] for entry in mine])
    factors = np.exp(-_common(logs - np.median(logs, axis=1, keepdims=True))).tolist()
    chosen = {id(one) for one in mine}
    return [_scaled(one, factors) if id(one) in chosen else one for one in entries]


def _scaled(entry: Entry, factors: Sequence[float]) -> Entry:
    """An entry with each measurement times its factor; what is a rate would be divided, and no file states one."""
    taken = [
        dataclasses.replace(one, median=one.median * factor, error=one.error * factor)
        for one, factor in zip(entry.measurements, factors, strict=True)
    ]
    return dataclasses.replace(entry, measurements=taken)
