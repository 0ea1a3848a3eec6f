"""One figure for each quantity of each machine out of its runs, and how much runs of one machine differ.

A run that is far from the machine's other runs is left out where three or more show that; the others are averaged.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .cube import Floats, Group, Ints

FAR = 4.0  # standard deviations from the machine's median beyond which one of several runs is left out
NORMAL = 0.6744897501960817  # the quartile of the standard normal
USUAL = 0.01  # of runs of a machine where nothing shows it: a quiet machine repeats within 3%
LEAST = 1e-4
FEWEST = 8  # quantities that show how noisy a machine is


@dataclass(frozen=True)
class Levels:
    """Machine × quantity: the level, the number of runs behind it; by quantity the run-to-run deviation.

    `between` and `within` are the logarithms of a machine's noise over what is usual, between runs and within them.
    """

    level: Floats
    count: Ints
    noise: Floats
    between: Floats
    within: Floats
    freedom: Ints  # degrees of freedom of `between`


def quiet_median(values: Floats, axis: int | None = None) -> Floats:
    """The median without NaN; NaN where there is none, without a warning."""
    with np.errstate(all="ignore"):
        return np.asarray(_nanmedian(values, axis))


def _nanmedian(values: Floats, axis: int | None) -> Floats:
    """NumPy's takes a hundred times as long where NaN are many: sort, NaN come last."""
    if axis is None:
        values, axis = values.ravel(), 0
    ordered = np.sort(values, axis=axis)
    count = np.isfinite(ordered).sum(axis=axis, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum(0, (count - 1) // 2), axis)
    high = np.take_along_axis(ordered, np.maximum(0, count // 2), axis)
    out = np.where(count > 0, (low + high) / 2, np.nan)
    return np.squeeze(out, axis=axis)


def levels(group: Group) -> Levels:
    """The levels of a group's machines."""
    y = group.y
    finite = np.isfinite(y)
    count = finite.sum(axis=2)
    noise = run_to_run(y)
    middle = quiet_median(y, axis=2)
    if y.shape[2] >= 3:
        far = np.abs(y - middle[:, :, None]) > FAR * np.maximum(noise, LEAST)[None, :, None]
        kept = finite & ~(far & (count >= 3)[:, :, None])
    else:
        kept = finite
    number = kept.sum(axis=2)
    with np.errstate(all="ignore"):
        level = np.where(kept, y, 0.0).sum(axis=2) / number
    return Levels(level, number, noise, *_spreads(group, noise))


def run_to_run(y: Floats) -> Floats:
    """For each quantity the robust standard deviation of a run about its machine, by differences of its runs."""
    steps = np.abs(np.diff(y, axis=2)).swapaxes(0, 1).reshape(y.shape[1], -1)
    found = quiet_median(steps, axis=1) / (NORMAL * np.sqrt(2)) if steps.shape[1] else np.full(y.shape[1], np.nan)
    enough = np.isfinite(steps).sum(axis=1)
    prior = np.nanmedian(found) if np.isfinite(found).any() else USUAL
    filled = np.where(np.isfinite(found), found, prior)
    # Few differences say little: they are mixed with what is usual, as two more would.
    mixed = np.sqrt((enough * filled**2 + 2 * USUAL**2) / (enough + 2))
    return np.asarray(np.maximum(LEAST, mixed))


def _spreads(group: Group, noise: Floats) -> tuple[Floats, Floats, Ints]:
    """How noisy each machine is between its runs and within them, relative to the group, as logarithms.

    Of three or more runs the one that is left out is that without which the others agree best: one run that something
    disturbed makes no machine noisy.
    """
    runs = group.y.shape[2]
    sets = [[j for j in range(runs) if j != i] for i in range(runs)] if runs >= 3 else [list(range(runs))]
    found = [_between(group.y[:, :, kept], noise) for kept in sets]
    values, freedoms = (np.stack(one) for one in zip(*found, strict=True))
    values = np.where(np.isfinite(values), values, np.inf)
    best = values.argmin(axis=0)[None]
    between, freedom = (np.take_along_axis(one, best, axis=0)[0] for one in (values, freedoms))
    with np.errstate(all="ignore"):
        widths = np.log(quiet_median(np.where(group.width > 0, group.width, np.nan), axis=2))
        apart = widths - quiet_median(widths, axis=0)
        number = np.isfinite(apart).sum(axis=1)
        within = np.where(number >= FEWEST, np.nansum(np.clip(apart, -2, 2), axis=1) / number, np.nan)
    return np.where(np.isfinite(between), between, np.nan), within, freedom


def _between(y: Floats, noise: Floats) -> tuple[Floats, Ints]:
    """The logarithm of the noise of a machine over what is usual, and its degrees of freedom."""
    finite = np.isfinite(y)
    with np.errstate(all="ignore"):
        count = finite.sum(axis=2)
        mean = np.where(finite, y, 0.0).sum(axis=2) / count
        squares = np.where(finite, ((y - mean[:, :, None]) / noise[None, :, None]) ** 2, 0.0).sum(axis=2)
        free = np.maximum(count - 1, 0)
        # A quantity counts at most as nine of its kind: one figure that went astray makes no machine noisy.
        total = np.minimum(squares, 9.0 * free).sum(axis=1)
        freedom = free.sum(axis=1)
        return np.where(freedom >= FEWEST, 0.5 * np.log(np.maximum(total, 1e-9) / freedom), np.nan), freedom
