"""Sustained load: rate and clock over the seconds, from what the record holds."""

from __future__ import annotations

from hwbench.record.model import Record
from hwbench.report.views.computing import view as computing
from made_up.page import column, dataset, figure, record, run_of

FACTS = {
    "threads": 2, "at_s": [0.25, 0.5, 0.75], "call_s": [1e-3, 1e-3, 1.25e-3], "clock_hz": [4e9, 4e9, 3.2e9],
    "boost_call_s": 1e-3, "settled_call_s": 1.25e-3, "boost_clock_hz": 4e9, "settled_clock_hz": 3.2e9,
    "settled_after_s": 0.5, "dip_count": 1, "dip_s": 0.25,
}  # fmt: skip


def loaded(**facts: object) -> Record:
    return record("sustain.cpu", "load", 1.25e-3, {"flops": 2e8}, params={"seconds": 1}, facts={**FACTS, **facts})


def test_rate_and_clock_are_lines_over_the_seconds() -> None:
    """200 GFLOP/s at 4 GHz, then 160 at 3.2; the table sums them up."""
    shown = figure(computing(dataset(run_of(loaded()))))
    assert [panel.title for panel in shown.panels] == ["GFLOP/s", "GHz"]
    rates, clocks = ([mark["value"] for mark in panel.spec["datasets"]["marks"]] for panel in shown.panels)
    assert (rates, clocks) == ([200, 200, 160], [4, 4, 3.2])
    assert column(shown.table, "settled, GFLOP/s") == ["160"]
    assert column(shown.table, "settled after") == ["500 ms"]


def test_lists_of_unlike_length_or_of_anything_else_are_no_lines() -> None:
    """A file may hold anything."""
    for facts in ({"call_s": [1e-3]}, {"clock_hz": "fast"}, {"at_s": [None] * 3}):
        assert computing(dataset(run_of(loaded(**facts)))) is None
