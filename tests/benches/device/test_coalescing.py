"""Coalescing: what strides and random order cost."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hwbench.benches.device import coalescing
from made_up.gpu_records import record, said


def test_random_order_is_told_against_an_index_in_order():
    """Both read four bytes of index an element, which side by side without an index nobody does."""
    times = {"contiguous": 1.0, "indexed": 1.5, "gather": 6.0}
    told = said(coalescing.bench, *(record("device.coalescing", name, {"n": 2**24}, s) for name, s in times.items()))
    assert told == ["Reading by an index in random order takes 4.00× as long as by one in order."]


def test_strides_and_a_misaligned_start_are_told():
    """Against neighbouring threads on neighbouring elements."""
    times = {"contiguous": 1.0, "misaligned": 1.25, "stride-2": 2.0, "stride-8": 8.0}
    rows = [record("device.coalescing", name, {"n": 2**24}, seconds) for name, seconds in times.items()]
    steps, off = said(coalescing.bench, *rows)
    assert steps.startswith("Reading elements that lie apart takes 2.00× at every 2nd, 8.00× at every 8th element")
    assert off.startswith("Starting one element off the line takes 1.25× as long")


@pytest.mark.parametrize(("memory", "wanted", "n"), [
    (139, 2**26, 2**26), (15, 2**26, 2**24), (8, 2**26, 2**23), (1, 2**12, 2**12),
])  # fmt: skip
def test_a_card_with_little_memory_reads_fewer_elements(memory, wanted, n):
    """All variants together take half of it at most; what is read is a whole number of blocks."""
    device = SimpleNamespace(properties=SimpleNamespace(memory=memory * 2**30))
    assert coalescing.fitting(device, wanted) == n
    assert coalescing.memory(device, wanted) == 40 * n
    if n <= 2**23:
        assert len(coalescing.elements(np.random.default_rng(1), device, wanted)) == n
    assert len(coalescing.elements(np.random.default_rng(1), device, 1000)) == 1024
