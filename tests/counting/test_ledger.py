"""Sums of a traced run."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.counting import count
from hwbench.counting.model import Stride

N = 1000
X, Y = np.ones(N), np.ones(N)
M = np.ones((N, 8))


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def chain(x):
    y = x.copy()
    y *= 2
    y += 1
    return y


def overwritten(x, out):
    out[:] = x
    out *= 2


def loop(x):
    for _ in range(20):
        x = x + 1
    return x


@pytest.mark.parametrize(
    ("function", "args", "compulsory"),
    [
        (lambda x, y: x + y, (X, Y), 24),
        (lambda x, y: x + y, (X, X), 16),
        (lambda x, y: x[:500] + y[500:], (X, Y), 12),
        (overwritten, (X, Y), 16),
        (lambda x: x.__iadd__(1), (X,), 16),
        (lambda x: (x, x + 1, x[:10]), (X,), 16),
        (lambda x: np.broadcast_to(x, (7, N)) + np.zeros((7, 1)), (X,), 8 + 56),
        (lambda x: x.sum(), (X,), 8),
        (lambda x: 1, (X,), 0),
    ],
)  # fmt: skip
def test_compulsory_bytes(function, args, compulsory):
    """What comes from outside and goes there, each byte once."""
    assert count(function, args).compulsory == compulsory * N


@pytest.mark.parametrize(
    ("function", "args", "fused"),
    [
        (lambda x, y: x * y + x * y, (X, Y), 24),
        (lambda x: ((x + 1) * 2).sum(), (X,), 8),
        (softmax, (X,), 8 + 16 + 16),
        (overwritten, (X, Y), 16),
        (lambda x: np.sort(x + 1), (X,), 16 + 16),
        (chain, (X,), 16),
    ],
)  # fmt: skip
def test_fused_bytes(function, args, fused):
    """Chains are one loop each; a reduction ends a loop, a sort needs its whole input."""
    assert count(function, args).fusable.low == fused * N


def test_temporaries_and_what_lives_at_once():
    """Largest first; results are none; a loop that drops its arrays keeps two."""
    found = count(lambda x, y: (x + y) * 2 + x[:1], (X, Y))
    assert [(one.made_by, one.nbytes) for one in found.temporaries] == [("add", 8 * N), ("multiply", 8 * N)]
    assert count(loop, (X,)).footprint == 8 * N * 3


@pytest.mark.parametrize(
    ("function", "args", "strides"),
    [
        (lambda m: m[:, 0] + 1, (M,), (Stride("m", 64, 8),)),
        (lambda m: m[:, ::2].sum(), (M,), (Stride("m", 16, 8),)),
        (lambda m: m + 1, (M,), ()),
        (lambda m: m.T.sum(), (M,), ()),
        (lambda m: m.T.copy() + np.ones((8, N)), (M,), (Stride("m", 64, 8),)),
    ],
)  # fmt: skip
def test_strides(function, args, strides):
    """Of the axis that the loop runs along."""
    assert count(function, args).strides == strides


def test_the_calls_by_bytes_and_the_type_of_most():
    """What to look at first."""
    found = count(lambda x: (x.astype("f4") * 2).sum() + 1, (X,))
    assert (found.calls, found.dtype) == (("astype", "multiply", "add.reduce"), "f4")
