"""Kernels that get advice, as people write them, and as the advice says to write them; `predictions.py` times both.

A kernel has a name, the code of the advice, the function, its rewrite, and what makes the arguments of both. Nothing of
the machine is in here: sizes are in elements, from a few caches to memory.
"""

# ruff: noqa: D103 - the names say it

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

Array = Any
MEMORY, CACHE = 2_000_000, 12_000  # elements of float64: 16 MB and 96 kB an array


@dataclass(frozen=True)
class Kernel:
    """A function, the advice it gets, and the rewrite."""

    name: str
    code: str
    function: Callable[..., Any]
    rewritten: Callable[..., Any]
    inputs: Callable[[], tuple[Any, ...]]


def vectors(count: int, n: int) -> Callable[[], tuple[Array, ...]]:
    """So many arrays of n random numbers."""
    return lambda: tuple(np.random.default_rng(i).random(n) for i in range(count))


def image(count: int, side: int) -> Callable[[], tuple[Array, ...]]:
    """So many square arrays of random numbers."""
    return lambda: tuple(np.random.default_rng(i).random((side, side)) for i in range(count))


# --- chains of NumPy, fused -------------------------------------------------------------------------------------------


def products(a: Array, b: Array, c: Array, d: Array) -> Array:
    return a * b + c * d


@numba.njit(cache=True)
def products_fused(a: Array, b: Array, c: Array, d: Array) -> Array:
    out = np.empty_like(a)
    for i in range(a.size):
        out[i] = a[i] * b[i] + c[i] * d[i]
    return out


def blend(a: Array, b: Array, t: Array) -> Array:
    return a + t * (b - a)


@numba.njit(cache=True)
def blend_fused(a: Array, b: Array, t: Array) -> Array:
    out = np.empty_like(a)
    for i in range(a.size):
        out[i] = a[i] + t[i] * (b[i] - a[i])
    return out


def horner(x: Array) -> Array:
    return ((0.3 * x + 0.7) * x - 1.1) * x + 2.0


@numba.njit(cache=True)
def horner_fused(x: Array) -> Array:
    out = np.empty_like(x)
    for i in range(x.size):
        out[i] = ((0.3 * x[i] + 0.7) * x[i] - 1.1) * x[i] + 2.0
    return out


def squared_distance(x: Array, y: Array, u: Array, v: Array) -> Array:
    return (x - u) * (x - u) + (y - v) * (y - v)


@numba.njit(cache=True)
def squared_distance_fused(x: Array, y: Array, u: Array, v: Array) -> Array:
    out = np.empty_like(x)
    for i in range(x.size):
        out[i] = (x[i] - u[i]) * (x[i] - u[i]) + (y[i] - v[i]) * (y[i] - v[i])
    return out


def leapfrog(u: Array, v: Array, f: Array) -> Array:
    return 2.0 * u - v + 0.01 * f


@numba.njit(cache=True)
def leapfrog_fused(u: Array, v: Array, f: Array) -> Array:
    out = np.empty_like(u)
    for i in range(u.size):
        out[i] = 2.0 * u[i] - v[i] + 0.01 * f[i]
    return out


def gain_and_offset(x: Array, g: Array, o: Array) -> Array:
    return np.minimum(np.maximum(x * g + o, 0.0), 1.0)


@numba.njit(cache=True)
def gain_and_offset_fused(x: Array, g: Array, o: Array) -> Array:
    out = np.empty_like(x)
    for i in range(x.size):
        out[i] = min(max(x[i] * g[i] + o[i], 0.0), 1.0)
    return out


def smooth(x: Array) -> Array:
    return 0.25 * x[:-2] + 0.5 * x[1:-1] + 0.25 * x[2:]


@numba.njit(cache=True)
def smooth_fused(x: Array) -> Array:
    out = np.empty(x.size - 2)
    for i in range(out.size):
        out[i] = 0.25 * x[i] + 0.5 * x[i + 1] + 0.25 * x[i + 2]
    return out


def laplace(u: Array) -> Array:
    return u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:] - 4.0 * u[1:-1, 1:-1]


@numba.njit(cache=True)
def laplace_fused(u: Array) -> Array:
    out = np.empty((u.shape[0] - 2, u.shape[1] - 2))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = u[i, j + 1] + u[i + 2, j + 1] + u[i + 1, j] + u[i + 1, j + 2] - 4.0 * u[i + 1, j + 1]
    return out


def standardize(x: Array) -> Array:
    return (x - 0.5) * 3.46 + 0.1


@numba.njit(cache=True)
def standardize_fused(x: Array) -> Array:
    out = np.empty_like(x)
    for i in range(x.size):
        out[i] = (x[i] - 0.5) * 3.46 + 0.1
    return out


# --- chains of NumPy, in pieces ---------------------------------------------------------------------------------------

PIECE = 4096  # elements; with all arrays of a chain 256 KiB, half of an L2


def products_pieces(a: Array, b: Array, c: Array, d: Array) -> Array:
    out, kept = np.empty_like(a), np.empty(PIECE)
    for i in range(0, a.size, PIECE):
        p = slice(i, i + PIECE)
        part = out[p]
        other = kept[: part.size]
        np.multiply(a[p], b[p], out=part)
        np.multiply(c[p], d[p], out=other)
        np.add(part, other, out=part)
    return out


def horner_pieces(x: Array) -> Array:
    out, piece = np.empty_like(x), 2 * PIECE  # of fewer arrays
    for i in range(0, x.size, piece):
        p = slice(i, i + piece)
        part, some = out[p], x[p]
        np.multiply(some, 0.3, out=part)
        np.add(part, 0.7, out=part)
        np.multiply(part, some, out=part)
        np.subtract(part, 1.1, out=part)
        np.multiply(part, some, out=part)
        np.add(part, 2.0, out=part)
    return out


def squared_distance_pieces(x: Array, y: Array, u: Array, v: Array) -> Array:
    out, kept = np.empty_like(x), np.empty(PIECE)
    for i in range(0, x.size, PIECE):
        p = slice(i, i + PIECE)
        part = out[p]
        other = kept[: part.size]
        np.subtract(x[p], u[p], out=part)
        np.multiply(part, part, out=part)
        np.subtract(y[p], v[p], out=other)
        np.multiply(other, other, out=other)
        np.add(part, other, out=part)
    return out


# --- loops of Numba, on all threads -----------------------------------------------------------------------------------


@numba.njit(cache=True)
def axpy(x: Array, y: Array, out: Array) -> None:
    for i in range(x.size):
        out[i] = 2.5 * x[i] + y[i]


@numba.njit(cache=True, parallel=True)
def axpy_all(x: Array, y: Array, out: Array) -> None:
    for i in numba.prange(x.size):
        out[i] = 2.5 * x[i] + y[i]


@numba.njit(cache=True)
def series(x: Array, out: Array) -> None:
    for i in range(x.size):
        total = 0.0
        for k in range(64):
            total = total * x[i] + k
        out[i] = total


@numba.njit(cache=True, parallel=True)
def series_all(x: Array, out: Array) -> None:
    for i in numba.prange(x.size):
        total = 0.0
        for k in range(64):
            total = total * x[i] + k
        out[i] = total


@numba.njit(cache=True)
def rows(a: Array, x: Array, out: Array) -> None:
    for i in range(a.shape[0]):
        total = 0.0
        for j in range(a.shape[1]):
            total += a[i, j] * x[j]
        out[i] = total


@numba.njit(cache=True, parallel=True)
def rows_all(a: Array, x: Array, out: Array) -> None:
    for i in numba.prange(a.shape[0]):
        total = 0.0
        for j in range(a.shape[1]):
            total += a[i, j] * x[j]
        out[i] = total


@numba.njit(cache=True, parallel=True)
def products_all(a: Array, b: Array, c: Array, d: Array) -> Array:
    out = np.empty_like(a)
    for i in numba.prange(a.size):
        out[i] = a[i] * b[i] + c[i] * d[i]
    return out


@numba.njit(cache=True, parallel=True)
def horner_all(x: Array) -> Array:
    out = np.empty_like(x)
    for i in numba.prange(x.size):
        out[i] = ((0.3 * x[i] + 0.7) * x[i] - 1.1) * x[i] + 2.0
    return out


def matrix(side: int) -> Callable[[], tuple[Array, ...]]:
    """A matrix, a vector and room for their product."""
    return lambda: (*image(1, side)(), *vectors(1, side)(), np.zeros(side))


CHAINS: dict[str, tuple[Callable[..., Any], Callable[..., Any], int]] = {
    "products": (products, products_fused, 4), "blend": (blend, blend_fused, 3), "horner": (horner, horner_fused, 1),
    "squared distance": (squared_distance, squared_distance_fused, 4), "leapfrog": (leapfrog, leapfrog_fused, 3),
    "gain and offset": (gain_and_offset, gain_and_offset_fused, 3), "smooth": (smooth, smooth_fused, 1),
    "standardize": (standardize, standardize_fused, 1),
}  # fmt: skip
KERNELS = (
    *(Kernel(name, "fuse", f, g, vectors(k, MEMORY)) for name, (f, g, k) in CHAINS.items()),
    Kernel("laplace", "fuse", laplace, laplace_fused, image(1, 1500)),
    *(Kernel(f"{name}, cache", "fuse", f, g, vectors(k, CACHE)) for name, (f, g, k) in CHAINS.items()),
    Kernel("products, pieces", "block", products, products_pieces, vectors(4, MEMORY)),
    Kernel("horner, pieces", "block", horner, horner_pieces, vectors(1, MEMORY)),
    Kernel("squared distance, pieces", "block", squared_distance, squared_distance_pieces, vectors(4, MEMORY)),
    Kernel("products, all", "threads", products, products_all, vectors(4, MEMORY)),
    Kernel("horner, all", "threads", horner, horner_all, vectors(1, MEMORY)),
    Kernel("axpy", "threads", axpy, axpy_all, vectors(3, MEMORY)),
    Kernel("series", "threads", series, series_all, vectors(2, 100_000)),
    Kernel("rows", "threads", rows, rows_all, matrix(2000)),
)
