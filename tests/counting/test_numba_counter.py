"""Numba functions by their compiled code: few small ones here, all of the textbook by `scripts/counts.py`."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest

from counting.textbook_numba import NUMBA
from hwbench.counting import count
from hwbench.counting.model import Stride
from hwbench.counting.numba_counter import spacing

N = 1000
WEIGHTS = np.arange(64.0)
KERNELS = {kernel.name: kernel for kernel in NUMBA}


@numba.njit
def mixed(a, out):
    """A column with a stride, an array in the code, a temporary, a product of vectors, a branch."""
    column = 0.0
    for i in range(a.shape[0]):
        column += a[i, 0] * WEIGHTS[i]
    scratch = np.zeros(a.shape[1])
    for j in range(a.shape[1]):
        if a[1, j] > 0.5:
            out[j] = math.exp(a[1, j])
    return column + np.dot(scratch, out)


@numba.njit
def add(x, y):
    for i in range(x.size):
        y[i] += x[i]


@pytest.mark.parametrize("name", ["if_positive"])
def test_a_branch_gives_an_interval(name):
    """The bytes are exact, and the flops lie between what the branch needs and what its vectors compute."""
    kernel = KERNELS[name]
    inputs = kernel.inputs(N)
    found, truth = count(kernel.compiled(), inputs), kernel.truth(*inputs)
    assert (found.kind, found.issued.low, found.issued.high) == ("numba", truth.issued, truth.issued)
    assert found.flops.low <= truth.flops <= found.flops.high <= 2 * found.flops.low
    assert found.compulsory == pytest.approx(truth.compulsory, rel=0.03)
    assert inputs[1].sum() == kernel.inputs(N)[1].sum()


def test_strides_temporaries_and_arrays_in_the_code():
    """A column of 64 rows, weights of 512 bytes, zeros that are set, read and dropped."""
    a, out = np.ones((64, 256)), np.zeros(256)
    found = count(mixed, (a, out))
    assert found.strides[0] == Stride("a", 2048, 8)
    assert (found.temporaries[0].made_by, found.parallel, found.dtype) == ("numba", True, "f8")
    # Column and weights, a row and its exponentials, zeros, and the product's two vectors.
    assert found.issued.low == 2 * 64 * 8 + 2 * 256 * 8 + 256 * 8 + 2 * 256 * 8
    assert found.flops.low == found.flops.high == 2 * 64 + 256 + 2 * 256 + 1
    assert not found.unknown


def test_numpy_code_that_calls_numba():
    """Both are counted, once for each call; what is written is read before."""

    def work(x, y):
        z = x + 1
        add(z, y)
        add(x=z, y=y)
        return y

    found = count(work, (np.ones(N), np.ones(N)))
    assert (found.kind, found.issued.low, found.flops.low) == ("numpy", (16 + 24 + 24) * N, 3 * N)
    assert found.compulsory == 24 * N
    assert found.calls == ("add", "add")[:1]


def test_contents_that_do_not_matter_are_not_compulsory():
    """A function may write an array and read it again."""
    kernel = KERNELS["row_softmax"]
    x = kernel.inputs(400)
    assert count(kernel.compiled(), x).compulsory == 16 * x[0].size


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
