"""Coalescing: what strides and random order cost."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hwbench.benches.device import coalescing
from made_up.gpu_records import record, said, suspect


def reads(**times):
    names = {name.replace("_", "-"): seconds for name, seconds in times.items()}
    return [record("device.coalescing", name, {"n": 2**24}, seconds) for name, seconds in names.items()]


def test_random_order_is_told_against_an_index_in_order():
    """What reading the index costs is no part of what its order costs."""
    assert said(coalescing.bench, *reads(contiguous=1.0, indexed=1.5, gather=6.0)) == [
        "Reads by an index in random order are 4.002× slower than reads by an index in order (3.994–4.004)."
    ]


def test_strides_and_a_misaligned_start_are_told():
    """The larger effect comes first; from stride 8 on each thread has a sector of its own."""
    steps, off = said(coalescing.bench, *reads(contiguous=1.0, misaligned=1.25, stride_2=2.0, stride_8=8.0))
    assert steps == (
        "Strided reads against contiguous ones: 2.000× slower (1.998–2.001) at stride 2 and 8.000× slower "
        "(7.992–8.008) at stride 8; from stride 8 on each thread needs its own 32-byte sector."
    )
    assert off.startswith(
        "Reads that start one element off a cache line are 1.250× slower than aligned ones (1.249–1.251); each"
    )


def test_a_cause_needs_a_clear_difference():
    """Strides and misaligned starts that are no slower need no sectors to explain them."""
    told = said(coalescing.bench, *reads(contiguous=1.0, misaligned=1.0, stride_2=1.0, stride_8=1.0))
    assert len(told) == 2
    assert not any("sector" in sentence for sentence in told)


def test_one_stride_and_all_are_told():
    """Without a stride of 8 there is no word of sectors; five are a list."""
    [one] = said(coalescing.bench, *reads(contiguous=1.0, stride_4=4.0))
    assert one == "Strided reads against contiguous ones: 4.000× slower (3.996–4.004) at stride 4."
    [five] = said(
        coalescing.bench, *reads(contiguous=1.0, stride_2=1.0, stride_4=4.0, stride_8=8.0, stride_16=8.0, stride_32=8.0)
    )
    assert "ones: no difference (0.999–1.000) at stride 2, 4.000× slower" in five
    assert "at stride 16 and 8.00" in five


def test_disturbed_reads_are_marked_and_lone_ones_say_nothing():
    """A stride, a misaligned start and a random order; without what they are set against there is no sentence."""
    rows = reads(contiguous=1.0, misaligned=1.25, stride_2=2.0, indexed=1.5, gather=6.0)
    told = said(coalescing.bench, *map(suspect, rows))
    assert len(told) == 3
    assert all(" (suspect: the GPU was held back by its power limit)" in line for line in told)
    assert said(coalescing.bench, *reads(misaligned=1.25, stride_2=2.0, gather=6.0)) == []


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
