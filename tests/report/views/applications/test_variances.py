"""Variances by layer: measured dots beside their closed form."""

import pytest

from hwbench.report.views.applications.stability import view as stability_view
from made_up.page import dataset
from made_up.stability_records import block, data_of, run_of, variance


def test_variances_stand_beside_their_closed_form():
    """Dots and dashed line of a layer are its measured and expected mean square, and the table holds both ends."""
    section = stability_view(dataset(run_of([variance("xavier-normal"), variance("he", rate=2.0)])))
    figure = block(section, "Variance by layer and initialisation")
    assert [panel.title for panel in figure.panels] == ["outputs", "gradients"]
    dots = [row for row in data_of(figure.panels[0].spec) if row["case"] == "xavier-normal"]
    assert {row["x"] for row in dots} == set(range(21))
    assert all(row["value"] == pytest.approx(1.01 * row["theory"]) for row in dots)
    assert figure.table.rows[1][:2] == ("outputs", "he")
    assert figure.table.rows[1][4:] == ("1.06 × 10⁶", "1.05 × 10⁶")
