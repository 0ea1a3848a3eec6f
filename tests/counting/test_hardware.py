"""Bytes by counters: a made-up package in place of the processor's."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from hwbench.counting import Range, count, hardware
from hwbench.counting.hardware import Counter, calibrated

MB = 2**20


class Counters:
    """A package for counters that counts a share of the lines of each run, or cannot be opened."""

    Hardware = SimpleNamespace(CACHE_MISSES=("cache",))
    CacheId = SimpleNamespace(LL="LL")
    CacheOp = SimpleNamespace(READ="READ", WRITE="WRITE", PREFETCH="PREFETCH")
    CacheResult = SimpleNamespace(MISS="MISS")

    def __init__(self, share=None, error=None, shared=False):
        self.share, self.error, self.shared, self.run = share or {}, error, shared, 0.0
        self.Cache = lambda *parts: parts
        self.Measure = lambda events: self.opened(tuple(one[1] if len(one) > 1 else "any" for one in events))

    def opened(self, events):
        if self.error:
            raise self.error
        return SimpleNamespace(
            enable=lambda: None, disable=lambda: None,
            read=lambda: SimpleNamespace(
                measurements=[int(self.run / 64 * self.share.get(one, 0)) for one in events],
                time_running_ns=1, time_enabled_ns=1 + self.shared,
            ),
        )  # fmt: skip


@pytest.fixture
def counters(monkeypatch):
    """Put a package into place; loops tell it what they move."""

    def use(**given):
        package = Counters(**given)
        monkeypatch.setitem(sys.modules, "py_perf_event", package)
        loops = [(lambda known=known: setattr(package, "run", known), known) for known in (MB, 2 * MB, 3 * MB)]
        monkeypatch.setattr(hardware, "_loops", lambda _nbytes: loops)
        calibrated.cache_clear()
        return package

    yield use
    calibrated.cache_clear()


def test_the_events_that_agree_with_known_traffic_are_taken(counters):
    """Here without those of prefetches, which count lines twice."""
    counters(share={"READ": 0.6, "WRITE": 0.38, "PREFETCH": 0.5})
    assert [one[1] for one in calibrated().events] == ["READ", "WRITE"]


def test_a_counter_that_is_off_is_refused_with_the_number(counters):
    """By the closest set of events."""
    counters(share={"READ": 0.3, "any": 2.0})
    found = calibrated()
    assert not found.events
    assert found.note == (
        "counters refused: LL read, write and prefetch misses count 30% of a known traffic, more than 5% off"
    )


@pytest.mark.parametrize(
    ("error", "note"),
    [
        (FileNotFoundError(2, ""), "no PMU in this guest"),
        (PermissionError(), "perf_event_paranoid"),
        (OSError(), "no counter of"),
    ],
)
def test_where_there_are_no_counters_one_line_says_so(counters, error, note):
    """And the counts stand."""
    counters(error=error)
    found = count(lambda x: x + 1, (np.ones(10),), hardware=True)
    assert found.moved is None
    assert note in found.moved_note
    assert found.compulsory == 160


def test_without_the_package_the_line_says_how_to_install_it(monkeypatch):
    """By its own name."""
    monkeypatch.setitem(sys.modules, "py_perf_event", None)
    calibrated.cache_clear()
    assert calibrated().note == "no package for counters: python -m pip install py-perf-event"
    calibrated.cache_clear()


def test_moved_bytes_are_those_of_a_warm_call(counters, monkeypatch):
    """The function runs on copies."""
    package = counters(share={"READ": 1.0})
    monkeypatch.setattr(hardware, "calibrated", lambda: Counter((("LL", "READ"),), ""))
    x = np.ones(8)

    def work(x):
        sys.modules["py_perf_event"].run = 6400
        x += 1

    found = count(work, (x,), hardware=True)
    assert (found.moved, found.moved_note, x.sum()) == (Range(6400, 6400), "", 8)
    package.shared = True
    assert "shared" in count(work, (x,), hardware=True).moved_note


def test_other_threads_are_not_seen(monkeypatch):
    """A product may run on several."""
    monkeypatch.setattr(hardware, "calibrated", lambda: Counter(("event",), ""))
    assert "one thread" in count(lambda a: a @ a, (np.eye(3),), hardware=True).moved_note
