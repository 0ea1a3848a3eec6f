"""The arrays of the stream kernels: their length, their places in a buffer, what they hold, who touches them first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import prange

from ...bench import Skip
from ...kernels.compiling import compiled
from ...protocols import Buffer, Cpu
from ...record.phrases import counted
from .._partitions import PERIOD, Partitions, parts_of, repeat_into
from ._row import Row

GRANULE = (
    1024  # bytes of the largest block (16 × 64): arrays are cut to a multiple, so that no kernel needs a remainder
)
PAGE = 4096


@compiled(parallel=True)
def fill_rows(rows: np.ndarray, words: np.ndarray) -> None:
    """Fill each row with `words`, over and over, one thread a row: first touch puts it on that thread's NUMA node."""
    for row in prange(len(rows)):
        for start in range(0, rows.shape[1], len(words)):
            for i in range(min(len(words), rows.shape[1] - start)):
                rows[row, start + i] = words[i]


def array_bytes(row: Row, size: int) -> int:
    """Bytes of each array of one thread, in equal parts of whole blocks; `size` is the footprint of all its arrays."""
    cut = GRANULE * parts_of(size)
    nbytes = size // row.arrays // cut * cut
    if nbytes == 0:
        needed = f"{counted(row.arrays, 'array')} of at least {GRANULE} bytes"
        raise Skip("too_small", f"{counted(size, 'byte')} {'is' if size == 1 else 'are'} too few: {needed} are needed")
    return nbytes


def places(row: Row, nbytes: int) -> list[int]:
    """Where in one buffer each array starts.

    Never a multiple of 4 KiB apart: a load stalls behind an older store whose address has the same low 12 bits (4K
    aliasing).
    """
    apart = -(-nbytes // PAGE) * PAGE + PAGE // row.arrays // 64 * 64
    return [k * apart for k in range(row.arrays)]


@dataclass(frozen=True)
class Arrays:
    """The arrays of one thread, or of one prange loop, which part of them is next, and the buffer they lie in.

    `words` are int64, those that are written first; all variants that work on them share `partitions`.
    """

    words: Sequence[np.ndarray]
    partitions: Partitions
    buffer: Buffer

    @property
    def checked(self) -> int:
        """Words of each array that are compared with the reference."""
        return len(self.words[0]) // self.partitions.parts * self.partitions.checked

    def anew(self, row: Row) -> Arrays:
        """The same arrays for the next variant, what it writes reset, so that no other answer passes for its own."""
        for part in self.words[: row.writes]:
            part[: self.checked] = -1
        self.partitions.restart()
        return self


def lay_out(row: Row, device: Cpu, size: int, nbytes: int, pages: str) -> Arrays:
    """Untouched arrays of `nbytes` each in one buffer; `size` decides the number of parts."""
    starts = places(row, nbytes)
    buffer = device.buffer(starts[-1] + nbytes, pages=pages)
    words = [buffer.array[start : start + nbytes].view(np.int64) for start in starts]
    return Arrays(words, Partitions(parts_of(size)), buffer)


def of_a_crew(row: Row, device: Cpu, data: Sequence[np.ndarray], size: int, threads: int, pages: str) -> list[Arrays]:
    """For each pinned thread arrays that it touched first: -1 where it writes, `data` over and over where it reads."""

    def own(_rank: int) -> Arrays:
        made = lay_out(row, device, size, array_bytes(row, size), pages)
        for part, words in zip(made.words, sources(row, data), strict=True):
            repeat_into(part, words)
        return made

    found: list[Arrays] = device.crew(threads).each(own)
    return found


def of_a_loop(row: Row, device: Cpu, data: Sequence[np.ndarray], size: int, threads: int, pages: str) -> Arrays:
    """Arrays of `threads` times the length; of each part every thread first touches the share that prange gives it."""
    nbytes = array_bytes(row, size)
    made = lay_out(row, device, size, nbytes * threads, pages)
    share = nbytes // 8 // made.partitions.parts
    for whole, words in zip(made.words, sources(row, data), strict=True):
        for part, rows in enumerate(whole.reshape(-1, threads, share)):
            fill_rows(rows, np.roll(words, -part * share))
    return made


def sources(row: Row, data: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What each array holds over and over, int64: those that are written -1, the others `data`."""
    return [np.full(PERIOD, -1)] * row.writes + [one.view(np.int64) for one in data]
