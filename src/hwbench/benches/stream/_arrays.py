"""TODO benches.stream._arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import prange

from ...bench import Skip
from ...kernels.simd import (
    compiled,
)
from .._partitions import PERIOD, Turns, parts_of, repeat_into
from ._row import Row

GRANULE = 512  # bytes of the largest block (8 × 64): arrays are cut to a multiple, so that no kernel needs a remainder
PAGE = 4096

# --- data -------------------------------------------------------------------------------------------------------------


@compiled
def digest(words: np.ndarray, first: int = 0) -> int:
    """The sum of all words (int64), each times the odd number 2 i + 1, modulo 2⁶⁴; i counts from `first` on.

    An odd factor has an inverse modulo 2⁶⁴, so no single wrong element goes unseen, nor do two that changed places.
    """
    found = 0
    for i in range(len(words)):
        found += words[i] * (2 * (first + i) + 1)
    return found


def digest_repeated(words: np.ndarray, length: int) -> int:
    """The digest of `length` words in which `words` come over and over.

    Word r stands at r, r + p, r + 2 p … where p is how many there are, t times in all: its factors add up to
    t (2 r + 1) + p t (t - 1).
    """
    period = len(words)
    r = np.arange(period)
    t = length // period + (r < length % period)
    return int((words * (t * (2 * r + 1) + period * t * (t - 1))).sum())


def sum_repeated(words: np.ndarray, length: int) -> np.ndarray:
    """The sum modulo 2⁶⁴ of `length` words in which `words` come over and over, in an array of one element."""
    times, rest = divmod(length, len(words))
    found: np.ndarray = np.array([words.sum()]) * times + words[:rest].sum()
    return found


@compiled(parallel=True)
def spread(rows: np.ndarray, words: np.ndarray) -> None:
    """Fill each row with `words`, over and over, a thread each: so it lies near the one whose part of a loop it is."""
    for row in prange(len(rows)):
        for start in range(0, rows.shape[1], len(words)):
            for i in range(min(len(words), rows.shape[1] - start)):
                rows[row, start + i] = words[i]


def array_bytes(row: Row, size: int) -> int:
    """Bytes of each array of one thread, in equal parts of whole blocks; `size` is the footprint of all its arrays."""
    cut = GRANULE * parts_of(size)
    nbytes = size // row.arrays // cut * cut
    if nbytes == 0:
        raise Skip(f"{size} bytes are too few: {row.arrays} arrays of at least {GRANULE} bytes are needed")
    return nbytes


def places(row: Row, nbytes: int) -> list[int]:
    """Where in one buffer each array starts.

    Never a multiple of 4 KiB apart: a load is held up by an older store whose address has the same last 12 bits.
    """
    apart = -(-nbytes // PAGE) * PAGE + PAGE // row.arrays // 64 * 64
    return [k * apart for k in range(row.arrays)]


@dataclass(frozen=True)
class Arrays:
    """The arrays of one thread, or of one prange loop, whose turn it is in them, and the buffer that they lie in.

    `words` are int64, those that are written first; all variants that work on them take turns.
    """

    words: Sequence[np.ndarray]
    turns: Turns
    buffer: Any

    @property
    def checked(self) -> int:
        """Words of each array that are compared with the reference."""
        return len(self.words[0]) // self.turns.parts * self.turns.checked

    def anew(self, row: Row) -> Arrays:
        """These, for a variant about to be checked: what it is to write holds nothing of another's answer."""
        for part in self.words[: row.writes]:
            part[: self.checked] = -1
        self.turns.restart()
        return self


def lay_out(row: Row, device: Any, size: int, nbytes: int, pages: str) -> Arrays:
    """Arrays of `nbytes` each in a buffer of their own, which nobody touched; `size` says how many take turns."""
    starts = places(row, nbytes)
    buffer = device.buffer(starts[-1] + nbytes, pages=pages)
    words = [buffer.array[start : start + nbytes].view(np.int64) for start in starts]
    return Arrays(words, Turns(parts_of(size)), buffer)


def of_a_crew(row: Row, device: Any, data: Sequence[np.ndarray], size: int, threads: int, pages: str) -> list[Arrays]:
    """For each pinned thread arrays that it touched first: -1 in what is written, else `data` over and over."""

    def own(_rank: int) -> Arrays:
        made = lay_out(row, device, size, array_bytes(row, size), pages)
        for part, words in zip(made.words, sources(row, data), strict=True):
            repeat_into(part, words)
        return made

    found: list[Arrays] = device.crew(threads).each(own)
    return found


def of_a_loop(row: Row, device: Any, data: Sequence[np.ndarray], size: int, threads: int, pages: str) -> Arrays:
    """Arrays of `threads` times the length; of each part every thread touches the share that its loop will take."""
    nbytes = array_bytes(row, size)
    made = lay_out(row, device, size, nbytes * threads, pages)
    share = nbytes // 8 // made.turns.parts
    for whole, words in zip(made.words, sources(row, data), strict=True):
        for part, rows in enumerate(whole.reshape(-1, threads, share)):
            spread(rows, np.roll(words, -part * share))
    return made


def sources(row: Row, data: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What each array holds over and over, int64: those that are written -1, the others `data`."""
    return [np.full(PERIOD, -1)] * row.writes + [one.view(np.int64) for one in data]
