"""Threads that work on after a call: they are waited for, three times at most where they do not stop."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hwbench.devices import stragglers
from hwbench.devices.stragglers import LOOK_S, PATIENCE_S, SLEEP_S, Stragglers, running


class System:
    """A system's clock, on which a thread of this process spins until a moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, until: float) -> None:
        self.now, self.until, self.looks = 100.0, 100.0 + until, 0
        monkeypatch.setattr(stragglers, "time", self)

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def busy(self) -> bool:
        self.looks += 1
        return self.now < self.until


def test_nothing_suspected_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the work of a crew alone no time is spent on looking."""
    system = System(monkeypatch, 1.0)
    assert Stragglers(system.busy).wait()
    assert (system.now, system.looks) == (100.0, 0)


@pytest.mark.parametrize("spins", [0.0, 0.004, 0.030])
def test_the_wait_ends_with_the_spinning(monkeypatch: pytest.MonkeyPatch, spins: float) -> None:
    """A pool that spins for some milliseconds is waited for, and no longer than a look more; once."""
    system = System(monkeypatch, spins)
    found = Stragglers(system.busy)
    found.suspect()
    assert found.wait()
    assert spins <= system.now - 100.0 <= spins + LOOK_S
    looks = system.looks
    assert found.wait()
    assert system.looks == looks


def test_threads_that_never_sleep_are_told_and_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said every time; waited is three times, then only looked."""
    system = System(monkeypatch, 1e9)
    found = Stragglers(system.busy)
    found.suspect()
    for _ in range(3):
        before = system.now
        assert not found.wait()
        assert PATIENCE_S <= system.now - before <= PATIENCE_S + 2 * LOOK_S
    before = system.now
    assert not found.wait()
    assert system.now == before


def test_where_threads_cannot_be_seen_a_fixed_time_is_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than OpenMP's threads spin by default."""
    system = System(monkeypatch, 0.0)
    monkeypatch.setattr(stragglers.sys, "platform", "win32")
    found = Stragglers()
    found.suspect()
    assert found.wait()
    assert system.now == pytest.approx(100.0 + SLEEP_S)


def task(tasks: Path, tid: object, state: str) -> None:
    """A thread as the kernel shows it; its name may hold anything."""
    (tasks / str(tid)).mkdir()
    (tasks / str(tid) / "stat").write_text(f"{tid} (a) R (b) {state} 1 2 3\n")


def test_running_threads_are_those_that_python_does_not_know(tmp_path: Path) -> None:
    """A worker that spins is seen; one that sleeps, one that has ended, and Python's own threads are not."""
    task(tmp_path, 7, "S")
    task(tmp_path, threading.get_native_id(), "R")
    (tmp_path / "9").mkdir()
    assert [*running(tmp_path)] == []
    task(tmp_path, 8, "R")
    assert [*running(tmp_path)] == ["8"]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_kernel_is_understood() -> None:
    """This process's threads are there, this one among them."""
    assert (stragglers.TASKS / str(threading.get_native_id())).is_dir()
    assert str(threading.get_native_id()) not in [*running()]


@pytest.mark.skipif(sys.platform != "linux", reason="threads are seen in /proc")
def test_a_child_that_works_is_waited_for() -> None:
    """Its busy loop is seen as long as it runs; a process that has ended is none."""
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    made = Stragglers(children=[busy.pid, 2**22 + 1])
    try:
        made.suspect()
        assert not made.wait()
    finally:
        busy.kill()
        busy.wait()
    made.suspect()
    assert made.wait()
