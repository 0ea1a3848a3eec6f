"""Warm-up by itself: when samples agree, how calls a sample grow, and where both end."""

from __future__ import annotations

import pytest

from hwbench.measurement import warm_up
from hwbench.record.model import Policy


class Scripted:
    """A work with these seconds a call, the last for ever, and the clock that they move."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.now = 0.0
        self.asked: list[int] = []

    def sample(self, loops: int) -> float:
        """Seconds a call of the next sample."""
        each = self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0]
        self.asked.append(loops)
        self.now += each * loops
        return each

    def found(self, most: int | None = None, **policy: float) -> int:
        """The calls that the warm-up settles on."""
        return warm_up.loops(self.sample, Policy(**policy), lambda: self.now, most)


@pytest.mark.parametrize(
    ("samples", "agree"),
    [
        ([1.0, 1.0], False),
        ([1.0, 1.02, 1.01], True),
        ([1.0, 1.0, 0.97], False),
        ([2.0, 1.0, 1.0], False),
        ([2.0, 1.0, 1.0, 1.0], True),
        ([1.0, 1.3, 1.1], True),
        ([2.0, 1.0, 1.3, 0.99], True),
        ([2.0, 1.0, 1.3, 0.97], False),
    ],
)
def test_samples_that_get_no_faster_end_the_warm_up(samples: list[float], agree: bool) -> None:
    """Two in a row are no faster than the fastest before, within 2%. Slower ones are noise."""
    assert warm_up.steady(samples) == agree


def test_calls_grow_tenfold_at_most_until_a_sample_is_long_enough() -> None:
    """1 µs a call and samples of 10 ms: 1, 10, 100 … calls, then three samples of 10 000 that get no faster."""
    work = Scripted(1 / 2**20)
    assert work.found(min_sample_s=2**14 / 2**20, warmup_s=10.0) == 2**14
    assert work.asked == [1, 10, 100, 1000, 10_000, *[2**14] * 3]


def test_a_work_that_allows_few_calls_is_sampled_with_no_more() -> None:
    """Its samples are shorter than the policy asks for."""
    work = Scripted(1e-6)
    assert work.found(most=7, min_sample_s=0.01, warmup_s=10.0) == 7
    assert max(work.asked) == 7


def test_samples_that_get_ever_faster_end_at_the_time() -> None:
    """The calls are those of the fastest sample."""
    work = Scripted(*[0.95**i for i in range(40)])
    assert work.found(most=1, min_sample_s=1.0, warmup_s=4.0) == 1
    assert work.now == pytest.approx(4.5, abs=1.0)


def test_noise_does_not_prolong_the_warm_up() -> None:
    """Samples that jump up and down by a half get no faster after the third."""
    work = Scripted(*[1.0, 0.5, 0.75] * 20)
    assert work.found(min_sample_s=0.5, warmup_s=100.0) == 1
    assert len(work.asked) == 4
