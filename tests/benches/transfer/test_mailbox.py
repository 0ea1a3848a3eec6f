"""The mailbox: both sides end whatever the other does, what is timed, and what is told."""

from __future__ import annotations

import contextlib
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.transfer import mailbox
from made_up.gpu_records import record, said, suspect


class Card:
    """A device whose kernel is a thread: it answers `most` numbers, then gives up.

    `waits`: the launch returns when the kernel has ended. `asked` are the arguments of the launches.
    """

    properties = SimpleNamespace(sm=1)
    stream = None

    def __init__(self, most: int, waits: bool = False) -> None:
        self.most, self.waits = most, waits
        self.asked: list[tuple[Any, ...]] = []
        self.kernel = threading.Thread()
        self.words = np.full(mailbox.WORDS, 7, np.int64)

    def host(self, kind: str, nbytes: int) -> Any:
        assert (kind, nbytes) == ("mapped", self.words.nbytes)
        return SimpleNamespace(array=self.words.view(np.uint8), device_ptr=12, close=lambda: None)

    def event(self, timing: bool) -> Any:
        return SimpleNamespace(record=lambda stream: None, done=False)

    near_the_gpu = staticmethod(contextlib.nullcontext)

    def launcher(self, topic: str, kernel: str, grid: int, block: int, args: tuple[Any, ...]) -> Any:
        self.asked.append(args)
        first, trips = int(args[1]), int(args[2])

        def run() -> None:
            for number in range(first, first + trips):
                while self.words[mailbox.HOST] != number and not self.waits:
                    pass
                if number == first + self.most:
                    self.words[mailbox.GAVE_UP] = number
                    return
                self.words[mailbox.ANSWER] = number

        def launch() -> None:
            self.kernel = threading.Thread(target=run)
            self.kernel.start()
            if self.waits:
                self.kernel.join()

        return launch

    def read_gauges(self) -> None:
        pass

    def synchronize(self) -> None:
        self.kernel.join()


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "TRIPS", 3)


def test_all_numbers_but_the_first_are_timed(few: None) -> None:
    """One kernel answers a sample; the facts have the median and the slowest of single round trips."""
    card: Any = Card(most=100)
    work = mailbox.poll(card)
    assert work.call() == mailbox.answers() == 4
    assert card.words[[mailbox.HOST, mailbox.ANSWER, mailbox.GAVE_UP]].tolist() == [4, 4, 0]
    assert work.timer is not None
    taken = work.timer(2)
    assert [(int(first), int(trips)) for _, first, trips, _ in card.asked] == [(1, 4), (5, 7)]
    assert 0 < work.facts["trip_p50_s"] <= work.facts["trip_p99_s"] <= taken
    assert work.facts["trip_p50_s"] * 6 < 2 * taken


@pytest.mark.parametrize(
    ("card", "error", "told"),
    [
        (Card(0, waits=True), Skip, "host and kernel do not run at the same time: the kernel had given up before its"),
        (Card(0), Skip, "the same time: the kernel answered nothing within 1"),
        (Card(2), RuntimeError, "kernel or host gave up after 2 of 4 round trips"),
    ],
)
def test_a_kernel_that_gives_up_ends_the_wait(few: None, card: Any, error: type[Exception], told: str) -> None:
    """At once, by the box, long before the host's own limit; the reason is one line."""
    with pytest.raises(error, match=told) as raised:
        mailbox.poll(card).call()
    assert "\n" not in str(raised.value)


def test_the_host_waits_no_longer_than_its_limit() -> None:
    """Nobody answers and nobody gives up: the clock ends the wait."""
    box, stamps = np.zeros(mailbox.WORDS, np.int64), np.zeros(3, np.int64)
    assert mailbox.converse(box.ctypes.data, 1, 2, 10_000, stamps.ctypes.data) == 0
    assert box[mailbox.HOST] == 1
    assert stamps[0] > 0
    assert stamps[1:].tolist() == [0, 0]


def test_a_round_trip_is_told_against_a_load_and_a_launch() -> None:
    """Where the run has them."""
    trips = record("transfer.mailbox", "poll", {}, 2.1e-4, counts={"calls": 100}, facts={"trip_p99_s": 3e-6})
    load = record("transfer.latency", "load", {"memory": "host"}, 2048 * 1.4e-6, counts={"hops": 2048})
    launch = record("device.launch", "sync", {}, 1e-3, counts={"calls": 100})
    [told] = said(mailbox.bench, suspect(trips), load, launch)
    assert told.startswith("A number to a running kernel and back takes 2.1")
    assert "(1% of them more than 3.0" in told
    assert "1.50 times a load of the GPU from the host's memory and 21% of a launch that is waited for" in told
    assert "suspect" in told
    [alone] = said(mailbox.bench, trips)
    assert alone.endswith("µs).")
    assert said(mailbox.bench) == []
