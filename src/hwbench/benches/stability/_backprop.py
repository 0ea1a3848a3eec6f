"""Forward and backward through a deep network, in float16 to float64: in NumPy or CuPy, and as one compiled loop.

Forward h ← σ(W h) through d layers, then backward g ← Wᵀ (σ'(z) ∘ g): the product of the layers' Jacobians, applied
to the gradient of the loss. Every array has the type under test and is rounded to it at each step; only the sums inside
a product run in float32 (float64 for float64), as in NumPy, F16C and tensor cores.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import TypeAlias

import numpy as np

from ...kernels.compiling import compiled
from ...kernels.float16 import bits, narrow, wide, widen
from ...protocols import Array, EitherArray
from . import _batch_norm, _gated
from ._chain import LOSS_SCALE, Chain
from ._networks import ACTIVATIONS, activate

REMEDIES = ("plain", "residual", "gated", "normalised", "batch-norm", "clipped", "loss-scaled")
CLIP = 1e3  # the largest norm that clipping allows: the upper end of the lecture's range, 1e-6 … 1e3
EPSILON = _batch_norm.EPSILON
OWN_LAYERS = {"gated": _gated, "batch-norm": _batch_norm}  # remedies whose layers are other formulas


Make: TypeAlias = Callable[[Chain], Callable[[], None]]
"""What makes the call that computes a chain: `in_numba`, or `in_numpy` with its arrays' module."""

Fetch: TypeAlias = Callable[[EitherArray], Array]
"""Copies an array to the host from where it lies."""


def prepare(weights: Array, x: Array, activation: str, remedy: str) -> Chain:
    """A chain whose results are still NaN.

    `weights` (d, n, n) in the type under test; `x` (2, n): the input, and the direction of the loss's gradient. That
    becomes a unit vector, times the loss scale where that is the remedy. A batch has `_batch_norm.BATCH` of both.
    """
    d, n, _ = weights.shape
    dtype = weights.dtype
    inverse = np.ones((d, n) if remedy == "batch-norm" else d, wide(dtype))
    x = _batch_norm.batch_of(x) if remedy == "batch-norm" else x
    h, z, slope, g = (np.full((rows, x.shape[1]), np.nan, dtype) for rows in (d + 1, d, d, d + 1))
    unit = x[1] / np.linalg.norm(x[1])
    h[0], g[0] = x[0].astype(dtype), (unit * (LOSS_SCALE if remedy == "loss-scaled" else 1.0)).astype(dtype)
    return Chain(weights, h, z, slope, inverse, g, activation, remedy)


# --- in NumPy and in CuPy ---------------------------------------------------------------------------------------------


def in_numpy(chain: Chain, xp: ModuleType = np) -> Callable[[], None]:
    """The chain in NumPy's own arithmetic of the type: a product and a few small temporaries a layer.

    With CuPy as `xp` and a chain on its device each operation is a launch, and none waits.
    """
    if chain.remedy in OWN_LAYERS:
        return OWN_LAYERS[chain.remedy].in_numpy(chain, xp)
    weights, h, z, slope, inverse, g = chain.weights, chain.h, chain.z, chain.slope, chain.inverse, chain.g
    d = len(weights)
    transposed = weights.transpose(0, 2, 1)
    sigma = ACTIVATIONS[chain.activation]
    sums = wide(weights.dtype)
    residual, normalised, clipped = (chain.remedy == name for name in ("residual", "normalised", "clipped"))
    same = h.dtype
    limit = sums.type(CLIP)

    def layer_norm(row: Array) -> tuple[Array, float]:
        values = row.astype(sums)
        centred = values - values.mean()
        scale = sums.type(1) / xp.sqrt((centred * centred).mean() + sums.type(EPSILON))
        return (centred * scale).astype(same), scale

    def norm_backward(u: Array, hat: Array, scale: float) -> Array:
        u, hat = u.astype(sums), hat.astype(sums)
        found: Array = (scale * (u - u.mean() - hat * (u * hat).mean())).astype(same)
        return found

    def clip(row: Array) -> Array:
        values = row.astype(sums)
        length = xp.sqrt((values * values).sum())
        if xp is not np:  # a comparison on the host would wait for the GPU
            factor = xp.minimum(limit / length, sums.type(1))
        elif length > limit:
            factor = limit / length
        else:
            return row
        found: Array = (values * factor).astype(same)
        return found

    def call() -> None:
        with np.errstate(all="ignore"):  # leaving the range is the subject
            for t in range(d):
                xp.matmul(weights[t], h[t], out=z[t])
                if normalised:
                    z[t], inverse[t] = layer_norm(z[t])
                value = sigma.value(z[t])
                slope[t] = sigma.slope(z[t], value)
                h[t + 1] = h[t] + value if residual else value
            for k in range(d):
                t = d - 1 - k
                u = g[k] * slope[t]
                if normalised:
                    u = norm_backward(u, z[t], inverse[t])
                xp.matmul(transposed[t], u, out=g[k + 1])
                if residual:
                    g[k + 1] += g[k]
                if clipped:
                    g[k + 1] = clip(g[k + 1])

    return call


# --- in Numba ---------------------------------------------------------------------------------------------------------


# Sums may be reordered, so that they vectorise, and multiply-adds fused; infinities and NaN are kept as they are.
@compiled(fastmath={"reassoc", "contract"}, error_model="numpy")
def chain_kernel(
    w: Array, h: Array, z: Array, slope: Array, inverse: Array, g: Array, x: Array, y: Array, code: int, residual: bool,
    normalised: bool, clip: float, epsilon: float, one: float,
) -> None:  # fmt: skip
    """Forward and backward. Of the type of sums: scratch `x`, `y` (n), `clip` (0: none), `epsilon`, `one`."""
    d, n, _ = w.shape
    zero = one - one
    count = zero + n * one
    for i in range(n):
        x[i] = widen(h[0, i])
    for t in range(d):
        for i in range(n):
            total = zero
            for j in range(n):
                total += widen(w[t, i, j]) * x[j]
            z[t, i] = narrow(total, z[t, i])
        if normalised:
            mean = zero
            for i in range(n):
                mean += widen(z[t, i])
            mean /= count
            square = zero
            for i in range(n):
                centred = widen(z[t, i]) - mean
                square += centred * centred
            inverse[t] = one / math.sqrt(square / count + epsilon)
            for i in range(n):
                z[t, i] = narrow((widen(z[t, i]) - mean) * inverse[t], z[t, i])
        for i in range(n):
            value, rise = activate(code, widen(z[t, i]), one)
            slope[t, i] = narrow(rise, slope[t, i])
            if residual:
                value += x[i]
            h[t + 1, i] = narrow(value, h[t + 1, i])
            x[i] = widen(h[t + 1, i])
    for i in range(n):
        x[i] = widen(g[0, i])
    for k in range(d):
        t = d - 1 - k
        for i in range(n):
            y[i] = zero
        first = second = zero
        if normalised:
            for i in range(n):
                u = widen(narrow(x[i] * widen(slope[t, i]), g[0, 0]))
                first += u
                second += u * widen(z[t, i])
            first /= count
            second /= count
        for i in range(n):
            u = widen(narrow(x[i] * widen(slope[t, i]), g[0, 0]))
            if normalised:
                u = widen(narrow(inverse[t] * (u - first - second * widen(z[t, i])), g[0, 0]))
            for j in range(n):
                y[j] += u * widen(w[t, i, j])
        factor = one
        if residual:
            for j in range(n):
                y[j] += x[j]
        if clip > zero:
            square = zero
            for j in range(n):
                square += y[j] * y[j]
            if square > clip * clip:
                factor = clip / math.sqrt(square)
        for j in range(n):
            g[k + 1, j] = narrow(y[j] * factor, g[k + 1, j])
            x[j] = widen(g[k + 1, j])


def in_numba(chain: Chain) -> Callable[[], None]:
    """The chain as one compiled loop that loads narrow numbers and computes with wider ones."""
    if chain.remedy in OWN_LAYERS:
        return OWN_LAYERS[chain.remedy].in_numba(chain)
    sums = wide(chain.weights.dtype)
    x, y = np.empty((2, chain.h.shape[1]), sums)
    w, h, z, slope, g = (bits(array) for array in (chain.weights, chain.h, chain.z, chain.slope, chain.g))
    clip = sums.type(CLIP if chain.remedy == "clipped" else 0.0)
    code = ACTIVATIONS[chain.activation].code
    residual, normalised = chain.remedy == "residual", chain.remedy == "normalised"
    inverse, epsilon, one = chain.inverse, sums.type(EPSILON), sums.type(1)

    def call() -> None:
        chain_kernel(w, h, z, slope, inverse, g, x, y, code, residual, normalised, clip, epsilon, one)

    return call
