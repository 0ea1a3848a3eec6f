"""Copies by the runtime and by a kernel: what is compared and told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.transfer import engines
from made_up.gpu_records import record, said, suspect

CARD: Any = SimpleNamespace()
SIZES = {"64KiB": 2**16, "16MiB": 2**24}


def copied(way: str, variant: str, latency: float, rate: float) -> list[Any]:
    ways = 1 + (way == "d2d")
    return [
        record("transfer.engines", variant, {"direction": way, "size": label}, latency + size / rate,
               counts={"bytes": ways * size, "calls": 1})
        for label, size in SIZES.items()
    ]  # fmt: skip


def test_each_way_is_told_at_its_largest_size_and_at_its_least_where_that_differs():
    """Bytes within the device count as read and as written; a small kernel starts faster than a copy."""
    rows = [
        *copied("d2d", "runtime", 4e-6, 1e12), *copied("d2d", "kernel", 2e-6, 1e12),
        *copied("h2d", "runtime", 1e-6, 5e10), *copied("h2d", "kernel", 1e-6, 5e10),
    ]  # fmt: skip
    within, there = said(engines.bench, *rows)
    assert within.startswith("Copies within the device by the runtime: 16")
    assert " GB/s " in within
    assert "at 16 MiB; a kernel is 1.1" in within
    assert "faster than it (" in within
    assert "and at 64 KiB 1.9" in within
    assert there.startswith("Copies from the host by the runtime: 49.")
    assert there.endswith("at 16 MiB; a kernel is as fast as it (0.999–1.001).") or "as fast as it" in there
    assert "64 KiB" not in there


def test_a_way_that_lacks_one_of_the_two_says_nothing():
    """Nor one that was not measured; disturbed records are marked."""
    assert said(engines.bench, *copied("d2h", "kernel", 1e-6, 5e10)) == []
    rows = [*map(suspect, copied("d2h", "runtime", 1e-6, 5e10)), *copied("d2h", "kernel", 1e-6, 4e10)]
    [told] = said(engines.bench, *rows)
    assert told.endswith("(suspect: the GPU was held back by its power limit).")


def test_what_is_no_way_and_what_no_kernel_copies_is_refused():
    """A line each, with what would do."""
    with pytest.raises(Skip, match="a copy goes d2d, h2d, d2h; not 'up'"):
        engines.ends(CARD, np.zeros(4096, np.uint8), "up")
    with pytest.raises(Skip, match="multiples of 4096 bytes, not 100"):
        engines.by_a_kernel(CARD, np.zeros(100, np.uint8), 100, "h2d")
