"""Verdicts as a table on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..text import plain
from .verdict import VERDICTS, Comparison

if TYPE_CHECKING:
    from rich.console import Console

COLOURS = {"slower": "red", "faster": "green", "ambiguous": "yellow", "same": "", "not measured": "dim"}


def show(verdicts: Sequence[Comparison], differences: Sequence[str], console: Console) -> None:
    """Print how the machines differ, a row for each case, the slow ones first, and the sum."""
    from rich.table import Table
    from rich.text import Text

    for difference in differences:
        console.print(f"the machines differ: {plain(difference)}", markup=False, highlight=False)
    table = Table("verdict", "case", "time, new / base (95% interval)", "remark")
    for verdict in VERDICTS:
        for one in (one for one in verdicts if one.verdict == verdict):
            values = " ".join(f"{axis}={value}" for axis, value in one.params.items())
            ratio = "" if one.ratio is None else f"{one.ratio:.3f} ({one.low:.3f}–{one.high or float('inf'):.3f})"
            cells = (f"{one.bench}/{one.variant} {values}", ratio, one.reason)
            table.add_row(Text(verdict, style=COLOURS[verdict]), *(Text(plain(cell)) for cell in cells))
    console.print(table)
    counts = {verdict: sum(one.verdict == verdict for one in verdicts) for verdict in VERDICTS}
    console.print(
        ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "no cases", highlight=False
    )
