"""The check of a chain: each step by itself, against float64.

Rounding makes two implementations drift apart layer by layer, and chaos may make the difference as large as the
numbers. So a step is checked from what the variant itself stored before it: is what it stored after it the exact result
to within the type's rounding?
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...kernels.float16 import wide
from ...protocols import Array, EitherArray
from ._backprop import CLIP, EPSILON, Chain
from ._formats import Format, format_of
from ._networks import ACTIVATIONS


def violations(chain: Chain, form_of: Callable[[np.dtype], Format] = format_of) -> Array:
    """How many numbers of each layer are off the exact result of their step by more than rounding (d, int64).

    Exact means float64, from what the chain itself stored. A number may be infinite where the exact one is beyond the
    type's range; a step from infinity or NaN has no answer and is left out. `form_of` gives a type's range where the
    chain was computed.
    """
    form, sums = form_of(chain.weights.dtype), form_of(wide(chain.weights.dtype))
    w = chain.weights.astype(np.float64)
    h, z, slope, g = (array.astype(np.float64) for array in (chain.h, chain.z, chain.slope, chain.g))
    with np.errstate(all="ignore"):
        wrong = _forward_violations(chain, form, sums, w, h, z, slope)
        return wrong + _backward_violations(chain, form, sums, w, z, slope, g)[::-1]


def _sum_error(chain: Chain, sums: Format, magnitude: Array) -> EitherArray:
    """The rounding of a sum of n products: n ε of the type of sums times Σ |a b|, and its least number for each."""
    return chain.weights.shape[1] * (sums.eps * magnitude + sums.least)


def _forward_violations(chain: Chain, form: Format, sums: Format, w: Array, h: Array, z: Array, slope: Array) -> Array:
    sigma = ACTIVATIONS[chain.activation]
    exact = np.matmul(w, h[:-1, :, None])[..., 0]
    error = _sum_error(chain, sums, np.matmul(np.abs(w), np.abs(h[:-1, :, None]))[..., 0])
    error += 2 * form.eps * np.abs(exact) + form.least
    known = np.isfinite(h[:-1]).all(axis=1, keepdims=True)
    if chain.remedy == "normalised":
        known = known & (np.abs(exact) < form.top / 2).all(axis=1, keepdims=True)
        inverse = 1 / np.sqrt(exact.var(axis=1, keepdims=True) + EPSILON)
        # An error of z moves its own number, the mean, and the deviation by which all are divided.
        error = 4 * inverse * error.max(axis=1, keepdims=True) * (1 + np.abs(exact) * inverse) + 8 * form.eps
        exact = (exact - exact.mean(axis=1, keepdims=True)) * inverse
    wrong = _count(z, exact, error, form, known)
    value = sigma.value(z)
    rise = sigma.slope(z, value)
    stored = np.isfinite(z).all(axis=1, keepdims=True)
    # A sigmoid is a difference from 1 somewhere inside: its error is one of numbers around 1 (around 4 for 4s - 2).
    around = {"sigmoid": 1.0, "tanh": 1.0, "4sigmoid-2": 4.0}.get(chain.activation, 0.0)
    wrong += _count(slope, rise, 4 * form.eps * (around + np.abs(rise)) + form.least, form, stored)
    after = value + h[:-1] if chain.remedy == "residual" else value
    soft = 0.0 if chain.activation == "tanh" else around
    error = 4 * form.eps * (soft + np.abs(value) + np.abs(after)) + form.least
    return wrong + _count(h[1:], after, error, form, stored & known)


def _backward_violations(chain: Chain, form: Format, sums: Format, w: Array, z: Array, slope: Array, g: Array) -> Array:
    slope, z, w = slope[::-1], z[::-1], w[::-1]
    before = g[:-1]
    known = (np.isfinite(before) & np.isfinite(slope) & np.isfinite(z)).all(axis=1, keepdims=True)
    u = before * slope
    error = form.eps * np.abs(u) + form.least
    if chain.remedy == "normalised":
        inverse = chain.inverse[::-1, None].astype(np.float64)
        largest = np.abs(u).max(axis=1, keepdims=True)
        u = inverse * (u - u.mean(axis=1, keepdims=True) - z * (u * z).mean(axis=1, keepdims=True))
        error = 4 * form.eps * inverse * largest * (1 + np.abs(z)) + form.least * (1 + inverse)
        known = known & np.isfinite(inverse)
    transposed = w.transpose(0, 2, 1)
    exact = np.matmul(transposed, u[..., None])[..., 0]
    magnitude = np.matmul(np.abs(transposed), np.abs(u)[..., None])[..., 0]
    error = np.matmul(np.abs(transposed), error[..., None])[..., 0] + _sum_error(chain, sums, magnitude)
    if chain.remedy == "residual":
        exact = exact + before
        magnitude = magnitude + np.abs(before)
    if chain.remedy == "clipped":
        length = np.sqrt((exact**2).sum(axis=1, keepdims=True))
        factor = np.where(length > CLIP, CLIP / length, 1.0)
        known = known & (np.abs(exact) < form.top / 2).all(axis=1, keepdims=True)
        exact, error = exact * factor, error * factor
        error = error + 4 * form.eps * np.abs(exact)
    error = error + 4 * form.eps * np.abs(exact) + 2 * form.least
    return _count(g[1:], exact, error, form, known)


def _count(stored: Array, exact: Array, error: Array, form: Format, known: Array | np.bool) -> Array:
    """How many numbers of each row are too far from the exact ones, in rows whose input is known."""
    beyond = ~np.isfinite(stored) & (np.abs(exact) + error >= form.top * (1 - form.eps))
    near = np.abs(stored - exact) <= error
    return np.asarray((known & ~(near | beyond)).sum(axis=1), dtype=np.int64)
