"""The clock: medians, as in the headline, and the peak in operations a cycle."""

from __future__ import annotations

import msgspec
import pytest

from hwbench.report.views.computing import view as computing
from made_up.page import column, dataset, figure, record, run_of


def test_the_clock_is_the_headlines_and_the_peak_is_told_by_it() -> None:
    """2 GHz in the middle; 64 GFLOP/s of the same width on one thread are 32 operations a cycle."""
    clock = record("clock.frequency", "512", 1e-5, {"cycles": 3e4}, params={"threads": 1}, facts={"threads": 1})
    clock = msgspec.structs.replace(clock, samples=[1.4e-5, *[1.5e-5] * 9])
    peak = record("peak.fma", "512", 1e-3, {"flops": 64e6}, params={"dtype": "f8", "threads": 1}, facts={"threads": 1})
    runs = dataset(run_of(clock, peak))
    shown = figure(computing(runs))
    table = shown.table
    assert column(table, "GHz") == ["2.00"]
    headline = runs.readings[0].get("clock.one")
    assert headline is not None and headline.value == pytest.approx(2e9)
    [mark] = shown.panels[0].spec["datasets"]["marks"]
    assert (mark["value"], mark["label"]) == (2.0, "2.00 GHz")
    assert column(table, "operations a cycle and core at the peak") == ["32.0"]


def test_a_chain_that_was_held_up_shows_no_clock() -> None:
    """Nine of ten samples at two thirds of the clock: the median is marked, and no operations are divided by it."""
    clock = record("clock.frequency", "512", 1e-5, {"cycles": 3e4}, params={"threads": 1}, facts={"threads": 1})
    clock = msgspec.structs.replace(clock, samples=[1e-5, *[1.5e-5] * 9])
    peak = record("peak.fma", "512", 1e-3, {"flops": 64e6}, params={"dtype": "f8", "threads": 1}, facts={"threads": 1})
    shown = figure(computing(dataset(run_of(clock, peak))))
    [mark] = shown.panels[0].spec["datasets"]["marks"]
    assert (mark["value"], mark["label"]) == (2.0, "2.00 GHz~")
    assert column(shown.table, "operations a cycle and core at the peak") == ["median below 0.9 of best sample"]
