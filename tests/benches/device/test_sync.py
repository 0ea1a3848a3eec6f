"""Barriers: what is told of those of a block, of the grid, and of a launch."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hwbench.bench import Skip
from hwbench.benches.device import sync
from made_up.gpu_records import record, said


def test_barriers_are_told_side_by_side():
    """Nanoseconds of each kind, and what the whole grid costs against a block."""
    times = {"block": 20e-9, "grid": 900e-9, "launch": 800e-9}
    rows = [
        record("device.sync", name, {"block": 256}, each * sync.BARRIERS[name], counts={"calls": sync.BARRIERS[name]})
        for name, each in times.items()
    ]
    assert said(sync.sync_bench, *rows) == [
        "A barrier takes 20.0 ns for a block, 900 ns for the whole grid through memory, 800 ns for the whole grid by a "
        "new launch (256 threads a block).",
        "Waiting for all multiprocessors is 45.0× as dear as for one block: synchronise in the small.",
    ]


def test_a_grid_that_cannot_wait_for_itself_is_a_skip():
    """Before compute capability 6.0, and where no block fits a multiprocessor."""
    old = SimpleNamespace(properties=SimpleNamespace(capability=(5, 2)))
    with pytest.raises(Skip, match="needs cooperative launches"):
        sync.of_the_grid(old, 256)
    full = SimpleNamespace(properties=SimpleNamespace(capability=(9, 0)), resident=lambda *_: 0)
    with pytest.raises(Skip, match="no block of 2048 threads fits a multiprocessor"):
        sync.of_the_grid(full, 2048)
