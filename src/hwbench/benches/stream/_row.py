"""One kernel of STREAM as a row of a table: what it is called, reads, writes and computes, and its code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...kernels.compiling import Kernel
from ...record.measures import Measures
from ...record.model import LEVELS

SCALE = 3  # s of triad; whole, so that nothing rounds


@dataclass(frozen=True)
class Row:
    """One kernel of STREAM, from which one bench is made.

    Kernels take the arrays a, b, c in this order, as many as they read and write; `flops` counts one element.
    `numpy_moves` is how many arrays NumPy moves to and from memory; None for its copy, which is the C library's memcpy:
    that bypasses the caches or not, by its own rules.
    `sizes` are the levels of the standard set; `core` puts the bench into the quick set. `tuned` are registers a block
    to choose from beside the default, `split` the kernel of two streams for non-temporal stores.
    """

    name: Measures
    question: str
    reads: int
    writes: int
    flops: int
    simd: Kernel
    numba: Kernel
    numpy: Callable[..., np.int64 | None]
    numpy_moves: int | None
    sizes: tuple[str, ...] = LEVELS
    core: bool = True
    tuned: tuple[int, ...] = ()
    split: Kernel | None = None

    @property
    def arrays(self) -> int:
        """How many arrays the kernel names."""
        return self.reads + self.writes

    @property
    def moves(self) -> int:
        """How many arrays move to and from memory in one pass: write-allocate reads each written array as well."""
        return self.arrays + self.writes

    def element(self, dtype: np.dtype) -> np.dtype:
        """The dtype of the arrays. Where nothing is written nothing is computed, and any bits will do."""
        return dtype if self.writes else np.dtype("i8")
