"""Coalescing: what strides and random order cost."""

from __future__ import annotations

from hwbench.benches.device import coalescing
from made_up.gpu_records import record, said


def test_random_order_is_told_against_an_index_in_order():
    """Both read four bytes of index an element, which side by side without an index nobody does."""
    times = {"contiguous": 1.0, "indexed": 1.5, "gather": 6.0}
    told = said(coalescing.bench, *(record("device.coalescing", name, {"n": 2**24}, s) for name, s in times.items()))
    assert told == ["Reading by an index in random order takes 4× as long as by one in order (4–4)."]


def test_strides_and_a_misaligned_start_are_told():
    """Against neighbouring threads on neighbouring elements."""
    times = {"contiguous": 1.0, "misaligned": 1.25, "stride-2": 2.0, "stride-8": 8.0}
    rows = [record("device.coalescing", name, {"n": 2**24}, seconds) for name, seconds in times.items()]
    steps, off = said(coalescing.bench, *rows)
    assert steps.startswith("Reading elements that lie apart takes 2× at every 2nd, 8× at every 8th element")
    assert off.startswith("Starting one element off the line takes 1.25× as long")
