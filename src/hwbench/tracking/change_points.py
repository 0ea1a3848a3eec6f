"""Change points of series by asv's step detection (`asv.step_detect`), so that asv's site and the report agree.

asv is optional: without it no steps are found, and the report says so. Its detection takes 25 ms for 500 commits. So
`suspicious` first drops series in which no segment differs from the one before by more than noise: most do not. The
rest are divided among processes, one per CPU. asv's sum over values is computed on arrays here, with the same result in
half the time.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import math
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import kept_pieces
from .history import Series, Values
from .kept_pieces import Piece, Work

SMALLEST = 0.02  # relative; smaller steps are dropped
ONE_VALUE = 0.05  # relative uncertainty of a level of one value; of n values it is √n times smaller
SIEVE = 5.0  # deviations of noise between neighbouring segments from which asv is asked
LEAST_SHARE = 40  # series that pay for starting a process, half a second
FEW = 12  # commits up to which asv is always asked
WIDTHS = (1, 2, 4, 8, 16, 32, 64, 128)


@dataclass(frozen=True)
class Step:
    """A change between two measured commits, by their positions in the history.

    `last` is the last commit of the old level, `first` the first of the new one; the levels `old` and `new` hold over
    `before` and `after`.
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


def find(every: Sequence[Series]) -> list[list[Step]]:
    """The steps of each series without its suspect values, oldest first; [] where asv is not installed."""
    found: list[list[Step]] = [[] for _ in every]
    if not available():
        return found
    places = [np.flatnonzero(series.sound > 0) for series in every]
    asked = _suspects(every, places)
    pieces = kept_pieces.through(
        [(every[at].values[places[at]].tolist(), _weights(every[at], places[at])) for at in asked], _shared
    )
    for at, one in zip(asked, pieces, strict=True):
        found[at] = _steps(places[at], one)
    return found


def _suspects(every: Sequence[Series], places: Sequence[NDArray[np.int64]]) -> list[int]:
    """The positions of the series that asv is asked about; those of equal length are looked through together."""
    by_length: dict[int, list[int]] = {}
    for at, there in enumerate(places):
        by_length.setdefault(len(there), []).append(at)
    asked: list[int] = []
    for length, mine in by_length.items():
        if length >= 3:
            differ = suspicious(np.array([every[at].values[places[at]] for at in mine]))
            asked += [at for at, yes in zip(mine, differ.tolist(), strict=True) if yes]
    return sorted(asked)


def _detected(work: Sequence[Work]) -> list[list[Piece]]:
    """The pieces of constant level of each series, by asv."""
    return [_pieces(*one) for one in work]


def _pieces(values: list[float], weights: list[float | None]) -> list[Piece]:
    """The result of `asv.step_detect.detect_steps` for positive values with positive weights.

    asv fits pieces by its exact solver for a series of penalties, and takes the penalty that minimises beta · pieces +
    log(noise + Σ |E_i - rho · E_i-1|), with E the residuals and rho their best autocorrelation. That sum takes most of
    asv's time, and only that sum is reimplemented here.
    """
    from asv import step_detect as asv

    n = len(values)
    known = [weight for weight in weights if weight is not None]
    middle = statistics.median(known) if known else 1.0
    scaled = [1.0 if weight is None else weight / middle for weight in weights]
    fit = asv.get_mu_dist(values, scaled)
    penalty = fit.dist(0, n - 1) or 1.0
    y, w = np.array(values), np.array(scaled)
    best: tuple[float, list[int], list[float]] = (math.inf, [n], values[:1])

    def objective(x: float) -> float:
        nonlocal best
        right, levels, _ = asv.solve_potts_approx(values, scaled, gamma=penalty * math.exp(x), mu_dist=fit)
        apart = y - np.repeat(levels, np.diff([0, *right]))
        first, after, before, weight = abs(apart[0]) * w[0], apart[1:], apart[:-1], w[1:]

        def distance(rho: float) -> float:
            return float(first + np.dot(np.abs(after - rho * before), weight))

        rho = asv.golden_search(distance, -1, 1, xatol=0.05, expand_bounds=True)
        # The noise floor: else a level for each value would be a perfect fit.
        noise = 0.1 * float(np.abs(np.diff(levels)).min()) if len(levels) > 2 else 0.001 * min(map(abs, levels))
        found = 4 * math.log(n) / n * len(right) + math.log(max(1e-300, noise) + distance(rho))
        if found < best[0]:
            best = found, right, levels
        return found

    lowest = math.log(0.1 / n)
    asv.golden_search(objective, lowest, 0.0, xatol=abs(lowest) * 0.1, ftol=0, expand_bounds=True)
    _, right, levels = best
    return list(zip([0, *right[:-1]], right, levels, strict=True))


def _shared(work: Sequence[Work]) -> list[list[Piece]]:
    """The same in a process per CPU where there are many series; children start fresh, without the caller's script."""
    share = len(work) // LEAST_SHARE
    processes = min(share, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    if processes < 2 or not sys.executable:
        return _detected(work)
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
    parts = [work[i::processes] for i in range(1, processes)]
    children = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        for _ in parts
    ]
    with ThreadPoolExecutor(len(parts)) as pool:
        answers = [
            pool.submit(child.communicate, json.dumps(part).encode())
            for child, part in zip(children, parts, strict=True)
        ]
        out: list[list[Piece]] = [[] for _ in work]
        out[0::processes] = _detected(work[0::processes])
        for i, (part, child, answer) in enumerate(zip(parts, children, answers, strict=True), 1):
            text = answer.result()[0]
            # A child may have been killed or failed to start: do its part here.
            out[i::processes] = json.loads(text) if child.returncode == 0 else _detected(part)
    return out


def serve() -> None:
    """Run in a child: series on standard input, pieces on standard output."""
    json.dump(_detected(json.load(sys.stdin)), sys.stdout)


def _steps(there: NDArray[np.int64], pieces: Sequence[Piece]) -> list[Step]:
    """The steps between neighbouring pieces that exceed SMALLEST and their uncertainty."""
    found = []
    for (left, mid, old), (start, right, new) in itertools.pairwise(pieces):
        # asv splits few scattered values into levels of one value each, which differ by chance.
        doubt = ONE_VALUE * math.sqrt(1 / (mid - left) + 1 / (right - start))
        if old > 0 and new > 0 and abs(math.log(new / old)) >= max(math.log1p(SMALLEST), doubt):
            last, first = int(there[mid - 1]), int(there[start])
            found.append(
                Step(last, first, old, new, slice(int(there[left]), last + 1), slice(first, int(there[right - 1]) + 1))
            )
    return found


def _weights(series: Series, there: NDArray[np.int64]) -> list[float | None]:
    """Asv's weights: the inverse of the half-width of the 99% interval; None where unknown."""
    widths = (series.high - series.low)[there]
    return [2 / float(width) if math.isfinite(width) and width > 0 else None for width in widths]


def suspicious(rows: Values) -> NDArray[np.bool_]:
    """For each row, a series, whether some segment differs from the one before it by more than noise explains."""
    n = rows.shape[1]
    found = np.full(len(rows), n <= FEW)
    if n <= FEW:
        return found
    logs = np.log(rows)
    noise = 1.4826 * np.median(np.abs(np.diff(logs)), axis=1) / math.sqrt(2)
    sums = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(logs, axis=1)], axis=1)
    for width in WIDTHS:
        if 2 * width > n:
            break
        means = (sums[:, width:] - sums[:, :-width]) / width
        apart = np.abs(means[:, width:] - means[:, :-width]).max(axis=1)
        found |= apart > np.maximum(SIEVE * noise * math.sqrt(2 / width), math.log1p(SMALLEST) / 2)
    return found
