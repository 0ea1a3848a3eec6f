"""A verdict for each case and for the whole, from the scatter of quads alone.

The unit of replication is the quad: four processes, two of each side. Its figure is the log ratio of new over base.
Linear drift over a quad is equal on both sides; what is random per process (pages, alignment, hash seed, cores) differs
from quad to quad, so that Student's t of the quads' log ratios needs no model of the noise. As the order within a quad
is drawn, the log ratios of two equal sides are symmetric about 0, of which the t test is conservative for heavy tails.
Pairs would give twice the degrees of freedom, but a disturbance that outlasts a process makes them dependent.

A neighbour may slow down whole processes, and the means of two then tell of the neighbour. So a case may be judged by
the better process of each side in a quad, or of two quads. The choice must not favour a verdict. The order is drawn
once for two quads, so equal sides could as well have changed names in both: what is compared for the choice is the same
then (`_chosen`), and the log ratios are as symmetric after it as before.

All cases and their geometric mean are one family: Holm's procedure (Scand. J. Stat. 6 (1979) 65) at the level of the
look bounds the chance of any false `slower` or `faster`.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from ..record import text
from ..record.estimate import Estimate
from ..record.phrases import counted
from ..tracking import doubts
from ..tracking.comparison import Comparison, ComparisonReport, Verdict
from ..tracking.directions import kind_of, words
from ..tracking.rules import Rules
from ..tracking.sides import FAILED, Entry
from ..tracking.stats import holm, t_quantile, t_tail
from ..tracking.variance import LEAST, Noise
from ..tracking.verdicts import POWER, UNBOUNDED
from .looks import FAMILY, FEWEST, LAST, MOST, Look
from .values import Quad, Value

THRESHOLD = 0.005
NARROW = 0.05  # relative; an interval within it that holds 1 shows no change
CLEAR = 0.01  # relative; an interval within it leaves nothing that further quads are needed for
WANTED = 0.04  # a change that should be found; the output says how many quads that takes
WORTHLESS = math.log(2)  # a change that is seen only where it is larger is no statement
WHOLE = "geometric mean"
# Another way to sum up a quad is taken where it at least halves the variance. Where noise is normal, the better of two
# processes scatters 1.17 times as much as their mean, so that chance alone does not choose it.
HALVED = 0.5
TWOS = 4  # pairs of quads, the fewest that choose
FOLDED = 5  # pairs of quads, the fewest that are judged as units
ALIKE = ("median", "mean")  # statistics that a user chose in order to see disturbances, too
CORRECTION = f"Holm, {text.share(FAMILY)} for all cases of a run"


@dataclass(frozen=True)
class Shifts:
    """A case with the log ratio of each quad that measured both sides, above 0 where new is worse."""

    shown: Value
    shifts: Sequence[float]
    edge: float
    reason: str = ""
    disturbed: int = 0
    unfit: Verdict = "not measured"
    values: tuple[float | None, float | None] = (None, None)  # the middle of each side
    better: bool = False  # whether the better process of each side counts
    folded: bool = False  # whether two quads are one log ratio
    quads: Sequence[float] = ()  # the log ratio of each quad, also where two are one
    noise: float = math.inf  # the deviation of `shifts`, by what stays if both sides change names
    medians: Shifts | None = None  # the same of medians, where another statistic is judged

    @property
    def mean(self) -> float:
        """The log ratio."""
        return float(np.mean(self.shifts))

    @property
    def deviation(self) -> float:
        """From quad to quad, with the floor LEAST for a single process."""
        return max(float(np.std(self.shifts, ddof=1)), LEAST / 2)

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return self.deviation / math.sqrt(len(self.shifts))

    def p(self) -> float:
        """Two-sided p-value of a change beyond the threshold."""
        tails = (t_tail((sign * self.mean - self.edge) / self.error, len(self.shifts) - 1) for sign in (1, -1))
        return min(1.0, 2 * min(tails))


def judged(
    quads: Sequence[Quad], names: Sequence[str], threshold: float, look: Look = LAST, rules: Rules | None = None
) -> ComparisonReport:
    """A comparison for each case, and for the geometric mean of all times."""
    cases = list(shifts(quads, threshold, rules or Rules()))
    fit = [one for one in cases if not one.reason]
    whole = _whole(fit, math.log1p(threshold))
    family = [*fit, *([whole] if whole else [])]
    adjusted = dict(zip(map(id, family), holm([one.p() for one in family]), strict=True))
    medians = [one.medians for one in fit if one.medians]
    moved = {id(one) for one, p in zip(medians, holm([one.p() for one in medians]), strict=True) if p <= look.family}

    def comparison(one: Shifts) -> Comparison:
        found = _comparison(one, adjusted.get(id(one)), look, len(family), 4 * len(quads))
        return _beside(found, one.medians, look) if one.medians and id(one.medians) in moved else found

    deviations = [one.deviation for one in fit]
    noise = Noise(
        float(np.median(deviations)) if deviations else 0.0,
        f"the scatter of {len(quads)} quads of {names[0]} and {names[1]}",
    )
    found = [comparison(one) for one in cases]
    notes = [*_judged_by(fit), *_seen(found, fit, len(quads), len(family))]
    if fit:
        found, absent = [one for one in found if not _absent(one)], [one for one in found if _absent(one)]
        notes += _told_absent(absent)
    return ComparisonReport(
        found, noise, (), correction=CORRECTION, whole=comparison(whole) if whole else None, notes=notes,
    )  # fmt: skip


def clear(report: ComparisonReport, threshold: float) -> bool:
    """Whether further quads would tell nothing: each case that can be judged is, or its interval is within 1%."""
    edge = max(math.log1p(threshold), math.log1p(CLEAR))

    def settled(one: Comparison) -> bool:
        if one.verdict in ("slower", "faster", "same"):
            return True
        return bool(one.low and one.high and -edge <= math.log(one.low) and math.log(one.high) <= edge)

    judgeable = [one for one in report.cases if one.ratio is not None]
    return bool(judgeable) and all(map(settled, judgeable))


FIGURES = {
    "min": "the fastest round", "quartile": "the lower quartile of the rounds", "median": "the median of the rounds",
    "mean": "the mean of the rounds",
}  # fmt: skip


def _judged_by(fit: Sequence[Shifts]) -> list[str]:
    """Sentences on the figure of each process that is judged, and on what stands for a side in a quad."""
    figures = Counter(FIGURES.get(one.shown.statistic, "") for one in fit if one.shown.statistic)
    said = ", ".join(
        f"{figure} ({counted(n, 'case')})" if len(figures) > 1 else figure for figure, n in figures.items()
    )
    found = [f"judged is {said} of each process (--statistic)"] if said else []
    if count := sum(one.better for one in fit):
        which = "every case" if count == len(fit) else f"{count} of {counted(len(fit), 'case')}"
        found.append(
            f"of {which} the better of a side's processes in a quad, or in two, counts, as some processes were slow as "
            "a whole"
        )
    return found


def _seen(cases: Sequence[Comparison], fit: Sequence[Shifts], quads: int, family: int) -> list[str]:
    """A sentence on the changes that would have been found, and on how many quads would find smaller ones."""
    judgeable = [one for one in cases if one.ratio is not None]
    if not judgeable:
        return []
    seen = sorted(one.sees if one.sees is not None else math.inf for one in judgeable)
    least, middle, most = (text.share(min(one, 1.0)) for one in (seen[0], seen[len(seen) // 2], seen[-1]))
    spread = least if least == most else f"{least} to {most}, by case (half of the cases: {middle} or less),"
    said = f"only changes above {spread} would be found, by {quads} such quads in four of five runs"
    more = 0 if seen[len(seen) // 2] <= WANTED else _enough(fit, family, quads)
    half = " in half of the cases" if more and len(judgeable) > 1 else ""
    return [f"{said}; about {more} quads would find {text.share(WANTED)}{half}" if more else said]


def _enough(fit: Sequence[Shifts], family: int, quads: int) -> int:
    """How many quads would find WANTED in half of the cases; 0 where these do, or more than MOST are needed."""
    middle = sorted(fit, key=lambda one: one.deviation)[len(fit) // 2]
    room = math.log1p(WANTED) - middle.edge
    numbers = itertools.chain(range(FEWEST + 1, 100, 2), range(100, MOST + 1, 10))
    enough = (one for one in numbers if _reach(one, LAST, family) * middle.deviation <= room * math.sqrt(one))
    each = 2 if middle.folded else 1
    return next((each * one for one in enough if each * one > quads), 0)


@functools.cache
def _reach(quads: int, look: Look, family: int) -> float:
    """Standard errors between the threshold and a change that is found in four of five runs."""
    return t_quantile(1 - look.family / 2 / family, quads - 1) + t_quantile(POWER, quads - 1)


def _absent(one: Comparison) -> bool:
    """Whether neither side has a value, and neither failed."""
    return one.verdict == "not measured" and one.base is None and one.new is None


def _told_absent(absent: Sequence[Comparison]) -> list[str]:
    """A sentence on the cases that neither side measured, with the reason of most."""
    if not absent:
        return []
    reasons = Counter(one.reason.partition(" in base: ")[2] or one.reason for one in absent)
    why, *others = (why for why, _ in reasons.most_common())
    most = f"most: {why}" if others else why
    return [f"{counted(len(absent), 'case')} measured by neither side ({most})"]


# --- shifts -----------------------------------------------------------------------------------------------------------


def shifts(quads: Sequence[Quad], threshold: float, rules: Rules) -> Iterator[Shifts]:
    """Each case of any process with its log ratios, or why it has too few."""
    found = [tuple([{one.key: one for one in values} for values in side] for side in quad.sides) for quad in quads]
    places = dict.fromkeys(at for quad in found for side in quad for values in side for at in values)
    for place in places:
        every = [[[values.get(place) for values in side] for side in quad] for quad in found]
        values = [one for quad in every for side in quad for one in side if one is not None]
        whole = [quad for quad in every if all(one is not None and one.value for side in quad for one in side)]
        reason = ""
        unfit: Verdict = "not measured"
        work = dict.fromkeys((one.work, one.unit) for one in values if one.value)
        if len(work) > 1:
            first, second = (" ".join(one) for one in list(work)[:2])
            reason = f"the two time different things: {first} against {second}"
        elif len(whole) < FEWEST:
            unfit, reason = _unfit([[one for quad in every for one in quad[side] if one] for side in (0, 1)])
        shown = values[-1]
        edge = math.log1p(rules.threshold_of(Entry(shown.bench, shown.variant, shown.device, shown.params), threshold))
        worse = [[[_badness(one, one.value) for one in side if one] for side in quad] for quad in whole]
        logs = np.array(worse) if whole else np.empty((0, 2, 2))
        # Quads that follow each other were drawn at once, unless one of them is missing.
        alike = shown.statistic in ALIKE or len(whole) < len(quads)
        way = _Way(_apart(logs.mean(axis=2))) if alike else _chosen(logs, len(places) + 1)
        noise = _noise(way.shifts, twos=len(whole) == len(quads) and not way.folded)
        yield Shifts(
            shown, way.shifts.tolist(), edge, reason, sum(bool(one.suspect) for one in values), unfit, _middles(every),
            way.better, way.folded, (way.shifts if way.quads is None else way.quads).tolist(),
            noise, _medians(shown, whole, edge) if not reason else None,
        )  # fmt: skip


def _badness(one: Value, value: float | None) -> float:
    """The logarithm of a value, with its sign changed where more is better."""
    return math.log(value or 1.0) * (-1 if one.higher else 1)


@dataclass(frozen=True)
class _Way:
    """How the processes of a case are summed up: the log ratios, and those of single quads where they are of two."""

    shifts: np.ndarray
    better: bool = False
    folded: bool = False
    quads: np.ndarray | None = None


def _apart(sides: np.ndarray) -> np.ndarray:
    """New minus base in each quad."""
    found: np.ndarray = sides[:, 1] - sides[:, 0]
    return found


def _chosen(logs: np.ndarray, family: int) -> _Way:
    """The way that shows the smallest changes, by what stays if the sides of two quads change names.

    That is how the log ratios of two quads differ, which no change moves, and the sizes of those of two quads together,
    without their signs. `logs` has axes for quads, sides and processes.
    """
    means, better = _apart(logs.mean(axis=2)), _apart(logs.min(axis=2))
    twos = len(logs) // 2
    if twos < TWOS:
        return _Way(means)
    scatter, other = (
        float(np.mean(np.square(one[: 2 * twos : 2] - one[1 : 2 * twos : 2]))) / 2 for one in (means, better)
    )
    way = _Way(means)
    if other < HALVED * scatter:
        way, scatter = _Way(better, better=True), other
    if twos >= FOLDED:
        pairs = logs[: 2 * twos].reshape(twos, 2, 2, -1).swapaxes(1, 2).reshape(twos, 2, -1)
        both = _apart(pairs.min(axis=2))
        other = _unsigned(both)
        reaches = [_reach(count, LAST, family) ** 2 / count for count in (twos, len(logs))]
        if reaches[0] * other < HALVED * reaches[1] * scatter:
            return _Way(both, better=True, folded=True, quads=way.shifts)
    return way


def _unsigned(shifts: np.ndarray) -> float:
    """The variance of log ratios by their sizes, without their signs, so that a change that all share hardly counts.

    Sizes are half-normal where nothing changed, and vary as the noise does where much did.
    """
    return min(float(np.mean(np.square(shifts))), float(np.var(np.abs(shifts), ddof=1)) / (1 - 2 / math.pi))


def _noise(shifts: np.ndarray, *, twos: bool) -> float:
    """The deviation of log ratios by what stays if base and new change names: sizes, and how two of a draw differ."""
    if len(shifts) < FEWEST:
        return math.inf
    pairs = shifts[: len(shifts) // 2 * 2].reshape(-1, 2)
    scatter = float(np.mean(np.square(pairs[:, 0] - pairs[:, 1]))) / 2 if twos else 0.0
    return max(math.sqrt(max(scatter, _unsigned(shifts))), LEAST / 2)


def unseen(quads: Sequence[Quad], threshold: float, share: float, rules: Rules | None = None) -> tuple[int, int]:
    """In how many cases a change of `share` would not be found by as many quads, of those whose threshold is smaller.

    The answer is the same if both sides change names, so that measuring until it is 0 favours neither verdict.
    """
    fit = [one for one in shifts(quads, threshold, rules or Rules()) if not one.reason]
    asked = [one for one in fit if one.edge < math.log1p(share)]

    def seen(one: Shifts) -> float:
        return one.edge + _reach(len(one.shifts), LAST, len(fit) + 1) * one.noise / math.sqrt(len(one.shifts))

    return sum(seen(one) > math.log1p(share) for one in asked), len(asked)


def _medians(shown: Value, quads: Sequence[Sequence[Sequence[Value | None]]], edge: float) -> Shifts | None:
    """The log ratios of the medians, where another statistic is judged and every process has one."""
    if shown.statistic in ("", "median") or any(
        one is None or one.median is None for quad in quads for side in quad for one in side
    ):
        return None
    logs = [[[_badness(one, one.median) for one in side if one] for side in quad] for quad in quads]
    return Shifts(shown, [float(np.mean(new) - np.mean(old)) for old, new in logs], edge)


def _middles(every: Sequence[Sequence[Sequence[Value | None]]]) -> tuple[float | None, float | None]:
    base, new = ([one.value for quad in every for one in quad[side] if one and one.value] for side in (0, 1))
    return (float(np.median(base)) if base else None, float(np.median(new)) if new else None)


def _unfit(sides: Sequence[Sequence[Value]]) -> tuple[Verdict, str]:
    """What a case that was not measured enough on both sides is called, and why."""
    bad = [next((one for one in side if not one.value), None) for side in sides]
    if bad[1] is not None and bad[1].unfit in FAILED and not (bad[0] is not None and bad[0].unfit in FAILED):
        return "failed", f"{bad[1].unfit} in new: {bad[1].why}".removesuffix(": ")
    timed = [any(one.value for one in side) for side in sides]
    told = [
        f"not in {name}" if not side else f"{one.unfit} in {name}: {one.why}".removesuffix(": ") if one else ""
        for name, side, one in zip(("base", "new"), sides, bad, strict=True)
    ]
    why = next(filter(None, told), f"fewer than {FEWEST} quads measured both sides")
    if timed[0] == timed[1]:
        return "not measured", why
    return ("new", told[0]) if timed[1] else ("gone", told[1])


def _whole(fit: Sequence[Shifts], edge: float) -> Shifts | None:
    """The geometric mean of the times that every quad measured: its quads carry what cases share."""
    most = max((len(one.quads) for one in fit), default=0)
    times = [one for one in fit if kind_of(one.shown.unit) == "time" and len(one.quads) == most]
    if len(times) < 2:
        return None
    folded = any(one.folded for one in times)  # then the others are brought to pairs of quads as well
    rows = [one.quads if not folded else one.shifts if one.folded else _in_pairs(one.quads) for one in times]
    return Shifts(Value(bench=WHOLE), [float(x) for x in np.mean(rows, axis=0)], edge, folded=folded)


def _in_pairs(quads: Sequence[float]) -> list[float]:
    """The means of two quads that follow each other."""
    return [(one + other) / 2 for one, other in zip(quads[::2], quads[1::2], strict=False)]


# --- verdicts ---------------------------------------------------------------------------------------------------------


def _comparison(one: Shifts, p: float | None, look: Look, family: int, processes: int) -> Comparison:
    shown = one.shown
    told = Comparison(
        bench=shown.bench, variant=shown.variant, device=shown.device, params=shown.params, verdict=one.unfit,
        reason=one.reason, base=one.values[0], new=one.values[1], unit=shown.unit, higher=shown.higher, sure=shown.sure,
    )  # fmt: skip
    if p is None:
        return told
    dof = len(one.shifts) - 1
    reach = t_quantile(1 - look.outside / 2, dof) * one.error
    low, high = one.mean - reach, one.mean + reach
    verdict = _verdict(one, p, low, high, look)
    reasons = [f"{one.disturbed} of {processes} processes disturbed"] * bool(one.disturbed)
    if verdict == "no change":
        reasons.insert(0, f"no change above {text.share(doubts.bound(low, high))}")
    elif verdict == "ambiguous":
        what = "pairs of quads" if one.folded else "quads"
        reasons.insert(0, f"{what} differ by {text.share(one.deviation)}")
        if low > one.edge or high < -one.edge:
            reasons.insert(0, f"interval clear, but not at the {text.share(FAMILY)} level for all cases")
        elif low > 0 or high < 0:
            reasons.insert(0, f"interval excludes 1, but not changes below {text.share(math.expm1(one.edge))}")
    sees = one.edge + _reach(len(one.shifts), look, family) * one.error
    top = math.exp(min(high, 700.0))
    return msgspec.structs.replace(
        told, verdict=verdict, statistic=shown.statistic, better=one.better, ratio=math.exp(one.mean),
        low=math.exp(max(low, -700.0)), high=top if top < UNBOUNDED else None, p=p, reason="; ".join(reasons),
        sees=math.expm1(sees) if sees < WORTHLESS else None,
        change=words(shown.unit, shown.higher)[verdict == "faster"] if verdict in ("slower", "faster") else "",
    )  # fmt: skip


def _beside(told: Comparison, medians: Shifts, look: Look) -> Comparison:
    """A comparison that does not hide that its medians changed, and what is judged did not as clearly."""
    way: Verdict = "slower" if medians.mean > 0 else "faster"
    if told.verdict == way:
        return told
    reach = t_quantile(1 - look.outside / 2, len(medians.shifts) - 1) * medians.error
    middle, low, high = (math.exp(medians.mean + sign * reach) for sign in (0, -1, 1))
    said = f"its median is {text.ratio(Estimate(middle, low, high))}; --statistic median judges that"
    return msgspec.structs.replace(told, reason="; ".join(filter(None, (said, told.reason))))


def _verdict(one: Shifts, p: float, low: float, high: float, look: Look) -> Verdict:
    if p <= look.family:
        return "slower" if one.mean > 0 else "faster"
    if -one.edge <= low and high <= one.edge:
        return "same"
    narrow = doubts.bound(low, high) <= NARROW
    return "no change" if narrow and low <= text.SAME and high >= -text.SAME else "ambiguous"
