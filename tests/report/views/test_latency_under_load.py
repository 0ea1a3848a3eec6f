"""Latency under load: loads in flight, latency over traffic, the map of pairs."""

from __future__ import annotations

from hwbench.report.sections import Notes
from hwbench.report.views.latency_under_load import view as waiting
from made_up.page import column, dataset, figure, record, run_of


def test_loads_in_flight_are_the_latency_over_the_time_between_loads() -> None:
    """Four chases whose hops come four times as often are four in flight, in any unit of work."""
    chases = [
        record(
            "latency.parallel", "follow", seconds, {"hops": 1000.0 * chains}, params={"size": "L3", "chains": chains}
        )
        for chains, seconds in ((1, 50e-6), (4, 50e-6), (16, 100e-6))
    ]
    table = figure(waiting(dataset(run_of(*chases)))).table
    assert column(table, "loads in flight") == ["1.00", "4.00", "8.00"]
    assert column(table, "GB/s of lines") == ["1.28", "5.12", "10.2"]
    assert waiting(dataset(run_of(chases[1], chases[2]))) is None, "without one chase alone nothing is known"


def test_latency_is_drawn_over_what_was_streamed() -> None:
    """The points stand at the measured traffic in GB/s, in its order, whatever the gaps are called."""
    run = run_of(
        *(
            record("latency.loaded", "read", ns * 1e-6, {"hops": 1000.0}, params={"gap": gap},
                   facts={"streamed": streamed, "streaming": 3})
            for gap, ns, streamed in (("idle", 90, 0.0), (0, 200, 30e9), (64, 100, 12e9))
        )
    )  # fmt: skip
    shown = figure(waiting(dataset(run)))
    assert [(mark["x"], mark["value"]) for mark in shown.panels[0].spec["datasets"]["marks"]] == [
        (0, 90), (12, 100), (30, 200),
    ]  # fmt: skip
    assert column(shown.table, "they wait") == [
        "idle, beside parked load threads",
        "64 cycles a line",
        "0 cycles a line",
    ]
    assert "doubtful" not in shown.text


def test_an_idle_latency_above_a_loaded_one_is_called_doubtful() -> None:
    """Load makes no latency shorter."""
    run = run_of(
        *(
            record("latency.loaded", "read", ns * 1e-6, {"hops": 1000.0}, params={"gap": gap},
                   facts={"streamed": streamed, "streaming": 3})
            for gap, ns, streamed in (("idle", 399, 0.0), (0, 400, 30e9), (64, 261, 12e9))
        )
    )  # fmt: skip
    shown = figure(waiting(dataset(run)))
    assert shown.text.endswith("The idle figure of 'others read' is doubtful: it is above one measured under load.")


def test_the_map_of_pairs_is_symmetric_and_has_no_diagonal() -> None:
    """Each pair stands in two cells, none for a CPU and itself; the slowest has all of the colour."""
    between = [[0, 1, "cache", 50e-9], [0, 5, "memory", 200e-9], [1, 5, "memory", 100e-9]]
    run = run_of(record("latency.core_to_core", "store", 1e-3, {"hops": 1e4}, facts={"between": between}))
    shown = figure(waiting(dataset(run)))
    cells = shown.panels[0].spec["datasets"]["marks"]
    assert len(cells) == 6
    assert {(cell["row"], cell["column"]) for cell in cells} == {(c["column"], c["row"]) for c in cells}
    assert all(cell["row"] != cell["column"] for cell in cells)
    assert {cell["label"]: cell["fade"] for cell in cells} == {"50.0": 0.25, "100": 0.625, "200": 1.0}
    assert column(shown.table, "they share") == ["the last-level cache", "memory alone", "memory alone"]


def test_a_lone_pair_of_cpus_is_a_sentence() -> None:
    """Two CPUs have one number: it is said with what they share, and no map is drawn."""
    between = [[0, 1, "cache", 4.24e-08]]
    run = run_of(record("latency.core_to_core", "store", 5e-4, {"hops": 1e4}, facts={"between": between}))
    section = waiting(dataset(run))
    assert section is not None
    [notes] = section.blocks
    assert isinstance(notes, Notes)
    assert notes.sentences == [
        "42.4 ns until CPU 1 sees what CPU 0 wrote by a store, best round; the two share the last-level cache. "
        "Median of all rounds: 50.0 ns a handover."
    ]
