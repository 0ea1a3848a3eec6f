"""How many threads the system starts."""

from __future__ import annotations

import threading

import pytest

from hwbench.record.threads import startable


def test_all_that_start_are_counted_and_end() -> None:
    """Three of three, and none is left."""
    before = threading.active_count()
    assert startable(3) == 3
    assert threading.active_count() == before


def test_a_limit_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the third thread does not start, two are counted."""
    left = iter([True, True, False])
    start = threading.Thread.start

    def limited(self: threading.Thread) -> None:
        if not next(left):
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", limited)
    assert startable(5) == 2
