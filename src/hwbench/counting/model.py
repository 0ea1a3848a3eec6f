"""What is known of one call of a function: bytes, flops, temporaries and strides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["numpy", "numba", "cupy", "python"]


@dataclass(frozen=True)
class Range:
    """An inclusive interval; exact where `low == high`."""

    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether this is one number."""
        return self.low == self.high

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.high + other.high)


@dataclass(frozen=True)
class Temporary:
    """An array that the call makes and does not return."""

    made_by: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int


@dataclass(frozen=True)
class Stride:
    """An array that is read or written with gaps: `stride` bytes between neighbours, of which `itemsize` are used."""

    array: str
    stride: int
    itemsize: int

    @property
    def used(self) -> int:
        """Bytes used of each 64: a cache line."""
        return self.itemsize if self.stride >= 64 else max(64 * self.itemsize // self.stride, self.itemsize)


@dataclass(frozen=True)
class Reuse:
    """Bytes that were last used `distance` bytes of other memory ago, by calls of which `writes` is written (0 to 1).

    A cache of that size may still hold them. The last call of the function counts as before this one.
    """

    nbytes: float
    distance: float
    writes: float


@dataclass(frozen=True)
class Counts:
    """One call of a function, counted.

    `compulsory` has the bytes that any implementation must read and write: each byte of memory that came from outside
    (arguments, closures, globals) once if it is read before it is written, once if it is written, and each byte of the
    results once. `x += 1` on n bytes has 2 n. `issued` has the bytes that the code as written asks memory for.
    """

    kind: Kind
    compulsory: int
    footprint: int  # bytes of distinct memory, the largest set of temporaries that live at once included
    issued: Range | None  # None: nothing is known
    flops: Range | None
    moved: Range | None  # by hardware counters
    moved_note: str  # why `moved` is None
    unknown: tuple[str, ...]  # calls whose work is not known: `low` is then a bound and `high` infinite
    temporaries: tuple[Temporary, ...]
    strides: tuple[Stride, ...]
    parallel: bool  # Numba's parallel=True, or BLAS
    calls: tuple[str, ...]  # what was called, by bytes
    dtype: str  # the floating type of most bytes: "f8"; "" without one
    fusable: Range | None  # issued bytes if all chains of elementwise calls were fused
    data: int = 0  # the distinct bytes of `compulsory`: the footprint without temporaries
    reuses: tuple[Reuse, ...] = ()  # of the issued bytes, as far as it is known when they were last used
