"""Turns: of a large array a call visits one part only, the next call the next part, round and round.

What is asked of memory needs an array of several times the last-level cache, so that nothing of it is left there when
it is visited again. Where that cache has hundreds of MiB, a call on the whole array takes seconds, and ten samples
minutes. A part of 128 MiB is long enough to be timed, and comes back only after all the rest was visited.

All variants of a contrast take their parts from one counter: else one of them would find in the cache what the one
before it has just visited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..bench import Work

# Elements after which the data of an array may repeat: 1 MiB of float64, so that making it takes no time beside
# touching the array, and a prime, so that no two places a page, a block or a power of two apart hold the same.
PERIOD = 131_071
PART = 128 * 2**20  # bytes of a part: some 10 ms of memory's bandwidth


def parts_of(size: int) -> int:
    """Into how many parts an array of `size` bytes is cut: an odd number, one below 256 MiB."""
    return size // PART | 1


def repeat_into(target: np.ndarray, words: np.ndarray) -> None:
    """Fill `target` with `words`, over and over."""
    whole = len(target) // len(words) * len(words)
    target[:whole].reshape(-1, len(words))[:] = words
    target[whole:] = words[: len(target) - whole]


class Turns:
    """Which of an array's equal parts is visited next, by whichever variant of a contrast.

    Attributes
    ----------
    parts
        How many there are; where it is one, a call does the whole work and nothing is counted.
    """

    def __init__(self, parts: int) -> None:
        self.parts = parts
        self._next = 0

    def take(self) -> int:
        """The part whose turn it is."""
        part = self._next
        self._next = (part + 1) % self.parts
        return part

    def work(
        self, visit: Callable[[int], Any], facts: Mapping[str, Any], repeat: Callable[[int], Any] | None = None
    ) -> Work:
        """The work of visiting a part a call; the output is the total of all parts, for which the round is completed.

        `visit(part)` gives a part's sum. `repeat(n)` does n times part 0, and is for arrays that are not cut.
        """
        facts = {**facts, "parts": self.parts}
        if self.parts == 1:
            return Work(lambda: visit(0), repeat=repeat, facts=facts)
        last: Any = None

        def call() -> Any:
            nonlocal last
            last = visit(self.take())
            return last

        def output() -> Any:
            return last + sum(visit(self.take()) for _ in range(self.parts - 1))

        return Work(call, output=output, facts=facts)
