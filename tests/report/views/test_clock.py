"""The clock: best samples, and the peak in operations a cycle."""

from __future__ import annotations

import msgspec

from hwbench.report.views.computing import view as computing
from made_up.page import column, dataset, figure, record, run_of


def test_the_clock_is_its_best_sample_and_the_peak_is_told_by_it() -> None:
    """3 GHz at best; 96 GFLOP/s of the same width on one thread are 32 operations a cycle."""
    clock = record("clock.frequency", "512", 1e-5, {"cycles": 3e4}, params={"threads": 1}, facts={"threads": 1})
    clock = msgspec.structs.replace(clock, samples=[1e-5, *[1.5e-5] * 9])
    peak = record("peak.fma", "512", 1e-3, {"flops": 96e6}, params={"dtype": "f8", "threads": 1}, facts={"threads": 1})
    table = figure(computing(dataset(run_of(clock, peak)))).table
    assert column(table, "GHz, best sample") == ["3.00"]
    assert column(table, "GHz, median") == ["2.00"]
    assert column(table, "operations a cycle and core at the peak") == ["32.0"]
