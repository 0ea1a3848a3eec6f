"""Vega-Lite's words as plain data."""

from hwbench.report import vega


def test_a_layer_names_its_data_and_sorts_its_channels():
    """As Vega-Lite's schema has it; keys are in one order."""
    x = vega.field("value:Q", scale=vega.options(nice=False, domain=[0, 1]), axis=None)
    assert x == {"axis": None, "field": "value", "scale": {"domain": [0, 1], "nice": False}, "type": "quantitative"}
    made = vega.layer("marks", "bar", vega.options(size=3, clip=True), y=vega.field("group:N"), x=x)
    assert made["data"] == {"name": "marks"}
    assert list(made["mark"]) == ["type", "clip", "size"]
    assert list(made["encoding"]) == ["x", "y"]
    assert list(x) == sorted(x)
    assert vega.layer("marks", "line")["mark"] == {"type": "line"}
