"""Tensor cores from registers: where a lane finds its elements, and what is told."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.benches.device import tensor
from made_up.gpu_records import record, said, suspect


def tensors(**rates):
    return [
        record("device.tensor", "mma", {"precision": name}, 1.0, counts={"flops": rate}) for name, rate in rates.items()
    ]


def test_rates_are_told_by_format():
    """TFLOP/s in each, in the order of the formats."""
    head = "Tensor cores with instructions of one warp (mma.sync), from registers:"
    assert said(tensor.tensor, *tensors(bf16=8e14)) == [f"{head} 800.0 TFLOP/s (799.2–800.8) in bfloat16."]
    assert said(tensor.tensor, *tensors(bf16=8e14, tf32=4e14)) == [
        f"{head} 400.0 TFLOP/s (399.6–400.4) in tf32 and 800.0 TFLOP/s (799.2–800.8) in bfloat16."
    ]
    [three] = said(tensor.tensor, *tensors(bf16=8e14, tf32=4e14, fp8=16e14))
    assert "in tf32, 800.0 TFLOP/s (799.2–800.8) in bfloat16 and 1600" in three


def test_a_rate_under_a_power_limit_is_marked():
    """That format alone."""
    tf32, bf16 = tensors(tf32=4e14, bf16=8e14)
    [told] = said(tensor.tensor, suspect(tf32), bf16)
    assert "in tf32 (suspect: the GPU was held back by its power limit) and" in told
    assert told.endswith("in bfloat16.")


@pytest.mark.parametrize("precision", list(tensor.FORMATS))
def test_operands_add_up_to_a_permutation(precision):
    """Their sum has a single 1 a row, so that the product is rows of b, which nothing rounds."""
    a, a2, b = tensor.matrices(np.random.default_rng(3), precision)
    both = a + a2
    assert (both.sum(axis=1) == 1).all()
    assert set(np.unique(both)) == {0.0, 1.0}
    expected = b[:, both.argmax(axis=1)] * (tensor.TURNS * tensor.MMA_LOOPS)
    np.testing.assert_array_equal(tensor.products(a, a2, b), expected)


@pytest.mark.parametrize("per", [1, 2, 4])
def test_each_element_has_one_lane(per):
    """A warp's registers hold each element of a and of b once (PTX, mma fragments)."""
    k = 8 * per
    a, b = np.arange(16.0 * k).reshape(16, k), np.arange(8.0 * k * 8).reshape(8, k, 8)
    assert sorted(tensor.left(a, per).reshape(-1)) == sorted(a.reshape(-1))
    assert sorted(tensor.right(b, per).reshape(-1)) == sorted(b.reshape(-1))
    assert tensor.left(a, per)[0, 5].tolist() == a[1, per : 2 * per].tolist(), "lane 5: row 1, from column 1 · per on"


def test_a_result_is_put_together_as_ptx_lays_it_out():
    """Lane 4g + t holds (g, 2t), (g, 2t + 1), (g + 8, 2t) and (g + 8, 2t + 1)."""
    flat = np.arange(8 * 4 * 32, dtype=np.float32)
    [found] = tensor.result(flat)
    for lane, register in ((0, 0), (5, 1), (31, 2), (18, 3)):
        g, t = divmod(lane, 4)
        assert found[0, g + 8 * (register // 2), 2 * t + register % 2] == register * 32 + lane


def test_whole_numbers_are_encoded_to_their_bits():
    """1 in each format, packed to 32-bit words."""
    ones = np.ones(4, np.float32)
    assert [tensor.encoded(ones, name)[0] for name in ("tf32", "f16", "bf16", "fp8", "int8", "f16_sums")] == [
        0x3F800000, 0x3C003C00, 0x3F803F80, 0x38383838, 0x01010101, 0x3C003C00
    ]  # fmt: skip


def test_sums_of_halves_lie_two_in_a_word():
    """Columns 2t and 2t + 1 of a row; the same places as of words of their own."""
    flat = np.arange(8 * 4 * 32, dtype=np.float16).reshape(8, 4, 32)
    words = flat.reshape(8, 2, 2, 32).swapaxes(2, 3).copy().view(np.uint32)
    np.testing.assert_array_equal(tensor.result(words.reshape(-1), halves=True), tensor.result(flat.reshape(-1)))


def test_sums_of_another_type_are_named():
    """float16 twice, once with sums in float32."""
    [told] = said(tensor.tensor, *tensors(f16=8e14, f16_sums=9e14, int8=2e15))
    assert "in float16, 2000" in told
    assert told.endswith(" in float16 with sums in float16.")
