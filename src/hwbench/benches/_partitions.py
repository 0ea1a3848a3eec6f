"""Partitions: of a large array a call visits one part only, the next call the next part, round and round.

What is asked of memory needs an array of several times the last-level cache, so that nothing of it is left there when
it is visited again. Where that cache has hundreds of MiB, a call on the whole array takes seconds, and ten samples
minutes. A part of 128 MiB is long enough to be timed, and comes back only after all the rest was visited.

All variants of a contrast take their parts from one counter: else one of them would find in the cache what the one
before it has just visited.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np

from ..bench import Facts, Loop, Work

T = TypeVar("T")

# Elements after which the data of an array may repeat: 1 MiB of float64, so that making it takes no time beside
# touching the array, and a prime, so that no two places a page, a block or a power of two apart hold the same.
PERIOD = 131_071
PART = 128 * 2**20  # bytes of a part: some 10 ms of memory's bandwidth


def parts_of(size: int, share: int = 1) -> int:
    """Into how many parts an array of `size` bytes is cut: an odd number, one below 256 MiB.

    Where a part is to take longer than memory's bandwidth has it, it may be a `share` of the usual one.
    """
    return size // PART * share | 1


def repeat_into(target: np.ndarray, words: np.ndarray) -> None:
    """Fill `target` with `words`, over and over."""
    whole = len(target) // len(words) * len(words)
    target[:whole].reshape(-1, len(words))[:] = words
    target[whole:] = words[: len(target) - whole]


class Common:
    """What the variants of a contrast have in common beside its inputs: made by the first that asks for it.

    Arrays as large as memory are touched once a contrast and not once a variant, and ratios are of the same pages.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, Any] = {}

    def get(self, name: Hashable, make: Callable[[], T]) -> T:
        """What goes by this name."""
        if name not in self._made:
            self._made[name] = make()
        found: T = self._made[name]
        return found


class Partitions:
    """Which of an array's equal parts is visited next, by whichever variant of a contrast.

    Attributes
    ----------
    parts
        How many there are; where it is one, a call does the whole work and nothing is counted.
    checked
        How many of them, from the first on, are compared with the reference: one and the one whose turn is next, since
        all are visited by the same code. Where variants visit different elements at the same turn, only all will do.
    """

    def __init__(self, parts: int, *, alike: bool = True) -> None:
        self.parts = parts
        self.checked = min(parts, 2) if alike else parts
        self._next = 0

    def take(self) -> int:
        """The part whose turn it is."""
        part = self._next
        self._next = (part + 1) % self.parts
        return part

    def restart(self) -> None:
        """The first part is next: so a variant begins that is about to be checked."""
        self._next = 0

    def work(self, visit: Loop, facts: Facts, repeat: Loop | None = None) -> Work:
        """The work of visiting a part a call; the output is the sum of those that are checked.

        `visit(part)` gives a part's sum. `repeat(n)` does n times part 0, and is for arrays that are not cut.
        """
        facts = {**facts, "parts": self.parts}
        if self.parts == 1:
            return Work(lambda: visit(0), repeat=repeat, facts=facts)
        self.restart()
        last: Any = None  # whatever number `visit` gives

        def call() -> Any:
            nonlocal last
            last = visit(self.take())
            return last

        def output() -> Any:
            return last + sum(visit(self.take()) for _ in range(self.checked - 1))

        return Work(call, output=output, facts=facts)
