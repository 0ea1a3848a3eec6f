"""Computing: the clock under each load, the matrix product on its way to the peak, and what a branch costs."""

from __future__ import annotations

from ..dataset import Runs
from ..sections import Section
from . import branch, clock, matmul


def view(runs: Runs) -> Section | None:
    """The three figures, as far as they were measured; None without any."""
    figures = [figure for figure in (clock.figure(runs), matmul.figure(runs), branch.figure(runs)) if figure]
    if not figures:
        return None
    intro = [
        "What a core computes is operations a cycle times cycles a second, as long as it knows what to do next. Here "
        "is the clock while the vector units work, what a good library makes of units and clock, and what a branch "
        "costs that the core guesses wrong.",
    ]
    return Section("computing", "Computing", "Clock, matrix product, branches", intro, figures)
