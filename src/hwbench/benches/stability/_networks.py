"""Deep networks as the lecture has them: activations, initialisations, and what theory says of their variances.

A layer is h' = σ(W h) with W of shape (n_out, n_in), no bias. If the elements of W are independent, with mean 0 and
variance γ, then Var[W h] = n_in γ E[h²], and for the gradient Var[Wᵀ g] = n_out γ Var[g]: n γ = 1 keeps either.
Xavier's γ = 2 / (n_in + n_out) keeps the mean of the two (Glorot and Bengio 2010), He's 2 / n_in makes up for a ReLU's
lost half (He et al. 2015).
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...kernels.compiling import compiled
from ...protocols import Array, EitherArray

# --- activations ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Activation:
    """One activation function.

    value, slope
        σ(z), and σ'(z) given z and σ(z), for arrays of any float type; every step rounds to that type. CuPy's arrays
        give CuPy's: only functions are used that NumPy dispatches to an array's own library.
    taylor
        c₀ … c₃ of its expansion at 0; for relu that from the right.
    code
        Its number in kernels (`activate`).
    """

    name: str
    code: int
    value: Callable[[EitherArray], EitherArray]
    slope: Callable[[Array, Array], Array]
    taylor: tuple[float, float, float, float]


def sigmoid(z: Array) -> Array:
    """1 / (1 + e⁻ᶻ). Where e⁻ᶻ overflows the quotient is 0, which is right to within rounding."""
    one = z.dtype.type(1)
    with np.errstate(over="ignore"):
        found: Array = one / (one + np.exp(-z))
    return found


def scaled_sigmoid(z: Array) -> Array:
    """4 sigmoid(z) - 2: the sigmoid moved and scaled, so that it is x near 0, as tanh is."""
    found: Array = z.dtype.type(4) * sigmoid(z) - z.dtype.type(2)
    return found


def _relu_slope(z: Array, _value: Array) -> Array:
    return (z > 0).astype(z.dtype)


def _sigmoid_slope(z: Array, value: Array) -> Array:
    found: Array = value * (z.dtype.type(1) - value)
    return found


def _tanh_slope(z: Array, value: Array) -> Array:
    found: Array = z.dtype.type(1) - value * value
    return found


def _scaled_slope(z: Array, value: Array) -> Array:
    """4 s (1 - s) with s = (value + 2) / 4, which is (2 + value)(2 - value) / 4."""
    two, quarter = z.dtype.type(2), z.dtype.type(0.25)
    found: Array = (two + value) * (two - value) * quarter
    return found


def _relu(z: Array) -> Array:
    found: Array = np.maximum(z, z.dtype.type(0))
    return found


ACTIVATIONS = {
    activation.name: activation
    for activation in (
        Activation("identity", 0, lambda z: z, lambda z, _: np.ones_like(z), (0.0, 1.0, 0.0, 0.0)),
        Activation("relu", 1, _relu, _relu_slope, (0.0, 1.0, 0.0, 0.0)),
        Activation("sigmoid", 2, sigmoid, _sigmoid_slope, (1 / 2, 1 / 4, 0.0, -1 / 48)),
        Activation("tanh", 3, np.tanh, _tanh_slope, (0.0, 1.0, 0.0, -1 / 3)),
        Activation("4sigmoid-2", 4, scaled_sigmoid, _scaled_slope, (0.0, 1.0, 0.0, -1 / 12)),
    )
}


@compiled(inline="always")
def activate(code: int, v: float, one: float) -> tuple[float, float]:
    """σ(v) and σ'(v) of the activation with this `code`; `one` is 1 in v's type. For kernels."""
    if code == 1:
        return (v, one) if v > 0 else (one - one, one - one)
    if code == 2:
        s = one / (one + math.exp(-v))
        return s, s * (one - s)
    if code == 3:
        s = math.tanh(v)
        return s, one - s * s
    if code == 4:
        s = one / (one + math.exp(-v))
        four = one + one + one + one
        return four * s - (one + one), four * s * (one - s)
    return v, one


# --- initialisations --------------------------------------------------------------------------------------------------

INITS = ("normal-0.01", "xavier-normal", "xavier-uniform", "he", "orthogonal-1.5", "orthogonal-0.8")


def gamma(init: str, n_in: int, n_out: int) -> float:
    """The variance γ of a weight; for `orthogonal-s`, an orthogonal matrix times s, it is s² / n."""
    if init == "normal-0.01":
        return 0.01**2
    if init.startswith("xavier"):
        return 2 / (n_in + n_out)
    if init == "he":
        return 2 / n_in
    if init.startswith("orthogonal"):
        return scale_of(init) ** 2 / max(n_in, n_out)
    raise ValueError(f"{init} is no initialisation; known are {', '.join(INITS)}")


def scale_of(init: str) -> float:
    """The s of `orthogonal-s`."""
    return float(init.partition("-")[2])


def draw(rng: np.random.Generator, init: str, n_in: int, n_out: int) -> Array:
    """Weights of shape (n_out, n_in) in float32; orthogonal ones in float64, to be exact.

    An orthogonal matrix is a cosine transform with shuffled rows and random signs of columns: every weight is as likely
    positive as negative, at a fraction of the cost of a QR decomposition.
    """
    if init.startswith("orthogonal"):
        wide = max(n_in, n_out)
        signs = rng.choice([-scale_of(init), scale_of(init)], wide)
        return np.asarray((_cosines(wide)[rng.permutation(wide)] * signs)[:n_out, :n_in])
    std = np.float32(math.sqrt(gamma(init, n_in, n_out)))
    if init == "xavier-uniform":
        # U(-a, a) has variance a²/3, so a = √(6 / (n_in + n_out))
        a = np.float32(math.sqrt(6 / (n_in + n_out)))
        return np.asarray((2 * rng.random((n_out, n_in), dtype=np.float32) - 1) * a)
    return np.asarray(rng.standard_normal((n_out, n_in), dtype=np.float32) * std)


@functools.cache
def _cosines(n: int) -> Array:
    """The orthonormal discrete cosine transform (II) of n points as a matrix."""
    k = np.arange(n)
    table = math.sqrt(2 / n) * np.cos(np.pi / n * np.outer(k, k + 0.5))
    table[0] = math.sqrt(1 / n)
    return np.asarray(table)


# --- theory -----------------------------------------------------------------------------------------------------------

_NODES = np.linspace(-10, 10, 4001)  # standard deviations; a node at 0, where relu has its corner
_NORMAL = np.exp(-(_NODES**2) / 2) * (_NODES[1] - _NODES[0]) / math.sqrt(2 * math.pi)


def mean_square(function: Callable[[Array], Array], variance: float) -> float:
    """E[function(z)²] for z ~ N(0, variance), by the trapezoidal rule, which converges fast on a bell curve."""
    return float(np.sum(_NORMAL * function(_NODES * math.sqrt(variance)) ** 2))


def expected(init: str, activation: str, widths: Sequence[int]) -> tuple[list[float], list[float]]:
    """Mean squares of h and of the gradient by layer that theory expects of infinitely wide layers, from 1 each.

    With the identity both are products of n γ, exactly. Otherwise Σ w h is taken for normally distributed: E[z²] =
    n_in γ E[h²], E[h'²] = E[σ(z)²], and backwards E[g²] = n_out γ E[σ'(z)²] E[g'²] (Schoenholz et al. 2017).

    Both lists run from the input to the loss and have len(widths) entries.
    """
    sigma = ACTIVATIONS[activation]
    forward, slopes = [1.0], []
    for n_in, n_out in itertools.pairwise(widths):
        variance = n_in * gamma(init, n_in, n_out) * forward[-1]
        if activation == "identity":
            forward.append(variance)
            slopes.append(1.0)
            continue
        forward.append(mean_square(sigma.value, variance))
        slopes.append(mean_square(lambda z: sigma.slope(z, sigma.value(z)), variance))
    backward = [1.0]
    for n_in, n_out, slope in reversed(list(zip(widths, widths[1:], slopes, strict=False))):
        backward.append(n_out * gamma(init, n_in, n_out) * slope * backward[-1])
    return forward, backward[::-1]
