"""How much a figure differs from run to run although nothing changed.

The samples of one run say how well that run knows its own median, and no more. Another process has its memory on
other pages, its threads on other cores and its neighbours in another mood: medians of runs differ by several times what
a bootstrap within a run expects, and a comparison that ignores it accuses the innocent. How much they do is taken from

1. several runs on a side (`base1.json,base2.json`), or the case's own history: deviations between consecutive medians,
   which a slow change of the code does not inflate;
2. this comparison itself: the ratios of all its cases scatter about their middle, and most of them did not change
   (an empirical null: Efron, J. Am. Stat. Assoc. 99 (2004) 96);
3. where there is neither, `ASSUMED`, or as much as the runs doubt their own medians if that is more.

In 1 and 2 a case is measured by its like: those that are about as steady within a run. A peak that repeats within 0.3%
is not to be judged by a latency that does so within 20%, nor the other way round.

A case's own estimate counts by its degrees of freedom beside that of its like, which counts as `HEAVY` of them, an
assumed one as `PRIOR` (a moderated variance: Smyth, Stat. Appl. Genet. Mol. Biol. 3 (2004) 3; with a trend over a
covariate as in limma).
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..stats import spread
from .side import Entry

ASSUMED = 0.005  # relative standard deviation between runs on a quiet machine with pinned threads
LEAST = 0.002  # nothing is known better than this, however well a few figures agree
PRIOR = 5.0  # degrees of freedom of an assumed estimate: five let a case have three times as much noise
HEAVY = 3.0  # of one by a case's like, which has heavy tails: on a virtual machine some case always moves by a lot
ENOUGH = 20  # cases from which a comparison is its own measure of noise
LIKE = 30  # cases by which one is measured, the nearest in steadiness; a robust spread of so many is known within 15%
EARLIER = 30  # medians of a history that are looked at


@dataclass(frozen=True)
class Noise:
    """The run-to-run standard deviation of a median (relative) that most cases have, and where it is from.

    `trend` has it by how unsteady cases are within a run (`unsteady`), in rising order; empty: the same for all.
    `weight` are the degrees of freedom that it counts for.
    """

    common: float
    source: str
    trend: Sequence[tuple[float, float]] = ()
    weight: float = PRIOR

    def at(self, unsteadiness: float) -> float:
        """The deviation of cases that are about so unsteady within a run."""
        if not self.trend:
            return self.common
        place = bisect.bisect_left(self.trend, (unsteadiness,))
        near = self.trend[max(0, place - 1) : place + 1]
        return min(near, key=lambda one: abs(one[0] - unsteadiness))[1]


def own(entries: Sequence[Entry]) -> tuple[float, int]:
    """A case's own run-to-run variance of the logarithm of its median, and its degrees of freedom (0: unknown)."""
    squares, dof = 0.0, 0
    for entry in entries:
        logs = [math.log(block.median) for block in entry.blocks]
        if len(logs) > 1:
            squares += float(np.var(logs)) * len(logs)
            dof += len(logs) - 1
    past = max((entry.earlier for entry in entries), key=len)
    logs = [math.log(x) for x in past[-EARLIER:] if x > 0]
    if len(logs) >= 4:
        # Consecutive differences have twice the variance of a value; a step among them is one stray of many.
        steps = np.diff(logs)
        known = len(steps) // 2
        squares += known * max(spread([*steps, *-steps]), 0.0) ** 2 / 2
        dof += known
    return (squares / dof if dof else 0.0), dof


def common(pairs: Sequence[tuple[Entry, Entry]]) -> Noise:
    """The run-to-run deviation that the cases of a comparison share."""
    owned = [(unsteady(pair), variance) for pair in pairs for variance, dof in [own(pair)] if dof]
    if owned:
        # The median over cases, so that a few that changed or are wild do not speak for the others.
        def usual(cases: Sequence[tuple[float, float]]) -> float:
            return max(LEAST, math.sqrt(float(np.median([variance for _, variance in cases]))))

        return Noise(usual(owned), "several runs or the history of each case", _trend(owned, usual), HEAVY)
    # A median of which nothing is known within its run says nothing of runs, and is judged by nobody.
    known = [pair for pair in pairs if math.isfinite(unsteady(pair))]
    if len(known) >= ENOUGH:
        shifts = [(unsteady(pair), math.log(pair[1].blocks[0].median / pair[0].blocks[0].median)) for pair in known]

        def scatter(cases: Sequence[tuple[float, float]]) -> float:
            within = float(np.median([unsteadiness for unsteadiness, _ in cases])) ** 2
            between = spread([shift for _, shift in cases]) ** 2 - within
            return max(LEAST, math.sqrt(max(0.0, between) / 2))

        source = f"the scatter of the {len(known)} ratios themselves"
        return Noise(scatter(shifts), source, _trend(shifts, scatter), HEAVY)
    doubt = [relative(entry) for pair in pairs for entry in pair]
    doubt = [error for error in doubt if math.isfinite(error)]
    assumed = max(ASSUMED, float(np.median(doubt)) if doubt else 0.0)
    return Noise(assumed, "assumed, for nothing here tells it")


def _trend(
    cases: Sequence[tuple[float, float]], deviation: Callable[[Sequence[tuple[float, float]]], float]
) -> list[tuple[float, float]]:
    """For each case its unsteadiness and the deviation of the `LIKE` cases that are nearest to it in rank."""
    ordered = sorted(cases)
    last = max(0, len(ordered) - LIKE)
    starts = (min(max(0, at - LIKE // 2), last) for at in range(len(ordered)))
    return [(ordered[at][0], deviation(ordered[start : start + LIKE])) for at, start in enumerate(starts)]


def unsteady(pair: Sequence[Entry]) -> float:
    """How little a case's medians are known from within their runs: the standard error of the log of their ratio."""
    found = math.hypot(*map(relative, pair))
    return found if math.isfinite(found) else math.inf


def relative(entry: Entry) -> float:
    """Standard error of an entry's median as its blocks know it, relative to the median."""
    return math.sqrt(sum((block.error / block.median) ** 2 for block in entry.blocks)) / len(entry.blocks)


def moderated(entries: Sequence[Entry], shared: Noise) -> tuple[float, float]:
    """Run-to-run variance of a case's log median, and the degrees of freedom behind it."""
    variance, dof = own(entries)
    weighed = (shared.weight * shared.at(unsteady(entries)) ** 2 + dof * variance) / (shared.weight + dof)
    return max(LEAST**2, weighed), shared.weight + dof
