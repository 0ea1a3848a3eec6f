"""Columns of series that hold a value for few of a history's commits: the rest takes no memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sparse:
    """Values at some of `count` positions, NaN at all others."""

    at: NDArray[np.int32]
    values: NDArray[np.float64]
    count: int

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Sparse:
        """What an array holds beside NaN."""
        at = np.flatnonzero(~np.isnan(values)).astype(np.int32)
        return cls(at, values[at], len(values))

    def dense(self) -> NDArray[np.float64]:
        """All values, in an array that cannot be written to: it is made anew each time."""
        out = np.full(self.count, np.nan)
        out[self.at] = self.values
        out.flags.writeable = False
        return out


class Column:
    """A field of a dataclass that takes an array or a `Sparse`, keeps the latter, and gives the array."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"_{name}"

    def __get__(self, one: Any, owner: type | None = None) -> NDArray[np.float64]:
        if one is None:
            raise AttributeError(self.name)  # so the field has no default
        kept: Sparse = one.__dict__[self.name]
        return kept.dense()

    def __set__(self, one: Any, values: NDArray[np.float64] | Sparse) -> None:
        one.__dict__[self.name] = values if isinstance(values, Sparse) else Sparse.of(np.asarray(values, dtype=float))
