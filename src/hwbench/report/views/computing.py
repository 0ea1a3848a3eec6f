"""Computing: the clock, the matrix product, branches, integer operations, single instructions, a minute of load."""

from __future__ import annotations

from ..dataset import Runs
from ..sections import Section
from . import branch, clock, instructions, integers, matmul, sustained

FIGURES = (clock.figure, matmul.figure, branch.figure, integers.figure, instructions.figure, sustained.figure)


def view(runs: Runs) -> Section | None:
    """The figures, as far as they were measured; None without any."""
    figures = [figure for made in FIGURES if (figure := made(runs)) is not None]
    if not figures:
        return None
    intro = [
        "The rate of a core is operations per cycle times the clock, as long as it knows which instructions come "
        "next. This section shows the clock while the vector units work, what a good library reaches, and what a "
        "mispredicted branch costs.",
    ]
    if {figure.title for figure in figures} & {"Integer peak", "Instruction table", "Sustained load"}:
        intro.append("Beside these: integer operations, single instructions in cycles, or a minute of full load.")
    return Section("computing", "Computing", "Clock, matrix product, branches", intro, figures, topic="compute")
