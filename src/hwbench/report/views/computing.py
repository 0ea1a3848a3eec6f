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
        "The rate of a core is operations per cycle times the clock, as long as it knows which instructions come "
        "next. This section shows the clock while the vector units work, what a good library reaches, and what a "
        "mispredicted branch costs.",
    ]
    return Section("computing", "Computing", "Clock, matrix product, branches", intro, figures, topic="compute")
