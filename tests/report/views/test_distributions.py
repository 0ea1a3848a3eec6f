"""Distributions: samples as they are, with percentiles, and every case on demand from the page's own run files."""

from __future__ import annotations

import json

import pytest

from hwbench.record.estimate import quantile
from hwbench.record.reasons import because
from hwbench.report.sections import SUSPECT, Samples
from hwbench.report.views.distributions import view
from made_up.page import column, dataset, figure, record, run_of
from made_up.sample import LAPTOP, replace, sample_run

SAMPLES = [1e-6 + 1e-9 * i for i in range(100)]


def chase(size: str, samples: list[float]):
    made = record("latency.chase", "follow", 1.0, {"hops": 10.0}, params={"size": size, "order": "random"})
    return replace(made, samples=samples)


def chosen(*runs):
    section = view(dataset(*runs))
    assert section is not None
    [block] = [one for one in section.blocks if isinstance(one, Samples)]
    return json.loads(block.data)


def test_a_latency_is_shown_with_its_percentiles() -> None:
    """Every sample is a tick; p50, p90 and p99 stand in the table and beside the strip, in the time of a load."""
    shown = figure(view(dataset(run_of(chase("L1", SAMPLES), chase("DRAM", SAMPLES[:20])))))
    marks = shown.panels[0].spec["datasets"]["marks"]
    assert [sum(row["row"] == name for row in marks) for name in ("L1", "DRAM")] == [100, 20]
    assert column(shown, "p50") == ["105 ns", "101 ns"]
    assert column(shown, "p99") == ["110 ns", "–"]
    assert shown.panels[0].spec["datasets"]["told"][1]["label"] == "101 ns · 102 ns · –"


def test_a_bandwidth_is_no_strip_but_can_be_chosen() -> None:
    """Rates have no place among latencies; every timed case is in the list."""
    run = run_of(record("stream.copy", "simd", 1e-3, {"bytes": 1e6}, params={"size": "L1"}))
    section = view(dataset(run))
    assert section is not None
    assert [block.kind for block in section.blocks] == ["samples"]
    [[bench, cases]] = chosen(run)["benches"]
    assert (bench, cases) == ("stream.copy", [["simd, L1", 0, 0, 1e-3, 1, "GB/s"]])


def test_a_suspect_case_is_called_so() -> None:
    """In the legend, by its percentiles, and in the list of cases."""
    run = run_of(replace(chase("L1", SAMPLES), status="suspect", reasons=[because("steal")]))
    shown = figure(view(dataset(run)))
    assert SUSPECT in shown.keys
    assert all(row["suspect"] for row in shown.panels[0].spec["datasets"]["quantiles"])
    assert column(shown, "status") == ["suspect"]
    [[_, [[label, *_]]]] = chosen(run)["benches"]
    assert label.endswith("~")
    assert SUSPECT not in figure(view(dataset(run_of(chase("L1", SAMPLES))))).keys


def test_a_case_names_its_record_in_the_file_that_the_page_carries() -> None:
    """Run, place and factor give the median of the page from the samples of the file, for every timed case."""
    runs = dataset(sample_run(), sample_run(LAPTOP))
    points = iter(sorted(runs.points, key=lambda point: list(runs.by_bench).index(point.record.bench)))
    found = chosen(sample_run(), sample_run(LAPTOP))
    for _, cases in found["benches"]:
        for _, run, place, k, higher, unit in cases:
            point = next(points)
            samples = runs.given[run].records[place].samples
            values = [k / one if higher else k * one for one in samples]
            assert quantile(values, 0.5) == pytest.approx(point.value.value, rel=1e-4)
            assert unit == point.unit
    assert next(points, None) is None


def test_nothing_timed_is_no_section() -> None:
    """A run of skipped cases has no samples."""
    assert view(dataset(run_of())) is None
