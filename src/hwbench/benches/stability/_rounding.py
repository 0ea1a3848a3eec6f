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
from ._backprop import CLIP, EPSILON
from ._chain import Chain
from ._formats import Format, format_of
from ._gated import BIAS, gate
from ._networks import ACTIVATIONS

NORMALISING = ("normalised", "batch-norm")


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
        return wrong + _backward_violations(chain, form, sums, w, h, z, slope, g)[::-1]


def _products(w: Array, rows: Array) -> Array:
    """W h of each layer; a row of a batch has n × batch numbers."""
    return np.asarray(np.matmul(w, rows.reshape(*w.shape[:2], -1)).reshape(rows.shape))


def _together(chain: Chain, rows: Array) -> Array:
    """Rows as (d, groups, numbers): a group is normalised together, a layer or a unit over its batch."""
    return rows.reshape(len(rows), chain.weights.shape[1] if chain.remedy == "batch-norm" else 1, -1)


def _gate_error(sums: Format, h: Array, forget: Array) -> Array:
    """The rounding of a gate of these values: that of a number near 1, and of the exponent."""
    return np.asarray(4 * sums.eps * (1 + forget * (1 - forget) * (np.abs(h) + BIAS)))


def _sum_error(chain: Chain, sums: Format, magnitude: Array) -> EitherArray:
    """The rounding of a sum of n products: n ε of the type of sums times Σ |a b|, and its least number for each."""
    return chain.weights.shape[1] * (sums.eps * magnitude + sums.least)


def _forward_violations(chain: Chain, form: Format, sums: Format, w: Array, h: Array, z: Array, slope: Array) -> Array:
    sigma = ACTIVATIONS[chain.activation]
    exact = _products(w, h[:-1])
    error = _sum_error(chain, sums, _products(np.abs(w), np.abs(h[:-1])))
    error += 2 * form.eps * np.abs(exact) + form.least
    known = np.isfinite(h[:-1]).all(axis=1, keepdims=True)
    if chain.remedy in NORMALISING:
        known = known & (np.abs(exact) < form.top / 2).all(axis=1, keepdims=True)
        exact, error = _together(chain, exact), _together(chain, error)
        inverse = 1 / np.sqrt(exact.var(axis=2, keepdims=True) + EPSILON)
        # An error of z moves its own number, the mean, and the deviation by which all are divided.
        error = 4 * inverse * error.max(axis=2, keepdims=True) * (1 + np.abs(exact) * inverse) + 8 * form.eps
        exact = (exact - exact.mean(axis=2, keepdims=True)) * inverse
        exact, error = exact.reshape(z.shape), error.reshape(z.shape)
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
    if chain.remedy == "gated":
        forget = gate(h[:-1])
        after = forget * h[:-1] + (1 - forget) * value
        error = error + 4 * form.eps * np.abs(h[:-1])
        error = error + _gate_error(sums, h[:-1], forget) * (np.abs(h[:-1]) + np.abs(value))
    return wrong + _count(h[1:], after, error, form, stored & known)


def _backward_violations(
    chain: Chain, form: Format, sums: Format, w: Array, h: Array, z: Array, slope: Array, g: Array
) -> Array:
    slope, z, w, entered = slope[::-1], z[::-1], w[::-1], h[-2::-1]
    before = g[:-1]
    known = (np.isfinite(before) & np.isfinite(slope) & np.isfinite(z)).all(axis=1, keepdims=True)
    u = before * slope
    error = form.eps * np.abs(u) + form.least
    if chain.remedy in NORMALISING:
        inverse = chain.inverse[::-1].astype(np.float64).reshape(len(u), -1, 1)
        u, hat = _together(chain, u), _together(chain, z)
        largest = np.abs(u).max(axis=2, keepdims=True)
        u = inverse * (u - u.mean(axis=2, keepdims=True) - hat * (u * hat).mean(axis=2, keepdims=True))
        error = 4 * form.eps * inverse * largest * (1 + np.abs(hat)) + form.least * (1 + inverse)
        u, error = u.reshape(z.shape), error.reshape(z.shape)
        known = known & np.isfinite(inverse).all(axis=1)
    if chain.remedy == "gated":
        forget, value = gate(entered), ACTIVATIONS[chain.activation].value(z)
        known = known & np.isfinite(entered).all(axis=1, keepdims=True)
        doubt = _gate_error(sums, entered, forget)
        error = 4 * form.eps * np.abs((1 - forget) * u) + doubt * np.abs(u) + form.least
        u = (1 - forget) * u
    transposed = w.transpose(0, 2, 1)
    exact = _products(transposed, u)
    magnitude = _products(np.abs(transposed), np.abs(u))
    error = _products(np.abs(transposed), error) + _sum_error(chain, sums, magnitude)
    if chain.remedy == "gated":
        around = {"sigmoid": 1.0, "4sigmoid-2": 4.0}.get(chain.activation, 0.0)
        beside = forget * (1 - forget) * before
        apart = np.abs(entered) + np.abs(value) + around
        error = error + 4 * form.eps * (np.abs(forget * before) + np.abs(beside) * apart + np.abs(exact))
        error = error + doubt * np.abs(before) * (1 + apart)
        exact = exact + forget * before + beside * (entered - value)
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
