"""A multilayer perceptron for regression: what all nets share, and the net in arrays of NumPy or CuPy.

h = relu(x W + b) for each hidden layer, a linear last one, mean squared error, Xavier's uniform weights, SGD or Adam.
All parameters lie in one vector θ: an update is one pass over it, and two nets are compared by one vector. All nets do
the same steps in the same order on the same batches; only roundings differ.

Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010; Kingma and Ba,
"Adam", 2015, with the decay of weights kept out of the gradient as in Loshchilov and Hutter, 2019.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from ...protocols import Array, EitherArray

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Kingma and Ba's own
OPTIMIZERS = ("adam", "sgd")


@dataclass(frozen=True)
class Recipe:
    """Shape and training of a net: the rate falls linearly to 0, and a step shrinks all weights by rate × `decay`."""

    hidden: tuple[int, ...] = (32, 32)
    optimizer: str = "adam"
    batch: int = 64
    epochs: int = 15
    rate: float = 0.004
    decay: float = 1.0


RECIPES = {"adam": Recipe(), "sgd": Recipe(optimizer="sgd", rate=0.05, decay=0.02, epochs=30)}


@dataclass(frozen=True)
class Layer:
    """A layer's weights (inputs × outputs) and biases in θ, and the `place` of its outputs in a row's activations."""

    inputs: int
    outputs: int
    weights: slice
    biases: slice
    place: slice


def layers(sizes: Sequence[int]) -> list[Layer]:
    """The layers of a net with `sizes` units, inputs first."""
    found, at, unit = [], 0, 0
    for inputs, outputs in itertools.pairwise(sizes):
        middle = at + inputs * outputs
        found.append(
            Layer(inputs, outputs, slice(at, middle), slice(middle, middle + outputs), slice(unit, unit + outputs))
        )
        at, unit = middle + outputs, unit + outputs
    return found


def xavier(sizes: Sequence[int], rng: np.random.Generator) -> Array:
    """θ with weights from U(−a, a), a = √(6 / (inputs + outputs)), and biases 0; float64."""
    theta = np.zeros(layers(sizes)[-1].biases.stop)
    for layer in layers(sizes):
        bound = math.sqrt(6 / (layer.inputs + layer.outputs))
        theta[layer.weights] = rng.uniform(-bound, bound, layer.inputs * layer.outputs)
    return theta


def decaying(sizes: Sequence[int]) -> Array:
    """1 for each weight in θ, 0 for each bias: what decay applies to."""
    mask = np.zeros(layers(sizes)[-1].biases.stop)
    for layer in layers(sizes):
        mask[layer.weights] = 1
    return mask


def flops(sizes: Sequence[int], rows: int) -> int:
    """Operations of an epoch, 2 a multiply-add: forward, the weights' gradients, the inputs' but in the first layer."""
    each = [layer.inputs * layer.outputs for layer in layers(sizes)]
    return 2 * rows * (3 * sum(each) - each[0])


Epoch: TypeAlias = tuple[EitherArray, ...]
"""What `Net.epoch` takes, or the arrays of it: x, y, the order of rows, the rate."""


class Net:
    """θ, its gradient, the optimizer's moments and the buffers of a batch, as arrays of `xp`, NumPy or CuPy.

    The phases of a step share this state: `gather` a batch, `forward`, `backward`, `update`. `epoch` does all steps.
    """

    def __init__(
        self, sizes: Sequence[int], theta: Array, recipe: Recipe, dtype: npt.DTypeLike, xp: ModuleType = np
    ) -> None:
        self.sizes = tuple(sizes)
        self.layers = layers(sizes)
        self.recipe = recipe
        self.xp = xp
        self.start = self.put(theta.astype(dtype))
        self.theta = self.start.copy()
        self.mask = self.put(decaying(sizes).astype(dtype))
        self.gradient, self.first, self.second = (xp.zeros_like(self.theta) for _ in range(3))
        self.x = self.put(np.zeros((recipe.batch, sizes[0]), dtype))
        self.y = self.put(np.zeros(recipe.batch, dtype))
        units = self.layers[-1].place.stop
        self.activations, self.deltas = (self.put(np.zeros((recipe.batch, units), dtype)) for _ in range(2))
        self.steps = 0

    def put(self, array: Array) -> EitherArray:
        """A host array as one of `xp`."""
        return self.xp.asarray(array)

    def fetch(self, array: EitherArray) -> Array:
        """An array of `xp` on the host, once it is computed."""
        found: Array = array
        return found

    def wait(self) -> None:
        """Return once all work is done."""

    def keep(self, *arrays: Array) -> Epoch:
        """Data and the order of its rows, where `epoch` reads them."""
        return tuple(self.put(array) for array in arrays)

    def reset(self) -> None:
        """Set the weights back to the first ones."""
        self.xp.copyto(self.theta, self.start)
        self.first.fill(0)
        self.second.fill(0)
        self.steps = 0

    def epoch(self, x: Array, y: Array, order: Array, rate: float) -> None:
        """One pass over the rows `order` of x and y, a batch at a time; the last may be smaller."""
        for begin in range(0, len(order), self.recipe.batch):
            rows = order[begin : begin + self.recipe.batch]
            self.gather(x, y, rows)
            self.forward(len(rows))
            self.backward(len(rows))
            self.update(rate)

    def timed_epoch(self, x: Array, y: Array, order: Array, rate: float) -> dict[str, float]:
        """An epoch phase by phase from Python, with a wait after each; seconds by phase."""
        spent: dict[str, float] = {}
        clock = time.perf_counter
        self.wait()
        for begin in range(0, len(order), self.recipe.batch):
            before = clock()
            for phase, step in self.phases(x, y, order[begin : begin + self.recipe.batch], rate).items():
                step()
                self.wait()
                after = clock()
                spent[phase] = spent.get(phase, 0.0) + after - before
                before = after
        return spent

    def phases(self, x: Array, y: Array, rows: Array, rate: float) -> dict[str, Callable[[], None]]:
        """The phases of the step that learns from these rows, in their order."""
        return {
            "gather": lambda: self.gather(x, y, rows),
            "forward": lambda: self.forward(len(rows)),
            "backward": lambda: self.backward(len(rows)),
            "update": lambda: self.update(rate),
        }

    def gather(self, x: Array, y: Array, rows: Array) -> None:
        """Copy the rows of a batch together."""
        raise NotImplementedError

    def forward(self, count: int) -> None:
        """The activations of the batch's first `count` rows."""
        raise NotImplementedError

    def backward(self, count: int) -> None:
        """The gradient of the mean squared error, halved, with respect to θ."""
        raise NotImplementedError

    def update(self, rate: float) -> None:
        """One step of SGD or Adam."""
        raise NotImplementedError

    def predict(self, x: Array) -> Array:
        """The net's answer for each row of x."""
        h = x
        for layer in self.layers:
            h = h @ self.theta[layer.weights].reshape(layer.inputs, layer.outputs) + self.theta[layer.biases]
            if layer is not self.layers[-1]:
                h = self.xp.maximum(h, 0)
        return h[:, 0]

    def loss(self, count: int) -> float:
        """Half the mean squared error of the batch after `forward`."""
        error = self.fetch(self.activations[:count, -1] - self.y[:count])
        return float(0.5 * np.mean(error * error))


N = TypeVar("N", bound=Net)
Kind: TypeAlias = Callable[..., N]
"""A class of nets: `(sizes, theta, recipe, dtype)` makes one."""


class ArrayNet(Net):
    """The net in arrays: a BLAS call for each product, a pass over memory for each operation in between."""

    def gather(self, x: Array, y: Array, rows: Array) -> None:
        """Copy the rows of a batch together."""
        self.xp.take(x, rows, axis=0, out=self.x[: len(rows)])
        self.xp.take(y, rows, out=self.y[: len(rows)])

    def forward(self, count: int) -> None:
        """The activations of the batch's first `count` rows."""
        xp, h = self.xp, self.x[:count]
        for layer in self.layers:
            out = self.activations[:count, layer.place]
            xp.add(h @ self._weights(self.theta, layer), self.theta[layer.biases], out=out)
            if layer is not self.layers[-1]:
                xp.maximum(out, 0, out=out)
            h = out

    def backward(self, count: int) -> None:
        """The gradient of the mean squared error, halved, with respect to θ."""
        delta = (self.activations[:count, -1:] - self.y[:count, None]) / self.theta.dtype.type(count)
        for number in reversed(range(len(self.layers))):
            layer = self.layers[number]
            below = self.activations[:count, self.layers[number - 1].place] if number else self.x[:count]
            self.xp.matmul(below.T, delta, out=self._weights(self.gradient, layer))
            delta.sum(axis=0, out=self.gradient[layer.biases])
            if number:
                delta = (delta @ self._weights(self.theta, layer).T) * (below > 0)

    def update(self, rate: float) -> None:
        """One step of SGD or Adam."""
        self.steps += 1
        kind = self.theta.dtype.type
        if self.recipe.optimizer == "sgd":
            step = self.gradient
        else:
            self.first += kind(1 - BETA1) * (self.gradient - self.first)
            self.second += kind(1 - BETA2) * (self.gradient * self.gradient - self.second)
            step = self.first / kind(1 - BETA1**self.steps)
            step /= self.xp.sqrt(self.second / kind(1 - BETA2**self.steps)) + kind(EPSILON)
        self.theta -= kind(rate) * (step + kind(self.recipe.decay) * self.mask * self.theta)

    @staticmethod
    def _weights(vector: Array, layer: Layer) -> Array:
        return vector[layer.weights].reshape(layer.inputs, layer.outputs)


@dataclass(frozen=True)
class Fold:
    """One fold: encoded sales, standardised log prices, rows to train on and held out, `deviation` of log price."""

    x: Array
    y: Array
    train: Array
    held_out: Array
    deviation: float


def train(kind: Kind[N], fold: Fold, recipe: Recipe, dtype: npt.DTypeLike, seed: int) -> tuple[N, list[float]]:
    """A net trained on a fold, and the log-RMSE on its held-out rows after each epoch."""
    rng = np.random.default_rng(seed)
    sizes = (fold.x.shape[1], *recipe.hidden, 1)
    net = kind(sizes, xavier(sizes, rng), recipe, dtype)
    x = fold.x.astype(dtype)
    held_out = net.put(x[fold.held_out])
    x, y = net.keep(x, fold.y.astype(dtype))
    curve = []
    for epoch in range(recipe.epochs):
        # Drawn on the host for every kind of net: all see the same batches.
        (order,) = net.keep(rng.permutation(fold.train))
        net.epoch(x, y, order, recipe.rate * (1 - epoch / recipe.epochs))
        error = net.fetch(net.predict(held_out)).astype(np.float64) - fold.y[fold.held_out]
        curve.append(fold.deviation * math.sqrt(float(np.mean(error * error))))
    return net, curve
