"""Small nets of the house-prices bench, on a batch of random numbers or on the first fold of sales."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import pytest

from doubles.strict_cupy import StrictGpu
from hwbench.benches.workload import _mlp, house_prices
from hwbench.benches.workload._mlp_gpu import CupyNet, SendingNet
from hwbench.benches.workload._mlp_numba import NumbaNet

NETS = (_mlp.ArrayNet, NumbaNet)
CUPY = (CupyNet, SendingNet)


def named(kind: type) -> str:
    """The name of a class, for the ids of tests."""
    return kind.__name__


def on_device(kind: type[_mlp.Net], device: StrictGpu | None = None) -> _mlp.Kind[_mlp.Net]:
    """The kind of net, on a device of its own where it wants one."""
    return functools.partial(kind, device=device or StrictGpu()) if kind in CUPY else kind


def gpu_net(
    kind: type[_mlp.Net], batch: int = 64, device: StrictGpu | None = None
) -> tuple[_mlp.Net, StrictGpu, _mlp.Epoch]:
    """A net on a strict device, the device, and what an epoch takes."""
    device = device or StrictGpu()
    net, epoch = house_prices.made(
        on_device(kind, device), house_prices.first_fold("ames"), batch, np.dtype("f4"), "adam"
    )
    return net, device, epoch


def net_on_a_batch(kind: type[_mlp.Net], sizes: Sequence[int], rows: int, seed: int, dtype: str = "f8") -> _mlp.Net:
    """A net with random weights and biases that has gathered a batch, half of it zeros."""
    rng = np.random.default_rng(seed)
    theta = _mlp.xavier(sizes, rng)
    theta += rng.normal(0, 0.1, len(theta))  # biases too, so that none of them hides behind a 0
    net = kind(sizes, theta, _mlp.Recipe(batch=rows), np.dtype(dtype))
    x, y = rng.normal(size=(rows, sizes[0])), rng.normal(size=rows)
    x[rng.random(x.shape) < 0.5] = 0  # as one-hot columns are
    net.gather(x.astype(dtype), y.astype(dtype), np.arange(rows))
    return net


def check_gradient(kind: type[_mlp.Net], sizes: Sequence[int], rows: int, seed: int) -> None:
    """Each parameter's gradient is the central difference of the loss, unless a relu is near its corner."""
    net = net_on_a_batch(kind, sizes, rows, seed)
    net.forward(rows)
    hidden = net.activations[:, : net.layers[-1].place.start]
    net.backward(rows)
    step = 1e-6
    near_a_kink = bool(((hidden != 0) & (np.abs(hidden) < 1e-4)).any())
    for i in range(len(net.theta)):
        kept = net.theta[i]
        losses = []
        for move in (step, -step):
            net.theta[i] = kept + move
            net.forward(rows)
            losses.append(net.loss(rows))
        net.theta[i] = kept
        if not near_a_kink:
            assert net.gradient[i] == pytest.approx((losses[0] - losses[1]) / (2 * step), abs=1e-5, rel=1e-5)
