"""Change points of a series, by asv's own step detection (`asv.step_detect`), so that its site and ours agree.

asv is optional: without it nothing is sought, and the report says so. Its detection takes 25 ms for 500 commits, so a
sieve goes first: a series in which no stretch of any length differs from the one before by more than noise explains is
passed over, and most series are such. Many that remain are shared among processes, one for each CPU; and what asv sums
up value by value is summed up on arrays here, which halves the time and finds the same.
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

from .history import Series, Values

SMALLEST = 0.02  # relative; a smaller step is not told
ONE_VALUE = 0.05  # by how much a level of one value is in doubt; one of many is so by as much less
SIEVE = 5.0  # noise deviations between neighbouring stretches from which asv is asked
LEAST_SHARE = 40  # series for which starting a process pays: it takes half a second
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


def find(every: Sequence[Series]) -> list[list[Step]]:
    """The steps of each series, oldest first; [] where asv is not installed."""
    found: list[list[Step]] = [[] for _ in every]
    if not available():
        return found
    asked = []
    for number, series in enumerate(every):
        there = np.flatnonzero(series.values > 0)
        if len(there) >= 3 and suspicious(series.values[there]):
            asked.append((number, there, (series.values[there].tolist(), _weights(series, there))))
    for (number, there, _), pieces in zip(asked, _shared([work for _, _, work in asked]), strict=True):
        found[number] = _steps(there, pieces)
    return found


Work = tuple[list[float], list[float | None]]  # values and weights
Piece = tuple[int, int, float]  # from, up to, level


def _detected(work: Sequence[Work]) -> list[list[Piece]]:
    """Asv's pieces of constant level of each series."""
    return [_pieces(*one) for one in work]


def _pieces(values: list[float], weights: list[float | None]) -> list[Piece]:
    """What `asv.step_detect.detect_steps` finds in positive values with positive weights.

    asv fits pieces by its exact solver for one penalty after the other, and takes the penalty at which
    beta · pieces + log(noise + sum of |E_i - rho · E_i-1|) is least: E are the distances from the pieces, rho is what
    best fits them. That sum takes asv most of the time, and is all that is written anew here.
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
        # Without it a level for each value would have no noise at all.
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
    """The same by a process for each CPU, where there is much to do; they inherit nothing and read no one's script."""
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
        told = [
            pool.submit(child.communicate, json.dumps(part).encode())
            for child, part in zip(children, parts, strict=True)
        ]
        out: list[list[Piece]] = [[] for _ in work]
        out[0::processes] = _detected(work[0::processes])
        for i, (part, child, answer) in enumerate(zip(parts, children, told, strict=True), 1):
            text = answer.result()[0]
            # What a child could not do is done here: it may have been killed, or barred from starting.
            out[i::processes] = json.loads(text) if child.returncode == 0 else _detected(part)
    return out


def serve() -> None:
    """What a child does: series in on standard input, pieces out."""
    json.dump(_detected(json.load(sys.stdin)), sys.stdout)


def _steps(there: NDArray[np.int64], pieces: Sequence[Piece]) -> list[Step]:
    """What lies between pieces, where it is large enough to be told."""
    found = []
    for (left, mid, old), (start, right, new) in itertools.pairwise(pieces):
        # asv divides a few scattered values into levels of one value each; two such differ by chance.
        doubt = ONE_VALUE * math.sqrt(1 / (mid - left) + 1 / (right - start))
        if old > 0 and new > 0 and abs(math.log(new / old)) >= max(math.log1p(SMALLEST), doubt):
            last, first = int(there[mid - 1]), int(there[start])
            found.append(
                Step(last, first, old, new, slice(int(there[left]), last + 1), slice(first, int(there[right - 1]) + 1))
            )
    return found


def _weights(series: Series, there: NDArray[np.int64]) -> list[float | None]:
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
