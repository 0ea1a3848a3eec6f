"""Whether each case is faster or slower than it was: same, faster, slower, ambiguous, not measured.

The ratio of two medians has an interval made of what each run knows of its own median and of what runs differ by though
nothing changed (`noise`). `slower` needs the whole interval beyond the threshold, at a level that is corrected for the
number of cases (Benjamini and Hochberg, 5%); `same` needs the plain 95% interval within it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from ..model import Run, Scalar
from ..stats import Estimate, adjusted, t_quantile, t_tail
from . import drift, noise
from .side import Entry, Key, Side, of_runs, unlike

__all__ = ["THRESHOLD", "VERDICTS", "Comparison", "Verdict", "compare", "judge", "sides", "unlike"]

Verdict = Literal["same", "faster", "slower", "ambiguous", "not measured"]
VERDICTS: tuple[Verdict, ...] = ("slower", "faster", "ambiguous", "same", "not measured")
THRESHOLD = 0.02
UNBOUNDED = 1e3  # an upper end beyond this is none
LEVEL = 0.025  # each way; slower and faster together are wrong in 5%


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One case on two sides. `ratio` is seconds of the new over seconds of the base: above 1 is slower.

    `low` and `high` bound it at 95%; `p` is the adjusted probability of so much if the threshold were not crossed.
    `machine` is the ratio of the machines' own limits where those were measured, and `normalised` what is left of the
    ratio when it is taken out.
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
class Report:
    """The comparisons of two sides, the run-to-run noise they were judged by, and what their machines' limits did."""

    cases: Sequence[Comparison]
    noise: noise.Noise
    remarks: Sequence[str]


@dataclass(frozen=True)
class _Pair:
    """A case of both sides, with the logarithm of the ratio, its standard error and degrees of freedom."""

    old: Entry
    new: Entry
    shift: float
    error: float
    dof: float
    machine: float | None


def compare(base: Run, new: Run, threshold: float = THRESHOLD) -> list[Comparison]:
    """A comparison for every case of either run, in the base's order."""
    return list(sides(of_runs([base]), of_runs([new]), threshold).cases)


def sides(base: Side, new: Side, threshold: float = THRESHOLD, *, across: bool = False) -> Report:
    """A comparison for every case of either side, in the base's order.

    `across` machines, ratios are of seconds for the same work, and the verdict is on what is left of a ratio when the
    machines' own limits are taken out of it.
    """
    olds = {entry.key: entry for entry in base.entries}
    news = {entry.key: entry for entry in new.entries}
    places = list(dict.fromkeys([*olds, *news]))
    reasons = {place: _unfit(olds.get(place), news.get(place), across) for place in places}
    fit = [(olds[place], news[place]) for place in places if not reasons[place]]
    shared = noise.common(fit)
    controls = drift.Controls(fit, per_work=across)
    pairs: dict[Key, _Pair] = {}
    for old, now in fit:
        variance, dof = noise.moderated((old, now), shared)
        runs = 1 / len(old.blocks) + 1 / len(now.blocks)
        error = math.sqrt(noise.relative(old) ** 2 + noise.relative(now) ** 2 + variance * runs)
        shift = drift.shift(old, now, per_work=across)
        pairs[old.key] = _Pair(old, now, shift, error, dof, controls.own_limit(old))
    edge = math.log1p(threshold)
    judged = {place: pair.shift - (pair.machine or 0.0) * across for place, pair in pairs.items()}
    slower = dict(zip(pairs, adjusted([_p(judged[x], edge, pairs[x]) for x in pairs]), strict=True))
    faster = dict(zip(pairs, adjusted([_p(-judged[x], edge, pairs[x]) for x in pairs]), strict=True))
    cases = []
    for place in places:
        shown = news.get(place) or olds[place]
        pair = pairs.get(place)
        if pair is None:
            cases.append(_blank(shown, reasons[place]))
            continue
        cases.append(_judged(shown, pair, judged[place], edge, slower[place], faster[place], across))
    return Report(cases, shared, controls.told() if not across else ())


def _p(shift: float, edge: float, pair: _Pair) -> float:
    """How likely so great a shift is where the truth is just at the threshold."""
    if not math.isfinite(pair.error):
        return 1.0
    return t_tail((shift - edge) / pair.error, pair.dof)


def _judged(
    shown: Entry, pair: _Pair, judged: float, edge: float, slower: float, faster: float, across: bool
) -> Comparison:
    reach = t_quantile(1 - LEVEL, pair.dof) * pair.error
    bounds = Estimate(*(_exp(x) for x in (judged, judged - reach, judged + reach)))
    verdict: Verdict = "ambiguous"
    if slower <= LEVEL:
        verdict = "slower"
    elif faster <= LEVEL:
        verdict = "faster"
    elif judge(bounds, math.expm1(edge)) == "same":
        verdict = "same"
    reason = "; ".join(
        f"{name}: {block.suspect}"
        for name, entry in (("base", pair.old), ("new", pair.new))
        for block in entry.blocks[:1]
        if block.suspect
    )
    accused = verdict in ("faster", "slower")
    if reason and accused:
        verdict = "ambiguous"  # a disturbed figure accuses nobody
    elif accused and not across and pair.machine and _machines(pair, edge):
        verdict, reason = "ambiguous", f"the machine's own limits moved alike (×{_exp(pair.machine):.3f})"
    raw = Estimate(*(_exp(x) for x in (pair.shift, pair.shift - reach, pair.shift + reach)))
    machine = pair.machine
    return Comparison(
        bench=shown.bench, variant=shown.variant, device=shown.device, params=shown.params, verdict=verdict,
        ratio=raw.value, low=raw.low, high=raw.high if raw.high < UNBOUNDED else None,
        p=min(slower, faster),
        machine=None if machine is None else _exp(machine),
        normalised=None if machine is None else _exp(pair.shift - machine),
        reason=reason or ("its machine's limits are not known: raw" if across and machine is None else ""),
    )  # fmt: skip


def _machines(pair: _Pair, edge: float) -> bool:
    """Whether a shift is the machine's: its controls moved the same way, and what they leave over is no change."""
    moved = pair.machine or 0.0
    rest = pair.shift - moved
    return moved * pair.shift > 0 and abs(rest) <= max(edge, drift.SHARE * abs(pair.shift))


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
    if old.unfit or new.unfit:
        return f"{old.unfit.partition(':')[0]} in base{_rest(old.unfit)}" if old.unfit else (
            f"{new.unfit.partition(':')[0]} in new{_rest(new.unfit)}"
        )  # fmt: skip
    if old.version and new.version and old.version != new.version:
        return f"version {old.version} in base, {new.version} in new: they time different things"
    if old.counts and new.counts and not across and not _alike(old.counts, new.counts):
        # A label such as L3 is resolved on the machine, so that it may stand for another size in another run.
        return f"a call does other work: {_work(old)} in base, {_work(new)} in new; give the size in bytes"
    return ""


def _rest(unfit: str) -> str:
    reason = unfit.partition(": ")[2]
    return f": {reason}" if reason else ""


def _alike(old: Mapping[str, float], new: Mapping[str, float]) -> bool:
    """Whether counts are the same; those out of a rate and a median are so to six digits."""
    shared = set(old) & set(new)
    return bool(shared) and all(math.isclose(old[name], new[name], rel_tol=1e-6) for name in shared)


def _work(entry: Entry) -> str:
    return ", ".join(f"{amount:.6g} {name}" for name, amount in entry.counts.items()) or "nothing counted"


def judge(ratio: Estimate, threshold: float) -> Verdict:
    """The verdict on a ratio of seconds, new over base, by its interval alone."""
    if ratio.low > 1 + threshold:
        return "slower"
    if ratio.high < 1 / (1 + threshold):
        return "faster"
    if ratio.low >= 1 / (1 + threshold) and ratio.high <= 1 + threshold:
        return "same"
    return "ambiguous"
