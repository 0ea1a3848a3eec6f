"""Threads: each one adds one, and one that cannot be started is an error."""

from __future__ import annotations

import pytest

from hwbench.benches.system import thread
from hwbench.benches.system.thread import bench
from hwbench.kernels import libc
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread

NATIVE = pytest.mark.skipif(bool(libc.lacking("pthread_create")), reason="no POSIX")


@pytest.mark.parametrize("variant", [pytest.param("native", marks=NATIVE), "python", "pool"])
def test_each_thread_does_its_work(variant: str) -> None:
    assert verdict(bench, variant, {}) == ""


@NATIVE
def test_a_thread_that_cannot_be_started_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread, "start_and_join", lambda *_: 3)
    with pytest.raises(OSError, match=r"starts no more threads \(3 of 10\)"):
        work_of(bench, "native", {})


def test_the_finding_tells_what_a_pool_saves() -> None:
    rows = [(way, {}, 1e-4 * at) for way, at in (("native", 2), ("python", 6), ("pool", 3))]
    told = said(spread(reading(bench, rows, {"calls": 10})))
    assert told == [
        "Starting a thread and waiting for its end takes 20.0 µs (…) by the C library and 60.0 µs (…) by Python's "
        "threading.",
        "Work for a waiting thread of a ThreadPoolExecutor takes 30.0 µs (…), 2.00× faster than by a new thread (…).",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(spread(reading(bench, rows, {"calls": 10})))))
