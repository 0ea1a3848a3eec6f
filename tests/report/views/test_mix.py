"""Reads to writes: a chart for each level, a line for each way and number of threads, over the share of reads."""

from __future__ import annotations

from typing import Any

import pytest

from hwbench.record.model import Record
from hwbench.report.views.mix import view
from made_up.page import column, dataset, only_figure, record, run_of


def one(size: str, mix: str, seconds: float, variant: str = "simd", threads: Any = 1) -> Record:
    params = {"size": size, "mix": mix, "threads": threads, "pages": "huge"}
    return record("stream.mix", variant, seconds, {"bytes": 1e9}, params=params)


def test_memory_comes_first_and_reads_alone_at_the_right() -> None:
    """The rates over the share of reads; Numba's line is dashed, and a table has every case."""
    shown = only_figure(
        view(dataset(run_of(
            *(one(size, mix, 0.1) for size in ("L1", "DRAM") for mix in ("1:0", "1:1", "0:1")),
            one("DRAM", "1:1", 0.2, "numba"),
        )))
    )  # fmt: skip
    assert [panel.title for panel in shown.panels] == ["memory", "L1"]
    marks = shown.panels[0].spec["datasets"]["marks"]
    assert [(row["x"], row["value"]) for row in marks if "dash" not in row] == [(1.0, 10.0), (0.5, 10.0), (0.0, 10.0)]
    assert [(key.label, key.mark) for key in shown.legend] == [("simd, 1 thread", "line"), ("numba, 1 thread", "dash")]
    assert column(shown.table, "reads to writes") == ["1:0", "1:1", "1:1", "0:1", "1:0", "1:1", "0:1"]


@pytest.mark.parametrize("mix", ["none", "1:", "0:0", "12345:1", "1:1"])
def test_what_is_no_mix_is_left_out(mix: str) -> None:
    """A file may hold anything in the axis; one mix alone is no curve."""
    assert view(dataset(run_of(one("L1", "1:1", 0.1), one("L1", mix, 0.1)))) is None


def test_two_runs_have_panels_each() -> None:
    """Levels of one run first, each with the run's name."""
    run = run_of(one("L1", "1:0", 0.1), one("L1", "0:1", 0.1))
    titles = [panel.title for panel in only_figure(view(dataset(run, run))).panels]
    assert len(titles) == 2
    assert all(title.startswith("L1, ") for title in titles)
