"""Round-robin partitions of an array larger than the last-level cache: each call visits one part, the next the next.

A measurement of memory needs an array several times the last-level cache, so that no part is still cached when it comes
round again. With a cache of hundreds of MiB a call on the whole array takes seconds, and ten samples minutes. A part of
128 MiB is long enough to be timed.

All variants of a contrast share one counter: with counters of their own, a variant would find in the cache the part
that the variant before it has just visited.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np

from ..bench import Facts, Job, Loop, Work

T = TypeVar("T")

# Elements after which the data of an array may repeat. 1 MiB of float64 is quick to make compared with touching the
# array; as a prime it puts different data at places a page, a block or a power of two apart.
PERIOD = 131_071
PART = 128 * 2**20  # bytes of a part: some 10 ms at memory bandwidth


def parts_of(size: int, share: int = 1) -> int:
    """Into how many parts an array of `size` bytes is cut: an odd number, one below 256 MiB.

    Where a part takes longer than memory bandwidth allows (column walks, gathers), `share` makes it that much smaller.
    """
    return size // PART * share | 1


def repeat_into(target: np.ndarray, words: np.ndarray) -> None:
    """Fill `target` with `words`, over and over."""
    whole = len(target) // len(words) * len(words)
    target[:whole].reshape(-1, len(words))[:] = words
    target[whole:] = words[: len(target) - whole]


class Common:
    """What the variants of a contrast share beside its inputs: made by the first that asks for it.

    Arrays as large as memory are touched once per contrast instead of once per variant, and ratios compare times on the
    same pages.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, Any] = {}

    def get(self, name: Hashable, make: Callable[[], T]) -> T:
        """The object of this name, made on the first request."""
        if name not in self._made:
            self._made[name] = make()
        found: T = self._made[name]
        return found


class Partitions:
    """The equal parts of an array, visited round-robin by all variants of a contrast.

    Attributes
    ----------
    parts
        How many there are. With one, a call does the whole work.
    checked
        How many of them, from the first on, are compared with the reference: two, since the same code visits all. All
        of them where variants visit different elements in the same part (`alike` false).
    """

    def __init__(self, parts: int, *, alike: bool = True) -> None:
        self.parts = parts
        self.checked = min(parts, 2) if alike else parts
        self._next = 0

    def take(self) -> int:
        """The part to visit now; the next call gets the next one."""
        part = self._next
        self._next = (part + 1) % self.parts
        return part

    def restart(self) -> None:
        """Begin with the first part again, as the reference does."""
        self._next = 0

    def job(self, visit: Callable[[int, int, int], object]) -> Job:
        """What a thread of a crew does: `visit(part, passes, gate)` of one part a call; of the only one, all passes."""

        def run(loops: int, gate: int) -> None:
            if self.parts == 1:
                visit(0, loops, gate)
            else:
                for _ in range(loops):
                    visit(self.take(), 1, gate)

        return run

    def work(self, visit: Loop, facts: Facts, repeat: Loop | None = None) -> Work:
        """The work of visiting one part per call; its output is the sum over the checked parts.

        `visit(part)` returns a part's sum. `repeat(n)` visits part 0 n times; it is used where there is only one part.
        """
        facts = {**facts, "parts": self.parts}
        if self.parts == 1:
            return Work(lambda: visit(0), repeat=repeat, facts=facts)
        self.restart()
        last: Any = None  # whatever number `visit` gives

        def call() -> float:
            nonlocal last
            last = visit(self.take())
            return last

        def output() -> float:
            return last + sum(visit(self.take()) for _ in range(self.checked - 1))

        return Work(call, output=output, facts=facts)
