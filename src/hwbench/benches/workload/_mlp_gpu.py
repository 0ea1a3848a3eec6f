"""The perceptron on a GPU: NumPy's steps in CuPy, with the data on the device or sent there batch by batch.

A step is some sixty launches. Queued behind the gate they run back to back without the host: this is the GPU's own work
for a step. The rest of an epoch it waits, for launches or for data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...protocols import Array, EitherArray, Gpu
from ._mlp import ArrayNet, Epoch, Recipe

LAUNCHES = 128  # upper bound on a step's launches: sixty operations, and the copies and second passes that CuPy adds
TIMED = 21  # steps timed at once, three behind each gate


class CupyNet(ArrayNet):
    """The net in CuPy; data, weights and all between them lie on the device."""

    def __init__(self, sizes: Sequence[int], theta: Array, recipe: Recipe, dtype: npt.DTypeLike, device: Gpu) -> None:
        self.device = device
        super().__init__(sizes, theta, recipe, dtype, device.xp)

    def fetch(self, array: EitherArray) -> Array:
        """An array of the device on the host, once it is computed."""
        found: Array = self.device.get(array)
        return found

    def wait(self) -> None:
        """Return once the GPU is done."""
        self.device.synchronize()


class SendingNet(CupyNet):
    """The net in CuPy; data stay with the host, which gathers each batch and sends it."""

    def __init__(self, sizes: Sequence[int], theta: Array, recipe: Recipe, dtype: npt.DTypeLike, device: Gpu) -> None:
        super().__init__(sizes, theta, recipe, dtype, device)
        self.batch_x, self.batch_y = np.zeros((recipe.batch, sizes[0]), dtype), np.zeros(recipe.batch, dtype)

    def keep(self, *arrays: Array) -> Epoch:
        """Data and the order of its rows, on the host."""
        return arrays

    def gather(self, x: Array, y: Array, rows: Array) -> None:
        """Copy the rows of a batch together, and send them."""
        self._collect(x, y, rows)
        self._send(len(rows))

    def phases(self, x: Array, y: Array, rows: Array, rate: float) -> dict[str, Callable[[], None]]:
        """The phases of the step that learns from these rows; sending is one of its own."""
        return {
            "gather": lambda: self._collect(x, y, rows),
            "send": lambda: self._send(len(rows)),
            **{name: step for name, step in super().phases(x, y, rows, rate).items() if name != "gather"},
        }

    def _collect(self, x: Array, y: Array, rows: Array) -> None:
        np.take(x, rows, axis=0, out=self.batch_x[: len(rows)])
        np.take(y, rows, out=self.batch_y[: len(rows)])

    def _send(self, count: int) -> None:
        # CuPy copies them to its own pinned memory at once and queues the rest: the batch may be overwritten.
        self.x, self.y = self.put(self.batch_x[:count]), self.put(self.batch_y[:count])


def busy_seconds(net: CupyNet, epoch: Epoch) -> float | None:
    """Seconds that the GPU itself works for an epoch, counting every batch as a whole one.

    None where a step could not be queued behind the gate, because something in it waits for the GPU.
    """
    x, y, order, rate = epoch
    device, batch = net.device, net.recipe.batch

    def step() -> None:
        for phase in net.phases(x, y, order[:batch], rate).values():
            phase()

    timer: Any = device.timed(step, launches=LAUNCHES).timer
    timer(TIMED)  # CuPy allocates here, and reuses the memory later
    before = _timeouts(device)
    seconds = float(min(timer(TIMED) for _ in range(3))) / TIMED
    return seconds * -(-len(order) // batch) if _timeouts(device) == before else None


def _timeouts(device: Gpu) -> float:
    """How often the gate had to open by itself."""
    return float(device.counters().get("gpu_gate_timeouts", 0.0))
