"""Scaling: speed-up, efficiency and serial fraction, beside the price of a prange."""

from __future__ import annotations

import pytest

from hwbench.record.model import Run
from hwbench.report.sections import Figure
from hwbench.report.views.scaling import view as scaling
from made_up.page import column, dataset, figure, only_figure, record, run_of
from made_up.sample import replace, sample_run


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run(every_status=False)


def test_speed_up_is_work_a_second_over_work_a_second() -> None:
    """Strong: the same work in half the time is 2×. Weak: twice the work in the same time is 2× as well."""
    strong = {"work": "triad", "scaling": "strong"}
    weak = {"work": "triad", "scaling": "weak"}
    run = run_of(
        record("parallel.scaling", "prange", 4.0, {"items": 8.0}, params={**strong, "threads": 1}),
        record("parallel.scaling", "prange", 2.5, {"items": 8.0}, params={**strong, "threads": 2}),
        record("parallel.scaling", "prange", 4.0, {"items": 8.0}, params={**weak, "threads": 1}),
        record("parallel.scaling", "prange", 4.0, {"items": 16.0}, params={**weak, "threads": 2}),
    )
    table = figure(scaling(dataset(run))).table
    found = dict(
        zip(
            zip(column(table, "scaling"), column(table, "threads"), strict=True), column(table, "speed-up"), strict=True
        )
    )
    assert found == {("strong", "1"): "1.00", ("strong", "2"): "1.60", ("weak", "1"): "1.00", ("weak", "2"): "2.00"}
    # Karp and Flatt: (1/1.6 - 1/2) / (1 - 1/2) = 0.25
    assert column(table, "serial fraction") == ["–", "0.250", "–", "–"]


def test_the_price_of_a_prange_stands_with_scaling(run: Run) -> None:
    """Speed-up, efficiency and price are one section; the price alone makes one too."""
    section = scaling(dataset(run))
    assert section is not None
    assert [block.title for block in section.blocks if isinstance(block, Figure)] == [
        "Speed-up", "Efficiency", "The price of a prange",
    ]  # fmt: skip
    alone = scaling(dataset(replace(run, records=[r for r in run.records if r.bench == "parallel.overhead"])))
    assert only_figure(alone).title == "The price of a prange"


def test_efficiency_is_the_speed_up_a_thread(run: Run) -> None:
    """With one thread it is all of the ideal; in the table it stands beside the serial fraction."""
    section = scaling(dataset(run))
    assert section is not None
    efficiency = section.blocks[1]
    assert isinstance(efficiency, Figure)
    by_threads = dict(zip(column(efficiency, "threads"), column(efficiency, "efficiency"), strict=True))
    assert by_threads["1"] == "100%"
    assert 0 < float(by_threads["4"].rstrip("%")) <= 101


def test_an_efficiency_above_the_ideal_is_marked_in_tooltips() -> None:
    """Three times as fast on two threads is 150% of the ideal, which is marked in the table and at the chart's mark."""
    params = {"work": "triad", "scaling": "strong"}
    run = run_of(
        record("parallel.scaling", "prange", 3.0, {"items": 8.0}, params={**params, "threads": 1}),
        record(
            "parallel.scaling", "prange", 1.0, {"items": 8.0}, params={**params, "threads": 2}, facts={"threads": 2}
        ),
    )
    efficiency = figure(scaling(dataset(run)), 1)
    assert column(efficiency, "efficiency") == ["100%", "150%?"]
    assert [row["more"] for row in efficiency.panels[0].spec["datasets"]["marks"]] == ["100%", "150%?"]
