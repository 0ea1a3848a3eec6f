"""Strips and ECDFs: percentiles where there are samples enough, ticks over the median, room for the words."""

from __future__ import annotations

import pytest

from hwbench.report import strips
from hwbench.report.strips import Strip


@pytest.mark.parametrize(
    ("count", "names"), [(1, ["p50"]), (9, ["p50"]), (10, ["p50", "p90"]), (100, ["p50", "p90", "p99"])]
)
def test_a_percentile_needs_samples_beyond_it(count: int, names: list[str]) -> None:
    """p90 is stated from ten samples on, p99 from a hundred."""
    assert list(strips.quantiles([float(i) for i in range(count)])) == names


def test_percentiles_are_those_of_the_samples() -> None:
    """Of 0 … 100 they are 50, 90 and 99."""
    found = strips.quantiles([float(i) for i in range(101)])
    assert found == {"p50": 50.0, "p90": pytest.approx(90.0), "p99": pytest.approx(99.0)}


def test_a_tick_stands_for_each_sample_over_the_median() -> None:
    """Three samples around 2 s are 0.5, 1 and 2 times it; the words at the right are the row's own."""
    spec = strips.strips([Strip("L1", "case", [1.0, 2.0, 4.0], "2.00 s")], alt_text="about", head="p50")
    data = spec["datasets"]
    assert [row["x"] for row in data["marks"]] == [0.5, 1.0, 2.0]
    assert [(row["name"], row["x"]) for row in data["quantiles"]] == [("p50", 1.0)]
    assert data["told"] == [{"row": "L1", "label": "2.00 s"}]
    assert spec["layer"][0]["encoding"]["x"]["axis"]["title"] == "sample over the median"


def test_a_far_tail_makes_the_axis_logarithmic() -> None:
    """A sample of ten times the median would squeeze all others; the axis says so."""
    spec = strips.strips([Strip("a", "a", [1.0, 1.0, 10.0], "")], alt_text="", head="")
    x = spec["layer"][0]["encoding"]["x"]
    assert (x["scale"]["type"], x["axis"]["title"]) == ("log", "sample over the median, log scale")


def test_percentiles_of_doubtful_samples_are_marked() -> None:
    """They are paler and tell why; where nothing is doubtful no tooltip has an empty line."""
    sound, doubtful = Strip("a", "a", [1.0, 2.0, 3.0], ""), Strip("b", "b", [1.0, 2.0, 3.0], "", "steal")
    spec = strips.strips([sound, doubtful], alt_text="", head="")
    found = [(row["row"], row["fade"], row.get("suspect")) for row in spec["datasets"]["quantiles"]]
    assert found == [("a", 1, None), ("b", 0.4, "steal")]
    told = [
        [field["field"] for field in strips.strips(rows, alt_text="", head="")["layer"][1]["encoding"]["tooltip"]]
        for rows in ([sound, doubtful], [sound])
    ]
    assert told == [["case", "name", "shown", "suspect"], ["case", "name", "shown"]]


def test_equal_samples_still_have_an_axis() -> None:
    """A domain without a width could not be drawn."""
    spec = strips.strips([Strip("a", "a", [1.0] * 5, "")], alt_text="", head="")
    low, high = spec["layer"][0]["encoding"]["x"]["scale"]["domain"]
    assert low < 1 < high


def test_the_ecdf_has_no_data_of_its_own() -> None:
    """The page's script fills in the samples and their percentiles."""
    spec = strips.ecdf()
    assert spec["datasets"] == {}
    assert {layer["data"]["name"] for layer in spec["layer"]} == {"marks", "quantiles"}
