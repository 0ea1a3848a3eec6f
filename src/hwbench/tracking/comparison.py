"""What a comparison of two sides consists of: a verdict for each case, with both values and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict, Unpack

import msgspec

from ..record.model import JsonObject, Scalar
from . import doubts, variance
from .directions import Kind, words
from .sides import Entry

Verdict = Literal[
    "slower", "failed", "faster", "ambiguous", "no change", "same", "new", "gone", "not measured"
]  # fmt: skip
VERDICTS: tuple[Verdict, ...] = (
    "slower", "failed", "faster", "ambiguous", "no change", "same", "new", "gone", "not measured"
)  # fmt: skip
COMPARED: tuple[Verdict, ...] = ("slower", "faster", "ambiguous", "no change", "same")
SHOWN = 40  # values of a history that a comparison carries
STANDS = 0.02  # relative; a level whose values stray by less stands


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One case on two sides: `base` and `new` are its values in `unit`.

    `ratio` is seconds of the new over seconds of the base: above 1 is slower, and worse whatever the metric is. `low`
    and `high` bound it at 95%; `p` is the adjusted p-value of a change beyond the threshold. Values without a ratio
    have the `difference`, bounded by `low` and `high` in their unit. `sees` is the smallest relative change that would
    be found in four of five comparisons. `change` is what happened in words (`slower`, `more`), where something did;
    `sure` whether the better direction is known. `machine` is the ratio of the machines' own limits where measured, and
    `normalised` the ratio divided by it. `history` are the values before, oldest first, and `held` for how many of them
    the base's level stood. Of an interleaved measurement `statistic` is the figure of a process's rounds, and `better`
    says whether the better of a side's two processes in a quad counts.
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
    unit: str = "s"
    base: float | None = None
    new: float | None = None
    difference: float | None = None
    sees: float | None = None
    change: str = ""
    sure: bool = True
    higher: bool = False
    history: Sequence[float] = ()
    held: int = 0
    statistic: str = ""
    better: bool = False


class Change(TypedDict, total=False):
    """What is known of a change: fields of a `Comparison`."""

    ratio: float
    difference: float
    low: float | None
    high: float | None
    p: float
    machine: float | None
    normalised: float | None
    sees: float | None
    reason: str


@dataclass(frozen=True)
class ComparisonReport:
    """The comparisons of two sides, the run-to-run noise used, and remarks on what the machines' limits did.

    `noise` is that of the most cases, `noises` has each kind of metric. `whole` is the verdict on the geometric mean,
    `notes` say how it was measured, and `design` the same as plain data: only interleaved measurements have them.
    """

    cases: Sequence[Comparison]
    noise: variance.Noise
    remarks: Sequence[str]
    noises: Mapping[Kind, variance.Noise] = field(default_factory=dict)
    correction: str = "Benjamini–Hochberg, 5%"
    whole: Comparison | None = None
    notes: Sequence[str] = ()
    design: JsonObject = field(default_factory=dict)


def of_values(
    old: Entry, new: Entry, verdict: Verdict, worse: bool, noise: float, **more: Unpack[Change]
) -> Comparison:
    """A comparison of two entries with values; `noise` is the relative scatter of the case from run to run."""
    past = old.trend if len(old.trend) >= len(new.trend) else new.trend[:-1]
    level = old.value or 0.0
    return Comparison(
        bench=new.bench, variant=new.variant, device=new.device, params=new.params, verdict=verdict, unit=new.unit,
        base=old.value, new=new.value, sure=new.sure, higher=new.higher,
        change=words(new.unit, new.higher)[not worse] if verdict in ("slower", "faster") else "",
        history=past[-SHOWN:], held=doubts.held(past, level, max(3 * noise, STANDS)), **more,
    )  # fmt: skip


def blank(old: Entry | None, new: Entry | None, verdict: Verdict, reason: str) -> Comparison:
    """A case that cannot be compared, with what is known of either side."""
    shown = new or old
    if shown is None:
        raise ValueError("a case of neither side")
    return Comparison(
        bench=shown.bench, variant=shown.variant, device=shown.device, params=shown.params, verdict=verdict,
        reason=reason, unit=shown.unit, base=old.value if old else None, new=new.value if new else None,
        sure=shown.sure, higher=shown.higher, history=old.trend[-SHOWN:] if old else (),
    )  # fmt: skip
