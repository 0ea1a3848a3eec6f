"""The stopping rule: how many rounds of a group are enough."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ..record.estimate import estimate
from ..record.model import Policy

GROWTH = 1.25  # of the rounds between two looks at the intervals, which take longer than a round of short cases


class StoppingRule:
    """Enough are the policy's least rounds, once every median is within its precision or the budget is spent.

    Parameters
    ----------
    policy
        Least and most rounds, precision, and the seconds of a case.
    cases
        How many are sampled in each round.
    seconds
        What the run has left for the group.
    """

    def __init__(self, policy: Policy, cases: int, seconds: float) -> None:
        self._policy = policy
        self._budget = min(seconds, policy.case_s * cases)
        self._look_at = policy.rounds

    def enough(self, rounds: int, elapsed: float, samples: Iterable[Sequence[float]]) -> bool:
        """Whether to stop after so many rounds and seconds, with these samples of each case; asked after each round."""
        if rounds >= self._policy.max_rounds or (rounds >= self._policy.rounds and elapsed >= self._budget):
            return True
        if rounds != self._look_at:
            return False
        self._look_at = math.ceil(self._look_at * GROWTH)
        return all(estimate(one).relative <= self._policy.precision for one in samples)
