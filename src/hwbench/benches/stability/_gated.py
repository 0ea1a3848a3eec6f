"""The additive path of an LSTM as a remedy: h ← f ∘ h + (1 − f) ∘ σ(W h), with the forget gate f = sigmoid(h + b).

The gate is a peephole (Gers and Schmidhuber 2000): each unit looks at its own value alone, so that no second matrix is
needed, and the input gate is 1 − f. With u = (1 − f) ∘ σ'(z) ∘ g the gradient goes back as

    g ← f ∘ g + f ∘ (1 − f) ∘ (h − σ(z)) ∘ g + Wᵀ u

and the first term is no product with a matrix. The bias b = ln(100 − 1) lets a value survive about 100 layers (chrono
initialisation, Tallec and Ollivier 2018): f is near 0.99.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType

import numpy as np

from ...kernels.compiling import compiled
from ...kernels.float16 import bits, narrow, wide, widen
from ...protocols import Array, EitherArray
from ._chain import Chain
from ._networks import ACTIVATIONS, activate

BIAS = math.log(99)


def gate(h: Array, xp: ModuleType = np) -> EitherArray:
    """The forget gate of these values, in their type. Where e⁻ʰ overflows the quotient is 0, to within rounding."""
    one = h.dtype.type(1)
    return one / (one + xp.exp(-(h + h.dtype.type(BIAS))))


def in_numpy(chain: Chain, xp: ModuleType = np) -> Callable[[], None]:
    """The chain in NumPy's or CuPy's arithmetic: gates in the type of sums, what is kept in the type itself."""
    weights, h, z, slope, g = chain.weights, chain.h, chain.z, chain.slope, chain.g
    d = len(weights)
    transposed = weights.transpose(0, 2, 1)
    sigma = ACTIVATIONS[chain.activation]
    same, sums = weights.dtype, wide(weights.dtype)
    one = sums.type(1)

    def call() -> None:
        with np.errstate(all="ignore"):  # leaving the range is the subject
            for t in range(d):
                xp.matmul(weights[t], h[t], out=z[t])
                value = sigma.value(z[t])
                slope[t] = sigma.slope(z[t], value)
                before = h[t].astype(sums)
                f = gate(before, xp)
                h[t + 1] = (f * before + (one - f) * value.astype(sums)).astype(same)
            for k in range(d):
                t = d - 1 - k
                before, passed = h[t].astype(sums), g[k].astype(sums)
                f = gate(before, xp)
                u = ((one - f) * slope[t].astype(sums) * passed).astype(same)
                value = sigma.value(z[t]).astype(sums)
                kept = f * passed + f * (one - f) * (before - value) * passed
                g[k + 1] = (kept + xp.matmul(transposed[t], u).astype(sums)).astype(same)

    return call


@compiled(fastmath={"reassoc", "contract"}, error_model="numpy")
def gated_kernel(
    w: Array, h: Array, z: Array, slope: Array, g: Array, x: Array, y: Array, code: int, bias: float, one: float
) -> None:
    """Forward and backward; `x`, `y` (n) are scratch in the type of sums."""
    d, n, _ = w.shape
    zero = one - one
    for i in range(n):
        x[i] = widen(h[0, i])
    for t in range(d):
        for i in range(n):
            total = zero
            for j in range(n):
                total += widen(w[t, i, j]) * x[j]
            z[t, i] = narrow(total, z[t, i])
        for i in range(n):
            value, rise = activate(code, widen(z[t, i]), one)
            slope[t, i] = narrow(rise, slope[t, i])
            f = one / (one + math.exp(-(x[i] + bias)))
            h[t + 1, i] = narrow(f * x[i] + (one - f) * value, h[t + 1, i])
        for i in range(n):
            x[i] = widen(h[t + 1, i])
    for i in range(n):
        x[i] = widen(g[0, i])
    for k in range(d):
        t = d - 1 - k
        for i in range(n):
            before = widen(h[t, i])
            f = one / (one + math.exp(-(before + bias)))
            value, _rise = activate(code, widen(z[t, i]), one)
            y[i] = f * x[i] + f * (one - f) * (before - value) * x[i]
        for i in range(n):
            f = one / (one + math.exp(-(widen(h[t, i]) + bias)))
            u = widen(narrow((one - f) * widen(slope[t, i]) * x[i], g[0, 0]))
            for j in range(n):
                y[j] += u * widen(w[t, i, j])
        for j in range(n):
            g[k + 1, j] = narrow(y[j], g[k + 1, j])
            x[j] = widen(g[k + 1, j])


def in_numba(chain: Chain) -> Callable[[], None]:
    """The chain as one compiled loop."""
    sums = wide(chain.weights.dtype)
    x, y = np.empty((2, chain.h.shape[1]), sums)
    w, h, z, slope, g = (bits(array) for array in (chain.weights, chain.h, chain.z, chain.slope, chain.g))
    code, bias, one = ACTIVATIONS[chain.activation].code, sums.type(BIAS), sums.type(1)

    def call() -> None:
        gated_kernel(w, h, z, slope, g, x, y, code, bias, one)

    return call
