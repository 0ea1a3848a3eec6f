"""Sums of the counters in compiled code."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from hwbench.counting import count
from hwbench.counting.model import Stride
from hwbench.counting.numba_tally import spacing

WEIGHTS = np.arange(64.0)


@numba.njit
def mixed(a, out):
    """A column with a stride, an array in the code, a temporary, a branch, contents that do not matter, a product."""
    column = 0.0
    for i in range(a.shape[0]):
        column += a[i, 0] * WEIGHTS[i]
    scratch = np.zeros(a.shape[1])
    for j in range(a.shape[1]):
        if a[1, j] > 0.5:
            out[j] = math.exp(a[1, j])
    return column + np.dot(scratch, out)


@numba.njit
def listed(n):
    """A list of Numba's is no array."""
    numbers = [1.5 * i for i in range(n)]
    return numbers[n // 2]


def test_strides_temporaries_and_arrays_in_the_code():
    """A column of 64 rows, weights of 512 bytes, zeros that are set, read and dropped."""
    a, out = np.ones((64, 256)), np.zeros(256)
    found = count(mixed, (a, out))
    assert found.strides[0] == Stride("a", 2048, 8)
    assert (found.temporaries[0].made_by, found.parallel, found.dtype) == ("numba", True, "f8")
    # Column and weights, a row and its exponentials, zeros, and the product's two vectors.
    assert found.issued.low == 2 * 64 * 8 + 2 * 256 * 8 + 256 * 8 + 2 * 256 * 8
    assert found.flops.low == found.flops.high == 2 * 64 + 256 + 2 * 256 + 1
    assert found.compulsory == 2 * 64 * 8 + 256 * 8 + 256 * 8
    assert found.footprint == found.compulsory + 256 * 8
    assert not found.unknown


def test_memory_that_is_no_arrays_is_named():
    """The bytes are then a bound."""
    assert count(listed, (1000,)).unknown == ("memory of lists, classes or pointers",)


@pytest.mark.parametrize(
    ("step", "lows", "stride"),
    [
        (8, [0], 8),
        (128, range(0, 128, 8), 8),
        (512, range(0, 512, 32), 32),
        (8192, [0, 2048, 4096, 6144], 2048),
        (8192, [8, 16, 24], 8192),
        (16384, [8, 16, 24, 8200, 8208, 8216], 8192),
    ],
)
def test_steps_of_unrolled_loops_and_of_stencils(step, lows, stride):
    """Copies of an access share a step, and so do a point's neighbours."""
    assert spacing(step, list(lows)) == stride
