"""Many small deep networks trained side by side, each at its own rate, in float16 to float64.

h ← σ(h W) through `depth` hidden layers of 32 units without biases, a linear last layer, half the mean squared error,
plain SGD. All networks of a stack see the same batches. Weights, outputs and gradients are kept in the type under test
and rounded to it at each step, the weights too: there is no wider copy. Sums and functions run in float32 (float64 for
float64), and arrays hold float32 numbers that the type has, since NumPy converts float16 one number at a time.

Methods: `clipped` shortens a gradient to norm 1, over all layers (Pascanu et al. 2013). `warm-up` raises the rate
to its value over the first fifth of the steps, `decayed` lowers it to a hundredth over all of them. `loss-scaled`
multiplies the loss by 1024, and after a gradient that is not finite takes no step and halves the scale (Micikevicius
et al. 2018).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...kernels.float16 import wide
from ...protocols import Array
from . import _networks
from ._networks import ACTIVATIONS

METHODS = ("plain", "clipped", "warm-up", "decayed", "loss-scaled")
WIDTH = 32
BATCH = 64
CLIP = 1.0
WARM = 0.2  # of the steps
DECAYED = 0.01  # of the rate is left at the end
SCALE = 1024.0
LOST = 100.0  # a loss so many times that of predicting the mean has diverged


def drawn(init: str, features: int, depth: int, seed: int) -> list[Array]:
    """The weights of each layer as (inputs, outputs): `depth` hidden layers and the last one."""
    rng = np.random.default_rng((157, seed))
    widths = [features, *[WIDTH] * depth, 1]
    return [
        np.ascontiguousarray(_networks.draw(rng, init, inputs, outputs).T)
        for inputs, outputs in itertools.pairwise(widths)
    ]


@dataclass(frozen=True)
class Data:
    """Rows to learn from in the order of the batches, and rows by which networks are judged; in the type of sums."""

    x: Array
    y: Array
    seen_x: Array
    seen_y: Array

    def batch(self, step: int) -> tuple[Array, Array]:
        """The rows of a step; after the last batch the first comes again."""
        at = step % (len(self.x) // BATCH) * BATCH
        return self.x[at : at + BATCH], self.y[at : at + BATCH]


@dataclass(frozen=True)
class Trained:
    """What became of each network of a stack: its loss after training, where predicting the mean has 1.

    `lost` is the step at which it had diverged, -1 for those that had not; the loss of one that had says no more.
    """

    loss: Array
    lost: Array


def half(a: Array) -> Array:
    """The float16 numbers nearest to these float32 numbers, ties to even, as float32: 15 times as fast as two casts."""
    whole = np.ascontiguousarray(a, np.float32)
    bits = whole.view(np.uint32)
    kept = (bits + (((bits >> 13) & 1) + np.uint32(0xFFF))) & np.uint32(0xFFFFE000)
    size = np.abs(whole)
    found = kept.view(np.float32)
    # Below 2⁻¹⁴ numbers are 2⁻²⁴ apart, as float32 has them near 3/4. From 65520 on the nearest is infinite.
    found = np.where(size < 2.0**-14, (whole + np.float32(0.75)) - np.float32(0.75), found)
    found = np.where(size >= 65520, np.copysign(np.float32(np.inf), whole), found)
    return np.asarray(np.where(np.isnan(whole), whole, found))


class Stack:
    """Networks of one shape: `weights` has (networks, inputs, outputs) for each layer; `rates` one for each network."""

    def __init__(
        self, weights: Sequence[Array], rates: Array, activation: str, method: str, dtype: npt.DTypeLike
    ) -> None:
        self.dtype, self.sums = np.dtype(dtype), wide(dtype)
        self.start = [self.rounded(w.astype(self.sums)) for w in weights]
        self.weights = [w.copy() for w in self.start]
        self.rates = rates
        self.sigma = ACTIVATIONS[activation]
        self.method = method
        self.gradients: list[Array] = []
        self.scales = self._scales()

    def _scales(self) -> Array:
        return np.full(len(self.rates), SCALE if self.method == "loss-scaled" else 1.0, self.sums)

    def reset(self) -> None:
        """Set the weights back to the first ones."""
        for w, start in zip(self.weights, self.start, strict=True):
            np.copyto(w, start)
        self.scales = self._scales()

    def rounded(self, a: Array) -> Array:
        """The numbers of the type under test that are nearest, in the type of sums."""
        return a if self.dtype == self.sums else half(a)

    def predict(self, x: Array) -> tuple[list[Array], list[Array]]:
        """What enters each layer and what the last gives, and the slopes of the hidden ones."""
        h, slopes = [x], []
        for w in self.weights[:-1]:
            z = self.rounded(np.matmul(h[-1], w))
            h.append(self.rounded(self.sigma.value(z)))
            slopes.append(self.rounded(self.sigma.slope(z, h[-1])))
        return [*h, self.rounded(np.matmul(h[-1], self.weights[-1]))], slopes

    def backward(self, x: Array, y: Array) -> Array:
        """The gradients of a batch, times the loss's scale; returns each network's mean squared error."""
        h, slopes = self.predict(x)
        error = h[-1] - y[:, None]
        delta = self.rounded(error * (self.scales / len(y))[:, None, None].astype(self.sums))
        found = []
        for layer in reversed(range(len(self.weights))):
            found.append(self.rounded(np.matmul(h[layer].swapaxes(-1, -2), delta)))
            if layer:
                delta = self.rounded(np.matmul(delta, self.weights[layer].swapaxes(1, 2)))
                delta = self.rounded(delta * slopes[layer - 1])
        self.gradients = found[::-1]
        return np.asarray((error * error).mean(axis=(1, 2)))

    def factors(self, step: int, steps: int) -> Array:
        """What each network's gradient is multiplied with: its rate now, with clipping and without the loss's scale."""
        share = 1.0
        if self.method == "warm-up":
            share = min(1.0, (step + 1) / max(1, round(WARM * steps)))
        if self.method == "decayed":
            share = DECAYED ** (step / max(1, steps - 1))
        factors = share * self.rates / self.scales
        if self.method == "clipped":
            factors = factors * np.minimum(1.0, CLIP / np.maximum(self.norms().max(axis=0), 1e-30))
        if self.method == "loss-scaled":
            finite = np.isfinite(self.norms()).all(axis=0)
            self.scales = np.where(finite, self.scales, np.maximum(self.scales / 2, 1)).astype(self.sums)
            factors = np.where(finite, factors, 0.0)
        return np.asarray(factors)

    def norms(self) -> Array:
        """‖gradient‖ by layer and network, and in the last row that over all layers; the loss's scale taken out."""
        squares = [
            (np.einsum("nio,nio->n", g.astype(np.float64), g.astype(np.float64))) / np.square(self.scales, dtype="f8")
            for g in self.gradients
        ]
        return np.sqrt([*squares, np.sum(squares, axis=0)])

    def update(self, step: int, steps: int) -> None:
        """One step of SGD. A network whose factor is 0 stays as it is, whatever its gradient."""
        factors = self.factors(step, steps)
        still = factors == 0
        for w, g in zip(self.weights, self.gradients, strict=True):
            with np.errstate(all="ignore"):
                move = np.where(still[:, None, None], self.sums.type(0), g * factors.astype(self.sums)[:, None, None])
                w[...] = self.rounded(w - move)

    def train(self, data: Data, steps: int) -> Trained:
        """So many steps from the weights as they are; fewer where every network has diverged."""
        lost = np.full(len(self.rates), -1)
        with np.errstate(all="ignore"):  # leaving the range is the subject
            for step in range(steps):
                loss = self.backward(*data.batch(step))
                lost[(lost < 0) & ~(loss <= LOST)] = step
                if (lost >= 0).all():
                    break
                self.update(step, steps)
            return Trained(self.loss(data), lost)

    def loss(self, data: Data) -> Array:
        """The mean squared error of each network over the rows by which they are judged, over that of their mean."""
        with np.errstate(all="ignore"):
            error = self.predict(data.seen_x)[0][-1].astype(np.float64)[..., 0] - data.seen_y.astype(np.float64)
            return np.asarray((error * error).mean(axis=1) / float(data.seen_y.astype(np.float64).var()))


def gradient(
    weights: Sequence[Array], x: Array, y: Array, activation: str, dtype: npt.DTypeLike, scale: float = 1.0
) -> Array:
    """The gradient of one network as one vector, each step in float64 and rounded to `dtype`: the reference.

    By sums over examples, one at a time, so that it shares nothing with the stack.
    """
    sigma = ACTIVATIONS[activation]

    def rounded(a: Array) -> Array:
        return a.astype(dtype).astype(np.float64)

    exact = [rounded(w) for w in weights]
    total = [np.zeros(w.shape) for w in weights]
    with np.errstate(all="ignore"):
        for row, target in zip(x.astype(np.float64), y.astype(np.float64), strict=True):
            h, slopes = [row], []
            for w in exact[:-1]:
                z = rounded(w.T @ h[-1])
                h.append(rounded(sigma.value(z)))
                slopes.append(rounded(sigma.slope(z, h[-1])))
            delta = rounded((rounded(exact[-1].T @ h[-1]) - target) * (scale / len(y)))
            for layer in reversed(range(len(exact))):
                total[layer] += np.outer(h[layer], delta)
                if layer:
                    delta = rounded(rounded(exact[layer] @ delta) * slopes[layer - 1])
        return np.concatenate([rounded(g).ravel() for g in total]) / scale
