"""How near two CPUs are to one another at this moment: the time in which a cache line changes hands between them.

On a machine of one's own that is a constant. On a virtual one it is not: a hypervisor moves a guest's CPUs between the
cores of its host, and where these share no last-level cache, a handover takes several times as long (42 ns and 163 on
a guest with two CPUs of a Zen 4) and the CPUs no longer share one way to memory: the triad of both together then ran
1.55 times as fast, that of one alone as ever. Nothing else in the guest tells the two states apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiling import compiled
from .simd import read_shared, write_shared

TRIPS = 128  # round trips of a burst: 11 µs between neighbours, of which the gate's stagger is 2
BURSTS = 3  # of which the best counts: one may be interrupted


@compiled
def bounce(address: int, turn: int, last: int) -> None:
    """Wait for `turn`, write the number after it, wait for the one after that, below `last`."""
    while turn < last:
        while read_shared(address) != turn:
            pass
        write_shared(address, turn + 1)
        turn += 2


class Handover:
    """A line that the two threads of a crew hand to and fro."""

    def __init__(self, crew: Any) -> None:
        self.crew = crew
        self._line = np.zeros(16, dtype=np.int64)  # two lines' worth, so that one of them is whole
        self._address = -(-self._line.ctypes.data // 64) * 64
        self._turn = 0
        bounce(self._address, 0, 0)  # compiled here, not by both threads at once

    def seconds(self) -> float:
        """What a handover takes now: the best of some bursts."""
        return min(self._burst() for _ in range(BURSTS))

    def _burst(self) -> float:
        first, last = self._turn, self._turn + 2 * TRIPS
        self._turn = last
        spans = self.crew.race(
            [lambda _: bounce(self._address, first, last), lambda _: bounce(self._address, first + 1, last)], 1
        )
        return float(max(end for _, end in spans) - min(start for start, _ in spans)) * 1e-9 / (2 * TRIPS)
