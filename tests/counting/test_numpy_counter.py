"""Textbook kernels, and a traced run beside a plain one."""

from __future__ import annotations

import numpy as np
import pytest

from counting.textbook import NUMPY
from hwbench.counting import Range, count

X = np.arange(100.0)


@pytest.mark.parametrize("kernel", NUMPY, ids=lambda kernel: kernel.name)
def test_textbook_kernels(kernel):
    """Bytes and flops as derived by hand."""
    inputs = kernel.inputs(400)
    found, truth = count(kernel.function, inputs), kernel.truth(*inputs)
    assert found.compulsory == truth.compulsory
    assert not found.unknown
    if truth.issued is not None:
        assert found.issued == Range(truth.issued, truth.issued)
    assert all(np.array_equal(one, other) for one, other in zip(inputs, kernel.inputs(400), strict=True))
    if truth.flops is not None:
        assert found.flops == Range(truth.flops, truth.flops)


@pytest.mark.parametrize("kernel", NUMPY, ids=lambda kernel: kernel.name)
def test_no_fusing_gets_below_what_is_compulsory(kernel):
    """Compulsory bytes are the least, and issued bytes the most; what is touched holds temporaries."""
    found = count(kernel.function, kernel.inputs(400))
    assert found.compulsory <= found.fusable.low <= found.issued.low
    assert found.footprint <= found.compulsory + sum(one.nbytes for one in found.temporaries)


def test_code_that_looks_at_types_is_named():
    """A traced array is no plain one."""
    found = count(lambda x: x + 1 if type(x) is np.ndarray else x, (X,))
    assert found.unknown == ("what depends on the type of its arrays",)
