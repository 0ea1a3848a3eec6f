"""Contrasts: variants against the baseline, cases without a time, labels inside the chart."""

from __future__ import annotations

import msgspec
import pytest

from hwbench.record.model import BenchInfo, Run
from hwbench.report.sections import Figure
from hwbench.report.views.contrasts import view as contrasts
from made_up.page import dataset, figure, record, run_of
from made_up.sample import replace, sample_run


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run(every_status=False)


def test_contrasts_compare_times_with_the_baseline() -> None:
    """Twice the time is `2.00× slower`, half of it `2.00× faster`, whichever way the metric points."""
    params = {"size": "DRAM", "dtype": "f8", "threads": 1}
    run = run_of(
        *(
            record("stream.copy", variant, seconds, {"bytes": 1e6}, params=params)
            for variant, seconds in (("simd", 1e-3), ("numba", 2e-3), ("simd-nt", 5e-4), ("numpy", 1e-3))
        )
    )
    marks = figure(contrasts(dataset(run))).panels[0].spec["datasets"]["marks"]
    assert [mark["label"] for mark in marks] == ["1.00 GB/s", "0.500 GB/s", "2.00 GB/s", "1.00 GB/s"]
    assert [mark["against"] for mark in marks] == ["baseline", "2.00× slower", "2.00× faster", "same"]


def test_a_wrong_case_stands_in_its_place_without_a_bar() -> None:
    """The wrong answer's bar is missing, and its place says so with the reason in the tooltip."""
    section = contrasts(dataset(sample_run()))
    absent = [row for panel in figure(section).panels for row in panel.spec["datasets"].get("absent", [])]
    assert [(row["label"], row["more"][:22]) for row in absent] == [("wrong", "largest relative error")]


def test_a_label_never_stands_outside_the_chart() -> None:
    """An interval that ends a thousand times further out is cut: its label would squeeze the chart to nothing."""
    wild = record("access.pattern", "sequential", 1e-3, {"bytes": 1e4}, params={"size": "L1"})
    wild = msgspec.structs.replace(wild, samples=[1e-3, 1e-3, 1e-3, 1.0, 1.0])
    other = record("access.pattern", "random", 1e-3, {"bytes": 1e4}, params={"size": "L1"})
    marks = figure(contrasts(dataset(run_of(wild, other)))).panels[0].spec["datasets"]["marks"]
    assert all(mark["high"] <= 1.0501 * max(m["value"] for m in marks) for mark in marks)


def test_contrasts_leave_out_what_has_its_own_picture(run: Run) -> None:
    """No bench is drawn twice."""
    section = contrasts(dataset(run))
    assert section is not None
    drawn = {block.title for block in section.blocks if isinstance(block, Figure)}
    assert not drawn & {
        "access.stride", "access.blocking", "vectorize.reduction", "parallel.overhead", "clock.frequency",
        "latency.loaded", "latency.core_to_core",
    }  # fmt: skip


def test_an_axis_is_headed_by_its_name_in_words() -> None:
    """As the run states it for the bench; an axis without words goes by its own name."""
    info = BenchInfo("How fast?", "a", variants=["a", "b"], axes={"k": "stride, elements"})
    made = [record("my.bench", v, 1.0, {"bytes": 1.0}, params={"k": k, "n": k}) for v in "ab" for k in (1, 2)]
    table = figure(contrasts(dataset(replace(run_of(*made), benches={"my.bench": info})))).table
    assert list(table.head)[:2] == ["stride, elements", "n"]


def test_times_of_calls_are_in_a_unit_that_fits() -> None:
    """Axis, table, tooltip and label state nanoseconds where microseconds would need zeros."""
    run = run_of(
        *(
            record("vectorize.call", variant, seconds, {"calls": 10})
            for variant, seconds in (("function", 212e-9), ("numba", 424e-9))
        )
    )
    shown = figure(contrasts(dataset(run)))
    assert "median, ns" in shown.table.head
    marks = shown.panels[0].spec["datasets"]["marks"]
    assert [(mark["value"], mark["shown"], mark["label"]) for mark in marks] == [
        (21.2, "21.2 ns", "21.2 ns"), (42.4, "42.4 ns", "42.4 ns"),
    ]  # fmt: skip


def test_a_dot_product_leads_with_its_operations() -> None:
    """The finding gives GFLOP/s, and so does the chart, of older files too."""
    run = run_of(
        *(
            record("dsp.dot", v, 1e-6, {"bytes": 16384.0, "flops": 2048.0}, params={"size": "L1"})
            for v in ("blas", "numpy")
        )
    )
    shown = figure(contrasts(dataset(run)))
    assert "median, GFLOP/s" in shown.table.head
    assert shown.panels[0].spec["datasets"]["marks"][0]["label"] == "2.05 GFLOP/s"


def test_a_lone_chart_takes_the_whole_width(run: Run) -> None:
    """No empty third beside it."""
    section = contrasts(dataset(run))
    assert section is not None
    shown = [block for block in section.blocks if isinstance(block, Figure)]
    assert all(block.wide == (len(block.panels) == 1) for block in shown if not block.title.startswith("st"))
