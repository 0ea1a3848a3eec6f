"""What the records of a comparison with a native tool say: both rates, and their paired ratio."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..record.estimate import Estimate, estimate, paired_ratio
from ..record.model import Record

PREFIX = "verify."  # of the names of benches in such a run
PRESET = "verify"  # of its policy
OURS, NATIVE = "ours", "native"  # the variants


@dataclass(frozen=True)
class Verdict:
    """One comparison as it is shown: rates in SI units, `ratio` ours over theirs, above 1 where ours is faster.

    All three are None where nothing was measured, which `status` and `reason` explain.
    """

    name: str
    tool: str
    command: str
    count: str
    ours: Estimate | None
    theirs: Estimate | None
    ratio: Estimate | None
    status: str
    reason: str


def verdicts(records: Iterable[Record]) -> list[Verdict]:
    """The comparisons among the records, in the order in which they were measured."""
    pairs: dict[tuple[Any, ...], dict[str, Record]] = {}
    for record in records:
        if record.bench.startswith(PREFIX) and record.variant in (OURS, NATIVE):
            pairs.setdefault((record.bench, *record.params.items()), {})[record.variant] = record
    return [_verdict(sides[OURS], sides[NATIVE]) for sides in pairs.values() if len(sides) == 2]


def _verdict(ours: Record, native: Record) -> Verdict:
    params = dict(ours.params)
    tool, variant = str(params.pop("tool", "")), str(params.pop("case", ""))
    name = f"{ours.bench.removeprefix(PREFIX)}/{variant} {' '.join(str(value) for value in params.values())}"
    paired = ours.timed and native.timed and len(ours.samples) == len(native.samples)
    count = next((one for one in ("hops", "bytes", "flops") if ours.counts.get(one)), "") if paired else ""
    if not count:
        return Verdict(name, tool, "", "", None, None, None, ours.status, ours.reason)
    amount = ours.counts[count]
    return Verdict(
        name,
        tool,
        str(ours.facts.get("command", "")),
        count,
        estimate(ours.samples).inverse(amount),
        estimate(native.samples).inverse(amount),
        paired_ratio(native.samples, ours.samples),
        ours.status,
        ours.reason,
    )
