"""Speed against safe depth: a point for each type and remedy, on the CPU and on a GPU."""

import pytest

from hwbench.report.views.applications.stability import view as stability_view
from made_up.page import dataset
from made_up.stability_records import block, chain, data_of, networks, on_gpu, run_of


def test_six_networks_have_a_panel_of_speeds():
    """Those with the most types and remedies; the table has every one."""
    inits = [f"orthogonal-{number}" for number in range(9)]
    records = [
        chain(1.5, dtype, init, remedy=remedy)
        for number, init in enumerate(inits)
        for remedy in ("plain", "clipped")[: 1 + (number > 2)]
        for dtype in ("f2", "f4", "f8")
    ]
    figure = block(stability_view(dataset(run_of(records))), "Speed against safe depth")
    assert [panel.title for panel in figure.panels] == [f"identity, {init}" for init in inits[3:]]
    assert {row[0] for row in figure.table.rows} == {f"identity, {init}" for init in inits}


def test_speed_stands_against_safe_depth():
    """A point lies at its safe depth and its microseconds a layer; of two variants the compiled one is drawn."""
    section = stability_view(dataset(run_of(networks())))
    figure = block(section, "Speed against safe depth")
    points = {point["case"]: point for point in data_of(figure.panels[0].spec) if "case" in point}
    half = points["identity, orthogonal-1.5, float16, plain"]
    assert (half["x"], half["y"]) == (24, pytest.approx(1.0))
    assert points["identity, orthogonal-1.5, float64, plain"]["y"] == pytest.approx(4.0)
    assert points["identity, orthogonal-1.5, float16, normalised"]["label"] == "normalised"
    rows = {(row[1], row[2]): row for row in figure.table.rows}
    assert rows["float16", "plain"][3:6] == ("24", "17", "1.00 µs")
    assert rows["float32", "plain"][3] == "≥ 100"
    assert rows["float16", "plain"][7] == "the gradient overflows, with 25 layers"
    assert rows["float32", "plain"][7] == "none"


def test_two_runs_have_panels_of_their_own_beside_each_other():
    """Names of two runs' points would lie on one another; the panel's title has the run."""
    runs = dataset(run_of(networks()), run_of(networks()))
    figure = block(stability_view(runs), "Speed against safe depth")
    network = "identity, orthogonal-1.5"
    assert [panel.title for panel in figure.panels[:2]] == [network + runs.suffix(index) for index in (0, 1)]
    labels = [point["label"] for panel in figure.panels for point in data_of(panel.spec) if "label" in point]
    assert "float16" in labels
    assert not any("box" in label for label in labels)


def test_a_gpus_layers_stand_beside_the_cpus():
    """A point and a row of its own for each type; the map has each network once."""
    section = stability_view(dataset(run_of([*networks(), *on_gpu()])))
    figure = block(section, "Speed against safe depth")
    points = {point["case"]: point for point in data_of(figure.panels[0].spec) if "case" in point}
    assert points["identity, orthogonal-1.5, float16, plain"]["y"] == pytest.approx(1.0)
    assert points["identity, orthogonal-1.5, float16, plain, GPU"]["y"] == pytest.approx(50.0)
    assert points["identity, orthogonal-1.5, float16, plain, GPU"]["label"] == "float16 (GPU)"
    cupy = [row for row in figure.table.rows if row[6] == "cupy"]
    assert [(row[1], row[3], row[5]) for row in cupy] == [
        ("float16", "24", "50.0 µs"), ("float32", "≥ 100", "50.0 µs"), ("float64", "≥ 100", "50.0 µs"),
    ]  # fmt: skip
    assert "launch of its own, by CuPy" in figure.text
    alone = stability_view(dataset(run_of(networks())))
    for title in ("Gradients by layer", "The lecture's figures beside those of this run"):
        tables = [getattr(block(one, title), "table", block(one, title)) for one in (section, alone)]
        assert tables[0].rows == tables[1].rows
    assert "GPU" not in block(alone, "Speed against safe depth").text
