"""Run-to-run noise: how much a median differs between runs although nothing changed.

A bootstrap over the samples of one run gives the uncertainty of that run's median only. Another process gets other
pages, cores and neighbours, so medians differ several times as much between runs; ignoring that gives false alarms. The
run-to-run deviation is taken from

1. several runs on a side (`base1.json,base2.json`), or the case's own history: deviations between consecutive medians,
   which a slow change of the code does not inflate;
2. this comparison itself: most of its cases did not change, so the scatter of all ratios about their median is noise
   (an empirical null: Efron, J. Am. Stat. Assoc. 99 (2004) 96);
3. where there is neither, what is `ASSUMED` of this kind of metric, or the median relative error of the medians within
   their runs, or the scatter of a few ratios, if that is larger.

Times, memory and counts each have a noise of their own: memory repeats within a tenth of a percent where times do not.

Between machines 2 does not apply, since most ratios differ, and 3 is at least `ACROSS`.

In 1 and 2 a case is judged by cases of its level of memory, where there are enough, and among them by those that are
about as steady within a run: a peak that repeats within 0.3% is not judged by a latency that repeats within 20%.

A case's own variance is pooled with that of similar cases by degrees of freedom (a moderated variance: Smyth, Stat.
Appl. Genet. Mol. Biol. 3 (2004) 3; with a trend over a covariate as in limma). The degrees of freedom of the similar
cases follow from their agreement: from the variance of the logarithms of their variances, as in limma, and from the
tail of their ratios, where noise is heavy-tailed. The tail for slower is estimated from the cases that got faster, and
the reverse, so that a real change does not widen its own limit. There are at least `HEAVY` degrees of freedom, and at
most one per `PER_DOF` cases, since few cases do not show a tail. An assumed deviation has `PRIOR`.
"""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np

from ..record.estimate import MAD, mad_sigma, middle
from ..record.model import GPU_LEVELS, LEVELS
from ..record.phrases import counted
from .controls import shift
from .directions import Kind, kind_of
from .sides import Entry
from .stats import t_log_density, trigamma

ASSUMED = 0.005  # relative standard deviation between runs on a quiet machine with pinned threads,
BY_KIND: dict[Kind, float] = {"time": 0.02, "memory": 0.01, "count": 0.01}  # of other tools' results,
HOSTED = 0.05  # and of times from hosted runners
LEAST = 0.002  # floor of the deviation, however well a few figures agree
PRIOR = 5.0  # degrees of freedom of an assumed deviation: with 5, one case may have three times the noise
ACROSS = 0.02  # as `ASSUMED`, between two machines
HEAVY = 3.0  # least degrees of freedom of similar cases: on a virtual machine some case always moves a lot
TAILS = (HEAVY, 4.0, 5.0, 6.0, 8.0, 10.0, 14.0, 20.0, 30.0)  # candidates; 30 is nearly normal
PER_DOF = 8  # cases per degree of freedom; see `scripts/tracking_experiments.py power`
FEW = 4  # cases whose scatter may show that more is to be assumed
ENOUGH = 20  # cases from which a comparison gives its own noise
LIKE = 30  # similar cases, the nearest in steadiness; a robust deviation of 30 values is known within 15%
EARLIER = 30  # medians of a history that are used


@dataclass(frozen=True)
class Noise:
    """The typical run-to-run standard deviation of a median (relative), and its source.

    `trend` has the deviation by unsteadiness within a run (`unsteady`), rising; empty: the same for all. `levels` have
    the same for each level of memory that enough cases are of. `tails` are its degrees of freedom for slower and for
    faster. `together` is the median log ratio where the ratios are the source: their scatter does not include what they
    share.
    """

    common: float
    source: str
    trend: Sequence[tuple[float, float]] = ()
    tails: tuple[float, float] = (PRIOR, PRIOR)
    together: float = 0.0
    levels: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)

    def at(self, unsteadiness: float, level: str = "") -> float:
        """The deviation of cases of about this unsteadiness within a run, of this level where it has enough."""
        trend = self.levels.get(level) or self.trend
        if not trend:
            return self.common
        place = bisect.bisect_left(trend, (unsteadiness,))
        near = trend[max(0, place - 1) : place + 1]
        return min(near, key=lambda one: abs(one[0] - unsteadiness))[1]


def level_of(pair: Sequence[Entry]) -> str:
    """The level of memory that a case is of; "" where its size is none."""
    size = str(pair[0].params.get("size", ""))
    return size if size in (*LEVELS, *GPU_LEVELS) else ""


def own(entries: Sequence[Entry]) -> tuple[float, int]:
    """A case's own run-to-run variance of its log median, and the degrees of freedom (0: unknown)."""
    squares, dof = 0.0, 0
    for entry in entries:
        logs = [math.log(one.median) for one in entry.measurements]
        if len(logs) > 1:
            mean = math.fsum(logs) / len(logs)
            squares += math.fsum((one - mean) ** 2 for one in logs)
            dof += len(logs) - 1
    past = max((entry.earlier for entry in entries), key=len)
    logs = [math.log(x) for x in past[-EARLIER:] if x > 0]
    if len(logs) >= 4:
        # Consecutive differences have twice the variance of a value; a step of the code is one outlier among them.
        steps = [abs(now - before) for before, now in itertools.pairwise(logs)]
        known = len(steps) // 2
        squares += known * (MAD * middle(steps)) ** 2 / 2
        dof += known
    return (squares / dof if dof else 0.0), dof


def by_kind(
    pairs: Sequence[tuple[Entry, Entry]], *, across: bool = False, assumed: Mapping[Kind, float] | None = None
) -> dict[Kind, Noise]:
    """The run-to-run deviation of each kind of metric that is compared; across machines of all as one."""
    if across:
        noise = common(pairs, across=True)
        return dict.fromkeys(get_args(Kind), noise)
    kinds: dict[Kind, list[tuple[Entry, Entry]]] = {}
    for pair in pairs:
        kinds.setdefault(kind_of(pair[0].unit), []).append(pair)
    return {
        kind: common(mine, assumed=(assumed or {}).get(kind, BY_KIND[kind] if kind != "time" else ASSUMED))
        for kind, mine in kinds.items()
    }


def common(pairs: Sequence[tuple[Entry, Entry]], *, across: bool = False, assumed: float = ASSUMED) -> Noise:
    """The run-to-run deviation for the cases of a comparison; `across` machines their ratios are not used."""
    owned = [(level_of(pair), unsteady(pair), *own(pair)) for pair in pairs]
    owned = [one for one in owned if one[3]]
    # A median without an uncertainty of its own cannot be ranked by steadiness.
    known = [pair for pair in pairs if math.isfinite(unsteady(pair))]
    enough = len(known) >= ENOUGH and not across
    if owned:
        found = _by_variances(owned)
        return _with_tails(found, known) if enough else found
    if enough:
        return _with_tails(_by_ratios(known), known)
    doubt = [relative(entry) for pair in pairs for entry in pair]
    doubt = [error for error in doubt if math.isfinite(error)]
    least = max(ACROSS if across else assumed, float(np.median(doubt)) if doubt else 0.0)
    if not across and len(pairs) >= FEW and (seen := _scatter([shift(*pair) for pair in pairs], known)) > least:
        return Noise(seen, f"at least, by the scatter of {counted(len(pairs), 'ratio')}")
    return Noise(least, "assumed, since these results do not show it")


def _scatter(shifts: Sequence[float], known: Sequence[tuple[Entry, Entry]]) -> float:
    """The deviation of a median by the ratios of few cases, without what is known of them within their runs."""
    within = middle([unsteady(pair) for pair in known]) if known else 0.0
    return math.sqrt(max(0.0, mad_sigma(shifts) ** 2 - within**2) / 2)


def _by_variances(owned: Sequence[tuple[str, float, float, int]]) -> Noise:
    """From the cases' own variances: each case as its level, unsteadiness, variance and degrees of freedom."""

    # The median over cases, so that a few that changed or are wild have no influence.
    def usual(cases: Sequence[tuple[float, float]]) -> float:
        return max(LEAST, math.sqrt(middle([variance for _, variance in cases])))

    cases = [(unsteadiness, variance) for _, unsteadiness, variance, _ in owned]
    levels = _by_level([one[0] for one in owned], cases, usual)
    source = "estimated from several runs or the history of each case"
    found = Noise(usual(cases), source, _trend(cases, usual), levels=levels)
    # With equal true variances their logs would have variance trigamma(dof / 2); the excess is trigamma(tail / 2).
    logs = [
        math.log(max(LEAST**2, variance) / found.at(unsteadiness, level) ** 2)
        for level, unsteadiness, variance, _ in owned
    ]
    excess = float(np.var(logs) - np.mean([trigamma(dof / 2) for *_, dof in owned]))
    tail = max((one for one in _tails(len(owned)) if trigamma(one / 2) >= excess), default=HEAVY)
    return dataclasses.replace(found, tails=(tail, tail))


def _by_ratios(pairs: Sequence[tuple[Entry, Entry]]) -> Noise:
    """From the log ratios of cases, most of which did not change."""

    def scatter(cases: Sequence[tuple[float, float]]) -> float:
        within = middle([unsteadiness for unsteadiness, _ in cases]) ** 2
        between = mad_sigma([shift for _, shift in cases]) ** 2 - within
        return max(LEAST, math.sqrt(max(0.0, between) / 2))

    shifts = [(unsteady(pair), shift(*pair)) for pair in pairs]
    source = f"estimated from the scatter of {counted(len(shifts), 'ratio')}"
    together = middle([shift for _, shift in shifts])
    levels = _by_level([level_of(pair) for pair in pairs], shifts, scatter)
    return Noise(scatter(shifts), source, _trend(shifts, scatter), (math.inf, math.inf), together, levels)


def _with_tails(found: Noise, pairs: Sequence[tuple[Entry, Entry]]) -> Noise:
    """The noise, its degrees of freedom limited by the tails of the ratios: slower by faster's, faster by slower's."""
    shifts = [shift(*pair) for pair in pairs]
    center = middle(shifts)
    residuals = [(one - center) / error(pair, found)[0] for one, pair in zip(shifts, pairs, strict=True)]
    others = [[abs(residual) for residual in residuals if residual * sign > 0] for sign in (-1, 1)]
    slower, faster = (min(tail, _tail(one, len(pairs))) for tail, one in zip(found.tails, others, strict=True))
    return dataclasses.replace(found, tails=(slower, faster))


def _tails(cases: int) -> list[float]:
    """The candidates that this number of cases supports."""
    return [tail for tail in TAILS if tail <= max(HEAVY, cases / PER_DOF)]


def _tail(residuals: Sequence[float], cases: int) -> float:
    """The degrees of freedom of the most likely t distribution, for residuals in standard deviations."""
    return max(
        reversed(_tails(cases)), key=lambda tail: math.fsum(t_log_density(residual, tail) for residual in residuals)
    )


def _by_level(
    levels: Sequence[str], cases: Sequence[tuple[float, float]],
    deviation: Callable[[Sequence[tuple[float, float]]], float],
) -> dict[str, list[tuple[float, float]]]:  # fmt: skip
    """The trend of each level with enough cases."""
    found: dict[str, list[tuple[float, float]]] = {}
    for level, case in zip(levels, cases, strict=True):
        if level:
            found.setdefault(level, []).append(case)
    return {level: _trend(mine, deviation) for level, mine in found.items() if len(mine) >= ENOUGH}


def _trend(
    cases: Sequence[tuple[float, float]], deviation: Callable[[Sequence[tuple[float, float]]], float]
) -> list[tuple[float, float]]:
    """For each case its unsteadiness and the deviation of the `LIKE` cases nearest in rank."""
    ordered = sorted(cases)
    last = max(0, len(ordered) - LIKE)
    # Those at either end have the same neighbours.
    found = [deviation(ordered[start : start + LIKE]) for start in range(min(last + 1, len(ordered)))]
    return [(one, found[min(max(0, at - LIKE // 2), last)]) for at, (one, _) in enumerate(ordered)]


def unsteady(pair: Sequence[Entry]) -> float:
    """The uncertainty of a case within its runs: the standard error of the log ratio of its medians."""
    found = math.hypot(*map(relative, pair))
    return found if math.isfinite(found) else math.inf


def relative(entry: Entry) -> float:
    """The relative standard error of an entry's median, from its measurements alone."""
    return math.sqrt(sum((one.error / one.median) ** 2 for one in entry.measurements)) / len(entry.measurements)


def moderated(entries: Sequence[Entry], shared: Noise) -> tuple[float, tuple[float, float]]:
    """Moderated run-to-run variance of a case's log median, and its degrees of freedom for slower and for faster."""
    variance, dof = own(entries)
    usual, weight = shared.at(unsteady(entries), level_of(entries)) ** 2, min(shared.tails)
    weighed = (weight * usual + dof * variance) / (weight + dof) if dof else usual
    return max(LEAST**2, weighed), (shared.tails[0] + dof, shared.tails[1] + dof)


def error(pair: tuple[Entry, Entry], shared: Noise) -> tuple[float, tuple[float, float]]:
    """Standard error of the log ratio of a case, and its degrees of freedom for slower and for faster."""
    variance, dofs = moderated(pair, shared)
    runs = sum(1 / len(entry.measurements) for entry in pair)
    within = sum(relative(entry) ** 2 for entry in pair)
    if math.isinf(within) and own(pair)[1]:
        within = 0.0  # asv's memory and track_ values have no interval; their history has all of their noise
    return math.sqrt(within + variance * runs), dofs
