"""Latency by footprint: level sizes beside the reported ones, one point a footprint."""

from __future__ import annotations

from pathlib import Path

from hwbench.record import store, text
from hwbench.record.estimate import Estimate
from hwbench.report.sections import Table
from hwbench.report.views.latency import view as latency
from made_up.page import column, dataset, figure, record, run_of
from made_up.sample import KIB, sample_run


def test_level_sizes_are_set_beside_the_reported_ones() -> None:
    """A last level of which only 32 of 260 MiB are ours is found out by the staircase."""
    section = latency(dataset(sample_run()))
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert column(table, "reported")[:3] == ["32 KiB", "1 MiB", "260 MiB"]
    assert column(table, "measured")[:3] == ["32 KiB", "1 MiB", "32 MiB"]


def test_where_a_stream_goes_further_than_a_chase_both_sizes_stand_in_the_table() -> None:
    """The committed run of an Intel: L3 as far as loads find it, and below it the reach of translation."""
    [path] = (Path(__file__).parents[3] / "reports/runs/intel-xeon-2cpu").glob("*.json")
    section = latency(dataset(store.read(path)))
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert column(table, "level")[2:5] == ["L3", "its random reach", "memory"]
    assert column(table, "measured")[2:4] == ["64 MiB", "8 MiB"]
    assert column(table, "verdict")[2:4] == ["less than reported", "translation"]


def test_a_reach_that_is_not_known_within_a_decade_has_no_value() -> None:
    """The finding leaves such a reach of the TLB out, and the table gives its interval alone."""
    told = []
    for path in sorted((Path(__file__).parents[3] / "reports/runs").glob("*2cpu/*.json")):
        run = store.read(path)
        section = latency(dataset(run))
        assert (section is not None) == any(record.bench == "latency.chase" for record in run.records), path
        table = next((block for block in section.blocks if isinstance(block, Table)), None) if section else None
        told += [] if table is None else [row[2:7] for row in table.rows if row[0].startswith("TLB")]
    assert told == [
        ("4 MiB", "2 MiB–16 MiB", "", "+6.4 ns beyond", "3.6–9.9"),
        ("–", "256 KiB–3 MiB", "not clear", "–", "–"),
        ("4 MiB", "4 MiB–16 MiB", "", "+22.6 ns beyond", "11.6–27.8"),
    ]


def test_a_sweep_that_ends_unsettled_has_no_latency_of_memory() -> None:
    """Where the last stretch is not level, the last plateau is a cache's, and memory's latency is not told."""
    sweep = {4: 1.0, 8: 1.0, 16: 1.0, 32: 1.0, 64: 4.0, 128: 4.0, 256: 4.0, 512: 4.0, 1024: 9.0, 2048: 30.0, 4096: 80.0}
    run = run_of(
        *(
            record("latency.chase", "follow", ns * 1e-9, {"hops": 1.0}, params={"size": f"{size}KiB"})
            for size, ns in sweep.items()
        )
    )
    section = latency(dataset(run))
    assert section is not None
    table = next(block for block in section.blocks if isinstance(block, Table))
    assert column(table, "measured") == ["32 KiB", "512 KiB", "–", "–"]
    assert column(table, "latency") == ["–"] * 4, "no size label was measured"


def test_a_levels_latency_is_the_headlines() -> None:
    """The plateau of the sweep is not printed beside it: one value for one quantity, with its mark."""
    for path in sorted((Path(__file__).parents[3] / "reports/runs").rglob("*.json")):
        runs = dataset(store.read(path))
        section = latency(runs)
        if section is None:
            continue
        table = next(block for block in section.blocks if isinstance(block, Table))
        told = dict(zip(column(table, "level"), column(table, "latency"), strict=True))
        for level, name in (("L1", "l1"), ("L2", "l2"), ("L3", "l3"), ("memory", "dram")):
            one = runs.readings[0].get(f"{name}.latency")
            assert one is not None
            value, _ = text.columns(Estimate(one.value, one.low, one.high).scaled(1e9))
            assert told[level] == f"{value} ns" + "~" * bool(one.doubt)


def test_a_size_measured_twice_is_one_point_of_the_line() -> None:
    """Where a label's size is a size of the sweep as well, the line takes the better of the two, the table both."""
    given = [("L1", 3e-9), ("16KiB", 2e-9), ("32KiB", 2.1e-9)]
    run = run_of(
        *(
            record("latency.chase", "follow", seconds, {"hops": 1.0}, params={"size": size, "pages": "huge"},
                   facts={"footprint": 16 * KIB if size == "L1" else int(size[:2]) * KIB})
            for size, seconds in given
        )
    )  # fmt: skip
    drawn = figure(latency(dataset(run)))
    assert [mark["value"] for mark in drawn.panels[0].spec["datasets"]["marks"]] == [2.0, 2.1]
    assert len(drawn.table.rows) == 3
