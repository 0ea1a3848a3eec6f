"""The ladder: a rung's share of the machine, and rungs without a time."""

from __future__ import annotations

from hwbench.report.views.ladder import view as ladder
from made_up.page import column, dataset, figure, figures, record, run_of
from made_up.sample import KIB, replace, sample_run

STREAM = {"params": {"size": "L1", "dtype": "f8", "threads": 2}, "facts": {"threads": 2, "footprint": 16 * KIB}}


def test_a_rung_is_its_share_of_the_whole_machine() -> None:
    """5 GB/s out of L1 are 5% where two threads together stream 100 GB/s there, on whatever threads it runs."""
    run = run_of(
        record("stream.triad", "simd", 1e-6, {"bytes": 1e5}, **STREAM),
        record("vectorize.add", "numpy", 48e3 / 5e9, {"bytes": 48e3, "items": 2e3}, params={"n": 2000}),
        record("vectorize.add", "loop", 48e3 / 5e7, {"bytes": 48e3, "items": 2e3}, params={"n": 2000}),
    )
    table = figure(ladder(dataset(run))).table
    assert dict(zip(column(table, "variant"), column(table, "of the limit"), strict=True)) == {
        "loop": "0.050%", "numpy": "5.0%",
    }  # fmt: skip
    assert column(table, "status") == ["ok", "ok"]
    assert column(table, "against the baseline") == ["100× slower than numpy", "–"]


def test_a_rung_without_a_time_says_why() -> None:
    """A variant that was skipped at an n stands there with its status, not as a gap."""
    section = ladder(dataset(sample_run()))
    labels = [row.get("label") for panel in figure(section).panels for row in panel.spec["datasets"].get("absent", [])]
    assert "not measured at this n" in labels


def test_a_suspect_rung_is_marked_in_both_tables() -> None:
    """By its status in the table of all cases, beside its time in the table with a column a variant."""
    run = run_of(*(
        replace(record("vectorize.add", variant, 1e-6 * n, {"items": float(n)}, params={"n": n}), status=status)
        for n in (1000, 2000) for variant, status in (("numpy", "ok"), ("loop", "suspect"))
    ))  # fmt: skip
    [shown] = figures(ladder(dataset(run)))
    assert shown.table.rows[0] == ("1000", "1000~", "1000")


def test_times_that_nothing_tells_apart_are_no_comparison() -> None:
    """A wide interval around 1 reads as a sentence, as it does in the findings."""
    add = record("vectorize.add", "numpy", 48e3 / 5e9, {"bytes": 48e3, "items": 2e3}, params={"n": 2000})
    wide = replace(add, variant="numba", samples=[0.5 * add.samples[0], 2 * add.samples[0]] * 5)
    table = figure(
        ladder(dataset(run_of(record("stream.triad", "simd", 1e-6, {"bytes": 1e5}, **STREAM), add, wide)))
    ).table
    assert column(table, "against the baseline") == ["–", "not clearly faster or slower than numpy (0.50–2.00)"]
