"""Bank conflicts: what each thread reads, and what is told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hwbench.benches.device import banks
from made_up.gpu_records import record, said


def test_conflicts_and_padding_are_told():
    """32 ways take 32 times as long, and a row of 33 words as long as none."""
    times = {1: 1e-3, 32: 32e-3, 33: 1e-3}
    [text] = said(banks.banks_bench, *(record("device.banks", "shared", {"stride": s}, t) for s, t in times.items()))
    assert text == (
        "When all 32 threads of a warp meet in one bank of shared memory a read takes 32.0× as long; rows of 33 "
        "words instead of 32 bring it back to 1.00×."
    )


@pytest.mark.parametrize("stride", [1, 32, 33])
def test_the_reference_is_the_walk_of_each_thread(stride):
    """Lane l of warp w begins at word l · stride + w and goes on by 32 words, round and round."""
    seeds = np.random.default_rng(1).integers(0, 256, banks.WORDS).astype(np.float32)
    found = banks.bank_sums(seeds, stride, SimpleNamespace(properties=SimpleNamespace(sm=2)))
    assert found.shape == (2 * banks.WAVES * banks.BLOCK,)
    for thread in (0, 31, 32, 255):
        first = thread % 32 * stride + thread // 32
        assert found[thread] == sum(float(seeds[(first + 32 * k) % banks.WORDS]) for k in range(banks.READS))
