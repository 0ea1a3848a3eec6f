"""Ping-pong of a cache line between two CPUs: their current core-to-core latency.

On bare metal it is constant. On a virtual machine it is not, since the hypervisor migrates vCPUs between the host's
cores. Without a common last-level cache a handover takes several times as long (163 instead of 42 ns on a guest with
two vCPUs of a Zen 4). The vCPUs then have separate paths to memory: the triad on both ran 1.55 times as fast, on one as
before. Nothing else in the guest tells the two states apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from .compiling import compiled
from .gate import enter, leave, order_loads
from .simd import read_shared, write_shared

TRIPS = 1024  # round trips of a burst: 60 µs between neighbouring cores; bursts of 128 vary four times as much
BURSTS = 3  # the best one counts: any may be interrupted


@compiled
def bounce(address: int, turn: int, last: int, gate: int = 0) -> None:
    """Wait for `turn`, write the number after it, wait for the one after that, below `last`."""
    enter(gate)
    while turn < last:
        while read_shared(address) != turn:
            order_loads()
        write_shared(address, turn + 1)
        turn += 2
    leave(gate)


class Race(Protocol):
    """What a handover needs of a crew of two threads."""

    def race(self, jobs: Sequence[Callable[[int, int], None]], loops: int) -> Sequence[tuple[int, int]]:
        """Run `jobs[rank](loops, gate)` on all threads at once; (start, end) of each in ns of one clock."""


class Handover:
    """A line that the two threads of a crew pass back and forth."""

    def __init__(self, crew: Race) -> None:
        self.crew = crew
        self._line = np.zeros(16, dtype=np.int64)  # two lines' worth, so that one of them is whole
        self._address = -(-self._line.ctypes.data // 64) * 64
        self._turn = 0
        bounce(self._address, 0, 0, 0)  # compiled here, not by both threads at once

    def seconds(self) -> float:
        """Seconds of a handover now: the best of some bursts."""
        return min(self._burst() for _ in range(BURSTS))

    def _burst(self) -> float:
        first, last = self._turn, self._turn + 2 * TRIPS
        spans = self.crew.race(
            [
                lambda _, gate: bounce(self._address, first, last, gate),
                lambda _, gate: bounce(self._address, first + 1, last, gate),
            ],
            1,
        )
        self._turn = last  # not before: after a race that failed to start, both threads would wait for ever
        return float(max(end for _, end in spans) - min(start for start, _ in spans)) * 1e-9 / (2 * TRIPS)
