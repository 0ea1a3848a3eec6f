"""How much of its core's throughput a CPU has: about half where another thread runs on the same core.

On a guest that thread may be a neighbour's: it takes no time of this CPU, so that no counter of the guest shows it. But
the core issues fewer instructions a cycle for each. So independent additions are timed beside dependent ones, which
take a cycle each and are not slowed: `adds_a_cycle` is 3.9 on a Zen 4 alone, and 2.0 to 2.5 beside another thread.

That thread may be our own: a host may run two CPUs of a guest, which were never said to be siblings, on one core. So
the CPUs of several threads are read at the same moment.
"""

from __future__ import annotations

import bisect
from collections import defaultdict
from collections.abc import Callable

from ..kernels.compiling import compiled
from ..kernels.gate import enter, leave, now
from .clock import CHAIN, chain, opaque

DEPENDENT, INDEPENDENT = 128, 512  # iterations of 64 additions each: two windows of 2 µs, and one of 2.5
BEST = 0.99  # the quantile of all readings that stands for a core alone: a clock that is stepped may raise a few
FIRST = 200  # readings before the first that is told: two lie above that quantile


@compiled
def independent(iterations: int, step: int) -> int:
    """CHAIN × `iterations` additions in eight chains, more than any core adds in a cycle; their sum."""
    a, b, c, d = opaque(0), opaque(0), opaque(0), opaque(0)
    e, f, g, h = opaque(0), opaque(0), opaque(0), opaque(0)
    for _ in range(iterations):
        for _ in range(CHAIN // 8):
            a, b, c, d = opaque(a + step), opaque(b + step), opaque(c + step), opaque(d + step)
            e, f, g, h = opaque(e + step), opaque(f + step), opaque(g + step), opaque(h + step)
    return int(a + b + c + d + e + f + g + h)


@compiled
def windows(step: int, gate: int = 0, iterations: int = INDEPENDENT) -> tuple[int, int, int]:
    """The clock's units that dependent additions took, independent ones, and dependent ones again.

    A few come before the clock: samples evict this code. `iterations` is no constant, for each of which Numba would
    compile a copy of `independent`: those before would fetch another one.
    """
    warm = independent(iterations // 128, step)
    enter(gate)
    first = now()
    before = chain(DEPENDENT, step + warm - warm)
    second = now()
    between = independent(iterations, step + before - before)
    third = now()
    chain(DEPENDENT, step + between - between)
    found = second - first, third - second, now() - third
    leave(gate)
    return found


def adds_a_cycle(gate: int = 0) -> float:
    """Independent additions a cycle of the CPU that runs this. An interruption hits one window of dependent ones."""
    before, between, after = windows(1, gate, INDEPENDENT)
    return INDEPENDENT / DEPENDENT * min(before, after) / max(1, between)


class CoreShare:
    """Readings relative to the best of the same CPU, at most 1. Cores of unlike kinds have unlike bests."""

    def __init__(self, read: Callable[[int], float] = adds_a_cycle) -> None:
        self._read = read
        self._readings: defaultdict[int, list[float]] = defaultdict(list)  # by CPU, in ascending order

    def knows(self, cpu: int) -> bool:
        """Whether a best of `cpu` is known."""
        return len(self._readings[cpu]) >= FIRST

    def learn(self, cpu: int) -> None:
        """Read until a best of `cpu`, which runs this, is known."""
        while len(self._readings[cpu]) < FIRST:
            bisect.insort(self._readings[cpu], self._read(0))

    def __call__(self, cpu: int, gate: int = 0) -> float:
        """The share that `cpu` has, which runs this, once all threads of the gate are there."""
        self.learn(cpu)
        readings = self._readings[cpu]
        value = self._read(gate)
        bisect.insort(readings, value)
        return min(1.0, value / readings[int(BEST * len(readings)) - 1])
