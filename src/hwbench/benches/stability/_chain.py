"""The arrays of one deep network, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from ...protocols import Array, EitherArray

Move: TypeAlias = Callable[[EitherArray], EitherArray]
"""Copies an array to a GPU, or from there."""

LOSS_SCALE = 2.0**15  # where mixed-precision training starts (Micikevicius et al. 2018); a power of two rounds nothing


@dataclass(frozen=True)
class Chain:
    """The arrays of one network of d layers of width n, in the type under test; `inverse` is in the type of sums.

    weights (d, n, n); h (d + 1, n), the input in h[0]; z (d, n), after normalisation where there is one; slope (d, n),
    σ'(z); inverse (d), 1 / standard deviation by layer; g (d + 1, n), the loss's gradient in g[0], then by layers
    passed. Of a batch the rows hold n × batch numbers, and `inverse` is (d, n).
    """

    weights: Array
    h: Array
    z: Array
    slope: Array
    inverse: Array
    g: Array
    activation: str
    remedy: str

    def moved(self, move: Move) -> Chain:
        """The same chain with `move` of each array: a copy on a GPU, or back from there."""
        arrays = ("weights", "h", "z", "slope", "inverse", "g")
        return replace(self, **{name: move(getattr(self, name)) for name in arrays})

    def first(self, d: int) -> Chain:
        """The network of the first d layers: it shares the weights, all other arrays are its own."""
        lengths = {"h": d + 1, "z": d, "slope": d, "inverse": d, "g": d + 1}
        own = {name: getattr(self, name)[:length].copy() for name, length in lengths.items()}
        return replace(self, weights=self.weights[:d], **own)

    @property
    def scale(self) -> float:
        """The factor on the loss."""
        return LOSS_SCALE if self.remedy == "loss-scaled" else 1.0
