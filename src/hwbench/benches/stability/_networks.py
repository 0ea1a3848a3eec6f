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
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


# --- activations ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Activation:
    """One activation function.

    value, slope
        σ(z), and σ'(z) given z and σ(z); arrays of any float type in, the same type out, every step rounded to it.
        Of CuPy's arrays they make CuPy's: they are written in what NumPy hands on to an array's own library.
    taylor
        c₀ … c₃ of its expansion at 0; for relu that from the right.
    code
        What kernels know it by.
    """

    name: str
    code: int
    value: Callable[[Array], Array]
    slope: Callable[[Array, Array], Array]
    taylor: tuple[float, float, float, float]


def sigmoid(z: Array) -> Array:
    """1 / (1 + e⁻ᶻ). Where e⁻ᶻ is beyond the type's range the quotient is 0, which is right to within rounding."""
    one = z.dtype.type(1)
    with np.errstate(over="ignore"):
        found: Array = one / (one + np.exp(-z))
    return found


def scaled_sigmoid(z: Array) -> Array:
    """4 sigmoid(z) - 2: the sigmoid moved and stretched until it is x near 0, as tanh is."""
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
    """Weights of shape (n_out, n_in) in float32, or float64 for orthogonal ones, which are to be exact.

    These are a cosine transform with rows shuffled and signs of columns drawn: every weight is as likely to be positive
    as negative, and none is as costly as one of a QR decomposition.
    """
    if init.startswith("orthogonal"):
        wide = max(n_in, n_out)
        signs = rng.choice([-scale_of(init), scale_of(init)], wide)
        return np.asarray((_cosines(wide)[rng.permutation(wide)] * signs)[:n_out, :n_in])
    spread = np.float32(math.sqrt(gamma(init, n_in, n_out)))
    if init == "xavier-uniform":
        # U(-a, a) has variance a²/3, so a = √(6 / (n_in + n_out))
        a = np.float32(math.sqrt(6 / (n_in + n_out)))
        return np.asarray((2 * rng.random((n_out, n_in), dtype=np.float32) - 1) * a)
    return np.asarray(rng.standard_normal((n_out, n_in), dtype=np.float32) * spread)


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


# --- the range of a type ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Format:
    """A floating-point type: its step at 1 (`eps`), smallest normal, smallest and largest number."""

    eps: float
    tiny: float
    least: float
    top: float


NO_BFLOAT16 = "bf16 needs the package ml_dtypes"


def type_of(name: str) -> Any:
    """The dtype called `f2`, `bf16`, `f4` or `f8`; None for bf16 where ml_dtypes is not installed."""
    if name != "bf16":
        return np.dtype(name)
    try:
        import ml_dtypes  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    return np.dtype(ml_dtypes.bfloat16)


def format_of(dtype: Any) -> Format:
    """What the type states of itself."""
    dtype = np.dtype(dtype)
    if dtype.name == "bfloat16":
        import ml_dtypes  # type: ignore[import-not-found,unused-ignore]

        finfo: Any = ml_dtypes.finfo  # untyped
        info: Any = finfo(dtype)
    else:
        info = np.finfo(dtype)
    return Format(float(info.eps), float(info.tiny), float(info.smallest_subnormal), float(info.max))


def measured_format(dtype: Any, xp: Any = np) -> Format:
    """The same found by arithmetic in the type: halve and double until something is lost.

    `xp` computes, NumPy or CuPy. A GPU's float32 may end at its smallest normal number: CuPy has its kernels compiled
    to take what is below for 0 (`-ftz=true`).
    """
    one, two = xp.ones(1, dtype), xp.full(1, 2, dtype)
    eps = one
    with np.errstate(all="ignore"):
        while (one + eps / two)[0] != one[0]:
            eps = eps / two
        tiny = one
        while ((tiny / two) * (one + eps))[0] != (tiny / two)[0]:  # a subnormal has no room for the last bit
            tiny = tiny / two
        least = tiny
        while (least / two)[0] != 0:
            least = least / two
        top = two - eps
        while xp.isfinite((top * two).astype(np.float64)[0]):
            top = top * two
    return Format(*(float(x[0]) for x in (eps, tiny, least, top)))


# --- expansions at 0 --------------------------------------------------------------------------------------------------

# By dtype: the degree of the polynomial that is fitted on [-1, 1], and how far each of its c₀ … c₃ may be from Taylor's
# where numbers around 1 are rounded: 2 to 4 × what was found. A higher degree cuts off less of the series, but tells
# the type's rounding for curvature; these are the best of 3 … 15. Even bfloat16 resolves sigmoid's c₃ = -1/48.
TAYLOR = {
    "float64": (15, (1e-7, 1e-6, 2e-6, 5e-6)),
    "float32": (15, (1e-7, 1e-6, 2e-6, 5e-6)),
    "float16": (9, (2e-5, 2e-4, 1e-3, 2e-3)),
    "bfloat16": (7, (5e-4, 3e-3, 4e-3, 1.2e-2)),
}


def taylor_tolerance(activation: str, dtype: Any) -> list[float]:
    """How far c₀ … c₃ of what an implementation computes may be from Taylor's; 4 s - 2 has four times s's rounding."""
    return [(4 if activation == "4sigmoid-2" else 1) * tolerance for tolerance in TAYLOR[np.dtype(dtype).name][1]]


def taylor_of(function: Callable[[Array], Array], dtype: Any, one_sided: bool = False) -> list[float]:
    """c₀ … c₃ of what an implementation computes near 0 in `dtype`, from a polynomial through 4001 Chebyshev points.

    `one_sided` looks at x ≥ 0 alone, where relu has a series.
    """
    from numpy.polynomial import Chebyshev, Polynomial

    points = np.cos(np.pi * (np.arange(4001) + 0.5) / 4001)
    x = ((points + 1) / 2 if one_sided else points).astype(dtype)
    y = np.asarray(function(x))
    degree, _ = TAYLOR[np.dtype(dtype).name]
    fitted = Chebyshev.fit(x.astype(np.float64), y.astype(np.float64), degree).convert(kind=Polynomial)
    return [float(c) for c in fitted.coef[:4]]


def cubic(taylor: Sequence[float], x: float) -> float:
    """The expansion cut off after x³."""
    return sum(c * x**k for k, c in enumerate(taylor))
