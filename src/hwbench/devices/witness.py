"""A glance at the last-level cache and at memory between rounds, for noise that comes evenly.

A neighbour that streams from memory for hours slows every sample alike, and no interval shows it. The glance reads both
in the same way in every run, so that a run can be compared with the best of this machine's earlier ones. It takes about
a millisecond, and at most `SHARE` of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np

from ..host.system import Host
from ..kernels.compiling import compiled
from .crew import Crew
from .host_memory import Region

SHARE = 0.003  # of the time
NEAR = 2  # × the level above the last: little of it is still there when it comes round again
FAR = 2  # × the largest last level, walked in turns: each part was last read many glances ago
FAR_LEAST = 64 * 2**20
MEMORY_SHARE = 0.05  # of the free memory; where `FAR` takes more, memory is not looked at
PART = 2**20  # bytes of memory a reading
TIMES = 5  # readings, of which the median counts: an interruption hits one of them


@compiled
def read(words: np.ndarray) -> np.uint64:
    """The sum of some words, which LLVM does in vectors: from 0 on, so that no index can be negative."""
    total = np.uint64(0)
    for i in range(len(words)):
        total += words[i]
    return total


class Witness:
    """Readings of the last-level cache and of memory, in bytes a second, on the first thread of a crew.

    Parameters
    ----------
    host
        Its caches say how much is read; a level that is not reported is not looked at.
    crew
        Its first thread reads.
    allocate
        Memory of so many bytes.
    free
        Bytes that may be taken.
    clock
        Seconds, monotonic: it times the readings, and spaces them.
    """

    def __init__(
        self, host: Host, crew: Crew, allocate: Callable[[int], Region], free: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:  # fmt: skip
        near, far = footprints(host)
        self._crew, self._clock = crew, clock
        self._near, self._far = near // 8, far // 8 if far <= MEMORY_SHARE * free else 0
        self._region = allocate(max(near, 8 * self._far, 8))
        self._words: np.ndarray = self._region.bytes[: max(near, 8 * self._far)].view(np.uint64)
        self._at = 0
        self._due = clock()
        crew.each(lambda rank: self._touch() if rank == 0 else None)

    def _touch(self) -> None:
        self._words[:: 4096 // 8] = 0  # unwritten pages would all be one page of zeros
        read(self._words[:0])  # compiled here

    def glance(self) -> dict[str, float]:
        """`witness_l3` and `witness_dram`; empty while another glance would take more than `SHARE` of the time."""
        begun = self._clock()
        if begun < self._due:
            return {}
        found = self._crew.each(lambda rank: self._look() if rank == 0 else {})[0]
        ended = self._clock()
        self._due = ended + (ended - begun) / SHARE
        return found

    def _look(self) -> dict[str, float]:
        out = {}
        if self._near:
            self._rate(0, self._near)  # brings it in
            out["witness_l3"] = median(self._rate(0, self._near) for _ in range(TIMES))
        if self._far:
            out["witness_dram"] = median(self._onward() for _ in range(TIMES))
        return out

    def _onward(self) -> float:
        """Read the next part of memory."""
        count = min(PART // 8, self._far)
        self._at = self._at if self._at + count <= self._far else 0
        first, self._at = self._at, self._at + count
        return self._rate(first, count)

    def _rate(self, first: int, count: int) -> float:
        words = self._words[first : first + count]
        begun = self._clock()
        read(words)
        return 8 * count / max(self._clock() - begun, 1e-9)

    def close(self) -> None:
        """Give the memory back."""
        self._words = np.empty(0, dtype=np.uint64)
        self._region.close()


def footprints(host: Host) -> tuple[int, int]:
    """Bytes to read of the last-level cache (0 without one beyond L2), and bytes of memory to walk."""
    levels: Sequence[int] = host.levels()
    sizes = {level: max(cache.bytes for cache in host.caches if cache.level == level) for level in levels}
    last = sizes[levels[-1]] if levels else 0
    near = NEAR * sizes[levels[-2]] if len(levels) > 1 and levels[-1] > 2 else 0
    return (near if 2 * near <= last else 0) // 8 * 8, max(FAR_LEAST, FAR * last)
