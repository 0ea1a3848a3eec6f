"""Counts of NumPy's functions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hwbench.counting.numpy_costs import COMPOSED, FUNCTIONS, element

A, B = np.ones((6, 6)), np.ones((6, 2))
ROOM = np.arange(16.0)


@pytest.mark.parametrize(
    ("name", "dtypes", "flops"),
    [("add", "ddd", 1), ("add", "lll", 0), ("multiply", "DDD", 6), ("maximum", "ddd", 0), ("exp", "ff", 1)],
)
def test_flops_of_an_element(name, dtypes, flops):
    """By the type of numbers."""
    assert element(name, [np.dtype(one) for one in dtypes]) == flops


@pytest.mark.parametrize(
    ("name", "args", "flops"),
    [
        ("dot", (A, B), 2 * 6 * 6 * 2),
        ("dot", (A, 2.0), 36),
        ("vdot", (ROOM, ROOM), 32),
        ("outer", (ROOM, ROOM), 256),
        ("einsum", ("ij,jk->ik", A, B), 2 * 6 * 6 * 2),
        ("einsum", ("ii->i", A), 0),
        ("einsum", ("i,j->ij", ROOM, ROOM), 256),
        ("linalg.solve", (np.eye(6), B), 2 / 3 * 216 - 18 + 5 + 2 * 6 * 11),
        ("linalg.cholesky", (np.eye(6),), 72 + 18 + 1),
        ("fft.fft", (ROOM,), 5 * 16 * 4),
        ("fft.rfft", (ROOM,), 2.5 * 16 * 4),
        ("fft.irfft", (np.ones(9, complex),), 2.5 * 16 * 4),
        ("fft.fft2", (np.ones((4, 4)),), 5 * 16 * 4),
        ("convolve", (ROOM, ROOM[:3]), 2 * 16 * 3),
        ("trace", (A,), 5),
        ("fft.fftn", (np.ones((2, 4, 4)),), 5 * 32 * 5),
        ("linalg.qr", (B,), 4 * 6 * 4 - 4 / 3 * 8),
        ("linalg.det", (A,), 2 / 3 * 216 - 18 + 5 + 5),
        ("linalg.matrix_power", (A, 5), 2 * 216 * 3),
        ("linalg.norm", (A,), 72),
        ("einsum", ("ij,jk", A, B), 2 * 6 * 6 * 2),
        ("tensordot", (A, B, 1), 2 * 6 * 6 * 2),
        ("bincount", (np.arange(6), np.ones(6)), 6),
        ("inner", (ROOM, ROOM), 32),
        ("linspace", (0, 1, 50), 100),
    ],
)  # fmt: skip
def test_usual_counts(name, args, flops):
    """As textbooks and LAWN 41 have them."""
    home = np.linalg if name.startswith("linalg.") else np.fft if name.startswith("fft.") else np
    result = getattr(home, name.rpartition(".")[2])(*args)
    assert FUNCTIONS[name](args, {}, result).flops == pytest.approx(flops)


def test_a_product_with_its_own_transpose_computes_a_triangle():
    """NumPy calls syrk."""
    assert FUNCTIONS["dot"]((B.T, B), {}, B.T @ B).flops == 2 * 3 * 6


def test_a_chain_of_einsum_goes_by_its_path():
    """Two products of matrices, and a temporary between them."""
    cost = FUNCTIONS["einsum"](("ij,jk,kl->il", A, A, A), {"optimize": True}, A)
    assert (cost.flops, cost.extra) == (2 * 2 * 216, 2 * 36 * 8)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("linalg.norm", (A, 1)),
        ("einsum", ("...ij,jk", A, B)),
        ("einsum", (A, [0, 1], [0])),
        ("interp", ([0.5], ROOM, ROOM)),
    ],
)
def test_rules_that_do_not_fit_give_a_bound(name, args):
    """Another norm, an ellipsis, a search."""
    home = np.linalg if name.startswith("linalg.") else np
    cost = FUNCTIONS[name](args, {}, getattr(home, name.rpartition(".")[2])(*args))
    assert cost.flops_high > cost.flops


@pytest.mark.parametrize(
    ("name", "args", "low", "high"),
    [
        ("sort", (ROOM,), 0, 4 * 128 * 4),
        ("sort", (A, None), 0, 4 * 288 * 6),
        ("searchsorted", (ROOM, [1.0, 2.0]), 16, 16 * 5),
        ("digitize", ([1.0, 2.0], ROOM), 16, 16 * 5),
        ("take", (ROOM, np.array([1, 2])), 16, 16),
        ("bincount", (np.arange(6),), 96, 96),
    ],
)
def test_bytes_beside_those_of_the_arrays(name, args, low, high):
    """Passes of a sort, steps of a search, elements that are picked, bins."""
    cost = FUNCTIONS[name](args, {}, getattr(np, name)(*args))
    assert (cost.extra, cost.extra if cost.extra_high is None else cost.extra_high) == (low, high)


@pytest.mark.parametrize("name", ["linalg.svd", "linalg.eigh", "linalg.lstsq"])
def test_iterations_have_an_interval(name):
    """What converges takes as long as it takes."""
    cost = FUNCTIONS[name]((A, A), {}, A)
    assert 0 < cost.flops < cost.flops_high
    assert cost.extra_high == math.inf


def test_no_function_has_two_answers():
    """One that is looked into has no count of its own, and all are NumPy's."""
    assert not COMPOSED & FUNCTIONS.keys()
