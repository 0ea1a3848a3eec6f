"""The fastest of several ways to do the same work, by a probe of some milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..record.estimate import middle

ROUNDS = 9
GAIN = 1.02  # a way replaces the first one where it is at least 2% faster; less may come from where the data lie
LEAST_S = 1e-3  # of a sample


def fastest(ways: Mapping[str, Callable[[int], float]], least: float = GAIN) -> str:
    """The name of the fastest way, each the seconds of so many calls; the first unless another is clearly faster.

    Rounds go through the ways there and back. Another way must be faster by `least` in its best sample and in the
    median of the rounds, and no slower in three quarters of them, so that neither luck nor a slow spell decides.
    """
    names = [*ways]
    first = names[0]
    calls = 1
    while ways[first](calls) < LEAST_S / 2 and calls < 2**20:
        calls *= 2
    samples: dict[str, list[float]] = {name: [] for name in names}
    for number in range(ROUNDS):
        for name in names if number % 2 else reversed(names):
            samples[name].append(ways[name](calls))

    def gain(name: str) -> float:
        ratios = sorted(one / other for one, other in zip(samples[first], samples[name], strict=True))
        steady = ratios[len(ratios) // 4] >= 1
        return min(min(samples[first]) / min(samples[name]), float(middle(ratios))) if steady else 0.0

    best = max(names, key=gain)
    return best if gain(best) >= least else first
