"""hwbench against native tools (`hwbench verify`): both rates of each comparison and their paired ratio."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..record.estimate import Estimate, estimate, paired_ratio
from ..record.model import Record, Scalar

PREFIX = "verify."  # of bench names in such a run
PRESET = "verify"  # of its policy
OURS, NATIVE = "ours", "native"  # the variants


@dataclass(frozen=True)
class ToolComparison:
    """One comparison: rates in SI units; `ratio` is our rate over the tool's, above 1 where hwbench is faster.

    All three are None where nothing was measured; `status` and `reason` say why. `floor`: the tool does less than ours,
    so that a ratio below 1 is what its time leaves over.
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
    floor: bool = False

    def below(self, least: float) -> bool:
        """Whether ours does the same work at less than this ratio."""
        return self.ratio is not None and not self.floor and self.ratio.value < least


def tool_comparisons(records: Iterable[Record]) -> list[ToolComparison]:
    """The comparisons among the records, in the order measured."""
    pairs: dict[tuple[str | tuple[str, Scalar], ...], dict[str, Record]] = {}
    for record in records:
        if record.bench.startswith(PREFIX) and record.variant in (OURS, NATIVE):
            pairs.setdefault((record.bench, *record.params.items()), {})[record.variant] = record
    return [_comparison(sides[OURS], sides[NATIVE]) for sides in pairs.values() if len(sides) == 2]


def _comparison(ours: Record, native: Record) -> ToolComparison:
    params = dict(ours.params)
    tool, variant = str(params.pop("tool", "")), str(params.pop("case", ""))
    name = f"{ours.bench.removeprefix(PREFIX)}/{variant} {' '.join(str(value) for value in params.values())}"
    paired = ours.timed and native.timed and len(ours.samples) == len(native.samples)
    count = next((one for one in ("hops", "bytes", "flops", "calls") if ours.counts.get(one)), "") if paired else ""
    if not count:
        return ToolComparison(name, tool, "", "", None, None, None, ours.status, ours.why)
    amount = ours.counts[count]
    return ToolComparison(
        name,
        tool,
        str(ours.facts.get("command", "")),
        count,
        estimate(ours.samples).inverse(amount),
        estimate(native.samples).inverse(amount),
        paired_ratio(native.samples, ours.samples),
        ours.status,
        ours.why,
        bool(ours.facts.get("floor")),
    )
