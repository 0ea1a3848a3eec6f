"""The perceptron in Numba: an epoch in one call, and nothing done for inputs that are 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...kernels.compiling import compiled
from ...protocols import Array
from ._mlp import BETA1, BETA2, EPSILON, Net, Recipe


class NumbaNet(Net):
    """The net in Numba: no temporaries, no Python inside an epoch, no work for inputs that are 0."""

    def __init__(self, sizes: Sequence[int], theta: Array, recipe: Recipe, dtype: npt.DTypeLike) -> None:
        super().__init__(sizes, theta, recipe, dtype)
        self._sizes = np.array(sizes)

    def epoch(self, x: Array, y: Array, order: Array, rate: float) -> None:
        """One pass over the rows `order`, in one call."""
        self.steps = _epoch(
            x, y, order, self._sizes, self.theta, self.gradient, self.first, self.second, self.mask, self.x, self.y,
            self.activations, self.deltas, self.recipe.optimizer == "adam", rate, self.recipe.decay, self.steps,
        )  # fmt: skip

    def gather(self, x: Array, y: Array, rows: Array) -> None:
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
def _gather(x: Array, y: Array, rows: Array, batch_x: Array, batch_y: Array) -> None:
    for i in range(len(rows)):
        row = rows[i]
        batch_y[i] = y[row]
        for k in range(x.shape[1]):
            batch_x[i, k] = x[row, k]


@compiled(fastmath=True)
def _forward(sizes: Array, theta: Array, x: Array, activations: Array, count: int) -> None:
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
                if value != 0:  # nine in ten inputs are zeros of one-hot columns, and so are half of all relus
                    for j in range(outputs):
                        out[j] += value * w[k, j]
            if number < last:
                for j in range(outputs):
                    out[j] = max(out[j], 0)
        at += (inputs + 1) * outputs
        place += outputs


@compiled(fastmath=True)
def _backward(
    sizes: Array, theta: Array, gradient: Array, x: Array, y: Array, activations: Array,
    deltas: Array, count: int,
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
    theta: Array,
    gradient: Array,
    first: Array,
    second: Array,
    mask: Array,
    adam: bool,
    rate: float,
    decay: float,
    steps: int,
) -> None:
    # Each scalar in the array's own precision: one float64 operand would widen the whole expression.
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
    x: Array, y: Array, order: Array, sizes: Array, theta: Array, gradient: Array,
    first: Array, second: Array, mask: Array, batch_x: Array, batch_y: Array,
    activations: Array, deltas: Array, adam: bool, rate: float, decay: float, steps: int,
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
