"""Reductions: times and errors side by side."""

from __future__ import annotations

import pytest

from hwbench.record.model import Run
from hwbench.report.views.reduction import view as reduction
from made_up.page import column, dataset, labels, only_figure
from made_up.sample import sample_run


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run(every_status=False)


def test_time_and_error_stand_side_by_side(run: Run) -> None:
    """Each panel of times is followed by one of errors; a result that is exact says so in place of a bar."""
    shown = only_figure(reduction(dataset(run)))
    assert [panel.title.rpartition(": ")[2] for panel in shown.panels] == ["time", "error"] * 2
    assert labels(shown, "absent", 1) == ["exact"]
    assert labels(shown, "marks", 3) == ["2.00 × 10⁻⁹", "2.00 × 10⁻⁵", "6.00 × 10⁻⁸"]
    assert column(shown, "relative error")[:2] == ["8.00 × 10⁻¹⁵", "8.00 × 10⁻¹⁵"]
