"""TODO benches.stream._row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...kernels.compiling import Kernel
from ...record.model import LEVELS

SCALE = 3  # s of triad; whole, so that nothing rounds


# --- the rows ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One kernel of STREAM, from which one bench is made.

    The kernels take arrays a, b, c in this order, as many as are read and written; `flops` are those of one element.
    `numpy_moves` is how many arrays cross to memory in NumPy, None where that is not for it to say: its copy is the C
    library's memcpy, which passes the caches by or not as it finds best.
    `sizes` are the levels of the standard set; `core` says whether the quick set has the bench.
    """

    name: str
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

    @property
    def arrays(self) -> int:
        """How many arrays the kernel names."""
        return self.reads + self.writes

    @property
    def moves(self) -> int:
        """How many arrays cross to memory in one pass: where a store reads its line first, one more is read."""
        return self.arrays + self.writes

    def element(self, dtype: np.dtype) -> np.dtype:
        """The type of what lies in the arrays: where nothing is written nothing is computed, and bits are just bits."""
        return dtype if self.writes else np.dtype("i8")
