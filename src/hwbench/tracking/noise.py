"""How much a figure differs from run to run although nothing changed.

The samples of one run say how well that run knows its own median, and no more. Another process has its memory on
other pages, its threads on other cores and its neighbours in another mood: medians of runs differ by several times what
a bootstrap within a run expects, and a comparison that ignores it accuses the innocent. How much they do is taken from

1. several runs on a side (`base1.json,base2.json`), or the case's own history: deviations between consecutive medians,
   which a slow change of the code does not inflate;
2. this comparison itself: the ratios of all its cases scatter about their middle, and most of them did not change
   (an empirical null: Efron, J. Am. Stat. Assoc. 99 (2004) 96);
3. where there is neither, `ASSUMED`, or as much as the runs doubt their own medians if that is more.

A case's own estimate counts by its degrees of freedom beside the common one, which counts as `PRIOR` of them
(a moderated variance: Smyth, Stat. Appl. Genet. Mol. Biol. 3 (2004) 3).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..stats import spread
from .side import Entry

ASSUMED = 0.005  # relative standard deviation between runs on a quiet machine with pinned threads
LEAST = 0.002  # nothing is known better than this, however well a few figures agree
PRIOR = 5.0  # degrees of freedom of the common estimate: five let a case have three times its neighbours' noise
ENOUGH = 20  # cases from which a comparison is its own measure of noise
EARLIER = 30  # medians of a history that are looked at


@dataclass(frozen=True)
class Noise:
    """The common run-to-run standard deviation of a median (relative), and where it is from."""

    common: float
    source: str


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
    owned = [(variance, dof) for variance, dof in map(own, pairs) if dof]
    if owned:
        # The median over cases, so that a few that changed or are wild do not speak for the others.
        middle = float(np.median([variance for variance, _ in owned]))
        return Noise(max(LEAST, math.sqrt(middle)), "several runs or the history of each case")
    if len(pairs) >= ENOUGH:
        shifts = [math.log(new.blocks[0].median / old.blocks[0].median) for old, new in pairs]
        within = [relative(old) ** 2 + relative(new) ** 2 for old, new in pairs]
        between = spread(shifts) ** 2 - float(np.median(within))
        return Noise(max(LEAST, math.sqrt(max(0.0, between) / 2)), f"the scatter of the {len(pairs)} ratios themselves")
    doubt = [relative(entry) for pair in pairs for entry in pair]
    doubt = [error for error in doubt if math.isfinite(error)]
    assumed = max(ASSUMED, float(np.median(doubt)) if doubt else 0.0)
    return Noise(assumed, "assumed, for nothing here tells it")


def relative(entry: Entry) -> float:
    """Standard error of an entry's median as its blocks know it, relative to the median."""
    return math.sqrt(sum((block.error / block.median) ** 2 for block in entry.blocks)) / len(entry.blocks)


def moderated(entries: Sequence[Entry], shared: Noise) -> tuple[float, float]:
    """Run-to-run variance of a case's log median, and the degrees of freedom behind it."""
    variance, dof = own(entries)
    weighed = (PRIOR * shared.common**2 + dof * variance) / (PRIOR + dof)
    return max(LEAST**2, weighed), PRIOR + dof
