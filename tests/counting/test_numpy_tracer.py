"""Arrays that report what is done with them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import scipy.linalg
import scipy.special

from hwbench.counting import count
from hwbench.counting.ledger import Ledger
from hwbench.counting.numpy_patches import tracing
from hwbench.counting.numpy_tracer import Traced, plain, traced

X = np.arange(1.0, 101)
M = np.arange(100.0).reshape(10, 10) + np.eye(10)
PLACES = np.array([3, 1, 4])


def scatter(x, i):
    x[i] += 1.0


def gather_rows(m, i):
    return m[i, 2:4]


def shift(x):
    x[1:] += x[:-1]


def masked(x):
    x[x > 50] = 0.0


def loop(x):
    total = 0.0
    for one in x:
        total += one * one
    return total


def in_place(x):
    x.sort()
    np.multiply(x, 2, out=x)


def filled(x):
    out = np.empty_like(x)
    out.fill(3)
    np.copyto(out[:50], x[:50])
    return out


@pytest.mark.parametrize(
    ("function", "args", "issued", "flops"),
    [
        (scatter, (X, PLACES), 3 * 24 + 2 * 24 + 3 * 24, 3),
        (gather_rows, (M, PLACES), 24 + 2 * 48, 0),
        (shift, (X,), 3 * 8 * 99, 99),
        (masked, (X,), 900 + 100 + 50 * 8, 0),
        (loop, (X,), 800, 200),
        (filled, (X,), 800 + 800, 0),
        (lambda x: x.astype("f4").sum(), (X,), 1200 + 400, 99),
        (lambda x: np.add.at(x, PLACES, 1.0), (X,), 24 + 48, 3),
        (lambda x: np.where(x > 3, x, 0.0), (X,), 900 + 1700, 0),
        (lambda x: np.add(x, 1, out=x, where=x > 50), (X,), 900 + 1700, 50),
        (lambda x: np.add.accumulate(x.reshape(10, 10), axis=1), (X,), 1600, 90),
        (lambda x: np.ones(100) + x, (X,), 800 + 2400, 100),
        (lambda x: np.concatenate([x, x[:50]]), (X,), 1200 + 1200, 0),
        (lambda m: np.linalg.norm(m), (M,), 800, 200),
        (lambda m: m.T.reshape(-1), (M,), 1600, 0),
        (lambda m: m.T.ravel(order="F").T[::2].real, (M,), 0, 0),
        (lambda m: [one.sum() for one in m], (M,), 800, 90),
        (lambda x: np.hypot(x, 2j.imag) @ x, (X,), 1600 + 1600, 300),
        (lambda x: float(np.sqrt(x[3] * 2.0) - x.max()), (X,), 8 + 800, 3),
        (lambda m: np.dot(m, m, np.empty((10, 10))), (M,), 1600, 2000),
        (lambda m: np.fill_diagonal(m, 1.0), (M,), 80, 0),
        (lambda x: np.putmask(x, x > 50, 0.0), (X,), 900 + 100 + 400, 0),
        (lambda x: scipy.special.erf(x), (X,), 1600, 100),
        (lambda m: scipy.linalg.cholesky(m @ m.T + np.eye(10), lower=True), (M,), 1600 + 800 + 2400 + 1600, 1585),
        (lambda x: np.sin(np.mgrid[0:10.0, 0:5][0]), (X,), 800 + 400 + 400, 50),
        (lambda m: np.apply_along_axis(lambda row: row.sum(), 1, m), (M,), 800 + 80, 90),
        (lambda x: np.random.default_rng(1).random(100) + x, (X,), 800 + 2400, 100),
    ],
)  # fmt: skip
def test_bytes_and_flops(function, args, issued, flops):
    """Each call by hand; a view costs nothing."""
    found = count(function, args)
    assert (found.issued.low, found.flops.low) == (issued, flops)
    assert found.issued.exact
    assert not found.unknown


def test_a_sort_has_an_interval():
    """In place it reads and writes its array."""
    found = count(in_place, (X,))
    assert found.issued.low == 1600 + 1600
    assert found.issued.high > found.issued.low
    assert not found.unknown


def test_what_is_not_known_is_named():
    """The answer is then a lower bound."""
    found = count(lambda x: np.lib.stride_tricks.sliding_window_view(x, 3).sum() + np.roots(x[:3]).size, (X,))
    assert found.unknown == ("numpy.roots",)
    assert found.issued.high == found.flops.high == float("inf")


def test_traced_numbers_are_numbers():
    """They compare, hash, index and print as NumPy's do, and copies are plain."""
    with tracing(Ledger()):
        x = traced(X)
        assert isinstance(x, Traced)
        number, place = x[3], traced(PLACES)[0]
        assert isinstance(number, float)
        assert (number, f"{number:.1f}", {number: 1}[4.0], [0, 1, 2, 3][place]) == (4.0, "4.0", 1, 3)
        assert isinstance(number + 1, type(number))
        assert type(plain([number])[0]) is np.float64
        assert copy.deepcopy({"x": x, "n": number})["n"] == 4.0
