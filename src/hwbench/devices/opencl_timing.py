"""Time on an OpenCL device: by profiling events behind a gate, once they agree with the host's clock.

The gate is a user event: commands are queued behind it and start when it is set, so that queueing is not timed. What an
event says is the driver's word. So once a process a load of some milliseconds is timed both by events and by the host,
and where they disagree work is timed by the host's clock, and marked.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from types import ModuleType
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from ..bench import Work
from ..protocols import Call, Facts, OpenClArgument, OpenClArray, OpenClContext, OpenClEvent, OpenClQueue, Values
from ..record import text

MOST = 256  # commands behind the gate: drivers hold some thousands
AGREE = (0.8, 1.02)  # events over the host's clock: the host also waits for the start and for the news of the end
LOAD_S = 0.005  # against which a wake-up of the host is little
TRIES = 5
CHECKS = 3  # rounds of so many tries: other processes may hold the CPU through one of them
EMPTY = 100  # launches of nothing

Ends: TypeAlias = tuple[OpenClEvent, OpenClEvent]  # of the first and the last command
Launch: TypeAlias = Callable[[], OpenClEvent]
Enqueue: TypeAlias = Callable[[], OpenClEvent | Ends]


def agree(ratios: Sequence[float]) -> bool:
    """Whether events agree with the host. A host that wakes up late makes a ratio of the two small, never large.

    So the largest is held against the lower bound, and the smallest against the upper one.
    """
    return max(ratios) >= AGREE[0] and min(ratios) <= AGREE[1]


class TimedQueue(Protocol):
    """What timing needs of an OpenCL device."""

    cl: ModuleType
    context: OpenClContext
    queue: OpenClQueue

    def launcher(self, topic: str, kernel: str, groups: int, group: int, args: tuple[OpenClArgument, ...]) -> Launch:
        """What enqueues one launch and gives its event."""

    def empty(self, shape: int, dtype: npt.DTypeLike) -> OpenClArray:
        """An array on the device."""

    def plain_queue(self) -> OpenClQueue:
        """Another queue of the device, without profiling."""


class OpenClTiming:
    """How work on one OpenCL device is timed."""

    def __init__(self, device: TimedQueue, *, profiling: bool, beside: bool) -> None:
        self._device = device
        self._profiling = profiling
        self.own: Values = {"this_cpu": True} if beside else {}
        self.by = "events of this CPU" if beside else "events"  # what disturbs a host disturbs a device that is its CPU

    # --- work -----------------------------------------------------------------------------------------------------

    def timed(
        self, launch: Enqueue, *, output: Call | None = None, before: Call | None = None,
        launches: int = 1, facts: Facts | None = None,
    ) -> Work:  # fmt: skip
        """The work of a `launch` that enqueues a command and gives its event, or those of its first and last command.

        `before` is enqueued once before a sample's calls, outside their time; `launches` is how many commands a call
        queues.
        """
        about: Values = {"timed_by": self.by, **self.own, **(facts or {})}
        if self.refused:
            about |= {"timed_by": "host", "events_refused": self.refused}
        about["event_overhead_s"] = self.overhead
        seen: list[float] = []
        most = max(1, MOST // launches)

        def call() -> None:
            launch()
            self._device.queue.finish()

        def timer(loops: int) -> float:
            total, left = 0.0, loops
            while left:
                count = min(most, left)
                by_events, by_host = self.behind_the_gate(launch, count, before)
                if by_host >= LOAD_S and not self.refused:
                    seen.append(by_events / by_host)
                    about["events_of_host"] = round(float(np.median(seen)), 3)
                total, left = total + (by_host if self.refused else by_events), left - count
            return total

        return Work(call=call, output=output, timer=timer, facts=about)

    def host_timed(
        self, call: Call, *, output: Call | None = None, wait: bool = True, facts: Facts | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of a `call` timed by the host's clock; with `wait` for the device once at a sample's end."""
        finish = self._device.queue.finish

        def once() -> Any:
            result = call()
            finish()
            return result

        def timer(loops: int) -> float:
            rounds = itertools.repeat(None, loops)
            finish()
            start = time.perf_counter()
            for _ in rounds:
                call()
            if wait:
                finish()
            return time.perf_counter() - start

        about: Values = {"timed_by": "host", **self.own, **(facts or {})}
        return Work(call=once, output=output, timer=timer, facts=about, close=close)

    def time(self, work: Work, loops: int) -> float:
        """Seconds that `loops` calls took: by the work's own timer, else by the host's clock and a wait."""
        if work.timer is not None:
            return work.timer(loops)
        self._device.queue.finish()
        start = time.perf_counter()
        for _ in range(loops):
            work.call()
        self._device.queue.finish()
        return time.perf_counter() - start

    # --- clocks ---------------------------------------------------------------------------------------------------

    def behind_the_gate(self, launch: Enqueue, count: int, before: Call | None = None) -> tuple[float, float]:
        """Seconds from the start of the first command to the end of the last, by events and by the host's clock.

        Without profiling the first is not a number.
        """
        cl, queue = self._device.cl, self._device.queue
        gate = cl.UserEvent(self._device.context)
        try:
            cl.enqueue_marker(queue, wait_for=[gate])
            marker = None
            if before is not None:
                before()
                marker = cl.enqueue_marker(queue)
            calls = [launch() for _ in range(count)]
            queue.flush()
        finally:  # or the queue would wait for ever
            start = time.perf_counter()
            gate.set_status(cl.command_execution_status.COMPLETE)
        if marker is not None:
            marker.wait()
            start = time.perf_counter()
        queue.finish()
        host = time.perf_counter() - start
        if not self._profiling:
            return float("nan"), host
        first, last = calls[0], calls[-1]
        first, last = first[0] if isinstance(first, tuple) else first, last[-1] if isinstance(last, tuple) else last
        return 1e-9 * (last.profile.end - first.profile.start), host

    @cached_property
    def agreement(self) -> list[float]:
        """Events over the host's clock, for a load of some milliseconds, several times; [] without profiling.

        Where they contradict each other it is asked again: the last round counts.
        """
        if not self._profiling:
            return []
        to = self._device.empty(1, np.uint32)
        rounds, taken = 1000, 0.0
        while taken < LOAD_S and rounds < 2**31:
            rounds *= 4
            load = self._device.launcher("opencl_clock", "spin", 1, 1, (to, np.uint32(rounds)))
            load()
            self._device.queue.finish()
            start = time.perf_counter()
            load()
            self._device.queue.finish()
            taken = time.perf_counter() - start
        found: list[float] = []
        for _ in range(CHECKS):
            pairs = [self.behind_the_gate(load, 1) for _ in range(TRIES)]
            found = [events / host for events, host in pairs]
            if agree(found):
                break
        return found

    @cached_property
    def refused(self) -> str:
        """Why work is not timed by events; "" where it is."""
        if not self._profiling:
            return "the driver has no profiling"
        if not agree(self.agreement):
            return f"events tell {text.share(float(np.median(self.agreement)))} of the time that the host sees"
        return ""

    @cached_property
    def overhead(self) -> float:
        """Seconds that profiling adds to a launch: empty ones queued one by one, with it and without, by the host."""
        to = self._device.empty(1, np.uint32)
        nothing = self._device.launcher("opencl_clock", "nothing", 1, 1, (to,))
        least = [float("inf"), float("inf")]
        mine = self._device.queue
        plain = self._device.plain_queue()
        for place in (0, 1) * TRIES:
            self._device.queue = (mine, plain)[place]
            try:
                start = time.perf_counter()
                for _ in range(EMPTY):
                    nothing()
                self._device.queue.finish()
                least[place] = min(least[place], (time.perf_counter() - start) / EMPTY)
            finally:
                self._device.queue = mine
        return max(0.0, least[0] - least[1])
