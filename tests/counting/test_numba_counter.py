"""Numba functions by their compiled code: few small ones here, all of the textbook by `scripts/counts.py`."""

from __future__ import annotations

import pytest

from counting.textbook_numba import NUMBA
from hwbench.counting import count

N = 1000
KERNELS = {kernel.name: kernel for kernel in NUMBA}


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
