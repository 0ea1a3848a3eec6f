"""How much a figure differs from run to run although nothing changed.

The samples of one run say how well that run knows its own median, and no more. Another process has its memory on
other pages, its threads on other cores and its neighbours in another mood: medians of runs differ by several times what
a bootstrap within a run expects, and a comparison that ignores it accuses the innocent. How much they do is taken from

1. several runs on a side (`base1.json,base2.json`), or the case's own history: deviations between consecutive medians,
   which a slow change of the code does not inflate;
2. this comparison itself: the ratios of all its cases scatter about their middle, and most of them did not change
   (an empirical null: Efron, J. Am. Stat. Assoc. 99 (2004) 96);
3. where there is neither, `ASSUMED`, or as much as the runs doubt their own medians if that is more.

Between machines 2 says nothing: there the ratios of most cases do differ, and 3 is `ACROSS` at least.

In 1 and 2 a case is measured by its like: those that are about as steady within a run. A peak that repeats within 0.3%
is not to be judged by a latency that does so within 20%, nor the other way round.

A case's own estimate counts by its degrees of freedom beside that of its like (a moderated variance: Smyth, Stat. Appl.
Genet. Mol. Biol. 3 (2004) 3; with a trend over a covariate as in limma). How many the like count for is told by how
well cases agree: by the mad_sigma of the logarithms of their variances, as in limma, and by the tail of their ratios,
where noise is wild now and then. Noise has two tails and a change has one, so slower is judged by the tail of the
faster, and the other way round: what changed does not excuse itself. Never fewer than `HEAVY`, and never more than one
for every `PER_DOF` cases, for a tail is not known to those who are too few to meet it. An assumed one counts as
`PRIOR`.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..record.estimate import mad_sigma
from .controls import shift
from .sides import Entry
from .stats import t_log_density, trigamma

ASSUMED = 0.005  # relative standard deviation between runs on a quiet machine with pinned threads
LEAST = 0.002  # nothing is known better than this, however well a few figures agree
PRIOR = 5.0  # degrees of freedom of an assumed estimate: five let a case have three times as much noise
ACROSS = 0.02  # as `ASSUMED`, where two machines are compared: less is known of either
HEAVY = 3.0  # of one by a case's like at least: on a virtual machine some case always moves by a lot
TAILS = (HEAVY, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0, 20.0, 30.0)  # what is tried; beyond 30 the normal is near
PER_DOF = 8  # cases a degree of freedom; see `scripts/tracking_experiments.py power`
ENOUGH = 20  # cases from which a comparison is its own measure of noise
LIKE = 30  # cases by which one is measured, the nearest in steadiness; a robust mad_sigma of so many is known within 15%
EARLIER = 30  # medians of a history that are looked at


@dataclass(frozen=True)
class Noise:
    """The run-to-run standard deviation of a median (relative) that most cases have, and where it is from.

    `trend` has it by how unsteady cases are within a run (`unsteady`), in rising order; empty: the same for all.
    `tails` are the degrees of freedom that it counts for where slower is judged, and where faster is. `together` is
    the middle of the ratios (logarithm) where these are the source: their scatter says nothing of what they share.
    """

    common: float
    source: str
    trend: Sequence[tuple[float, float]] = ()
    tails: tuple[float, float] = (PRIOR, PRIOR)
    together: float = 0.0

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
        squares += known * max(mad_sigma([*steps, *-steps]), 0.0) ** 2 / 2
        dof += known
    return (squares / dof if dof else 0.0), dof


def common(pairs: Sequence[tuple[Entry, Entry]], *, across: bool = False) -> Noise:
    """The run-to-run deviation that the cases of a comparison share; `across` machines their ratios do not tell it."""
    owned = [(unsteady(pair), *own(pair)) for pair in pairs]
    owned = [one for one in owned if one[2]]
    # A median of which nothing is known within its run says nothing of runs, and is judged by nobody.
    known = [pair for pair in pairs if math.isfinite(unsteady(pair))]
    enough = len(known) >= ENOUGH and not across
    if owned:
        found = _by_variances(owned)
        return _with_tails(found, known) if enough else found
    if enough:
        return _with_tails(_by_ratios(known), known)
    doubt = [relative(entry) for pair in pairs for entry in pair]
    doubt = [error for error in doubt if math.isfinite(error)]
    assumed = max(ACROSS if across else ASSUMED, float(np.median(doubt)) if doubt else 0.0)
    return Noise(assumed, "assumed, for nothing here tells it")


def _by_variances(owned: Sequence[tuple[float, float, int]]) -> Noise:
    """From cases by unsteadiness, each with a variance of its own and the degrees of freedom of that."""

    # The median over cases, so that a few that changed or are wild do not speak for the others.
    def usual(cases: Sequence[tuple[float, float]]) -> float:
        return max(LEAST, math.sqrt(float(np.median([variance for _, variance in cases]))))

    cases = [(unsteadiness, variance) for unsteadiness, variance, _ in owned]
    found = Noise(usual(cases), "several runs or the history of each case", _trend(cases, usual))
    # Were all alike, the log of a variance would scatter by trigamma(dof / 2); what exceeds it is trigamma(tail / 2).
    logs = [math.log(max(LEAST**2, variance) / found.at(unsteadiness) ** 2) for unsteadiness, variance in cases]
    excess = float(np.var(logs) - np.mean([trigamma(dof / 2) for _, _, dof in owned]))
    tail = max((one for one in _tails(len(owned)) if trigamma(one / 2) >= excess), default=HEAVY)
    return dataclasses.replace(found, tails=(tail, tail))


def _by_ratios(pairs: Sequence[tuple[Entry, Entry]]) -> Noise:
    """From the log ratios of cases, most of which did not change."""

    def scatter(cases: Sequence[tuple[float, float]]) -> float:
        within = float(np.median([unsteadiness for unsteadiness, _ in cases])) ** 2
        between = mad_sigma([shift for _, shift in cases]) ** 2 - within
        return max(LEAST, math.sqrt(max(0.0, between) / 2))

    shifts = [(unsteady(pair), shift(*pair)) for pair in pairs]
    source = f"the scatter of the {len(shifts)} ratios themselves"
    middle = float(np.median([shift for _, shift in shifts]))
    return Noise(scatter(shifts), source, _trend(shifts, scatter), (math.inf, math.inf), middle)


def _with_tails(found: Noise, pairs: Sequence[tuple[Entry, Entry]]) -> Noise:
    """Noise that counts for no more than the tails of the ratios allow, each way by those that went the other way."""
    shifts = [shift(*pair) for pair in pairs]
    middle = float(np.median(shifts))
    strays = [(one - middle) / error(pair, found)[0] for one, pair in zip(shifts, pairs, strict=True)]
    others = [[abs(stray) for stray in strays if stray * sign > 0] for sign in (-1, 1)]
    slower, faster = (min(tail, _tail(one, len(pairs))) for tail, one in zip(found.tails, others, strict=True))
    return dataclasses.replace(found, tails=(slower, faster))


def _tails(cases: int) -> list[float]:
    """The degrees of freedom that so many cases can tell."""
    return [tail for tail in TAILS if tail <= max(HEAVY, cases / PER_DOF)]


def _tail(strays: Sequence[float], cases: int) -> float:
    """The degrees of freedom of the t distribution that makes deviations, in standard ones, likeliest."""
    return max(reversed(_tails(cases)), key=lambda tail: math.fsum(t_log_density(stray, tail) for stray in strays))


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


def moderated(entries: Sequence[Entry], shared: Noise) -> tuple[float, tuple[float, float]]:
    """Run-to-run variance of a case's log median, and the degrees of freedom behind it for slower and for faster."""
    variance, dof = own(entries)
    usual, weight = shared.at(unsteady(entries)) ** 2, min(shared.tails)
    weighed = (weight * usual + dof * variance) / (weight + dof) if dof else usual
    return max(LEAST**2, weighed), (shared.tails[0] + dof, shared.tails[1] + dof)


def error(pair: tuple[Entry, Entry], shared: Noise) -> tuple[float, tuple[float, float]]:
    """Standard error of the log ratio of a case, and its degrees of freedom for slower and for faster."""
    variance, dofs = moderated(pair, shared)
    runs = sum(1 / len(entry.blocks) for entry in pair)
    within = sum(relative(entry) ** 2 for entry in pair)
    if math.isinf(within) and own(pair)[1]:
        within = (
            0.0  # asv's memory and track_ values state no interval; how much they vary their history shows, all of it
        )
    return math.sqrt(within + variance * runs), dofs
