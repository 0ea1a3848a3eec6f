"""Textbook kernels, and a traced run beside a plain one."""

from __future__ import annotations

import numpy as np
import pytest

from counting.textbook import NUMPY
from hwbench.counting import Range, count
from hwbench.counting.numpy_counter import same
from hwbench.errors import UsageError

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


def grows(things):
    things.append(1)


@pytest.mark.parametrize(
    ("function", "args", "line"),
    [
        (lambda x: x + np.random.rand(), (X,), "not deterministic: two calls"),
        (grows, ([],), r"grows changes its argument things from call to call \(0 and then 1 items\)"),
    ],
)
def test_what_changes_from_call_to_call_is_refused(function, args, line):
    """In one line."""
    with pytest.raises(UsageError, match=line):
        count(function, args)


def test_code_that_looks_at_types_is_named():
    """A traced array is no plain one."""
    found = count(lambda x: x + 1 if type(x) is np.ndarray else x, (X,))
    assert found.unknown == ("what depends on the type of its arrays",)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (X, X + 1e-9, True),
        (X, X.astype("f4"), False),
        (X, X + 1, False),
        ([1, {"a": X}], [1, {"a": X}], True),
        ((1,), (2,), False),
        (float("nan"), float("nan"), True),
        (np.float64(1), np.float64(1 + 1e-12), True),
        (None, None, True),
    ],
)
def test_results_are_compared(one, other, equal):
    """Up to the rounding of sums."""
    assert same(one, other) is equal
