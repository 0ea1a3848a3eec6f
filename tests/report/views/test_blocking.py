"""Blocking: each work in its own unit, beside its own limit."""

from __future__ import annotations

import pytest

from hwbench.benches.access import blocking as bench
from hwbench.record.model import Run
from hwbench.report.views.blocking import KINDS
from hwbench.report.views.blocking import view as blocking
from made_up.page import column, dataset, labels, only_figure, record, run_of
from made_up.sample import sample_run


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run(every_status=False)


def test_each_work_has_its_own_unit_and_limit(run: Run) -> None:
    """A transposition is told in GB/s of a copy, a product in GFLOP/s of the peak; both beside the naive one."""
    shown = only_figure(blocking(dataset(run)))
    assert [panel.title for panel in shown.panels] == [
        "transposing 3064 × 3064", "transposing 3072 × 3072", "multiplying 408 × 408",
    ]  # fmt: skip
    assert dict.fromkeys(column(shown, "unit")) == dict.fromkeys(["GB/s", "GFLOP/s"])
    assert column(shown, "of the limit")[-1].endswith("of FP peak, 1 thread")
    assert labels(shown, "marks", 2)[2].endswith(" GFLOP/s")
    assert shown.panels[2].spec["datasets"]["marks"][2]["against"].endswith("× faster")


def test_a_naive_share_above_its_limit_is_marked() -> None:
    """Loops as written that exceed the peak have the mark, too."""
    params = {"work": "matmul", "n": 8}
    facts = {"threads": 1, "footprint": 1536}
    ways = ("naive", "blocked")
    given = [record("access.blocking", way, 1.0, {"flops": 2e9}, params=params, facts=facts) for way in ways]
    peak = record("peak.fma", "512", 1.0, {"flops": 1e9}, params={"dtype": "f8", "threads": 1}, facts={"threads": 1})
    shown = only_figure(blocking(dataset(run_of(*given, peak))))
    assert column(shown, "of the limit") == ["200%~ of FP peak, 1 thread"] * 2


def test_each_work_is_held_against_the_limit_that_its_bench_names() -> None:
    """The view cannot ask the bench, which brings its kernels along; both say the same."""
    assert KINDS == bench.LIMITS
