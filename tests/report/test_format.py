"""How the page writes numbers, cases and comparisons."""

from __future__ import annotations

from hwbench.record.estimate import Estimate
from hwbench.report import format


def test_an_interval_that_holds_one_is_no_difference() -> None:
    """A ratio whose interval holds 1 is called the same, however far its median lies."""
    assert format.compared(Estimate(1.3, 0.9, 2.0)) == "same"
    assert format.compared(Estimate(1.3, 1.2, 1.4)) == "1.30× slower"
    assert format.compared(Estimate(0.1, 0.09, 0.11)) == "10.0× faster"
