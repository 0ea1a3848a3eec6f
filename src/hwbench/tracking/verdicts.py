"""A verdict for each case of two sides: slower, failed, faster, ambiguous, no change, same, new, gone, not measured.

The interval of a ratio of medians combines the uncertainty of each median within its run and the run-to-run noise
(`variance`). `slower` needs the whole interval beyond the threshold, corrected for the number of cases (Benjamini and
Hochberg, 5%); `same` needs the uncorrected 95% interval within it; `no change` one that holds 1 and is narrow. Values
of which one is zero or negative have no ratio and are judged by their difference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..record import text
from ..record.estimate import Estimate
from ..record.model import BenchInfo, Run
from ..record.phrases import listed
from . import differences, doubts, variance
from .comparison import Comparison, ComparisonReport, Verdict, blank, of_values
from .controls import CONTROLS, MATTERS, SHARE, Controls, Moved, shared_count, shift
from .directions import Kind, kind_of
from .fitness import unfit
from .machines import HOSTED
from .readers import runs
from .rules import Rules
from .sides import Entry, Key, Side
from .stats import adjusted, t_quantile, t_tail

THRESHOLD = 0.02
NARROW = 0.1  # relative; an interval of single runs within it that holds 1 shows no change
REMEDY = "give each side several runs (a.json,b.json; few cases by --preset full), or measure both in turn: hwbench ab"
UNBOUNDED = 1e3  # a larger upper bound counts as none
TOGETHER = 0.1  # at most, the shift of all cases of a run by a clock, a neighbour or another hypervisor
EVERYTHING = 5  # benches that must move alike for a larger shift to be that of everything,
AT_ONCE = 0.05  # in log, by this much at least,
NEARLY_ALL = 0.8  # so many of their cases, each by a third of it at least
LEVEL = 0.025  # each way: 5% for slower and faster together
POWER = 0.8  # of finding what a verdict could have seen


@dataclass(frozen=True)
class _Pair:
    """A case of both sides: log ratio (`shift`), its standard error, and the shift of its machine's limit.

    `judged` is the shift that the verdict is on, `doubt` its standard error, with `dofs` degrees of freedom for slower
    and for faster; `together` is the shift common to all cases that no control explains, which is no change of this
    case. `edge` is the log of its threshold; `within` and `between` are its relative errors in a run and from run to
    run.
    """

    old: Entry
    new: Entry
    shift: float
    error: float
    judged: float
    doubt: float
    dofs: tuple[float, float]
    machine: float | None
    together: float
    edge: float
    within: float
    between: float


def compare(base: Run, new: Run, threshold: float = THRESHOLD) -> list[Comparison]:
    """A comparison for every case of either run, in the base's order."""
    return list(compare_sides(runs.side([base]), runs.side([new]), threshold).cases)


def compare_sides(
    base: Side, new: Side, threshold: float = THRESHOLD, *, across: bool = False,
    benches: Mapping[str, BenchInfo] | None = None, rules: Rules | None = None,
) -> ComparisonReport:  # fmt: skip
    """A comparison for every case of either side, in the base's order.

    `across` machines, ratios are per unit of work where counts are known, and the verdict is on the ratio divided by
    that of the machines' own limits. `benches` are the declarations of benches that the sides do not describe, `rules`
    what a project says of its own.
    """
    rules = rules or Rules()
    olds, news = ({entry.key: entry for entry in rules.applied(side).entries} for side in (base, new))
    places = list(dict.fromkeys([*olds, *news]))
    reasons = {place: unfit(olds.get(place), news.get(place), across) for place in places}
    both = [(olds[place], news[place]) for place in places if reasons[place] is None]
    edges = {old.key: math.log1p(rules.threshold_of(old, threshold)) for old, _ in both}
    fit = [pair for pair in both if not differences.needed(*pair)]
    noises = variance.by_kind(fit, across=across, assumed=_assumed(base, new))
    errors = {pair[0].key: variance.error(pair, noises[kind_of(pair[0].unit)]) for pair in fit}
    controls = Controls(
        fit,
        per_work=across,
        benches={**(benches or {}), **base.benches, **new.benches},
        errors={place: error for place, (error, _) in errors.items()},
    )
    together = 0.0 if controls.known or across else _together(fit, noises)
    pairs = _paired(fit, errors, edges, controls, across, together, noises)
    slower, faster = (
        dict(zip(pairs, adjusted([_p(one, sign) for one in pairs.values()]), strict=True)) for sign in (1, -1)
    )
    cases = []
    for place in places:
        if (why := reasons[place]) is not None:
            cases.append(blank(olds.get(place), news.get(place), *why))
        elif (pair := pairs.get(place)) is not None:
            cases.append(_judged(pair, slower[place], faster[place], across, len(pairs)))
        else:
            cases.append(_by_difference(olds[place], news[place], edges[place]))
    remarks = [*controls.sentences(), *_moved(together)] if not across else []
    if pairs and all(_identical(pair) for pair in pairs.values()):
        remarks.append("base and new are the same measurements")
    shared = noises.get("time") or next(iter(noises.values()), variance.common(()))
    return ComparisonReport(cases, shared, remarks, noises)


def _assumed(base: Side, new: Side) -> dict[Kind, float]:
    """The deviation to assume where nothing shows it: results of our own runs are quiet, hosted runners are not."""
    times = variance.BY_KIND["time"] if {base.kind, new.kind} != {"run"} else variance.ASSUMED
    hosted = any(HOSTED.fullmatch(side.machine) for side in (base, new))
    apart = base.kind == "pytest-benchmark" and base.machine != new.machine
    return {**variance.BY_KIND, "time": variance.HOSTED if hosted or apart else times}


def _together(fit: Sequence[tuple[Entry, Entry]], noises: Mapping[Kind, variance.Noise]) -> float:
    """The log shift of all times: of any size where nearly all of many benches moved alike, else a tenth at most."""
    times = [pair for pair in fit if kind_of(pair[0].unit) == "time"]
    noise = noises.get("time")
    if noise is None:
        return 0.0
    shifts = [shift(*pair) for pair in times]
    middle = float(np.median(shifts))
    alike = sum(one * middle > 0 and abs(one) >= SHARE * abs(middle) for one in shifts)
    many = len({old.bench for old, _ in times}) >= EVERYTHING
    clear = abs(middle) >= max(AT_ONCE, 4 * noise.common / math.sqrt(len(shifts)))
    if many and clear and alike >= NEARLY_ALL * len(shifts):
        return middle
    return max(-TOGETHER, min(noise.together, TOGETHER))


def _moved(together: float) -> Iterator[str]:
    """A sentence where all cases moved together and no control explains it."""
    if abs(together) >= MATTERS:
        yield (
            f"everything moved together by {text.ratio(_exp(together))}: that is the machine's, or of something that "
            f"all cases use; to tell which, measure both in turn, or benches of {listed(CONTROLS)} in the same runs"
        )


def _paired(
    fit: Sequence[tuple[Entry, Entry]], errors: Mapping[Key, tuple[float, tuple[float, float]]],
    edges: Mapping[Key, float], controls: Controls, across: bool, together: float,
    noises: Mapping[Kind, variance.Noise],
) -> dict[Key, _Pair]:  # fmt: skip
    """Each case with its shift and errors; `across` machines the shift of its limit is subtracted, with its error."""
    pairs = {}
    for old, now in fit:
        error, dofs = errors[old.key]
        ratio, limit = shift(old, now, per_work=across), controls.own_limit(old)
        out = limit if across and limit else Moved(0.0)
        pairs[old.key] = _Pair(
            old, now, ratio, error, ratio - out.shift, math.hypot(error, out.error), dofs, limit and limit.shift,
            together if kind_of(old.unit) == "time" else 0.0, edges[old.key], variance.unsteady((old, now)),
            math.sqrt(variance.moderated((old, now), noises[kind_of(old.unit)])[0]),
        )  # fmt: skip
    return pairs


def _p(pair: _Pair, sign: int) -> float:
    """The p-value of a shift, were the truth at the threshold; `sign` 1 is slower, -1 faster."""
    if not math.isfinite(pair.doubt):
        return 1.0
    shared = max(0.0, sign * pair.together)
    return t_tail((sign * pair.judged - shared - pair.edge) / pair.doubt, pair.dofs[sign < 0])


def _judged(pair: _Pair, slower: float, faster: float, across: bool, cases: int) -> Comparison:
    edge = pair.edge
    quantile = t_quantile(1 - LEVEL, min(pair.dofs))
    reach = quantile * pair.doubt
    left = doubts.bound(pair.judged - reach, pair.judged + reach)
    verdict: Verdict = "ambiguous"
    if _identical(pair):
        verdict = "same"
    elif slower <= LEVEL:
        verdict = "slower"
    elif faster <= LEVEL:
        verdict = "faster"
    elif abs(pair.judged) + reach <= edge:
        verdict = "same"
    elif abs(pair.judged) - reach <= text.SAME and left <= NARROW:
        verdict = "no change"
    reason = "; ".join(
        f"{name}: {one.suspect}"
        for name, entry in (("base", pair.old), ("new", pair.new))
        for one in entry.measurements[:1]
        if one.suspect
    )
    changed = verdict in ("faster", "slower")
    if reason and changed:
        verdict = "ambiguous"  # a disturbed figure proves no change
    elif changed and not across and pair.machine and _machines(pair, edge):
        verdict, reason = "ambiguous", f"the machine's own limits changed as much ({text.ratio(_exp(pair.machine))})"
    elif verdict == "ambiguous" and not reason and abs(pair.judged) - reach > edge and pair.judged * pair.together > 0:
        reason = f"moved with everything else ({text.ratio(_exp(pair.together))})"
    elif verdict == "ambiguous" and not reason:
        alone = min(_p(pair, 1), _p(pair, -1)) <= LEVEL
        reason = doubts.reason(pair.old, pair.new, doubts.Doubt(pair.within, pair.between, alone, cases))
    elif verdict == "no change":
        reason = "; ".join(filter(None, [f"no change above {text.share(left)}", reason]))
    sees = edge + (quantile + t_quantile(POWER, min(pair.dofs))) * pair.doubt
    apart = 0.0 if _identical(pair) and not across else quantile * pair.error
    raw = Estimate(*(_exp(x) for x in (pair.shift, pair.shift - apart, pair.shift + apart)))
    machine = pair.machine
    return of_values(
        pair.old, pair.new, verdict, raw.value > 1, pair.between,
        ratio=raw.value, low=raw.low, high=raw.high if raw.high < UNBOUNDED else None,
        p=min(slower, faster),
        machine=None if machine is None else _exp(machine),
        normalised=None if machine is None else _exp(pair.shift - machine),
        reason="; ".join(filter(None, [reason, *(_raw(pair) if across else ())])),
        sees=math.expm1(sees) if sees < 7 else None,
    )  # fmt: skip


def _identical(pair: _Pair) -> bool:
    """Whether both sides are one set of measurements."""
    old, new = pair.old.measurements, pair.new.measurements
    return len(old) == len(new) and all(
        (one.median, one.error) == (other.median, other.error) and list(one.samples) == list(other.samples)
        for one, other in zip(old, new, strict=True)
    )


def _by_difference(old: Entry, new: Entry, edge: float) -> Comparison:
    """A verdict on values of which one is zero or negative."""
    found = differences.difference(old, new)
    low, high = (-found.high, -found.low) if new.higher else (found.low, found.high)  # above zero is worse
    limit = math.expm1(edge) * found.scale
    verdict: Verdict = "ambiguous"
    if low > limit or high < -limit:
        verdict = "slower" if low > limit else "faster"
    elif max(-low, high) <= limit:
        verdict = "same"
    elif low <= 0 <= high and max(-low, high) <= NARROW * found.scale:
        verdict = "no change"
    return of_values(
        old, new, verdict, low + high > 0, NARROW / 2, difference=found.value, low=found.low, high=found.high,
        reason="its history scatters as much; measure more commits" if verdict == "ambiguous" else "",
    )  # fmt: skip


def _raw(pair: _Pair) -> Iterator[str]:
    """Why a ratio between machines is not normalised, or not per unit of work."""
    if pair.machine is None:
        yield "not normalised: the limits of the machines were not measured"
    if not pair.new.higher and not shared_count(pair.old, pair.new):
        yield "compared by seconds a call: the work of a call is not known"


def _machines(pair: _Pair, edge: float) -> bool:
    """Whether a shift is the machine's: its controls moved the same way, noticeably, and explain the shift."""
    moved = pair.machine or 0.0
    rest = pair.shift - moved
    matters = moved * pair.shift > 0 and abs(moved) >= min(MATTERS, edge)
    return matters and abs(rest) <= max(edge, SHARE * abs(pair.shift))


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf
