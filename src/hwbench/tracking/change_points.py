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
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..record.estimate import MAD
from . import common_mode, kept_pieces
from .history import Series, Values
from .kept_pieces import Piece, Work

SMALLEST = 0.02  # relative; smaller steps are dropped
ONE_VALUE = 0.05  # relative uncertainty of a level of one value; of n values it is √n times smaller
SIEVE = 3.5  # deviations of noise between neighbouring segments from which asv is asked
SHORT, OUTLIER = 2, 5.0  # a level of so few commits, unless it is the last, must differ by so many deviations
PART = 6  # least values of a part that `split` makes,
SURE = 4.5  # standard errors by which their means must differ
SHOWING = 8  # values whose neighbours show a scatter: of fewer, steps may be most
CLEAR = 3.0  # standard errors of a step by the scatter of its series; a smaller one is none
LEAST_SHARE = 40  # series that pay for starting a process, half a second
FEW = 12  # commits up to which asv is always asked
LONGEST_PIECE = 20  # that asv's exact solver looks for, before pieces are merged
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
        """The new level over the old; NaN where one is not positive."""
        return self.new / self.old if self.old > 0 and self.new > 0 else math.nan


def available() -> bool:
    """Whether asv is installed."""
    return importlib.util.find_spec("asv") is not None


def find(every: Sequence[Series], *, small: bool = False) -> list[list[Step]]:
    """The steps of each series without its suspect values, oldest first; [] where asv is not installed.

    What all cases of a commit share against its neighbours is no change of any, and left out. With `small`, steps of a
    series in which asv finds none, since they are about as small as its noise, are found by a test of means.
    """
    found: list[list[Step]] = [[] for _ in every]
    if not (available() and every):
        return found
    common = common_mode.shared(every)
    places, kept = zip(*(common_mode.without(one, common.get(one.setting)) for one in every), strict=True)
    asked = _suspects(kept)
    work = [(kept[at].tolist(), _weights(every[at], places[at])) for at in asked]
    for at, pieces in zip(asked, kept_pieces.through(work, _shared), strict=True):
        found[at] = _steps(places[at], pieces, kept[at])
    plain = [(at, places[at], one) for at, one in enumerate(kept) if len(one) and one.min() > 0]
    if small:
        for number, there, values in plain:
            if not found[number] and (place := split(np.log(values))):
                levels = [float(np.exp(np.mean(np.log(part)))) for part in (values[:place], values[place:])]
                found[number] = _steps(there, [(0, place, levels[0]), (place, len(values), levels[1])], values)
    return found


def _suspects(every: Sequence[Values]) -> list[int]:
    """The places of the series that asv is asked about; those of equal length are looked through together."""
    by_length: dict[int, list[int]] = {}
    asked = []
    for at, values in enumerate(every):
        if len(values) < 3:
            continue
        if values.min() > 0:
            by_length.setdefault(len(values), []).append(at)
        elif np.ptp(values) > 0:
            asked.append(at)
    for mine in by_length.values():
        differ = suspicious(np.array([every[at] for at in mine])).tolist()
        asked += [at for at, yes in zip(mine, differ, strict=True) if yes]
    return sorted(asked)


def split(logs: Values) -> int:
    """Where a series is best split in two, if the means of the parts differ clearly; else 0.

    The noise is the root mean square of that of neighbours and that within the parts, which a slow drift raises.
    """
    n = len(logs)
    if n < 2 * PART:
        return 0
    sums, at = np.cumsum(logs), np.arange(PART, n - PART + 1)
    apart = (sums[-1] - sums[at - 1]) / (n - at) - sums[at - 1] / at
    few = np.sqrt(1 / at + 1 / (n - at))
    best = int(np.argmax(np.abs(apart) / few))
    place = int(at[best])
    rest = np.concatenate([part - np.median(part) for part in (logs[:place], logs[place:])])
    noise = math.hypot(_scatter(logs), MAD * float(np.median(np.abs(rest)))) / math.sqrt(2)
    return place if abs(apart[best]) > SURE * noise * few[best] else 0


def _detected(work: Sequence[Work]) -> list[list[Piece]]:
    """The pieces of constant level of each series, by asv."""
    return [_pieces(*one) for one in work]


def _pieces(values: list[float], weights: list[float | None]) -> list[Piece]:
    """The result of `asv.step_detect.detect_steps` for values with positive weights.

    asv fits pieces by its exact solver for a series of penalties, and takes the penalty that minimises beta · pieces +
    log(noise + Σ |E_i - rho · E_i-1|), with E the residuals and rho their best autocorrelation. That sum and the
    merging of pieces take most of asv's time, and only these two are reimplemented here.
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

    solved: dict[float, tuple[list[int], list[float], float]] = {}
    moved: dict[tuple[int, int, int], int] = {}

    def objective(x: float) -> float:
        nonlocal best
        # Fewer pieces are best the higher the penalty: between two penalties with the same pieces there are no others.
        below = max((at for at in solved if at <= x), default=None)
        above = min((at for at in solved if at >= x), default=None)
        if below is not None and above is not None and solved[below][0] == solved[above][0]:
            return solved[below][2]
        gamma = penalty * math.exp(x)
        if not hasattr(fit, "find_best_partition"):  # asv without its compiled part
            right = asv.solve_potts(values, scaled, gamma, max_size=LONGEST_PIECE, mu_dist=fit)[0]
        else:
            right, at = [], n - 1
            begun = fit.find_best_partition(gamma, 1, LONGEST_PIECE, 0, n)  # for each end what comes before its piece
            while at >= 0:
                right.append(at + 1)
                at = begun[at]
            right.reverse()
        right = _merged(right, gamma, fit.dist, moved)
        levels = [fit.mu(left, after - 1) for left, after in zip([0, *right[:-1]], right, strict=True)]
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
        solved[x] = right, levels, found
        return found

    lowest = math.log(0.1 / n)
    asv.golden_search(objective, lowest, 0.0, xatol=abs(lowest) * 0.1, ftol=0, expand_bounds=True)
    _, right, levels = best
    return list(zip([0, *right[:-1]], right, levels, strict=True))


def _merged(
    found: Sequence[int], gamma: float, dist: Callable[[int, int], float], moved: dict[tuple[int, int, int], int]
) -> list[int]:
    """The result of `asv.step_detect.merge_pieces`: the ends of pieces, neighbours merged where that costs less.

    asv reckons the cost of all neighbours anew after each merger; it differs for those of the merged piece alone. Where
    a boundary lies best between its neighbours depends on no penalty: `moved` keeps it for the next one.
    """
    ends = list(found)
    begins = [0, *ends[:-1]]
    alone = [dist(begin, end - 1) for begin, end in zip(begins, ends, strict=True)]

    def gain(k: int) -> float:
        """What merging piece k with the next one adds to the cost."""
        return dist(begins[k], ends[k + 1] - 1) - (alone[k] + alone[k + 1] + gamma)

    gains = [gain(k) for k in range(len(ends) - 1)]
    at = 0
    while True:
        # The first that costs no more, and on from it as long as the next one costs still less.
        while at < len(gains) and gains[at] > 0:
            at += 1
        if at == len(gains):
            break
        best = at
        while best + 1 < len(gains) and gains[best + 1] <= gains[best]:
            best += 1
        del ends[best], begins[best + 1], alone[best + 1], gains[best]
        alone[best] = dist(begins[best], ends[best] - 1)
        for k in range(max(best - 1, 0), min(best + 1, len(gains))):
            gains[k] = gain(k)
        at = max(min(at, best - 1), 0)
    # Pieces were found up to a length, so that a boundary may lie better beside where it is.
    begin = 0
    for k in range(len(ends) - 1):
        here, last = ends[k], ends[k + 1] - 1
        if (begin, here, last) not in moved:
            least, place = dist(begin, here - 1) + dist(here, last), here
            for other in range(max(begin + 1, here - LONGEST_PIECE), min(last, here + LONGEST_PIECE) + 1):
                cost = dist(begin, other - 1) + dist(other, last)
                if cost < least:
                    least, place = cost, other
            moved[begin, here, last] = place
        ends[k] = begin = moved[begin, here, last]
    return ends


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


def _steps(there: NDArray[np.int32], pieces: Sequence[Piece], values: Values) -> list[Step]:
    """The steps between neighbouring pieces that exceed SMALLEST and their uncertainty."""
    found = []
    ratios = bool(values.min() > 0)
    scatter = _scatter(np.log(values) if ratios else values)
    for (left, mid, old), (start, right, new) in itertools.pairwise(pieces):
        # asv splits few scattered values into levels of one value each, which differ by chance.
        few = math.sqrt(1 / (mid - left) + 1 / (right - start))
        doubt = max(ONE_VALUE * few * ratios, CLEAR * scatter * few)
        least = math.log1p(SMALLEST) if ratios else SMALLEST * max(abs(old), abs(new))
        if abs(math.log(new / old) if ratios else new - old) >= max(least, doubt):
            last, first = int(there[mid - 1]), int(there[start])
            found.append(
                Step(last, first, old, new, slice(int(there[left]), last + 1), slice(first, int(there[right - 1]) + 1))
            )
    return found


def _scatter(values: Values) -> float:
    """The standard deviation of a value, by the differences of neighbours, which a step does not inflate."""
    return MAD * float(np.median(np.abs(np.diff(values)))) / math.sqrt(2) if len(values) >= SHOWING else 0.0


def _weights(series: Series, there: NDArray[np.int32]) -> list[float | None]:
    """Asv's weights: the inverse of the half-width of the 99% interval; None where unknown."""
    at, _, low, high = series.measured
    widths = (high - low)[np.searchsorted(at, there)]
    known = np.isfinite(widths) & (widths > 0)
    weights = 2 / np.where(known, widths, 1.0)
    return [weight if there else None for weight, there in zip(weights.tolist(), known.tolist(), strict=True)]


def suspicious(rows: Values) -> NDArray[np.bool_]:
    """For each row, a series, whether some segment differs from the one before it by more than noise explains."""
    n = rows.shape[1]
    found = np.full(len(rows), n <= FEW)
    if n <= FEW:
        return found
    logs = np.log(rows)
    noise = MAD * np.median(np.abs(np.diff(logs)), axis=1) / math.sqrt(2)
    sums = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(logs, axis=1)], axis=1)
    for width in WIDTHS:
        if 2 * width > n:
            break
        means = (sums[:, width:] - sums[:, :-width]) / width
        apart = np.abs(means[:, width:] - means[:, :-width])
        unit = noise * math.sqrt(2 / width)
        least = math.log1p(SMALLEST) / 2
        within = apart.max(axis=1) > np.maximum((SIEVE if width > SHORT else OUTLIER) * unit, least)
        found |= within | (apart[:, -1] > np.maximum(SIEVE * unit, least))
    return found
