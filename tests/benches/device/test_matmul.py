"""Products of matrices: operands, the check by a vector, and what is told."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.benches.device import matmul
from made_up.gpu_records import record, said


def test_a_product_is_told_at_its_largest_n():
    """The rate is that of the largest matrices, whatever was measured first; what smaller ones reach stands beside."""
    records = [
        record("device.matmul", "cublas", {"precision": "bf16", "n": n}, 2 * n**3 / rate, counts={"flops": 2.0 * n**3})
        for n, rate in ((1024, 200e12), (8192, 800e12), (2048, 400e12))
    ]
    assert said(matmul.matmul, *records) == [
        "A product of large matrices reaches 800 TFLOP/s in bf16.",
        "In bf16 shorter matrices reach, of the rate at n = 8192, 25% at n = 1024, 50% at n = 2048.",
    ]


def test_a_vector_sees_every_element_of_the_product():
    """a · (b · v) is (a · b) · v, and one wrong element of the product changes it."""
    a, b, v = matmul.factors_of_product(np.random.default_rng(5), 32, "f4")
    product = a.astype(float) @ b.astype(float)
    expected = matmul.probe(a, b, v)
    np.testing.assert_array_equal(product @ v, expected)
    product[3, np.flatnonzero(v)[0]] += 1
    assert ((product @ v) != expected).sum() == 1


@pytest.mark.parametrize(("precision", "largest"), [("fp8", 7), ("f16", 64)])
def test_operands_are_small_whole_numbers(precision, largest):
    """So small that no sum rounds."""
    a, b, _ = matmul.factors_of_product(np.random.default_rng(6), 64, precision)
    assert a.dtype == b.dtype == np.int8
    assert abs(a).max() <= largest


@pytest.mark.parametrize("precision", ["f8", "f4", "tf32", "f16"])
def test_operands_are_stored_exactly(precision):
    """Whole numbers up to 64 survive each format; bf16's bits are the upper half of a float's."""
    x = np.arange(-64, 65, dtype=np.int8)
    np.testing.assert_array_equal(matmul.stored(x, precision), x)
    bits = matmul.stored(x, "bf16").astype(np.uint32) << 16
    np.testing.assert_array_equal(bits.view(np.float32), x)
