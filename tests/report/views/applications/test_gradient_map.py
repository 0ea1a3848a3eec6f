"""The map of gradients: a cell for every stretch of every network, from one record or from many."""

import json

import pytest

from hwbench.report.views.applications.stability import view as stability_view
from made_up.page import dataset
from made_up.stability_records import block, chain, data_of, networks, run_of


def test_the_map_of_single_records_has_a_cell_for_every_stretch():
    """Cells cover 0 to 100 without gap, grow stronger with the norm, and tell lost ones by how they were lost."""
    section = stability_view(dataset(run_of(networks())))
    figure = block(section, "Gradients by layer")
    assert [panel.title for panel in figure.panels] == ["float16", "float32", "float64"]
    cells = [cell for cell in data_of(figure.panels[0].spec) if cell["row"] == "identity, orthogonal-1.5"]
    assert [cell["a"] for cell in cells] == [0, *(cell["b"] for cell in cells)][:-1]
    assert cells[-1]["b"] == 100
    assert {cell["kind"] for cell in cells if cell["a"] >= 24} == {"infinite"}
    kept = [cell for cell in cells if 4 <= cell["b"] <= 24]
    assert {cell["kind"] for cell in kept} == {"larger"}
    assert [cell["fade"] for cell in kept] == [0.3 if cell["b"] <= 17 else 0.7 for cell in kept]  # 1.5¹⁷ ≈ 10³
    zero = [cell for cell in data_of(figure.panels[0].spec) if cell["row"] == "relu, he" and cell["b"] > 12]
    assert {cell["kind"] for cell in zero} == {"zero"}
    assert {row[0] for row in figure.table.rows} == {"float16", "float32", "float64"}


def grid():
    """Two networks in three types: one stretches by 10 a layer, of the other everything is lost on the way up."""
    column = {"log10_norms": [[1, 10, None], [None] * 3], "overflow": [11, None], "safe_depth": [10, 20]}
    whole = {"log10_norms": [[1, 10, 100], [-0.2, -2.1, -20.5]], "overflow": [None, None], "safe_depth": [100, 100]}
    return {
        "networks": [["identity", "he"], ["relu", "he"]], "depths": [1, 10, 100],
        "lacking": {"bf16": "bf16 needs the package ml_dtypes"}, "f2": column, "f4": whole, "f8": whole,
    }  # fmt: skip


def test_the_map_has_a_panel_for_every_type():
    """All networks in each type, whatever was timed; a type that cannot be had is no empty map but a sentence."""
    section = stability_view(
        dataset(run_of([*networks(), chain(1.5, "f4", "orthogonal-1.5", remedy="clipped", map=grid())]))
    )
    figure = block(section, "Gradients by layer")
    assert [panel.title for panel in figure.panels] == ["float16", "float32", "float64"]
    assert figure.text.endswith("bfloat16 was not computed: bf16 needs the package ml_dtypes.")
    for panel in figure.panels:
        assert {cell["row"] for cell in data_of(panel.spec)} == {"identity, he", "relu, he"}
    half = {(cell["row"], cell["b"]): cell["kind"] for cell in data_of(figure.panels[0].spec)}
    assert [half["identity, he", depth] for depth in (1, 10, 100)] == ["larger", "larger", "infinite"]
    assert {half["relu, he", depth] for depth in (1, 10, 100)} == {"zero"}
    rows = {(row[0], row[1]): row[2:] for row in figure.table.rows}
    assert rows["float16", "relu, he"] == (*["–"] * 5, "20")
    assert rows["float64", "relu, he"] == ("0.631", "7.94 × 10⁻³", "–", "–", "3.16 × 10⁻²¹", "≥ 100")


@pytest.mark.parametrize("part", ["networks", "depths", "lacking", "f2"])
@pytest.mark.parametrize("junk", [None, "x", [], {}, [[1]], [None], 1e308, True, {"log10_norms": [1], "overflow": 2}])
def test_a_strange_map_breaks_nothing(part, junk):
    """The networks that were timed are drawn in its place."""
    record = chain(1.5, "f4", "orthogonal-1.5", map=grid() | {part: junk})
    for panel in block(stability_view(dataset(run_of([*networks(), record]))), "Gradients by layer").panels:
        json.dumps(panel.spec, allow_nan=False)
