"""Readings of a core's throughput, and what they are relative to."""

from __future__ import annotations

import itertools
import re

from hwbench.devices import core_share
from hwbench.devices.core_share import CoreShare
from inspection.assembly import assembly


def test_a_reading_is_relative_to_the_best_and_at_most_one():
    """One in two hundred that a stepped clock raised counts for nothing, and a core that is shared has its part."""
    readings = itertools.cycle([20.0] + [4.0] * 199)
    share = CoreShare(lambda _gate: next(readings))
    assert {share(0) for _ in range(1000)} == {1.0}
    readings = itertools.cycle([2.0, 3.0, 4.0])
    assert [share(0) for _ in range(3)] == [0.5, 0.75, 1.0]


def test_a_small_core_is_not_a_shared_one():
    """It is compared with itself: a big core adds twice as much a cycle."""
    now = [6.0]
    share = CoreShare(lambda _gate: now[0])
    assert share(0) == 1.0
    now[0] = 3.0
    assert share(7) == 1.0
    assert share(0) == 0.5


def test_cpus_learn_their_best_before_they_are_read_together():
    """What is read at the gate is compared with readings without one."""
    share = CoreShare(lambda gate: 2.0 if gate else 4.0)
    assert not share.knows(3)
    share.learn(3)
    assert share.knows(3)
    assert share(3, gate=64) == 0.5
    assert share(3) == 1.0


def test_additions_are_left_in_place():
    """LLVM keeps 64 of them an iteration in eight registers, none folded into a multiplication."""
    assert core_share.independent(10, 1) == 640
    body = [line.split() for line in assembly(core_share.independent, 1, 1).splitlines() if "\t" in line]
    adds = [words for words in body if words and words[0] in ("addq", "add")]
    assert len(adds) >= 64
    assert not [words for words in body if words and words[0] in ("imulq", "imul", "mul", "shlq", "lsl")]


def test_each_window_takes_time():
    """The clock is read before and after each, so that none is optimised away."""
    assert all(taken > 0 for taken in core_share.windows(1))


def test_code_is_fetched_before_it_is_timed(monkeypatch):
    """A sample evicts it: some additions of each reading come before the clock's first look, by the same code."""
    seen: list[str] = []
    monkeypatch.setattr(core_share, "independent", lambda count, _step: seen.append(f"additions {count}") or 0)
    monkeypatch.setattr(core_share, "chain", lambda _count, _step: seen.append("chain") or 0)
    monkeypatch.setattr(core_share, "now", lambda: seen.append("now") or 0)
    core_share.windows.py_func(1)
    assert seen == ["additions 4", "now", "chain", "now", "additions 512", "now", "chain", "now"]
    monkeypatch.undo()
    assert (
        len(set(re.findall(r"_ZN7hwbench\w*core_share11independent\w*", assembly(core_share.windows, 1, 0, 512)))) == 1
    )
