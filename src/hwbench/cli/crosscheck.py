"""The comparisons with native tools as lines of text: each when it ends, then a summary."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..analysis.crosscheck import ToolComparison, tool_comparisons
from ..crosscheck.comparisons import Cell
from ..record import text
from ..record.model import Record

if TYPE_CHECKING:
    from rich.console import Console

UNITS = {"bytes": (1e-9, "GB/s"), "flops": (1e-9, "GFLOP/s"), "hops": (1e-6, "M hops/s"), "calls": (1e-3, "k calls/s")}


class Lines:
    """Prints a line for each comparison; a reason that many share is told once."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.told_reasons: set[str] = set()
        self.headed = False

    def told(self, _cell: Cell, records: Sequence[Record]) -> None:
        """A comparison ended."""
        (one,) = tool_comparisons(records)
        if one.ratio is None:
            if one.reason not in self.told_reasons:
                self.told_reasons.add(one.reason)
                self._print(f"{one.status}: {one.tool}: {one.reason}")
            return
        if not self.headed:
            self.headed = True
            self._print(f"{'':44}{'native':>9}{'ours':>9}            ours / native")
        self._print(line(one))

    def _print(self, line: str) -> None:
        self.console.print(text.printable(line), markup=False, highlight=False, soft_wrap=True)


def line(one: ToolComparison) -> str:
    """`stream.load/simd L1 f8 1 4K    201   203 GB/s   1.01× (1.00–1.02)  likwid-bench -t …`."""
    if one.ratio is None or one.ours is None or one.theirs is None:
        return f"{one.name:44}{one.status}: {one.reason}"
    scale, unit = UNITS[one.count]
    doubt = f"  [suspect: {one.reason}]" if one.reason else ""
    return (
        f"{one.name:44}{text.amount(one.theirs.value * scale):>9}{text.amount(one.ours.value * scale):>9} {unit:9}  "
        f"{text.times(one.ratio)}  {one.command}{doubt}"
    )


def summary(found: Sequence[ToolComparison], least: float) -> list[str]:
    """For each tool how many comparisons there were, their median and their least; then those below `least`."""
    lines = []
    for tool in dict.fromkeys(one.tool for one in found):
        ratios = [one.ratio.value for one in found if one.tool == tool and one.ratio is not None and not one.floor]
        if ratios:
            lines.append(
                f"{tool}: {len(ratios)} comparisons, median {text.times(statistics.median(ratios))}, "
                f"from {text.times(min(ratios))} to {text.times(max(ratios))}"
            )
    low = [one.name for one in found if one.below(least)]
    if low:
        lines.append(f"below {least:g}: {', '.join(low)}")
    if not any(one.ratio for one in found):
        lines.append("nothing could be compared here; each reason is above, with what to install")
    return lines
