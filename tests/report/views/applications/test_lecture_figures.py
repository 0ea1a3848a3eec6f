"""The lecture's figures of stability: beside the measured ones, and judged by their tolerance."""

import msgspec

from hwbench.report.views.applications.stability import view as stability_view
from made_up.page import dataset
from made_up.stability_records import activation, block, chain, networks, on_gpu, run_of, variance


def test_the_lectures_figures_stand_beside_the_measured():
    """The table holds 1.5¹⁰⁰ as lectured, computed and measured, float16's loss of it and range, Xavier and Taylor."""
    section = stability_view(dataset(run_of([*networks(), variance("xavier-uniform"), activation()])))
    table = block(section, "The lecture's figures beside those of this run")
    rows = {row[0]: [r for r in table.rows if r[0] == row[0]] for row in table.rows}
    assert [row[2:5] for row in rows["1.5¹⁰⁰"]] == [
        ("4.07 × 10¹⁷", "4.07 × 10¹⁷", "± 0.01%: within"),
        (
            "gradient lost at layer 31",
            "gradient lost at layer 25; outputs and gradient of 24 layers are safe",
            "± 2 layers: outside",
        ),
    ]
    assert rows["1.5¹⁰⁰"][0][1:3] == ("≈ 4 × 10¹⁷", "4.07 × 10¹⁷")
    assert rows["float16, smallest normal"][0][3] == "6.10 × 10⁻⁵"
    assert rows["float16, largest"][0][3:5] == ("65504", "± 0: within")
    assert rows["xavier-uniform, variance"][0][2:5] == ("0.00781", "0.00780", "± 1%: within")
    assert rows["xavier-uniform, largest"][0][2:5] == ("0.15309", "0.15310", "± 0.1%: within")
    assert rows["sigmoid near 0"][0][2:4] == ("0.50000, 0.25000, -0.02083", "0.50000, 0.25000, -0.02083")
    assert rows["sigmoid near 0"][0][4] == "± 1e-5: within"


def judged(title, *records):
    """The column of judgements of a table, by the first cell of its row."""
    table = block(stability_view(dataset(run_of(list(records)))), title)
    return {row[0]: row[table.head.index("tolerance")] for row in table.rows}


def test_figures_beyond_their_tolerance_are_said_to_be():
    """A power off by 1%, float16 with another range, weights of another variance, a wrong coefficient: outside, all."""
    half = chain(1.5, "f2", "orthogonal-1.5", safe=24, smallest_normal=2.0**-15, largest=65472.0)
    single = chain(1.5 * 1.01**0.01, "f4", "orthogonal-1.5")
    weights = variance("xavier-uniform")
    weights = msgspec.structs.replace(
        weights, facts=weights.facts | {"weight_variance": 0.0080, "largest_weight": 0.16}
    )
    wrong = activation(taylor=[0.5, 0.25, 0.0, -0.0210])
    found = judged("The lecture's figures beside those of this run", half, single, weights, wrong)
    assert len(found) == 6
    assert all(told.endswith(": outside") for told in found.values())


def test_what_a_type_cannot_resolve_is_said():
    """A tolerance as large as the coefficient judges nothing."""
    record = activation(dtype="f4", taylor_tolerance=[5e-2] * 4)
    found = judged("The lecture's figures beside those of this run", record)
    assert found["sigmoid near 0"] == "± 0.05: within; c₃ not resolved"


def test_a_run_of_a_gpu_alone_has_its_figures():
    """What became of the numbers is told by whoever computed it."""
    records = [*on_gpu(), msgspec.structs.replace(variance("xavier-uniform", variant="cupy"), device="gpu:0")]
    section = stability_view(dataset(run_of(records)))
    table = block(section, "The lecture's figures beside those of this run")
    assert {"1.5¹⁰⁰", "float16, largest", "xavier-uniform, variance"} <= {row[0] for row in table.rows}
    assert block(section, "Variance by layer and initialisation").panels
