"""The measured roofline: which kernel does how many multiply-adds, where the bounds meet, and what is told."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.device import roofline
from made_up.gpu_records import L2, record, said, streamed, suspect

F4, F8 = np.dtype("f4"), np.dtype("f8")
CARD: Any = SimpleNamespace(bandwidth_size=lambda size: 4 * size)


@pytest.mark.parametrize(
    ("fmas", "pairs", "loops"), [(2, 1, 1), (8, 1, 4), (16, 8, 1), (48, 8, 3), (64, 32, 1), (2048, 32, 32)]
)
def test_a_number_of_multiply_adds_is_a_body_and_how_often_it_is_gone_through(fmas, pairs, loops):
    """The longest body that divides it: fewest instructions beside the multiply-adds."""
    assert roofline.body(fmas) == (pairs, loops)
    assert 2 * pairs * loops == fmas


@pytest.mark.parametrize("fmas", [0, 1, 7, -2, 2050])
def test_numbers_that_no_kernel_does_are_refused(fmas):
    """Odd ones, none, and so many that a result would round."""
    with pytest.raises(Skip, match="in pairs, from 2 to 2048"):
        roofline.body(fmas)


@pytest.mark.parametrize("dtype", [F4, F8])
def test_the_answer_is_that_of_one_multiply_add_after_the_other(dtype):
    """Nothing rounds at the most multiply-adds that are allowed."""
    tile = roofline.tile(np.random.default_rng(1), 2**20, dtype)
    x = tile.copy()
    for _ in range(roofline.MOST // 2):
        x = dtype.type(0.5) * (dtype.type(2) * x + dtype.type(0.25)) + dtype.type(2**-11 - 0.125)
    found = roofline.reference(tile, 2**20, dtype, roofline.MOST)
    np.testing.assert_array_equal(found, x)
    assert len(found) * dtype.itemsize == 2**19


def test_few_multiply_adds_are_timed_on_more_memory():
    """A launch over what is checked is too short where memory bounds it."""
    few, many = (roofline.counts(CARD, 2**20, F4, fmas) for fmas in (64, 128))
    assert few == {"bytes": 2**22, "flops": 2 * 64 * 2**19}
    assert many == {"bytes": 2**20, "flops": 2 * 128 * 2**17}
    assert roofline.memory(CARD, 2**20, 64) == 2**22


def swept(dtype: str = "f4", rate: float = 3e12, peak: float = 54e12, variant: str = "fused", **more: Any) -> list[Any]:
    """Records below both bounds, a fifth below where they are near each other."""
    found, size = [], np.dtype(dtype).itemsize
    for fmas in (2, 4, 8) if variant == "cupy" else (2, 8, 32, 64, 128, 512):
        n = 1e9
        memory, units = 2 * size * n / rate, 2 * fmas * n / peak
        seconds = max(memory, units) * (1.25 if 0.5 < memory / units < 2 else 1)
        seconds *= 2 * fmas if variant == "cupy" else 1
        params = {"dtype": dtype, "fmas": fmas, "size": "HBM"}
        found.append(record("device.roofline", variant, params, seconds, facts={"footprint": 16 * L2, "l2_bytes": L2},
                            counts={"bytes": 2 * size * n, "flops": 2 * fmas * n}, **more))  # fmt: skip
    return found


def test_the_ridge_is_told_beside_the_peak_over_the_bandwidth():
    """54 TFLOP/s at 3 TB/s meet at 18 FLOP per byte, which is 72 multiply-adds on a float32."""
    others = [
        streamed("bytes16", "copy", "HBM", 16 * L2, 3e12),
        record("device.peak", "fma", {"dtype": "f4", "chains": 8}, 1e-3, counts={"flops": 60e9}),
    ]
    [told] = said(roofline.bench, *swept(), *others)
    assert told.startswith("Streaming from memory reaches 54.0")
    assert " TFLOP/s " in told and "in float32." in told
    assert "below 18.0 FLOP per byte (peak over copy bandwidth: 20.0), or 72 multiply-adds on each element" in told
    assert told.endswith("; near that, at 16.0, 80% of the bound is reached.")
    [alone] = said(roofline.bench, *swept())
    assert "FLOP per byte, or 72" in alone


def test_each_precision_is_told_and_a_suspect_one_marked():
    """By its own records."""
    both = said(roofline.bench, *swept(), *map(suspect, swept("f8", peak=27e12)))
    assert ["float32" in both[0], "float64" in both[1]] == [True, True]
    assert "suspect" not in both[0]
    assert both[1].endswith("(suspect: the GPU was held back by its power limit).")


@pytest.mark.parametrize("peak", [1e15, 1e12])
def test_a_sweep_that_stays_on_one_side_of_the_ridge_has_none(peak):
    """All of it is bound by memory, or by the units."""
    assert said(roofline.bench, *swept(peak=peak)) == []
    assert roofline.ridge(swept()[:2]) is None


def test_what_passes_over_memory_cost_is_told_of_the_longest_chain():
    """CuPy's multiplication and addition are two for each multiply-add."""
    told = said(roofline.bench, *swept(), *swept(variant="cupy"))[-1]
    assert told.startswith("8 multiply-adds an element by CuPy, an operation at a time: 16.00× slower than one kernel")
