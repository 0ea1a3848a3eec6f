"""A multilayer perceptron for regression, twice: in arrays (NumPy's or CuPy's), and in Numba as one function an epoch.

h = relu(x W + b) for each hidden layer, a linear last one, mean squared error, Xavier's uniform weights, SGD or Adam.
All parameters lie in one vector θ, so that an update is one pass over it, and two nets can be compared at a glance.
Both do the same steps in the same order on the same batches; only roundings differ.

Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010; Kingma and Ba,
"Adam", 2015, with the decay of weights kept out of the gradient as in Loshchilov and Hutter, 2019.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...kernels.compiling import compiled

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Kingma and Ba's own
OPTIMIZERS = ("adam", "sgd")


@dataclass(frozen=True)
class Recipe:
    """How a net is made and trained: the rate falls linearly to 0, and a step shrinks all weights by rate × `decay`."""

    hidden: tuple[int, ...] = (32, 32)
    optimizer: str = "adam"
    batch: int = 64
    epochs: int = 15
    rate: float = 0.004
    decay: float = 1.0


RECIPES = {"adam": Recipe(), "sgd": Recipe(optimizer="sgd", rate=0.05, decay=0.02, epochs=30)}


@dataclass(frozen=True)
class Layer:
    """Where a layer's weights (inputs × outputs) and biases lie in θ, and its outputs among a row's activations."""

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


def xavier(sizes: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """θ with weights from U(−a, a), a = √(6 / (inputs + outputs)), and biases 0; float64."""
    theta = np.zeros(layers(sizes)[-1].biases.stop)
    for layer in layers(sizes):
        bound = math.sqrt(6 / (layer.inputs + layer.outputs))
        theta[layer.weights] = rng.uniform(-bound, bound, layer.inputs * layer.outputs)
    return theta


def decaying(sizes: Sequence[int]) -> np.ndarray:
    """1 for each weight in θ, 0 for each bias: what decay applies to."""
    mask = np.zeros(layers(sizes)[-1].biases.stop)
    for layer in layers(sizes):
        mask[layer.weights] = 1
    return mask


def flops(sizes: Sequence[int], rows: int) -> int:
    """Operations of an epoch, 2 a multiply-add: forward, the weights' gradient, the inputs' but for the first layer."""
    each = [layer.inputs * layer.outputs for layer in layers(sizes)]
    return 2 * rows * (3 * sum(each) - each[0])


class Net:
    """θ, its gradient, the optimizer's memory and the buffers of a batch.

    State that the phases of a step share: `gather` a batch, `forward`, `backward`, `update`. `epoch` does all steps.
    All of it are arrays of `xp`, NumPy or CuPy.
    """

    def __init__(self, sizes: Sequence[int], theta: np.ndarray, recipe: Recipe, dtype: Any, xp: Any = np) -> None:
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

    def put(self, array: np.ndarray) -> Any:
        """A host array as one of `xp`."""
        return self.xp.asarray(array)

    def fetch(self, array: Any) -> np.ndarray:
        """An array of `xp` on the host, once it is computed."""
        found: np.ndarray = array
        return found

    def wait(self) -> None:
        """Until all that was begun is done."""

    def keep(self, *arrays: np.ndarray) -> tuple[Any, ...]:
        """Data and the order of its rows where `epoch` reads them."""
        return tuple(self.put(array) for array in arrays)

    def reset(self) -> None:
        """Back to the weights it was made with."""
        self.xp.copyto(self.theta, self.start)
        self.first.fill(0)
        self.second.fill(0)
        self.steps = 0

    def epoch(self, x: np.ndarray, y: np.ndarray, order: np.ndarray, rate: float) -> None:
        """One pass over the rows `order` of x and y, a batch at a time; the last may be smaller."""
        for begin in range(0, len(order), self.recipe.batch):
            rows = order[begin : begin + self.recipe.batch]
            self.gather(x, y, rows)
            self.forward(len(rows))
            self.backward(len(rows))
            self.update(rate)

    def timed_epoch(self, x: np.ndarray, y: np.ndarray, order: np.ndarray, rate: float) -> dict[str, float]:
        """An epoch phase by phase from Python, each waited for; the seconds that each phase took."""
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

    def phases(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray, rate: float) -> dict[str, Callable[[], None]]:
        """The phases of the step that learns from these rows, in their order."""
        return {
            "gather": lambda: self.gather(x, y, rows),
            "forward": lambda: self.forward(len(rows)),
            "backward": lambda: self.backward(len(rows)),
            "update": lambda: self.update(rate),
        }

    def gather(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> None:
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

    def predict(self, x: np.ndarray) -> np.ndarray:
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


class ArrayNet(Net):
    """The net in arrays: a call of BLAS for each product, a pass over memory for each operation between them."""

    def gather(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> None:
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
    def _weights(vector: np.ndarray, layer: Layer) -> np.ndarray:
        return vector[layer.weights].reshape(layer.inputs, layer.outputs)


class NumbaNet(Net):
    """The net in Numba: no temporaries, no call of Python inside an epoch, and nothing done for inputs that are 0."""

    def __init__(self, sizes: Sequence[int], theta: np.ndarray, recipe: Recipe, dtype: Any) -> None:
        super().__init__(sizes, theta, recipe, dtype)
        self._sizes = np.array(sizes)

    def epoch(self, x: np.ndarray, y: np.ndarray, order: np.ndarray, rate: float) -> None:
        """One pass over the rows `order`, in one call."""
        self.steps = _epoch(
            x, y, order, self._sizes, self.theta, self.gradient, self.first, self.second, self.mask, self.x, self.y,
            self.activations, self.deltas, self.recipe.optimizer == "adam", rate, self.recipe.decay, self.steps,
        )  # fmt: skip

    def gather(self, x: np.ndarray, y: np.ndarray, rows: np.ndarray) -> None:
        """Copy the rows of a batch together."""
        _gather(x, y, rows, self.x, self.y)

    def forward(self, count: int) -> None:
        """The activations of the batch's first `count` rows."""
        _forward(self._sizes, self.theta, self.x, self.activations, count)

    def backward(self, count: int) -> None:
        """The gradient of the mean squared error, halved, with respect to θ."""
        _backward(self._sizes, self.theta, self.gradient, self.x, self.y, self.activations, self.deltas, count)

    def update(self, rate: float) -> None:
        """One step of SGD or Adam."""
        self.steps += 1
        _update(
            self.theta, self.gradient, self.first, self.second, self.mask, self.recipe.optimizer == "adam", rate,
            self.recipe.decay, self.steps,
        )  # fmt: skip


@compiled
def _gather(x: np.ndarray, y: np.ndarray, rows: np.ndarray, batch_x: np.ndarray, batch_y: np.ndarray) -> None:
    for i in range(len(rows)):
        row = rows[i]
        batch_y[i] = y[row]
        for k in range(x.shape[1]):
            batch_x[i, k] = x[row, k]


@compiled(fastmath=True)
def _forward(sizes: np.ndarray, theta: np.ndarray, x: np.ndarray, activations: np.ndarray, count: int) -> None:
    at, place, last = 0, 0, len(sizes) - 2
    for number in range(last + 1):
        inputs, outputs = sizes[number], sizes[number + 1]
        w = theta[at : at + inputs * outputs].reshape(inputs, outputs)
        b = theta[at + inputs * outputs : at + inputs * outputs + outputs]
        for i in range(count):
            h = x[i] if number == 0 else activations[i, place - inputs : place]
            out = activations[i, place : place + outputs]
            for j in range(outputs):
                out[j] = b[j]
            for k in range(inputs):
                value = h[k]
                if value != 0:  # nine in ten inputs are zeros of one-hot columns, and half of all relus
                    for j in range(outputs):
                        out[j] += value * w[k, j]
            if number < last:
                for j in range(outputs):
                    out[j] = max(out[j], 0)
        at += (inputs + 1) * outputs
        place += outputs


@compiled(fastmath=True)
def _backward(
    sizes: np.ndarray, theta: np.ndarray, gradient: np.ndarray, x: np.ndarray, y: np.ndarray, activations: np.ndarray,
    deltas: np.ndarray, count: int,
) -> None:  # fmt: skip
    gradient.fill(0)
    at, place = len(theta), activations.shape[1]
    for i in range(count):
        deltas[i, place - 1] = (activations[i, place - 1] - y[i]) / count
    for number in range(len(sizes) - 2, -1, -1):
        inputs, outputs = sizes[number], sizes[number + 1]
        at -= (inputs + 1) * outputs
        place -= outputs
        w = theta[at : at + inputs * outputs].reshape(inputs, outputs)
        dw = gradient[at : at + inputs * outputs].reshape(inputs, outputs)
        db = gradient[at + inputs * outputs : at + inputs * outputs + outputs]
        for i in range(count):
            h = x[i] if number == 0 else activations[i, place - inputs : place]
            delta = deltas[i, place : place + outputs]
            for j in range(outputs):
                db[j] += delta[j]
            for k in range(inputs):
                value = h[k]
                if value != 0:
                    for j in range(outputs):
                        dw[k, j] += value * delta[j]
            if number > 0:
                below = deltas[i, place - inputs : place]
                for k in range(inputs):
                    total = value * 0
                    if h[k] > 0:
                        for j in range(outputs):
                            total += delta[j] * w[k, j]
                    below[k] = total


@compiled(fastmath={"contract", "arcp"})
def _update(
    theta: np.ndarray,
    gradient: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    mask: np.ndarray,
    adam: bool,
    rate: float,
    decay: float,
    steps: int,
) -> None:
    # One by one in the array's own precision: a float64 among float32 would double the width of all of it.
    one = np.ones(8, theta.dtype)
    one[0], one[1], one[2], one[3] = rate, rate * decay, 1 - BETA1, 1 - BETA2
    one[4], one[5], one[6] = 1 / (1 - BETA1**steps), 1 / (1 - BETA2**steps), EPSILON
    step, shrink, new1, new2, right1, right2, epsilon = one[0], one[1], one[2], one[3], one[4], one[5], one[6]
    if adam:
        for i in range(len(theta)):
            g = gradient[i]
            first[i] += new1 * (g - first[i])
            second[i] += new2 * (g * g - second[i])
            move = first[i] * right1 / (np.sqrt(second[i] * right2) + epsilon)
            theta[i] -= step * move + shrink * mask[i] * theta[i]
    else:
        for i in range(len(theta)):
            theta[i] -= step * gradient[i] + shrink * mask[i] * theta[i]


@compiled
def _epoch(
    x: np.ndarray, y: np.ndarray, order: np.ndarray, sizes: np.ndarray, theta: np.ndarray, gradient: np.ndarray,
    first: np.ndarray, second: np.ndarray, mask: np.ndarray, batch_x: np.ndarray, batch_y: np.ndarray,
    activations: np.ndarray, deltas: np.ndarray, adam: bool, rate: float, decay: float, steps: int,
) -> int:  # fmt: skip
    batch = len(batch_y)
    for begin in range(0, len(order), batch):
        rows = order[begin : begin + batch]
        _gather(x, y, rows, batch_x, batch_y)
        _forward(sizes, theta, batch_x, activations, len(rows))
        _backward(sizes, theta, gradient, batch_x, batch_y, activations, deltas, len(rows))
        steps += 1
        _update(theta, gradient, first, second, mask, adam, rate, decay, steps)
    return steps


@dataclass(frozen=True)
class Fold:
    """One fold: encoded sales, standardised log prices, which rows are for what, and 1 of the prices in log price."""

    x: np.ndarray
    y: np.ndarray
    train: np.ndarray
    held_out: np.ndarray
    deviation: float


def train(kind: Callable[..., Net], fold: Fold, recipe: Recipe, dtype: Any, seed: int) -> tuple[Net, list[float]]:
    """A net trained on a fold, and the log-RMSE on its held-out rows after each epoch."""
    rng = np.random.default_rng(seed)
    sizes = (fold.x.shape[1], *recipe.hidden, 1)
    net = kind(sizes, xavier(sizes, rng), recipe, dtype)
    x = fold.x.astype(dtype)
    held_out = net.put(x[fold.held_out])
    x, y = net.keep(x, fold.y.astype(dtype))
    curve = []
    for epoch in range(recipe.epochs):
        # Drawn on the host whatever computes: all nets see the same batches.
        (order,) = net.keep(rng.permutation(fold.train))
        net.epoch(x, y, order, recipe.rate * (1 - epoch / recipe.epochs))
        error = net.fetch(net.predict(held_out)).astype(np.float64) - fold.y[fold.held_out]
        curve.append(fold.deviation * math.sqrt(float(np.mean(error * error))))
    return net, curve
