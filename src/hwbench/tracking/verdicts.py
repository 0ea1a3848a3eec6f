"""A verdict for each case of two sides: same, faster, slower, ambiguous, not measured.

The interval of a ratio of medians combines the uncertainty of each median within its run and the run-to-run noise
(`variance`). `slower` needs the whole interval beyond the threshold, corrected for the number of cases (Benjamini and
Hochberg, 5%); `same` needs the uncorrected 95% interval within it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from ..record import text
from ..record.estimate import Estimate
from ..record.model import BenchInfo, Run, Scalar
from ..record.phrases import listed
from . import variance
from .controls import CONTROLS, MATTERS, SHARE, Controls, Moved, shared_count, shift
from .readers import runs
from .sides import Entry, Key, Side
from .stats import adjusted, t_quantile, t_tail

Verdict = Literal["same", "faster", "slower", "ambiguous", "not measured"]
VERDICTS: tuple[Verdict, ...] = ("slower", "faster", "ambiguous", "same", "not measured")
THRESHOLD = 0.02
REMEDY = "give each side several runs (a.json,b.json; few cases by --preset full), or measure both in turn: hwbench ab"
UNBOUNDED = 1e3  # a larger upper bound counts as none
TOGETHER = 0.1  # at most, the shift of all cases of a run by a clock, a neighbour or another hypervisor
LEVEL = 0.025  # each way: 5% for slower and faster together


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One case on two sides. `ratio` is seconds of the new over seconds of the base: above 1 is slower.

    `low` and `high` bound it at 95%; `p` is the adjusted p-value of a change beyond the threshold. `machine` is the
    ratio of the machines' own limits where measured, and `normalised` the ratio divided by it.
    """

    bench: str
    variant: str
    device: str
    params: Mapping[str, Scalar]
    verdict: Verdict
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    machine: float | None = None
    normalised: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class ComparisonReport:
    """The comparisons of two sides, the run-to-run noise used, and remarks on what the machines' limits did."""

    cases: Sequence[Comparison]
    noise: variance.Noise
    remarks: Sequence[str]


@dataclass(frozen=True)
class _Pair:
    """A case of both sides: log ratio (`shift`), its standard error, and the shift of its machine's limit.

    `judged` is the shift that the verdict is on, `doubt` its standard error, with `dofs` degrees of freedom for slower
    and for faster; `together` is the shift common to all cases that no control explains, which is no change of this
    case.
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


def compare(base: Run, new: Run, threshold: float = THRESHOLD) -> list[Comparison]:
    """A comparison for every case of either run, in the base's order."""
    return list(compare_sides(runs.side([base]), runs.side([new]), threshold).cases)


def compare_sides(
    base: Side, new: Side, threshold: float = THRESHOLD, *, across: bool = False,
    benches: Mapping[str, BenchInfo] | None = None,
) -> ComparisonReport:  # fmt: skip
    """A comparison for every case of either side, in the base's order.

    `across` machines, ratios are per unit of work where counts are known, and the verdict is on the ratio divided by
    that of the machines' own limits. `benches` are the declarations of benches that the sides do not describe.
    """
    olds = {entry.key: entry for entry in base.entries}
    news = {entry.key: entry for entry in new.entries}
    places = list(dict.fromkeys([*olds, *news]))
    reasons = {place: _unfit(olds.get(place), news.get(place), across) for place in places}
    fit = [(olds[place], news[place]) for place in places if not reasons[place]]
    shared = variance.common(fit, across=across)
    errors = {pair[0].key: variance.error(pair, shared) for pair in fit}
    controls = Controls(
        fit,
        per_work=across,
        benches={**(benches or {}), **base.benches, **new.benches},
        errors={place: error for place, (error, _) in errors.items()},
    )
    pairs = _paired(fit, errors, shared, controls, across)
    edge = math.log1p(threshold)
    slower, faster = (
        dict(zip(pairs, adjusted([_p(one, edge, sign) for one in pairs.values()]), strict=True)) for sign in (1, -1)
    )
    cases = []
    for place in places:
        shown = news.get(place) or olds[place]
        pair = pairs.get(place)
        if pair is None:
            cases.append(_blank(shown, reasons[place]))
            continue
        cases.append(_judged(shown, pair, edge, slower[place], faster[place], across))
    remarks = [*controls.sentences(), *_together(shared, controls)] if not across else ()
    return ComparisonReport(cases, shared, remarks)


def _together(shared: variance.Noise, controls: Controls) -> Iterator[str]:
    """A sentence where all cases moved together and no control explains it."""
    if abs(shared.together) >= MATTERS and not controls.known:
        yield (
            f"all cases moved together ({text.ratio(_exp(shared.together))}): either the machine changed, or something "
            f"that all cases use; to tell which, measure benches of {listed(CONTROLS)} in the same runs"
        )


def _paired(
    fit: Sequence[tuple[Entry, Entry]], errors: Mapping[Key, tuple[float, tuple[float, float]]],
    shared: variance.Noise, controls: Controls, across: bool,
) -> dict[Key, _Pair]:  # fmt: skip
    """Each case with its shift and errors; `across` machines the shift of its limit is subtracted, with its error."""
    together = 0.0 if controls.known else max(-TOGETHER, min(shared.together, TOGETHER))
    pairs = {}
    for old, now in fit:
        error, dofs = errors[old.key]
        ratio, limit = shift(old, now, per_work=across), controls.own_limit(old)
        out = limit if across and limit else Moved(0.0)
        pairs[old.key] = _Pair(
            old, now, ratio, error, ratio - out.shift, math.hypot(error, out.error), dofs, limit and limit.shift,
            together,
        )  # fmt: skip
    return pairs


def _p(pair: _Pair, edge: float, sign: int) -> float:
    """The p-value of a shift, were the truth at the threshold; `sign` 1 is slower, -1 faster."""
    if not math.isfinite(pair.doubt):
        return 1.0
    shared = max(0.0, sign * pair.together)
    return t_tail((sign * pair.judged - shared - edge) / pair.doubt, pair.dofs[sign < 0])


def _judged(shown: Entry, pair: _Pair, edge: float, slower: float, faster: float, across: bool) -> Comparison:
    quantile = t_quantile(1 - LEVEL, min(pair.dofs))
    reach = quantile * pair.doubt
    verdict: Verdict = "ambiguous"
    if slower <= LEVEL:
        verdict = "slower"
    elif faster <= LEVEL:
        verdict = "faster"
    elif abs(pair.judged) + reach <= edge:
        verdict = "same"
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
        reason = f"all cases moved together ({text.ratio(_exp(pair.together))})"
    reach = quantile * pair.error
    raw = Estimate(*(_exp(x) for x in (pair.shift, pair.shift - reach, pair.shift + reach)))
    machine = pair.machine
    return Comparison(
        bench=shown.bench, variant=shown.variant, device=shown.device, params=shown.params, verdict=verdict,
        ratio=raw.value, low=raw.low, high=raw.high if raw.high < UNBOUNDED else None,
        p=min(slower, faster),
        machine=None if machine is None else _exp(machine),
        normalised=None if machine is None else _exp(pair.shift - machine),
        reason="; ".join(filter(None, [reason, *(_raw(pair) if across else ())])),
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


def _blank(shown: Entry, reason: str) -> Comparison:
    return Comparison(
        bench=shown.bench, variant=shown.variant, device=shown.device, params=shown.params, verdict="not measured",
        reason=reason,
    )  # fmt: skip


def _unfit(old: Entry | None, new: Entry | None, across: bool) -> str:
    """Why two entries of a case cannot be compared; "" where they can."""
    if old is None or new is None:
        return "not in base" if old is None else "not in new"
    for side, entry in (("base", old), ("new", new)):
        if entry.unfit:
            return f"{entry.unfit} in {side}" + (f": {entry.why}" if entry.why else "")
    if old.version and new.version and old.version != new.version:
        return f"version {old.version} in base, {new.version} in new, which time different things"
    if old.counts and new.counts and not across and not _alike(old.counts, new.counts):
        # A label such as L3 is resolved on the machine, so it may stand for another size in another run.
        return f"the work of a call differs: {_work(old)} in base, {_work(new)} in new; give the size in bytes"
    return ""


def _alike(old: Mapping[str, float], new: Mapping[str, float]) -> bool:
    """Whether counts are equal to six digits, the precision of counts from a rate and a median."""
    shared = set(old) & set(new)
    return bool(shared) and all(math.isclose(old[name], new[name], rel_tol=1e-6) for name in shared)


def _work(entry: Entry) -> str:
    """In full: the amounts of two sides may differ in the sixth digit."""
    return ", ".join(f"{_exactly(x)} {name}" for name, x in entry.counts.items()) or "nothing counted"


def _exactly(x: float) -> str:
    return text.count(round(x)) if x >= 1000 or x == round(x) else str(round(x, 6))
