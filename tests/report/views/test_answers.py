"""Answers: facts that a bench declares, drawn in their unit; what a file holds instead is left out."""

from __future__ import annotations

import math

import pytest

from hwbench.record.model import Answer
from hwbench.record.reasons import because
from hwbench.report.sections import Figure
from hwbench.report.views.answers import of
from hwbench.report.views.contrasts import view as contrasts
from made_up.page import column, dataset, figures, record, run_of
from made_up.sample import replace

DEPTH = Answer("depth", "depth", "layers")


def gradients(variant: str, dtype: str, depth: object, seconds: float = 1e-3):
    return record("stability.gradients", variant, seconds, {"bytes": 1e6}, params={"dtype": dtype},
                  facts={"safe_depth": depth})  # fmt: skip


def drawn(*records) -> Figure:
    [found] = figures(contrasts(dataset(run_of(*records))))
    return found


def test_gradients_are_told_in_layers_and_not_in_bytes_a_second() -> None:
    """One bar for each precision, since variants agree; the table has the time beside the depth."""
    shown = drawn(
        *(gradients(v, d, n, s) for d, n in (("f2", 24), ("f4", 100)) for v, s in (("numpy", 2e-3), ("numba", 1e-3)))
    )
    [panel] = shown.panels
    assert panel.title == "depth before outputs or gradients are lost"
    assert [(row["group"], row["value"], row["label"]) for row in panel.spec["datasets"]["marks"]] == [
        ("float16", 24, "24.0 layers"), ("float32", 100, "100 layers"),
    ]  # fmt: skip
    assert "layers, more is better" in str(panel.spec["layer"][0]["encoding"]["x"]["axis"]["title"])
    assert not any("GB/s" in str(cell) for row in shown.table.rows for cell in row)
    assert column(shown, "against numpy") == ["–", "2.00× faster", "–", "2.00× faster"]


def test_a_doubtful_time_is_marked_beside_the_fact() -> None:
    """What disturbed the time leaves the depth as it is: the bar is no paler."""
    made = replace(gradients("numpy", "f2", 24), status="suspect", reasons=[because("steal")])
    [mark] = drawn(made).panels[0].spec["datasets"]["marks"]
    assert (mark["more"], mark["fade"]) == ("1.00 ms~", 1)


def test_variants_that_differ_are_bars_of_their_own() -> None:
    """Dataflows of a systolic array take different cycles: two charts, cycles and the share of busy elements."""
    shown = drawn(
        *(
            record("systolic.matmul", flow, 1e-3, {"flops": 36.0}, params={"shape": "3x3x2"},
                   facts={"cycles": cycles, "utilisation": busy})
            for flow, cycles, busy in (("weight-stationary", 10, 0.2), ("output-stationary", 9, 2 / 9))
        )
    )  # fmt: skip
    assert [panel.title for panel in shown.panels] == ["cycles of a product", "processing elements at work"]
    assert [row["label"] for row in shown.panels[1].spec["datasets"]["marks"]] == ["20.0%", "22.2%"]
    assert [key.label for key in shown.legend] == ["weight-stationary", "output-stationary"]


def test_the_last_entry_of_a_list_may_be_the_answer() -> None:
    """The variance after the last layer; on a logarithmic scale where it spans decades, a zero as a word alone."""
    shown = drawn(
        *(
            record("stability.initialization", "numpy", 1e-3, {"flops": 1e6}, params={"init": init},
                   facts={"forward": [1.0, last], "backward": [1.0, 1.0]})
            for init, last in (("he", 1e6), ("xavier-normal", 1.0), ("zeros", 0.0))
        )
    )  # fmt: skip
    spec = shown.panels[0].spec
    assert "log scale" in spec["layer"][0]["encoding"]["x"]["axis"]["title"]
    assert [row["group"] for row in spec["datasets"]["marks"]] == ["he", "xavier-normal"]
    assert [row["label"] for row in spec["datasets"]["absent"]] == ["0"]


@pytest.mark.parametrize("fact", [None, "12", True, math.inf, math.nan, -1, 1e40, [], {"a": 1}])
def test_what_is_no_number_is_no_answer(fact: object) -> None:
    """A file may hold anything."""
    made = record("a.b", "x", 1.0, {}, facts={"depth": fact})
    assert of(made, DEPTH) is None
    assert of(made, Answer("depth", "depth", at=-1)) is None


def test_a_bench_whose_records_lack_the_fact_is_drawn_by_its_rate() -> None:
    """Older files may have none; they keep the contrast."""
    shown = drawn(gradients("numpy", "f2", None), gradients("numba", "f2", None))
    assert "bandwidth" in shown.text
