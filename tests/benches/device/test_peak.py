"""Chains of multiply-adds: their kernels, their ends, and what is told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.device import peak
from made_up.gpu_records import record, said


def test_peaks_are_told_by_precision():
    """Rates of each precision, and what one chain gets."""
    rows = [
        record("device.peak", "fma", {"dtype": dtype, "chains": chains}, 1.0, counts={"flops": rate})
        for dtype, chains, rate in (("f4", 8, 60e12), ("f4", 1, 30e12), ("f8", 8, 30e12))
    ]
    first, second = said(peak.peak, *rows)
    assert first.startswith("Fused multiply-adds reach 60.0 TFLOP/s in single, 30.0 TFLOP/s in double precision.")
    assert second == "One chain a thread reaches 50% of what eight do."
    rows[1] = record("device.peak", "fma", {"dtype": "f4", "chains": 1}, 1.0, counts={"flops": 58e12})
    assert (
        said(peak.peak, *rows)[1]
        == "One chain a thread reaches 97% of what eight do: the other warps hide the latency."
    )


DEVICE = SimpleNamespace(properties=SimpleNamespace(sm=1), resident=lambda topic, kernel, block: 1)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_every_chain_ends_one_step_a_pass_later(dtype):
    """The reference has a number for each chain of each thread, a half or a whole float."""
    kind = np.dtype(dtype)
    seeds = peak.seeds(np.random.default_rng(4), kind)
    ends = peak.ends(seeds, DEVICE, kind, 2)
    lanes = 2 if kind.itemsize == 2 else 1
    assert ends.shape == (256 * 2 * lanes,)
    assert ends[0] == seeds.view(kind)[0] + kind.type(peak.PASSES * peak.STEP)
    assert peak.flops(DEVICE, kind, 2)["flops"] == peak.chain_flops(peak.PASSES) * 2 * 256 * lanes


def test_a_number_of_chains_without_a_kernel_is_a_skip():
    """There are kernels of 1, 2, 4 and 8."""
    assert peak.kernel_of(np.dtype("f4"), 8) == "fma_f4_8"
    with pytest.raises(Skip, match="1, 2, 4 or 8 chains, not 3"):
        peak.kernel_of(np.dtype("f4"), 3)
