"""Whether each case of one run is faster or slower than in another: same, faster, slower, ambiguous, not measured.

The verdict rests on the interval of the ratio of medians, resampled from both runs, against a threshold below which
a difference does not matter: `slower` needs the whole interval beyond it, `same` needs it all within.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from ..model import Machine, Record, Run, Scalar, key
from ..stats import Estimate, unpaired_ratio

Verdict = Literal["same", "faster", "slower", "ambiguous", "not measured"]
VERDICTS: tuple[Verdict, ...] = ("slower", "faster", "ambiguous", "same", "not measured")
THRESHOLD = 0.05


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One case in two runs. `ratio` is seconds of the new over seconds of the base: above 1 is slower."""

    bench: str
    variant: str
    device: str
    params: dict[str, Scalar]
    verdict: Verdict
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    reason: str = ""


def compare(base: Run, new: Run, threshold: float = THRESHOLD) -> list[Comparison]:
    """A comparison for every case of either run, in the base's order."""
    olds = {key(record): record for record in base.records}
    news = {key(record): record for record in new.records}
    return [_case(olds.get(place), news.get(place), threshold) for place in dict.fromkeys([*olds, *news])]


def _case(old: Record | None, new: Record | None, threshold: float) -> Comparison:
    shown = new or old
    if shown is None:
        raise ValueError("a comparison needs a record")
    ratio: Estimate | None = None
    verdict: Verdict = "not measured"
    reason = _unfit(old, "base") or _unfit(new, "new")
    if old is not None and new is not None and not reason:
        if old.version != new.version:
            reason = f"version {old.version} in base, {new.version} in new: they time different things"
        elif old.counts != new.counts:
            # A label such as L3 is resolved on the machine, so that it may stand for another size in another run.
            reason = f"a call does other work: {_work(old)} in base, {_work(new)} in new; give the size in bytes"
        else:
            ratio = unpaired_ratio(new.samples, old.samples)
            verdict = judge(ratio, threshold)
            reason = "; ".join(
                f"{name}: {r.reason}" for name, r in (("base", old), ("new", new)) if r.status == "suspect"
            )
            if reason and verdict in ("faster", "slower"):
                verdict = "ambiguous"  # a disturbed figure accuses nobody
    return Comparison(
        bench=shown.bench, variant=shown.variant, device=shown.device, params=shown.params, verdict=verdict,
        ratio=ratio.value if ratio else None,
        low=ratio.low if ratio else None,
        high=ratio.high if ratio and math.isfinite(ratio.high) else None,
        reason=reason,
    )  # fmt: skip


def _unfit(record: Record | None, name: str) -> str:
    """Why a record gives nothing to compare."""
    if record is None:
        return f"not in {name}"
    return "" if record.timed else f"{record.status} in {name}" + (f": {record.reason}" if record.reason else "")


def _work(record: Record) -> str:
    return ", ".join(f"{amount:.6g} {name}" for name, amount in record.counts.items()) or "nothing counted"


def judge(ratio: Estimate, threshold: float) -> Verdict:
    """The verdict on a ratio of seconds, new over base."""
    if ratio.low > 1 + threshold:
        return "slower"
    if ratio.high < 1 / (1 + threshold):
        return "faster"
    if ratio.low >= 1 / (1 + threshold) and ratio.high <= 1 + threshold:
        return "same"
    return "ambiguous"


def unlike(base: Machine, new: Machine) -> list[str]:
    """In what two machines differ that times depend on: what a reader of the verdicts must know."""
    pairs: Sequence[tuple[str, Any, Any]] = (
        ("CPU", base.cpu.model, new.cpu.model),
        ("CPUs allowed", len(base.cpu.allowed), len(new.cpu.allowed)),
        ("CPU quota", base.cpu.quota, new.cpu.quota),
        ("caches", [c.bytes for c in base.cpu.caches], [c.bytes for c in new.cpu.caches]),
        ("huge pages", base.memory.huge_pages, new.memory.huge_pages),
    )
    return [f"{name}: {old} in base, {now} in new" for name, old, now in pairs if old != now]
