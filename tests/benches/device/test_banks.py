"""Bank conflicts: what each thread reads, and what is told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hwbench.benches.device import banks
from made_up.gpu_records import record, said, suspect


def banked(*strides):
    times = {1: 1e-3, 32: 32e-3, 33: 1e-3}
    return [record("device.banks", "shared", {"stride": stride}, times[stride]) for stride in strides]


def test_conflicts_and_padding_are_told():
    """32 ways take 32 times as long, and a row of 33 words as long as none."""
    assert said(banks.banks_bench, *banked(1, 32, 33)) == [
        "Reads from shared memory by all 32 threads of a warp in one bank are 32.03× slower than reads without "
        "conflicts (31.94–32.03).",
        "Reads from rows padded from 32 to 33 words are as fast as reads without conflicts (0.999–1.001).",
    ]
    assert len(said(banks.banks_bench, *banked(1, 32))) == 1
    assert said(banks.banks_bench, *banked(32, 33)) == []


def test_disturbed_conflicts_are_marked():
    """Both sentences set a record against the one without conflicts."""
    free, worst, padded = banked(1, 32, 33)
    told = said(banks.banks_bench, suspect(free), worst, padded)
    assert all(line.endswith(" (suspect: the GPU was held back by its power limit).") for line in told)


@pytest.mark.parametrize("stride", [1, 32, 33])
def test_the_reference_is_the_walk_of_each_thread(stride):
    """Lane l of warp w begins at word l · stride + w and goes on by 32 words, round and round."""
    seeds = np.random.default_rng(1).integers(0, 256, banks.WORDS).astype(np.float32)
    found = banks.bank_sums(seeds, stride, SimpleNamespace(properties=SimpleNamespace(sm=2)))
    assert found.shape == (2 * banks.WAVES * banks.BLOCK,)
    for thread in (0, 31, 32, 255):
        first = thread % 32 * stride + thread // 32
        assert found[thread] == sum(float(seeds[(first + 32 * k) % banks.WORDS]) for k in range(banks.READS))
