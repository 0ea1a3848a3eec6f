"""Charts of the lecture's applications: labels keep their distance, names of files stay out of expressions."""

import json
import math

import pytest

from hwbench.report.views.applications import charts


def test_labels_keep_their_distance():
    """Labels of one side are at least a line apart, empty ones take no room, and none is below its point."""
    points = [
        {"y": 1.0, "right": True, "label": "a"},
        {"y": 1.01, "right": True, "label": "b"},
        {"y": 1.0, "right": False, "label": "c"},
        {"y": 1.02, "right": True, "label": ""},
    ]
    placed = {point["label"]: point for point in charts.spaced(points, (0.1, 10.0), 260, line=13)}
    apart = math.log10(placed["b"]["at"] / placed["a"]["at"])
    assert apart == pytest.approx(2 * 13 / 260, rel=1e-3)
    assert placed["c"]["at"] == pytest.approx(1.0)
    assert placed[""]["at"] == pytest.approx(1.02)


def test_names_from_files_stand_in_no_expression():
    """Colours are chosen by number; the name is in the data of tooltips alone."""
    hostile = "'); alert(1); ('"
    dots = [{"series": hostile, "x": 1, "value": 1.0, "theory": 1.0, "shown": "1", "expected": "1"}]
    spec = charts.against_theory(dots, {hostile: "c1"}, (0.1, 10.0), x_title="x", y_title="y", alt_text="a")
    assert hostile not in json.dumps(spec["layer"])
    assert [row["case"] for row in spec["datasets"]["marks"]] == [hostile]


def test_slopes_end_inside_the_axes():
    """A line y = x through 1 … 100 by 0.1 … 10 runs from (1, 1) to (10, 10), its name below the upper end."""
    dot = {"x": 1, "y": 1.0, "kind": "k", "label": "", "right": True, "fade": 1.0, "case": "c", "more": ""}
    spec = charts.named_points(
        [dot], {"k": "c1"}, x_title="x", y_title="y", alt_text="a", x_domain=(1, 100), y_domain=(0.1, 10), log_x=True,
        slopes=[(1.0, "one"), (1000.0, "beyond")],
    )  # fmt: skip
    assert [(end["x"], end["y"]) for end in spec["datasets"]["slopes"]] == [(1, 1), (10, 10)]
    [name] = spec["datasets"]["named"]
    assert (name["name"], name["y"]) == ("one", pytest.approx(9.3))
