"""The fastest of several ways to do the same work, by a probe of some milliseconds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from ..record.estimate import middle

ROUNDS = 9  # after which the answer is often clear
MOST_ROUNDS = 27
GAIN = 1.02  # a way replaces the first one where it is at least 2% faster; less may come from where the data lie
CHANCE = 0.01  # at most, that an equal way wins as many rounds
LEAST_S = 1e-3  # of a sample


def fastest(ways: Mapping[str, Callable[[int], float]], least: float = GAIN) -> str:
    """The name of the fastest way, each the seconds of so many calls; the first unless another is clearly faster.

    Rounds go through the ways there and back. Another way must be faster by `least` in the median of the rounds, and
    win more rounds than chance explains (sign test, p ≤ `CHANCE`), so that a busy machine does not decide. While the
    median is fast enough and the wins are too few, rounds are added.
    """
    names = [*ways]
    first = names[0]
    calls = 1
    while ways[first](calls) < LEAST_S / 2 and calls < 2**20:
        calls *= 2
    samples: dict[str, list[float]] = {name: [] for name in names}

    def ratios(name: str) -> list[float]:
        return [one / other for one, other in zip(samples[first], samples[name], strict=True)]

    for number in range(MOST_ROUNDS):
        for name in names if number % 2 else reversed(names):
            samples[name].append(ways[name](calls))
        if (number + 1) % ROUNDS == 0:
            best = max(names, key=lambda name: float(middle(ratios(name))))
            if float(middle(ratios(best))) < least:
                return first
            if by_chance(ratios(best)) <= CHANCE:
                return best
    return first


def by_chance(ratios: Sequence[float]) -> float:
    """How likely it is that two equal ways give so many ratios above 1."""
    rounds, won = len(ratios), sum(ratio > 1 for ratio in ratios)
    return sum(math.comb(rounds, more) for more in range(won, rounds + 1)) / 2**rounds
