"""What became of a gradient: its norms by layer, what was lost where, and how deep such a network may be."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable

import numpy as np

from ...protocols import Array, Values
from ._backprop import Fetch, Make
from ._chain import Chain
from ._formats import format_of

PROPER = (-6.0, 3.0)  # log₁₀ of the norms between which the lecture wants a gradient


def outcome(chain: Chain, make: Make, fetch: Fetch = np.asarray) -> Values:
    """What became of a computed chain, as plain data: its `trace`, and how deep such a network may be.

    `make` computes shallower chains; `fetch` copies an array to the host.

    safe_depth
        The largest d for which the network of the first d layers loses nothing: neither its outputs nor the gradient
        that enters behind layer d leave the type's normal range.
    trouble
        What one layer more loses, by its name in `trace`; None where nothing is lost.
    proper_depth
        The largest d ≤ safe_depth whose gradient's norm stays within 1e-6 … 1e3, the lecture's range.
    """
    found = trace(chain, fetch)
    layers = found["layers"]

    @functools.cache
    def through(d: int) -> Values:
        if d == layers:
            return found
        short = chain.first(d)
        make(short)()
        return trace(short, fetch)

    # Layers that follow do not change an output: where it is lost, all deeper networks lose it.
    outputs = {found[name]: name for name in ("forward_underflow", "forward_overflow") if found[name] is not None}
    reach = min(outputs, default=layers + 1) - 1
    safe = _deepest(reach, lambda d: _lost(through(d)) is None)
    return found | {
        "safe_depth": safe,
        "trouble": outputs.get(safe + 1) if safe == reach else _lost(through(safe + 1)),
        "proper_depth": _deepest(safe, lambda d: all(_proper(norm) for norm in through(d)["log10_norms"])),
    }


def trace(chain: Chain, fetch: Fetch = np.asarray) -> Values:
    """Norms and losses of one chain; depths count layers from the loss, or from the input for `forward`.

    log10_norms
        log₁₀ ‖g‖ after 0 … d layers, the loss scale taken out; None where it is 0, infinite or NaN.
    log10_forward
        log₁₀ of the root mean square of h after 0 … d layers.
    overflow, underflow, dead
        The first depth at which a gradient is infinite or NaN; at which its root mean square is below the smallest
        normal number, so that bits are lost; at which all of it is 0. None: never. Where outputs are lost, the gradient
        may be lost from the loss on.
    forward_overflow, forward_underflow, forward_dead
        The same of h.
    """
    form = format_of(chain.weights.dtype)
    g, h = (fetch(array).astype(np.float64) for array in (chain.g, chain.h))
    n = g.shape[1]
    norms, outputs = _lengths(g), _lengths(h)
    return {
        "layers": len(g) - 1,
        "width": chain.weights.shape[1],
        **_losses(norms, form.tiny * math.sqrt(n), ""),
        **_losses(outputs, form.tiny * math.sqrt(n), "forward_"),
        "log10_norms": _log10(norms / chain.scale),
        "log10_forward": _log10(outputs / math.sqrt(n)),
    }


def _deepest(most: int, holds: Callable[[int], bool]) -> int:
    """The largest depth up to `most` that `holds`, by bisection: one layer more never restores what was lost."""
    if most <= 0 or holds(most):
        return max(most, 0)
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _lost(found: Values) -> str | None:
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


def _first(flags: Iterable[bool]) -> int | None:
    return next((depth for depth, flag in enumerate(flags) if flag), None)
