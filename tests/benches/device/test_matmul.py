"""Products of matrices: operands, the check by a vector, and what is told."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.benches.device import matmul
from made_up.gpu_records import record, said, suspect


def products(precision, **rates):
    return [
        record(
            "device.matmul", "cublas", {"precision": precision, "n": n}, 2 * n**3 / rate, counts={"flops": 2.0 * n**3}
        )
        for n, rate in ((int(name[1:]), rate) for name, rate in rates.items())
    ]


def by_warp(rate):
    return record("device.tensor", "mma", {"precision": "bf16"}, 1.0, counts={"flops": rate})


def test_a_product_is_told_at_its_largest_n():
    """The rate there, the shares of smaller ones in ascending order, and what instructions of one warp reach."""
    records = [*products("bf16", n1024=2e14, n8192=8e14, n2048=4e14), by_warp(6e14)]
    assert said(matmul.matmul, *records) == [
        "cuBLAS product at n = 8192: 800 TFLOP/s in bfloat16.",
        "Rate of smaller products in bfloat16, against n = 8192: 25% at n = 1024 and 50% at n = 2048.",
        "Instructions of one warp (mma.sync) reach 75% of cuBLAS's rate in bfloat16.",
    ]


def test_precisions_are_a_list():
    """One that was measured on smaller matrices alone says so; nothing is said of bf16 without it."""
    [two] = said(matmul.matmul, *products("f8", n4096=5e13), *products("f4", n8192=5.1e13), by_warp(6e14))
    assert two == "cuBLAS product at n = 8192: 50.0 TFLOP/s in float64 at n = 4096 and 51.0 TFLOP/s in float32."
    [three] = said(matmul.matmul, *(one for name in ("f8", "f4", "tf32") for one in products(name, n8192=1e14)))
    assert three.endswith("n = 8192: 100 TFLOP/s in float64, 100 TFLOP/s in float32 and 100 TFLOP/s in tf32.")
    assert said(matmul.matmul, by_warp(6e14)) == []


def test_disturbed_products_are_marked():
    """Where the reason first occurs, and on what is set against a suspect rate."""
    rows = [*products("f8", n8192=5e13), *map(suspect, products("f16", n8192=7e14)), *products("bf16", n8192=8e14)]
    [told] = said(matmul.matmul, *rows)
    assert "in float16 (suspect: the GPU was held back by its power limit) and 800 TFLOP/s in bfloat16." in told
    *_, warp = said(matmul.matmul, *map(suspect, products("bf16", n8192=8e14)), by_warp(6e14))
    assert warp.endswith("75% of cuBLAS's rate in bfloat16 (suspect: the GPU was held back by its power limit).")


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
