"""Machines that measure the same seconds: they meet in the store, then begin each group of cases by one clock.

Each machine puts an object when it is ready, then looks who is there: the last to come sees all, and puts the sign to
begin. Where machines are missing, whoever has waited for long puts it. What is put first counts. No machine talks to
another, so that any engine may start them.
"""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable
from typing import Protocol

from ..errors import StoreError
from ..record import text
from .launch_task import Task

FOLDER = "together"
LOOK = 1.0  # seconds between looks at the store
LEAD = 5.0  # seconds from the sign to the beginning: each machine has looked by then
LIMIT = 600.0  # seconds after which a machine begins without those that are missing
APART = 2.0  # seconds by which clocks may differ before a machine goes by its own
SLICE = 0.05  # seconds until a request to stop is looked for


class Objects(Protocol):
    """What is needed of a store."""

    def put_once(self, key: str, data: bytes) -> bool:
        """Put an object that is not there yet."""

    def keys(self, prefix: str = ...) -> list[str]:
        """The keys below a prefix."""

    def get(self, key: str) -> bytes:
        """The bytes of an object."""


class Meeting:
    """When this machine begins each group of cases; `stop` raises where it is asked to end."""

    def __init__(
        self, store: Objects, task: Task, say: Callable[[str], object], stop: Callable[[], None] = lambda: None, *,
        clock: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        assert task.together is not None
        self.store, self.task, self.beat = store, task, task.together
        self.say, self.stop, self.clock, self.sleep = say, stop, clock, sleep
        self.folder = f"{FOLDER}/{task.launch}/"
        self.began: float | None = None

    def wait(self, group: int) -> None:
        """Wait until the turn of a group, counted from 0; for the first, until the machines are there."""
        if self.began is None:
            self.began = self._beginning()
        self._until(self.began + group * self.beat.every)

    def _beginning(self) -> float:
        """When all begin, by this machine's clock."""
        came, looked, ready, trouble = self.clock(), False, False, "the store has none"
        while (waited := self.clock() - came) <= LIMIT + 60:
            try:
                if not ready or waited > LIMIT:
                    self.store.put_once(f"{self.folder}ready/{self.task.number:05x}", b"ready\n")
                    there = len(self.store.keys(f"{self.folder}ready/"))
                    ready = True
                    if there >= self.beat.machines or waited > LIMIT:
                        self._sign(there)
                if self.store.keys(f"{self.folder}begin/"):
                    return self._told(looked)
                looked = True
            except StoreError as error:
                trouble = str(error)
            self._until(self.clock() + LOOK)
        self.say(f"warning: begins alone, since no sign came: {trouble}")
        return self.clock()

    def _sign(self, there: int) -> None:
        """Say when all begin, unless another machine has said it."""
        if there < self.beat.machines:
            self.say(f"warning: begins with {there} of {self.beat.machines} machines, after {LIMIT:g} s")
        now = self.clock()
        sign = json.dumps({"put": round(now, 3), "at": round(now + LEAD, 3)}).encode()
        with contextlib.suppress(StoreError):  # another's sign is there: other bytes
            self.store.put_once(f"{self.folder}begin/sign", sign)

    def _told(self, looked: bool) -> float:
        """What the sign says; by this machine's clock where that differs from the clock of who put it."""
        put, at = _numbers(self.store.get(f"{self.folder}begin/sign"))
        now = self.clock()
        if looked and not -APART < now - put < APART + LOOK:
            off = f"{text.duration(abs(now - put))} {'ahead' if now > put else 'behind'}"
            self.say(f"warning: this machine's clock is {off}; it begins within {LOOK:g} s of the others")
            return now + (at - put) - LOOK / 2
        if not looked and put > now + APART:  # it came late, and its clock is behind by nobody knows how much
            self.say("warning: the others have begun, and this machine's clock is behind theirs; it is not in step")
            return now
        return at

    def _until(self, moment: float) -> None:
        while (left := moment - self.clock()) > 0:
            self.stop()
            self.sleep(min(SLICE, left))


def _numbers(sign: bytes) -> tuple[float, float]:
    """When the sign was put, and when all begin; StoreError for what is no sign."""
    try:
        said = json.loads(sign)
        put, at = float(said["put"]), float(said["at"])
    except (ValueError, KeyError, TypeError, RecursionError):
        put = at = math.nan
    if not 0 <= at - put <= 10 * LEAD:
        raise StoreError("the sign to begin is none of hwbench's; remove it, or launch again")
    return put, at
