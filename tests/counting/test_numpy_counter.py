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
    if truth.flops is not None:
        assert found.flops == Range(truth.flops, truth.flops)


def test_code_that_looks_at_types_is_named():
    """A traced array is no plain one."""
    found = count(lambda x: x + 1 if type(x) is np.ndarray else x, (X,))
    assert found.unknown == ("what depends on the type of its arrays",)
