"""float16 and bfloat16 in kernels: every number widens exactly, and narrows to the nearest."""

import numba
import numpy as np
import pytest

from hwbench.kernels import float16
from inspection.variants import type_of


@numba.njit
def widen_all(source, target):
    for i in range(len(source)):
        target[i] = float16.widen(source[i])


@numba.njit
def narrow_all(source, target):
    for i in range(len(source)):
        target[i] = float16.narrow(source[i], target[i])


@numba.njit
def widen_by_bits(source, target):
    for i in range(len(source)):
        target[i] = float16.half_to_float_by_bits(source[i])


@numba.njit
def narrow_by_bits(source, target):
    for i in range(len(source)):
        target[i] = float16.float_to_half_by_bits(source[i])


def hard_floats():
    """float32 numbers of all sizes, every midpoint between neighbouring float16 numbers, and what lies beside it."""
    rng = np.random.default_rng(3)
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    middles = (halves[:-1] + halves[1:]) / 2
    words = rng.integers(0, 2**32, 100_000, dtype=np.uint64).astype(np.uint32).view(np.float32)
    near = [middles, np.nextafter(middles, np.float32(0)), np.nextafter(middles, np.float32(1e9))]
    special = np.array([65519.9, 65520.0, np.inf, np.nan, 0.0, 2.0**-25, 1e-45], np.float32)
    numbers = np.concatenate([words, *near, special])
    return np.concatenate([numbers, -numbers])


@pytest.mark.parametrize("convert", [widen_all, widen_by_bits], ids=["instruction", "bits"])
def test_every_float16_widens_exactly(convert):
    """All 65536 float16 numbers become the float32 numbers that NumPy makes of them, by instruction and by bits."""
    halves = np.arange(65536, dtype=np.uint16)
    found = np.zeros(65536, np.float32)
    convert(halves, found)
    np.testing.assert_array_equal(found, halves.view(np.float16).astype(np.float32))


@pytest.mark.parametrize("convert", [narrow_all, narrow_by_bits], ids=["instruction", "bits"])
def test_float32_narrows_to_the_nearest_float16(convert):
    """float32 rounds to nearest even, into subnormals, infinity and NaN, as NumPy rounds it."""
    numbers = hard_floats()
    found = np.zeros(len(numbers), np.uint16)
    convert(numbers, found)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        np.testing.assert_array_equal(found.view(np.float16), numbers.astype(np.float16))


def test_bfloat16_is_that_of_ml_dtypes():
    """bfloat16 widens and narrows as in ml_dtypes, for all its 65536 numbers and for hard float32 ones."""
    bfloat16 = type_of("bf16")
    every = np.arange(65536, dtype=np.uint16).view(np.int16)
    found = np.zeros(65536, np.float32)
    widen_all(every, found)
    np.testing.assert_array_equal(found, every.view(bfloat16).astype(np.float32))
    numbers = hard_floats()
    narrow = np.zeros(len(numbers), np.int16)
    narrow_all(numbers, narrow)
    with np.errstate(invalid="ignore", over="ignore"):
        expected = numbers.astype(bfloat16)
    np.testing.assert_array_equal(narrow.view(bfloat16).astype(np.float32), expected.astype(np.float32))
