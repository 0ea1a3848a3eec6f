"""The map of learning rates: a cell for each rate, and no row for facts that are none."""

import pytest

from hwbench.record.model import Record
from hwbench.report.views.applications import learning_rates


def record(**facts):
    return Record(
        bench="stability.learning_rate", version=1, variant="clipped", device="cpu", status="ok", loops=1,
        samples=[1.0], params={"depth": 16, "init": "he", "activation": "relu", "dtype": "f2"}, counts={}, facts=facts,
    )  # fmt: skip


def test_a_cell_says_what_became_of_the_network():
    """Its place is the logarithm of the rate; the tooltip has the loss, or the step at which it diverged."""
    told = record(
        rates=[0.01, 0.1, 1.0], outcomes=["stands still", "learns", "diverges"], loss=[0.9, 0.25, None],
        lost_at=[None, None, 4],
    )  # fmt: skip
    cells = list(learning_rates._cells(told))
    assert [cell["shown"] for cell in cells] == [
        "stands still, loss 0.900",
        "learns, loss 0.250",
        "diverges, at step 4",
    ]
    assert (cells[1]["a"], cells[1]["b"]) == (-1.25, -0.75)
    assert cells[0]["row"] == "he, depth 16, f2, clipped"


@pytest.mark.parametrize(
    "facts", [{}, {"outcomes": "learns"}, {"rates": [1], "outcomes": ["<b>"], "loss": [1], "lost_at": [None]}]
)
def test_what_a_file_makes_up_is_left_out(facts):
    """Lists of unlike lengths, and outcomes that are none of the three, have no cell."""
    assert not list(learning_rates._cells(record(**facts)))
