"""Loops as a compiler makes them of plain code, over ordinary memory: what a rewrite of a user's function becomes."""

from __future__ import annotations

import numpy as np
from numba import prange

from .compiling import compiled

MOST = 3  # arrays that are read


@compiled(fastmath=True)
def move(reads: int, a: np.ndarray, b: np.ndarray, c: np.ndarray, out: np.ndarray) -> float:
    """Read so many of the arrays at once and write one; where `out` is empty, read one alone."""
    total = 0.0
    if len(out) == 0:
        for i in range(len(a)):
            total += a[i]
    elif reads == 1:
        for i in range(len(out)):
            out[i] = 2.0 * a[i]
    elif reads == 2:
        for i in range(len(out)):
            out[i] = a[i] + b[i]
    else:
        for i in range(len(out)):
            out[i] = a[i] + b[i] + c[i]
    return total


@compiled(fastmath=True, parallel=True)
def move_together(reads: int, a: np.ndarray, b: np.ndarray, c: np.ndarray, out: np.ndarray) -> float:
    """The same on all threads."""
    total = 0.0
    if len(out) == 0:
        for i in prange(len(a)):
            total += a[i]
    elif reads == 1:
        for i in prange(len(out)):
            out[i] = 2.0 * a[i]
    elif reads == 2:
        for i in prange(len(out)):
            out[i] = a[i] + b[i]
    else:
        for i in prange(len(out)):
            out[i] = a[i] + b[i] + c[i]
    return total


# A call into compiled code takes time for each array that it is given, so that each number of arrays has a function.


@compiled(fastmath=True)
def _one(a: np.ndarray) -> np.ndarray:
    """A new array from one."""
    out = np.empty(len(a))
    for i in range(len(out)):
        out[i] = 2.0 * a[i]
    return out


@compiled(fastmath=True, parallel=True)
def _one_together(a: np.ndarray) -> np.ndarray:
    """A new array from one, on all threads."""
    out = np.empty(len(a))
    for i in prange(len(out)):
        out[i] = 2.0 * a[i]
    return out


@compiled(fastmath=True)
def _two(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A new array from two."""
    out = np.empty(len(a))
    for i in range(len(out)):
        out[i] = a[i] + b[i]
    return out


@compiled(fastmath=True, parallel=True)
def _two_together(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """A new array from two, on all threads."""
    out = np.empty(len(a))
    for i in prange(len(out)):
        out[i] = a[i] + b[i]
    return out


@compiled(fastmath=True)
def _three(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """A new array from three."""
    out = np.empty(len(a))
    for i in range(len(out)):
        out[i] = a[i] + b[i] + c[i]
    return out


@compiled(fastmath=True, parallel=True)
def _three_together(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """A new array from three, on all threads."""
    out = np.empty(len(a))
    for i in prange(len(out)):
        out[i] = a[i] + b[i] + c[i]
    return out


MAKE = (_one, _two, _three)  # by the number of arrays that are read
MAKE_TOGETHER = (_one_together, _two_together, _three_together)


def memory(reads: int, writes: int) -> tuple[int, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """How many arrays of float64 a loop reads for the one that it writes, and arrays of as many bytes in all."""
    if not writes or reads > 8 * writes:
        empty = np.zeros(0)
        return 1, np.ones((reads + writes) // 8), empty, empty, empty
    count = min(MOST, max(1, round(reads / writes)))
    size = (reads + writes) // 8 // (count + 1)
    a, b, c = (np.ones(size if i < count else 0) for i in range(MOST))
    return count, a, b, c, np.zeros(size)


@compiled
def fresh(count: int) -> np.ndarray:
    """A new array of float64, each page of it touched: compiled code asks for no huge pages, as NumPy does."""
    made = np.empty(count)
    for i in range(0, count, 512):
        made[i] = 1.0
    return made
