"""A function of one's own, in NumPy and in Numba: each number becomes the mean of itself and its neighbours."""

import numba
import numpy as np


def smooth(x: np.ndarray) -> np.ndarray:
    """In NumPy, as one would write it: five temporaries."""
    out = x.copy()
    out[1:-1] = 0.25 * x[:-2] + 0.5 * x[1:-1] + 0.25 * x[2:]
    return out


@numba.njit(cache=True)
def numba_smooth(x: np.ndarray) -> np.ndarray:
    """The same as one loop."""
    out = np.empty_like(x)
    out[0], out[-1] = x[0], x[-1]
    for i in range(1, len(x) - 1):
        out[i] = 0.25 * x[i - 1] + 0.5 * x[i] + 0.25 * x[i + 1]
    return out


def make_inputs(n: int) -> tuple[np.ndarray]:
    """The arguments at a size: `hwbench place smooth.py:smooth --sweep n=1e3:1e7`."""
    return (np.random.default_rng(0).random(n),)
