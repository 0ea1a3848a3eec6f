"""Warm-up: run a work until its samples agree, and calibrate how many calls a sample takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ..record.model import Policy

AGREEING = 3  # samples at least, of which the last two are no faster than the fastest before
STABLE = 0.02  # by more than this
GROWTH = 10.0  # calls a sample grow by this factor at most: a sample that was too short predicts badly
NEAR = 1.25  # a sample is long enough from 1 / NEAR of the policy's length on


def loops(sample: Callable[[int], float], policy: Policy, clock: Callable[[], float], most: int | None) -> int:
    """Calls that make a sample as long as the policy asks for, found while warming up for `warmup_s` at most.

    `sample(loops)` gives seconds a call; `most` is the most calls in a sample, None for any number.
    """
    target = policy.min_sample_s
    started = clock()
    recent: list[float] = []
    now = 1
    while True:
        each = sample(now)
        wanted = _allowed(target / each, most)
        if wanted > NEAR * now:
            now = min(wanted, math.ceil(now * GROWTH))
            recent.clear()
        else:
            recent.append(each)
        if steady(recent) or clock() - started > policy.warmup_s:
            return _allowed(target / min(recent, default=each), most)


def steady(samples: Sequence[float]) -> bool:
    """Whether samples get no faster any more: the fastest so far is as fast as any of the last two, within 2%.

    Noise makes samples slower and does not prolong the warm-up; what warms up makes them faster.
    """
    earlier, last = samples[: 1 - AGREEING], samples[1 - AGREEING :]
    return bool(earlier) and min(earlier) <= min(last) * (1 + STABLE)


def _allowed(wanted: float, most: int | None) -> int:
    """Calls of a sample: as many as wanted, at least one, and no more than the work allows."""
    calls = max(1, math.ceil(wanted))
    return calls if most is None else min(calls, most)
