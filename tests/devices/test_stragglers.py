"""Threads that work on after a call: they are waited for, three times at most where they do not stop."""

from __future__ import annotations

import pytest

from hwbench.devices import stragglers
from hwbench.devices.stragglers import LOOK_S, PATIENCE_S, Stragglers


class System:
    """A system's clocks, on which threads of this process spin until a moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, until: float) -> None:
        self.now, self.until, self.worked = 100.0, 100.0 + until, 0.0
        monkeypatch.setattr(stragglers, "time", self)
        monkeypatch.setattr(stragglers.sys, "platform", "linux")

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.worked

    def sleep(self, seconds: float) -> None:
        self.worked += max(0.0, min(seconds, self.until - self.now))
        self.now += seconds


def test_one_thread_leaves_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After calls that took no more processor time than time, no time is spent on looking."""
    system = System(monkeypatch, 1.0)
    found = Stragglers()
    found.note(0.010, 0.010)
    assert found.wait()
    assert system.now == 100.0


@pytest.mark.parametrize("spins", [0.0, 0.004, 0.030])
def test_the_wait_ends_with_the_spinning(monkeypatch: pytest.MonkeyPatch, spins: float) -> None:
    """A pool that spins for some milliseconds is waited for, and no longer than a look or two more."""
    system = System(monkeypatch, spins)
    found = Stragglers()
    found.note(0.010, 0.019)
    assert found.wait()
    assert spins <= system.now - 100.0 <= spins + 2 * LOOK_S
    assert found.wait()
    assert system.now - 100.0 <= spins + 2 * LOOK_S


def test_threads_that_never_sleep_are_told_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said every time; waited is three times, then only looked."""
    system = System(monkeypatch, 1e9)
    found = Stragglers()
    found.note(0.010, 0.020)
    for _ in range(3):
        before = system.now
        assert not found.wait()
        assert PATIENCE_S <= system.now - before <= PATIENCE_S + 2 * LOOK_S
    before = system.now
    assert not found.wait()
    assert system.now - before <= 3 * LOOK_S
