"""Chains of multiply-adds: their kernels, their ends, and what is told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.device import peak
from made_up.gpu_records import record, said, suspect


def chains(**rates):
    return [
        record("device.peak", "fma", {"dtype": name[:2], "chains": int(name[2:])}, 1.0, counts={"flops": rate})
        for name, rate in rates.items()
    ]


def test_peaks_are_told_by_precision():
    """The best of any number of chains, and whether one chain a thread is enough."""
    assert said(peak.peak, *chains(f48=60e12, f41=30e12, f88=30e12)) == [
        "Fused multiply-adds from registers: 60.00 TFLOP/s (59.94–60.06) in float32 and 30.00 TFLOP/s (29.97–30.03) "
        "in float64.",
        "1 chain per thread reaches 49.98% (49.95–50.05) of the float32 rate of 8: give each thread several "
        "independent chains.",
    ]
    hidden = said(peak.peak, *chains(f48=60e12, f41=58e12))[1]
    assert hidden.startswith("1 chain per thread reaches 96.6% (96.6–96.8) of the float32 rate of 8: other warps hide")


def test_one_precision_and_three_are_told():
    """Nothing of chains where one number was measured."""
    [one] = said(peak.peak, *chains(f88=30e12))
    assert one == "Fused multiply-adds from registers: 30.00 TFLOP/s (29.97–30.03) in float64."
    [three] = said(peak.peak, *chains(f28=12e13, f48=60e12, f88=30e12))
    assert " in float16, 60.00 TFLOP/s (59.94–60.06) in float32 and 30.0" in three


def test_a_disturbed_peak_is_marked():
    """In both sentences."""
    rate, one = said(peak.peak, *map(suspect, chains(f48=60e12, f41=30e12)))
    assert rate.endswith("in float32 (suspect: the GPU was held back by its power limit).")
    assert "of 8 (suspect: the GPU was held back by its power limit): give" in one


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


def test_in_opencl_each_lane_of_each_work_item_has_its_chains():
    """Three groups of 64 work-items with vectors of four, two chains each: 1536 ends, and their operations."""
    device, kind = SimpleNamespace(groups=3, group=64, width=lambda _: 4), np.dtype("f4")
    seeds = peak.seeds(np.random.default_rng(4), kind)
    assert peak.ends(seeds, device, kind, 2, "opencl").shape == (1536,)
    assert peak.flops(device, kind, 2, "opencl")["flops"] == 1536 * peak.chain_flops(peak.PASSES)


def test_a_number_of_chains_without_a_kernel_is_a_skip():
    """There are kernels of 1, 2, 4 and 8."""
    assert peak.kernel_of(np.dtype("f4"), 8) == "fma_f4_8"
    with pytest.raises(Skip, match="1, 2, 4 or 8 chains, not 3"):
        peak.kernel_of(np.dtype("f4"), 3)
