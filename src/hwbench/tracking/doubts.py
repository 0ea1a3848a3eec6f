"""Why a comparison gives no clear verdict, and what would settle it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..record import text
from ..record.estimate import bimodal
from ..record.phrases import counted
from .sides import Entry

FEWEST = 3  # rounds that give an interval


@dataclass(frozen=True)
class Doubt:
    """What is known of an ambiguous case: relative errors within its runs and from run to run.

    `alone` is whether it would be clear were it the only one of the `cases` compared.
    """

    within: float
    between: float
    alone: bool
    cases: int


def reason(old: Entry, new: Entry, doubt: Doubt) -> str:
    """`one round on a side: …`: the cause that weighs most, and what would settle it."""
    if doubt.alone:
        return (
            f"clear alone, but not among {counted(doubt.cases, 'case')}; compare it alone, or give each side more runs"
        )
    for name, entry in (("base", old), ("new", new)):
        modes = next((found for one in entry.measurements if (found := bimodal(one.samples))), None)
        if modes:
            return (
                f"bimodal in {name}, {text.share(modes[1] / modes[0] - 1)} apart; find what switches between the modes"
            )
    if not math.isfinite(doubt.within):
        return f"one round on a side; measure {FEWEST} at least"
    if doubt.within > doubt.between:
        return f"rounds scatter, medians are known within {text.share(doubt.within)}; measure more rounds"
    return f"medians differ from run to run by {text.share(doubt.between)}; give each side more runs"


def bound(low: float, high: float) -> float:
    """The largest relative change that an interval of log ratios leaves open."""
    return math.expm1(min(max(abs(low), abs(high)), 700.0))


def held(values: Sequence[float], level: float, reach: float) -> int:
    """For how many values, counted from the last, a series stood within a relative reach of a level."""
    count = 0
    for value in reversed(values):
        if abs(value - level) > reach * abs(level):
            break
        count += 1
    return count
