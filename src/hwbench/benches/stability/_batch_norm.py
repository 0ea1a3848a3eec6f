"""Batch normalisation as a remedy: each unit of W h is brought to mean 0 and variance 1 over a batch of 32 examples.

Forward ẑ = (z − mean z) / √(var z + ε) over the batch, h ← σ(ẑ); with u = σ'(ẑ) ∘ g the gradient goes back as
g ← Wᵀ (u − mean u − ẑ ∘ mean(u ∘ ẑ)) / √(var z + ε) (Ioffe and Szegedy 2015). The learnt scale and shift are 1 and 0,
as at the start of training. The first example is the one that the other remedies get; products are 32 times as many.

Arrays of the batch are kept in rows of n × 32 numbers, so that norms are those of the whole batch; `inverse` (d, n) has
1 / √(var z + ε) of each unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import numpy as np

from ...kernels.compiling import compiled
from ...kernels.float16 import bits, narrow, wide, widen
from ...protocols import Array
from ._chain import Chain
from ._networks import ACTIVATIONS, activate

BATCH = 32
EPSILON = 1e-5  # added to a variance before it divides, as all frameworks do


def batch_of(x: Array, batch: int = BATCH) -> Array:
    """Inputs and directions of a batch, (2, n × batch): the first of each is `x` (2, n), the others are drawn."""
    drawn = np.random.default_rng(2015).standard_normal((*x.shape, batch))
    drawn[:, :, 0] = x
    return drawn.reshape(len(x), -1)


def in_numpy(chain: Chain, xp: ModuleType = np) -> Callable[[], None]:
    """The chain in NumPy's or CuPy's arithmetic: a matrix product a layer, means in the type of sums."""
    weights = chain.weights
    d, n, _ = weights.shape
    h, z, slope, g = (array.reshape(len(array), n, -1) for array in (chain.h, chain.z, chain.slope, chain.g))
    inverse = chain.inverse
    transposed = weights.transpose(0, 2, 1)
    sigma = ACTIVATIONS[chain.activation]
    same, sums = weights.dtype, wide(weights.dtype)

    def call() -> None:
        with np.errstate(all="ignore"):  # leaving the range is the subject
            for t in range(d):
                values = xp.matmul(weights[t], h[t]).astype(sums)
                centred = values - values.mean(axis=1, keepdims=True)
                inverse[t] = sums.type(1) / xp.sqrt((centred * centred).mean(axis=1) + sums.type(EPSILON))
                z[t] = (centred * inverse[t][:, None]).astype(same)
                h[t + 1] = value = sigma.value(z[t])
                slope[t] = sigma.slope(z[t], value)
            for k in range(d):
                t = d - 1 - k
                u, hat = (g[k] * slope[t]).astype(sums), z[t].astype(sums)
                u = u - u.mean(axis=1, keepdims=True) - hat * (u * hat).mean(axis=1, keepdims=True)
                xp.matmul(transposed[t], (u * inverse[t][:, None]).astype(same), out=g[k + 1])

    return call


@compiled(fastmath={"reassoc", "contract"}, error_model="numpy")
def batch_norm_kernel(
    w: Array, h: Array, z: Array, slope: Array, inverse: Array, g: Array, x: Array, y: Array, code: int,
    epsilon: float, one: float,
) -> None:  # fmt: skip
    """Forward and backward; arrays of the batch are (rows, n, batch), `x`, `y` (n, batch) scratch of the type of sums.

    Sums are of numbers as they were stored, as in the other chains.
    """
    d, n, _ = w.shape
    batch = h.shape[2]
    zero = one - one
    count = zero + batch * one
    for i in range(n):
        for b in range(batch):
            x[i, b] = widen(h[0, i, b])
    for t in range(d):
        for i in range(n):
            for b in range(batch):
                y[i, b] = zero
            for j in range(n):
                weight = widen(w[t, i, j])
                for b in range(batch):
                    y[i, b] += weight * x[j, b]
            mean = zero
            for b in range(batch):
                y[i, b] = widen(narrow(y[i, b], z[t, i, b]))
                mean += y[i, b]
            mean /= count
            square = zero
            for b in range(batch):
                square += (y[i, b] - mean) * (y[i, b] - mean)
            inverse[t, i] = one / math.sqrt(square / count + epsilon)
            for b in range(batch):
                z[t, i, b] = narrow((y[i, b] - mean) * inverse[t, i], z[t, i, b])
                value, rise = activate(code, widen(z[t, i, b]), one)
                slope[t, i, b] = narrow(rise, slope[t, i, b])
                h[t + 1, i, b] = narrow(value, h[t + 1, i, b])
        for i in range(n):
            for b in range(batch):
                x[i, b] = widen(h[t + 1, i, b])
    for i in range(n):
        for b in range(batch):
            x[i, b] = widen(g[0, i, b])
    for k in range(d):
        t = d - 1 - k
        for i in range(n):
            for b in range(batch):
                y[i, b] = zero
        for i in range(n):
            first = second = zero
            for b in range(batch):
                u = widen(narrow(x[i, b] * widen(slope[t, i, b]), g[0, 0, 0]))
                x[i, b] = u
                first += u
                second += u * widen(z[t, i, b])
            first /= count
            second /= count
            for b in range(batch):
                u = inverse[t, i] * (x[i, b] - first - second * widen(z[t, i, b]))
                x[i, b] = widen(narrow(u, g[0, 0, 0]))
            for j in range(n):
                weight = widen(w[t, i, j])
                for b in range(batch):
                    y[j, b] += x[i, b] * weight
        for j in range(n):
            for b in range(batch):
                g[k + 1, j, b] = narrow(y[j, b], g[k + 1, j, b])
                x[j, b] = widen(g[k + 1, j, b])


def in_numba(chain: Chain) -> Callable[[], None]:
    """The chain as one compiled loop over layers, units and the batch."""
    n, sums = chain.weights.shape[1], wide(chain.weights.dtype)
    arrays = (chain.h, chain.z, chain.slope, chain.g)
    w = bits(chain.weights)
    h, z, slope, g = (bits(array).reshape(len(array), n, -1) for array in arrays)
    x, y = np.empty((2, *h.shape[1:]), sums)
    code, epsilon, one = ACTIVATIONS[chain.activation].code, sums.type(EPSILON), sums.type(1)
    inverse = chain.inverse

    def call() -> None:
        batch_norm_kernel(w, h, z, slope, inverse, g, x, y, code, epsilon, one)

    return call
