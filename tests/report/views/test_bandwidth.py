"""Bandwidth by level: the headline's figures beside their limits, and the sweep across the levels."""

from __future__ import annotations

import msgspec

from hwbench.record.reasons import Reason
from hwbench.report.views.bandwidth import view
from made_up.page import column, dataset, figure, labels, record, run_of
from made_up.sample import KIB, sample_run


def load(variant: str, rate: float, level: str = "L1", **fields: object):
    """A load of `rate` GB/s on one thread."""
    params = {"size": level, "dtype": "f8", "threads": 1}
    return record("stream.load", variant, 1e-6, {"bytes": rate * 1e3}, params=params, facts={"threads": 1}, **fields)


def test_a_level_has_its_fastest_variant() -> None:
    """The median of the fastest variant; levels stand from the core outwards."""
    run = run_of(load("numba", 80.0), load("simd", 100.0), load("simd", 20.0, "DRAM"), load("simd", 50.0, "L2"))
    table = figure(view(dataset(run))).table
    assert column(table, "level") == ["L1", "L2", "DRAM"]
    assert column(table, "GB/s") == ["100", "50.0", "20.0"]
    assert column(table, "by") == [f"stream.load/simd [{level}, f8, 1]" for level in ("L1", "L2", "DRAM")]


def test_bars_are_the_headlines_and_the_limit_stands_beside_them() -> None:
    """The bar is the median that the tiles show; the best sample is called the limit."""
    one = load("simd", 20.0, "DRAM")
    uneven = msgspec.structs.replace(one, samples=[one.samples[0] / 2, *one.samples[1:]])
    runs = dataset(run_of(uneven))
    shown = figure(view(runs))
    headline = runs.readings[0].get("dram.read.one")
    assert headline is not None and headline.value == 20e9
    assert shown.panels[0].spec["datasets"]["marks"][0]["value"] == 20.0
    assert (column(shown, "GB/s"), column(shown, "limit (best sample), GB/s")) == (["20.0"], ["40.0"])


def test_a_disturbed_limit_is_pale_and_says_so() -> None:
    """Where only disturbed samples were to be had, the bar is marked and the reason stands in the table."""
    doubtful = msgspec.structs.replace(load("simd", 100.0), status="suspect", reasons=[Reason("clock_drift", "5.0%")])
    shown = figure(view(dataset(run_of(doubtful))))
    assert column(shown.table, "status") == ["suspect: the clock drifted"]
    assert shown.panels[0].spec["datasets"]["marks"][0]["fade"] == 0.4
    assert shown.legend[-1].label == "suspect"


def test_the_sweep_marks_the_caches_that_it_crosses() -> None:
    """A footprint a point, with the reported sizes that lie between the first and the last as dashed rules."""
    run = sample_run(benches=("stream.load", "stream.copy", "stream.triad"), every_status=False)
    shown = figure(view(dataset(run)), 1)
    assert shown.title == "Across the levels"
    assert set(labels(shown, "dashed")) <= {"L1", "L2", "L3"}
    marks = shown.panels[0].spec["datasets"]["marks"]
    assert all(mark["more"].endswith("iB") for mark in marks)


def test_two_footprints_are_no_sweep() -> None:
    """A line needs three; without a stream bench there is no section."""
    swept = [
        load(
            "simd",
            50.0,
            f"{size}KiB",
        )
        for size in (4, 8)
    ]
    swept = [msgspec.structs.replace(one, facts={"threads": 1, "footprint": 4 * KIB}) for one in swept]
    assert view(dataset(run_of(*swept))) is None
    assert view(dataset(run_of())) is None
