"""Slides that are answered by facts of records: what is said, and that no file breaks it."""

import msgspec
import pytest

from hwbench.record.model import Record
from hwbench.report.views.applications import lecture_facts
from hwbench.report.views.applications.lecture import view
from made_up.applications import ODD
from made_up.page import dataset
from made_up.stability_records import activation, chain, run_of, variance

PRODUCT = Record(
    bench="systolic.matmul", version=3, variant="weight-stationary", device="cpu", status="ok", loops=1,
    samples=[1.0] * 5, params={"array": "3x3", "shape": "3x3x2"}, counts={"flops": 1.0},
    facts={"rows": 3, "cycles": 10, "closed_form": 10},
)  # fmt: skip


def test_facts_answer_where_no_finding_does():
    """By slide: the claim's activation, both variances with a verdict, coefficients, the lecture's seven cycles."""
    relu = chain(1.0, "f2", "he", activation="relu")
    sigmoid = chain(0.2, "f2", "xavier-normal", activation="sigmoid", safe=5)
    unlike = variance("xavier-normal", shape="alternating", rate=0.9)
    run = run_of([chain(1.5, "f4", "orthogonal-1.5"), relu, sigmoid, unlike, activation(), PRODUCT])
    rows = {row[0]: row[2] for table in view(dataset(run)).blocks[1:] for row in table.rows}
    assert rows["Gradient exploding (ReLU)"] == (
        "Layers that float16 survives with ReLU: ≥ 100 with He (norm of the gradient 1.00)."
    )
    assert rows["Two issues for deep networks"] == (
        "Norm of a gradient: 4.07 × 10¹⁷ after 100 layers at 1.5 a layer (float32)."
    )
    assert rows["Gradient vanishing (sigmoid)"] == "Layers that float16 survives with sigmoid: 5 with Xavier."
    assert rows["Matrix multiplication, time 0 to 7"].startswith(
        "7 cycles from the first input to the last sum, after 3"
    )
    assert rows["Xavier initialization"].endswith("a layer: a compromise that keeps neither.")
    assert rows["Activation: linear and revised"] == "Fitted at 0: 0.500 + 0.250 x for sigmoid."
    assert rows["Hardware summary"] == "See the table Hardware summary."


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("fact", ["safe_depth", "log10_norms", "forward", "backward", "taylor", "rows", "cycles"])
def test_facts_of_a_file_cannot_break_a_slide(fact, odd):
    """Whatever a file holds."""
    records = [chain(1.0, "f2", "he", activation="relu"), variance("xavier-normal", shape="alternating"), activation(),
               PRODUCT]  # fmt: skip
    odd_ones = [msgspec.structs.replace(one, facts=one.facts | {fact: odd}) for one in records if fact in one.facts]
    points = dataset(run_of(odd_ones))
    for name in lecture_facts.TOLD:
        assert "nan" not in lecture_facts.of(name, points)
