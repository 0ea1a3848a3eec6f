"""The kernels of STREAM: in explicit vectors, as plain prange loops, and in NumPy."""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels.compiling import compiled
from ...kernels.gate import enter, leave
from ...kernels.simd import (
    Registers,
    add,
    clobber,
    fence,
    fill,
    fma,
    load,
    load_volatile,
    mul,
    opaque,
    store,
    total,
    width,
)
from ._row import SCALE

UNROLL = 8  # registers a block: eight loads in flight, and one add, compare and branch for all of them

# --- kernels: explicit vectors ----------------------------------------------------------------------------------------
# Addresses of arrays of `nbytes` each, a multiple of the block; `r` are the registers of a block.
# `gate` is a thread's place at the gate of its crew.


@compiled
def simd_load(r: Registers, a: int, b: int, c: int, nbytes: int, passes: int, gate: int = 0) -> int:  # noqa: ARG001
    """Load `a` in every pass; the sum of its words as the last one finds them, and of the last block of each other."""
    enter(gate)
    step, sums = width(r), fill(r, 0)
    for _ in range(passes - 1):
        i, seen = 0, sums
        while i < nbytes:
            seen = load_volatile(r, a + i)
            i += step
        sums = add(sums, seen)
        clobber()
    i = 0
    while i < nbytes:
        sums = add(sums, load(r, a + i))
        i += step
    found = total(sums)
    leave(gate)
    return found


@compiled
def simd_load_streams(r: Registers, a: int, b: int, c: int, nbytes: int, passes: int, gate: int = 0) -> int:  # noqa: ARG001
    """The same from four quarters of `a` at once."""
    enter(gate)
    step, quarter = width(r), opaque(nbytes // 4)
    s, t, u, v = fill(r, 0), fill(r, 0), fill(r, 0), fill(r, 0)
    for _ in range(passes):
        i = a
        while i < a + quarter:
            s, t = add(s, load(r, i)), add(t, load(r, i + quarter))
            u, v = add(u, load(r, i + 2 * quarter)), add(v, load(r, i + 3 * quarter))
            i += step
        clobber()
    found = total(add(add(s, t), add(u, v)))
    leave(gate)
    return found


@compiled
def simd_store(r: Registers, a: int, b: int, c: int, nbytes: int, passes: int, gate: int = 0) -> None:  # noqa: ARG001
    """Store: a = s."""
    enter(gate)
    step, s = width(r), fill(r, SCALE)
    for _ in range(passes):
        i = 0
        while i < nbytes:
            store(a + i, s)
            i += step
        clobber()
    fence()
    leave(gate)


@compiled
def simd_copy(r: Registers, a: int, b: int, c: int, nbytes: int, passes: int, gate: int = 0) -> None:  # noqa: ARG001
    """Copy: a = b."""
    enter(gate)
    step = width(r)
    for _ in range(passes):
        i = 0
        while i < nbytes:
            store(a + i, load(r, b + i))
            i += step
        clobber()
    fence()
    leave(gate)


@compiled
def simd_copy_halves(r: Registers, a: int, b: int, c: int, nbytes: int, passes: int, gate: int = 0) -> None:  # noqa: ARG001
    """Copy both halves of the arrays side by side."""
    enter(gate)
    step, half = width(r), opaque(nbytes // 2)
    for _ in range(passes):
        i = 0
        while i < half:
            store(a + i, load(r, b + i))
            store(a + half + i, load(r, b + half + i))
            i += step
        clobber()
    fence()
    leave(gate)


@compiled
def simd_scale(r: Registers, a: int, b: int, c: int, nbytes: int, passes: int, gate: int = 0) -> None:  # noqa: ARG001
    """Scale: a = s·b."""
    enter(gate)
    step, s = width(r), fill(r, SCALE)
    for _ in range(passes):
        i = 0
        while i < nbytes:
            store(a + i, mul(s, load(r, b + i)))
            i += step
        clobber()
    fence()
    leave(gate)


@compiled
def simd_add(r: Registers, a: int, b: int, c: int, nbytes: int, passes: int, gate: int = 0) -> None:
    """Add: a = b + c."""
    enter(gate)
    step = width(r)
    for _ in range(passes):
        i = 0
        while i < nbytes:
            store(a + i, add(load(r, b + i), load(r, c + i)))
            i += step
        clobber()
    fence()
    leave(gate)


@compiled
def simd_triad(r: Registers, a: int, b: int, c: int, nbytes: int, passes: int, gate: int = 0) -> None:
    """Triad: a = b + s·c."""
    enter(gate)
    step, s = width(r), fill(r, SCALE)
    for _ in range(passes):
        i = 0
        while i < nbytes:
            store(a + i, fma(s, load(r, c + i), load(r, b + i)))
            i += step
        clobber()
    fence()
    leave(gate)


@compiled
def simd_triad_halves(r: Registers, a: int, b: int, c: int, nbytes: int, passes: int, gate: int = 0) -> None:
    """Triad of both halves of the arrays side by side."""
    enter(gate)
    step, s, half = width(r), fill(r, SCALE), opaque(nbytes // 2)
    for _ in range(passes):
        i = 0
        while i < half:
            store(a + i, fma(s, load(r, c + i), load(r, b + i)))
            store(a + half + i, fma(s, load(r, c + half + i), load(r, b + half + i)))
            i += step
        clobber()
    fence()
    leave(gate)


# --- kernels: as one writes them in Numba and NumPy -------------------------------------------------------------------


@compiled(parallel=True)
def numba_load(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> int:  # noqa: ARG001
    """The sum of the words of `a`."""
    found = 0
    for i in prange(len(a)):
        found += a[i]
    return found


@compiled(parallel=True)
def numba_store(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> None:  # noqa: ARG001
    """Store: a = s."""
    for i in prange(len(a)):
        a[i] = s


@compiled(parallel=True)
def numba_copy(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> None:  # noqa: ARG001
    """Copy: a = b."""
    for i in prange(len(a)):
        a[i] = b[i]


@compiled(parallel=True)
def numba_scale(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> None:  # noqa: ARG001
    """Scale: a = s·b."""
    for i in prange(len(a)):
        a[i] = s * b[i]


@compiled(parallel=True)
def numba_add(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> None:  # noqa: ARG001
    """Add: a = b + c."""
    for i in prange(len(a)):
        a[i] = b[i] + c[i]


@compiled(parallel=True)
def numba_triad(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> None:
    """Triad: a = b + s·c."""
    for i in prange(len(a)):
        a[i] = b[i] + s * c[i]


def numpy_load(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> np.int64:  # noqa: ARG001
    """The sum of the words of `a`."""
    return a.sum()


def numpy_store(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> None:  # noqa: ARG001
    """Store: a = s."""
    a.fill(s)


def numpy_copy(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> None:  # noqa: ARG001
    """Copy: a = b."""
    np.copyto(a, b)


def numpy_scale(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> None:  # noqa: ARG001
    """Scale: a = s·b."""
    np.multiply(b, s, out=a)


def numpy_add(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> None:  # noqa: ARG001
    """Add: a = b + c."""
    np.add(b, c, out=a)


def numpy_triad(a: np.ndarray, b: np.ndarray, c: np.ndarray, s: float) -> None:
    """Triad: a = b + s·c, in two passes over `a` since NumPy has no fused operation."""
    np.multiply(c, s, out=a)
    np.add(a, b, out=a)
