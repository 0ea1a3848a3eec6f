"""Chains of the stability benches on small random networks, computed by one of their variants."""

from __future__ import annotations

from typing import Any

import numpy as np

from hwbench.benches.stability import _backprop, _networks, _outcome
from inspection.variants import type_of

MAKERS = (_backprop.in_numpy, _backprop.in_numba)
DTYPES = ("f2", "bf16", "f4", "f8")
TAYLOR = {  # the lecture's coefficients at 0
    "sigmoid": (1 / 2, 1 / 4, 0, -1 / 48),
    "tanh": (0, 1, 0, -1 / 3),
    "relu": (0, 1, 0, 0),
    "4sigmoid-2": (0, 1, 0, -1 / 12),
}


def network(init: str, layers: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Weights and input of a network, in float64."""
    rng = np.random.default_rng(seed)
    weights = np.stack([_networks.draw(rng, init, width, width) for _ in range(layers)]).astype(np.float64)
    return weights, rng.standard_normal((2, width))


def run_chain(
    init: str, dtype: str, activation: str = "identity", remedy: str = "plain",
    make: _backprop.Make = _backprop.in_numba, layers: int = 100, width: int = 32, seed: int = 0,
) -> _backprop.Chain:  # fmt: skip
    """A chain that was computed by the variant that `make` stands for."""
    weights, x = network(init, layers, width, seed)
    chain = _backprop.prepare(weights.astype(type_of(dtype)), x, activation, remedy)
    make(chain)()
    return chain


def became(
    init: str, dtype: str, activation: str = "identity", remedy: str = "plain",
    make: _backprop.Make = _backprop.in_numba, **size: int,
) -> dict[str, Any]:  # fmt: skip
    """What becomes of a chain by the variant that `make` stands for."""
    return _outcome.outcome(run_chain(init, dtype, activation, remedy, make, **size), make)
