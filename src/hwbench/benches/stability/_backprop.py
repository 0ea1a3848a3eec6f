"""A gradient on its way through a deep network, in float16 to float64: the work, its check, its outcome.

Forward h ← σ(W h) through d layers, then backward g ← Wᵀ (σ'(z) ∘ g): the product of the layers' Jacobians, applied
to the gradient of the loss. Every array is kept in the type under test and rounded to it at each step; only the sums
inside a product run in float32 (float64 for float64), as NumPy, F16C and tensor cores all do.

Rounding makes two implementations part ways layer by layer, and chaos may make the difference as large as the numbers.
So each step is checked by itself: given what the variant stored before it, is what it stored after it the exact result
to within the type's rounding?
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...kernels.compiling import compiled
from ...kernels.float16 import bits, narrow, wide, widen
from ._networks import ACTIVATIONS, Format, format_of

Array = np.ndarray[Any, Any]

REMEDIES = ("plain", "residual", "normalised", "clipped", "loss-scaled")
CLIP = 1e3  # the largest norm that clipping lets through: the upper end of the lecture's proper range, 1e-6 … 1e3
LOSS_SCALE = 2.0**15  # where mixed-precision training starts (Micikevicius et al. 2018); a power of two rounds nothing
EPSILON = 1e-5  # added to a variance before it divides, as all frameworks do


@dataclass(frozen=True)
class Chain:
    """Arrays of one network of d layers of width n, all in the type under test but `inverse`.

    weights (d, n, n); h (d + 1, n) with the input in h[0]; z (d, n), after normalisation where there is one; slope
    (d, n), σ'(z); inverse (d), 1 / standard deviation by layer; g (d + 1, n), from the loss's gradient in g[0] on, by
    layers gone through.
    """

    weights: Array
    h: Array
    z: Array
    slope: Array
    inverse: Array
    g: Array
    activation: str
    remedy: str

    def moved(self, move: Callable[[Array], Any]) -> Chain:
        """The same chain with what `move` makes of each array: a copy of it on a GPU, or back from there."""
        arrays = ("weights", "h", "z", "slope", "inverse", "g")
        return replace(self, **{name: move(getattr(self, name)) for name in arrays})

    def first(self, d: int) -> Chain:
        """The network of the first d layers, with arrays of its own but the weights."""
        lengths = {"h": d + 1, "z": d, "slope": d, "inverse": d, "g": d + 1}
        own = {name: getattr(self, name)[:length].copy() for name, length in lengths.items()}
        return replace(self, weights=self.weights[:d], **own)

    @property
    def scale(self) -> float:
        """What the loss was multiplied by."""
        return LOSS_SCALE if self.remedy == "loss-scaled" else 1.0


def prepare(weights: Array, x: Array, activation: str, remedy: str) -> Chain:
    """A chain whose results are not there yet (NaN).

    `weights` (d, n, n) in the type under test, `x` (2, n): the input, and the direction of the loss's gradient, which
    is made a unit vector here, times the loss scale where that is the remedy.
    """
    d, n, _ = weights.shape
    dtype = weights.dtype
    h, z, slope, g = (np.full((rows, n), np.nan, dtype) for rows in (d + 1, d, d, d + 1))
    unit = x[1] / np.linalg.norm(x[1])
    h[0], g[0] = x[0].astype(dtype), (unit * (LOSS_SCALE if remedy == "loss-scaled" else 1.0)).astype(dtype)
    return Chain(weights, h, z, slope, np.ones(d, wide(dtype)), g, activation, remedy)


# --- in NumPy and in CuPy ---------------------------------------------------------------------------------------------


def in_numpy(chain: Chain, xp: Any = np) -> Callable[[], None]:
    """The chain with NumPy's own arithmetic of the type: a product and a few small temporaries a layer.

    With `xp` CuPy and a chain whose arrays lie on its device, each of these is a launch, and nothing is waited for.
    """
    weights, h, z, slope, inverse, g = chain.weights, chain.h, chain.z, chain.slope, chain.inverse, chain.g
    d = len(weights)
    transposed = weights.transpose(0, 2, 1)
    sigma = ACTIVATIONS[chain.activation]
    sums = wide(weights.dtype)
    residual, normalised, clipped = (chain.remedy == name for name in ("residual", "normalised", "clipped"))
    same = h.dtype
    limit = sums.type(CLIP)

    def layer_norm(row: Array) -> tuple[Array, Any]:
        values = row.astype(sums)
        centred = values - values.mean()
        scale = sums.type(1) / xp.sqrt((centred * centred).mean() + sums.type(EPSILON))
        return (centred * scale).astype(same), scale

    def norm_backward(u: Array, hat: Array, scale: Any) -> Array:
        u, hat = u.astype(sums), hat.astype(sums)
        found: Array = (scale * (u - u.mean() - hat * (u * hat).mean())).astype(same)
        return found

    def clip(row: Array) -> Array:
        values = row.astype(sums)
        length = xp.sqrt((values * values).sum())
        if xp is not np:  # to ask a GPU which of the two is larger is to wait for it
            factor = xp.minimum(limit / length, sums.type(1))
        elif length > limit:
            factor = limit / length
        else:
            return row
        found: Array = (values * factor).astype(same)
        return found

    def call() -> None:
        with np.errstate(all="ignore"):  # going out of range is what is being looked at
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


@compiled(inline="always")
def activate(code: int, v: Any, one: Any) -> Any:
    """σ(v) and σ'(v), for the activation that `code` stands for; `one` is 1 in v's type."""
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


# Sums may be reordered, so that they vectorise, and multiply-adds fused; infinities and NaN are kept as they are.
@compiled(fastmath={"reassoc", "contract"}, error_model="numpy")
def chain_kernel(
    w: Any, h: Any, z: Any, slope: Any, inverse: Any, g: Any, x: Any, y: Any, code: int, residual: bool,
    normalised: bool, clip: Any, epsilon: Any, one: Any,
) -> None:  # fmt: skip
    """Forward and backward. `x`, `y` (n) are scratch, of the type of sums as `clip` (0: none), `epsilon`, `one` are."""
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
    """The chain as one compiled loop, which reads narrow numbers and computes with wider ones."""
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


# --- the check --------------------------------------------------------------------------------------------------------


def violations(chain: Chain, form_of: Callable[[Any], Format] = format_of) -> Array:
    """For each layer, how many numbers are not the exact result of the step before to within rounding (d, int64).

    Exact means float64, from what the chain itself stored. A number may be infinite where the exact one is beyond the
    type's range; a step whose input is infinite or NaN has no answer, and is left out. `form_of` says what a type's
    range is where the chain was computed.
    """
    form, sums = form_of(chain.weights.dtype), form_of(wide(chain.weights.dtype))
    w = chain.weights.astype(np.float64)
    h, z, slope, g = (array.astype(np.float64) for array in (chain.h, chain.z, chain.slope, chain.g))
    with np.errstate(all="ignore"):
        wrong = _forward_violations(chain, form, sums, w, h, z, slope)
        return wrong + _backward_violations(chain, form, sums, w, z, slope, g)[::-1]


def _sum_error(chain: Chain, sums: Format, magnitude: Array) -> Any:
    """The rounding of a sum over n products: n ε of the type of sums times Σ |a b|, and its least number for each."""
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


def _count(stored: Array, exact: Array, error: Array, form: Format, known: Any) -> Array:
    """Numbers of each row that are too far from the exact ones, in rows whose input is known."""
    beyond = ~np.isfinite(stored) & (np.abs(exact) + error >= form.top * (1 - form.eps))
    near = np.abs(stored - exact) <= error
    return np.asarray((known & ~(near | beyond)).sum(axis=1), dtype=np.int64)


# --- the outcome ------------------------------------------------------------------------------------------------------

PROPER = (-6.0, 3.0)  # log₁₀ of the norms between which the lecture wants a gradient


def outcome(
    chain: Chain, make: Callable[[Chain], Callable[[], None]], fetch: Callable[[Array], Array] = np.asarray
) -> dict[str, Any]:
    """What became of a chain that was computed, as plain data: its `trace`, and how deep such a network may be.

    `make` is what computes chains, here shallower ones; `fetch` brings an array to the host from where they lie.

    safe_depth
        The largest d for which the network of the first d layers loses nothing: neither its outputs nor the gradient
        that enters behind layer d leave the type's normal range.
    trouble
        What is lost with one layer more, by its name in `trace`; None where nothing is.
    proper_depth
        The largest d ≤ safe_depth for which the gradient's norm stays within 1e-6 … 1e3, where the lecture wants it.
    """
    found = trace(chain, fetch)
    layers = found["layers"]

    @functools.cache
    def through(d: int) -> dict[str, Any]:
        if d == layers:
            return found
        short = chain.first(d)
        make(short)()
        return trace(short, fetch)

    # An output is the same however many layers follow it: where it is lost, all deeper networks lose it.
    outputs = {found[name]: name for name in ("forward_underflow", "forward_overflow") if found[name] is not None}
    reach = min(outputs, default=layers + 1) - 1
    safe = _deepest(reach, lambda d: _lost(through(d)) is None)
    return found | {
        "safe_depth": safe,
        "trouble": outputs.get(safe + 1) if safe == reach else _lost(through(safe + 1)),
        "proper_depth": _deepest(safe, lambda d: all(_proper(norm) for norm in through(d)["log10_norms"])),
    }


def trace(chain: Chain, fetch: Callable[[Array], Array] = np.asarray) -> dict[str, Any]:
    """Norms and losses of one chain; depths count layers from the loss, or from the input for `forward`.

    log10_norms
        log₁₀ ‖g‖ after 0 … d layers, the loss scale taken out; None where it is 0, infinite or NaN.
    log10_forward
        log₁₀ of the root mean square of h after 0 … d layers.
    overflow, underflow, dead
        The first depth at which a gradient is infinite or NaN; at which its root mean square is below the smallest
        normal number, where bits go missing; at which all of it is 0. None: never. Where outputs are lost, the gradient
        may be so from the loss on.
    forward_overflow, forward_underflow, forward_dead
        The same of h.
    """
    form = format_of(chain.weights.dtype)
    g, h = (fetch(array).astype(np.float64) for array in (chain.g, chain.h))
    n = g.shape[1]
    norms, outputs = _lengths(g), _lengths(h)
    return {
        "layers": len(g) - 1,
        "width": n,
        **_losses(norms, form.tiny * math.sqrt(n), ""),
        **_losses(outputs, form.tiny * math.sqrt(n), "forward_"),
        "log10_norms": _log10(norms / chain.scale),
        "log10_forward": _log10(outputs / math.sqrt(n)),
    }


def _deepest(most: int, holds: Callable[[int], bool]) -> int:
    """The largest depth up to `most` that `holds`, by bisection: what a network loses, one layer more does not mend."""
    if most <= 0 or holds(most):
        return max(most, 0)
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _lost(found: dict[str, Any]) -> str | None:
    """What a gradient loses first."""
    depths = [(found[name], name) for name in ("underflow", "overflow") if found[name] is not None]
    return min(depths)[1] if depths else None


def _proper(norm: float | None) -> bool:
    return norm is not None and PROPER[0] <= norm <= PROPER[1]


def _losses(lengths: Array, tiny: float, prefix: str) -> dict[str, int | None]:
    """The first row whose length is not finite, below `tiny`, 0."""
    lost = {"overflow": ~np.isfinite(lengths), "underflow": lengths < tiny, "dead": lengths == 0}
    return {f"{prefix}{name}": _first(flags) for name, flags in lost.items()}


def _lengths(rows: Array) -> Array:
    """‖row‖₂ of each without leaving float64's range on the way; NaN where a row is not finite."""
    largest = np.abs(rows).max(axis=1, keepdims=True)
    largest[~np.isfinite(largest)] = np.nan
    unit = np.divide(rows, largest, out=np.zeros_like(rows), where=largest != 0)
    return np.asarray(largest[:, 0] * np.sqrt((unit**2).sum(axis=1)))


def _log10(lengths: Array) -> list[float | None]:
    return [round(math.log10(x), 5) if math.isfinite(x) and x > 0 else None for x in lengths]


def _first(flags: Any) -> int | None:
    return next((depth for depth, flag in enumerate(flags) if flag), None)
