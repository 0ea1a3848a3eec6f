"""Threads that work on after a call: they are waited for, three times at most where they do not stop."""

from __future__ import annotations

import pytest

from hwbench.devices import stragglers
from hwbench.devices.stragglers import LOOK_S, PATIENCE_S, Stragglers


class System:
    """A system's clocks, on which threads of this process spin until a moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, until: float) -> None:
        self.now, self.own, self.worked = 100.0, 0.0, 0.0
        self.until = 100.010 + until  # after a call of 10 ms
        monkeypatch.setattr(stragglers, "time", self)
        monkeypatch.setattr(stragglers.sys, "platform", "linux")

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.worked

    def thread_time(self) -> float:
        return self.own

    def call(self, seconds: float, others: float) -> None:
        """A call of so many seconds in which other threads worked for so many."""
        self.now += seconds
        self.own += seconds
        self.worked += seconds + others

    def sleep(self, seconds: float) -> None:
        self.worked += max(0.0, min(seconds, self.until - self.now))
        self.now += seconds


def test_one_thread_leaves_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After calls in which no other thread worked, no time is spent on looking."""
    system = System(monkeypatch, 1.0)
    found = Stragglers()
    with found.watched():
        system.call(0.010, others=0.0)
    assert found.wait()
    assert system.now == 100.010


@pytest.mark.parametrize("spins", [0.0, 0.004, 0.030])
def test_the_wait_ends_with_the_spinning(monkeypatch: pytest.MonkeyPatch, spins: float) -> None:
    """A pool that spins for some milliseconds is waited for, and no longer than a look or two more."""
    system = System(monkeypatch, spins)
    found = Stragglers()
    with found.watched():
        system.call(0.010, others=0.001)  # a thread that other processes kept from its CPU for most of the time
    assert found.wait()
    assert spins <= system.now - 100.010 <= spins + 2 * LOOK_S
    assert found.wait()
    assert system.now - 100.010 <= spins + 2 * LOOK_S


def test_threads_that_never_sleep_are_told_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said every time; waited is three times, then only looked."""
    system = System(monkeypatch, 1e9)
    found = Stragglers()
    with found.watched():
        system.call(0.010, others=0.010)
    for _ in range(3):
        before = system.now
        assert not found.wait()
        assert PATIENCE_S <= system.now - before <= PATIENCE_S + 2 * LOOK_S
    before = system.now
    assert not found.wait()
    assert system.now - before <= 3 * LOOK_S
