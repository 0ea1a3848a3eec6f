"""Computing: one section of what was measured of clock, product and branches."""

from __future__ import annotations

from hwbench.report.views.computing import view
from made_up.page import dataset, figures, record, run_of
from made_up.sample import sample_run


def test_the_three_figures_stand_in_one_section() -> None:
    """In the order of the introduction: the clock, the matrix product, the branches."""
    section = view(dataset(sample_run(every_status=False)))
    assert [shown.title for shown in figures(section)] == ["Clock under load", "Matrix product", "Branches"]
    assert section is not None and section.id == "computing"


def test_one_alone_makes_a_section_and_none_makes_none() -> None:
    """What was not measured is left out."""
    clock = record("clock.frequency", "256", 1e-5, {"cycles": 3e4}, params={"threads": 1})
    assert [shown.title for shown in figures(view(dataset(run_of(clock))))] == ["Clock under load"]
    assert view(dataset(run_of())) is None
