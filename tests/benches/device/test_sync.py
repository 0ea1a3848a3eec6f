"""Barriers: what is told of those of a block, of the grid, and of a launch."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hwbench.bench import Skip
from hwbench.benches.device import sync
from made_up.gpu_records import record, said, suspect


def barriers(*names):
    times = {"block": 20e-9, "grid": 900e-9, "launch": 800e-9}
    return [
        record("device.sync", name, {"block": 256}, times[name] * sync.BARRIERS[name],
               counts={"calls": sync.BARRIERS[name]})
        for name in names or times
    ]  # fmt: skip


def test_barriers_are_told_side_by_side():
    """Nanoseconds a barrier, whatever the number of barriers in a call."""
    assert said(sync.sync_bench, *barriers()) == [
        "A barrier for blocks of 256 threads takes 20.00 ns (19.98–20.02) within a block, 900.0 ns (899.1–900.9) "
        "across the grid by a counter and 800.0 ns (799.2–800.8) across the grid by a new launch.",
        "A barrier across the grid is 45.02× slower than a barrier within a block (44.95–45.05); synchronise within "
        "blocks where possible.",
    ]


def test_one_barrier_is_told_alone():
    """No ratio without both; two are joined by `and`."""
    [one] = said(sync.sync_bench, *barriers("launch"))
    assert one == "A barrier for blocks of 256 threads takes 800.0 ns (799.2–800.8) across the grid by a new launch."
    assert " within a block and 800.0 ns" in said(sync.sync_bench, *barriers("block", "launch"))[0]


def test_advice_needs_a_clear_difference():
    """Where a barrier across the grid is no slower, there is nothing to avoid."""
    times = {"block": 900e-9, "grid": 900e-9}
    records = [
        record("device.sync", name, {"block": 256}, seconds, counts={"calls": 1}) for name, seconds in times.items()
    ]
    assert said(sync.sync_bench, *records)[1].endswith(
        "across the grid is as fast as a barrier within a block (0.999–1.001)."
    )


def test_disturbed_barriers_are_marked():
    """Once where all are suspect for the same reason."""
    told = said(sync.sync_bench, *map(suspect, barriers()))
    assert [line.count("(suspect: the GPU was held back by its power limit)") for line in told] == [1, 1]


def test_a_grid_that_cannot_wait_for_itself_is_a_skip():
    """Before compute capability 6.0, and where no block fits a multiprocessor."""
    old = SimpleNamespace(properties=SimpleNamespace(capability=(5, 2)))
    with pytest.raises(Skip, match="needs cooperative launches"):
        sync.of_the_grid(old, 256)
    full = SimpleNamespace(properties=SimpleNamespace(capability=(9, 0)), resident=lambda *_: 0)
    with pytest.raises(Skip, match="no block of 2048 threads fits a multiprocessor"):
        sync.of_the_grid(full, 2048)
