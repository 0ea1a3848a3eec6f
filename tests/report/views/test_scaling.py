"""Scaling: speed-up, efficiency and serial fraction, beside the price of a prange."""

from __future__ import annotations

import pytest

from hwbench.record.model import Run
from hwbench.record.reasons import Reason
from hwbench.report.sections import Figure, Notes
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
        "Rate over threads", "Efficiency", "prange beside the best serial loop", "The price of a prange",
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
    shown = figure(scaling(dataset(run)))
    assert column(shown, "efficiency") == ["100%", "150%~"]
    assert "150%~ of the ideal" in shown.panels[0].spec["datasets"]["marks"][1]["more"]


def serial_triad(status: str = "ok"):
    params, facts = {"size": "DRAM", "dtype": "f8", "threads": 1}, {"threads": 1}
    return replace(
        record("stream.triad", "simd-nt", 1e-3, {"bytes": 40e6}, params=params, facts=facts), status=status,
        reasons=[Reason("steal", "")] * (status != "ok"),
    )  # fmt: skip


def pranged(work: str, seconds: float, threads: int):
    counts = {"triad": {"bytes": 24e6, "flops": 2e6, "items": 1e6}, "polynomial": {"bytes": 16e6, "flops": 256e6}}[work]
    params = {"work": work, "scaling": "strong", "threads": threads}
    return record("parallel.scaling", "prange", seconds, counts, params=params, facts={"threads": threads})


def test_rates_are_absolute_beside_the_best_serial_loop() -> None:
    """A triad in GB/s, with the fastest triad of one thread as a level line; what computes in GFLOP/s, without one."""
    run = run_of(
        *(pranged(work, 1e-3 / threads, threads) for work in ("triad", "polynomial") for threads in (1, 2)),
        serial_triad(),
    )
    shown = figure(scaling(dataset(run)))
    assert [panel.spec["title"]["text"] for panel in shown.panels] == ["GFLOP/s", "GB/s"]
    computing, triad = (panel.spec["datasets"]["marks"] for panel in shown.panels)
    assert [(row["x"], row["value"]) for row in triad] == [(1, 24), (2, 48), (1, 40), (2, 40)]
    assert [row["value"] for row in computing] == [256, 512]
    assert column(shown, "over the best serial loop") == ["–", "–", "0.600×", "1.20×"]
    assert [key.label for key in shown.legend][-1] == "best serial loop of the run, 1 thread"


def test_a_doubtful_serial_loop_marks_what_is_set_against_it() -> None:
    """The ratio has a `~`."""
    run = run_of(pranged("triad", 1e-3, 1), pranged("triad", 5e-4, 2), serial_triad("suspect"))
    assert all(cell.endswith("~") for cell in column(figure(scaling(dataset(run))), "over the best serial loop"))


def test_two_thread_counts_are_sentences_and_no_curve() -> None:
    """Absolute figure, speed-up, share of the ideal and serial fraction of each work."""
    section = scaling(dataset(run_of(pranged("triad", 1e-3, 1), pranged("triad", 6.25e-4, 2))))
    assert section is not None
    notes = section.blocks[1]
    assert isinstance(notes, Notes)
    assert notes.sentences == [
        "triad, 2 threads: 38.4 GB/s, 1.60× one thread, 80% of the ideal; serial fraction 0.250."
    ]
