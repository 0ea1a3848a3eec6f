"""Time between events on a GPU, behind a gate that opens once everything is queued.

A launch takes Python and the driver about 3 µs, so a kernel of 2 µs that is launched while the clock runs would be
timed as 3 µs. Here a kernel of one thread, the gate, holds the stream, the work is queued after it between two events,
and then the host opens the gate. Work that allocates or waits for the GPU cannot be timed this way: behind a closed
gate it would wait for ever. Hence the gate's time limit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ..protocols import Call, Event, Stream

# The driver queues some 1024 entries; one more blocks the host until the first has run, which behind a closed gate is
# never. Half of them leaves room for what the driver queues by itself.
QUEUE = 512
LIMIT_NS = 1_000_000_000  # after which the gate opens itself, so that the GPU is free whatever went wrong


class Kernel(Protocol):
    """A loaded kernel, as CuPy calls it."""

    ptr: int

    def __call__(
        self, grid: tuple[int, ...], block: tuple[int, ...], args: tuple[Any, ...], *, shared_mem: int = 0,
        stream: Stream | None = None, enable_cooperative_groups: bool = False,
    ) -> None:  # fmt: skip
        """Enqueue one launch."""


class Gate:
    """A kernel that holds a stream until the host opens it, or its own time limit does.

    Parameters
    ----------
    kernel
        `gate` of gpu_gate.cu, loaded.
    flag
        Two words of pinned memory that the GPU sees at the host's address: the ticket that may pass, and the last one
        that the limit let through.
    """

    def __init__(self, kernel: Kernel, flag: np.ndarray, limit_ns: int = LIMIT_NS) -> None:
        self._kernel = kernel
        self._flag = flag
        self._limit = np.uint64(limit_ns)
        self._ticket = 0
        self.timeouts = 0
        flag[:] = 0

    @contextlib.contextmanager
    def closed(self, stream: Stream) -> Iterator[None]:
        """Hold what is queued on the stream inside until this ends, also by an exception."""
        self._ticket = self._ticket % 0x7FFF_FFFF + 1
        arguments = (np.uint64(self._flag.ctypes.data), np.uint32(self._ticket), self._limit)
        self._kernel((1,), (1,), arguments, stream=stream)
        try:
            yield
        finally:
            self._flag[0] = self._ticket

    def passed(self) -> None:
        """Count a gate that was opened by its limit; to be called when the work behind it is done."""
        if int(self._flag[1]) == self._ticket:
            self.timeouts += 1


class NoGate:
    """In the place of the gate where launches wait for their kernels: behind it they would wait for ever."""

    timeouts = 0

    def closed(self, stream: Stream) -> contextlib.AbstractContextManager[None]:  # noqa: ARG002
        """Hold nothing."""
        return contextlib.nullcontext()

    def passed(self) -> None:
        """Nothing was held."""


# What tools that watch or serialise launches leave in the environment of the processes that they start: CUDA's own
# switch, its injection of libraries (all of them), Nsight Systems, Nsight Compute, compute-sanitizer, cuda-gdb.
WATCHED = ("CUDA_INJECTION64_PATH", "NSYS_PROFILING_SESSION_ID", "CUDBG_USE_LEGACY_DEBUGGER")
WATCHED_PREFIXES = ("NV_NSIGHT_INJECTION", "NV_COMPUTE_PROFILER", "NV_SANITIZER", "NV_TPS_LAUNCH")


def blocking(environment: Mapping[str, str]) -> str:
    """Why launches wait for their kernels in this process; "" where nothing says so."""
    if (value := environment.get("CUDA_LAUNCH_BLOCKING", "")) not in ("", "0"):
        return f"CUDA_LAUNCH_BLOCKING={value}"
    found = [name for name in sorted(environment) if name in WATCHED or name.startswith(WATCHED_PREFIXES)]
    return f"a profiler or debugger ({found[0]} is set)" if found else ""


class Stopwatch:
    """Times what is queued on one main stream, and on others beside it.

    Parameters
    ----------
    stream
        The main stream, which the gate holds.
    gate
        Passed once before: its loading cannot wait behind itself.
    event
        Makes an event; `elapsed(start, stop)` are the seconds between two.
    working
        Called while the GPU works, for what is to be read under load.
    stamp
        Enqueues writing the GPU's time and cycles: `stamp(0)` before a sample, `stamp(1)` after it, outside the events.
    """

    def __init__(
        self,
        stream: Stream,
        gate: Gate | NoGate,
        event: Callable[[], Event],
        elapsed: Callable[[Event, Event], float],
        working: Callable[[], None],
        stamp: Callable[[int], None] = lambda _place: None,
    ) -> None:
        self.stream = stream
        self.gate = gate
        self._event = event
        self._elapsed = elapsed
        self._working = working
        self._stamp = stamp
        self._done = event()
        self._events: list[Event] = []

    def events(self, count: int) -> list[Event]:
        """`count` events, the same ones each time: making one costs as much as a launch."""
        while len(self._events) < count:
            self._events.append(self._event())
        return self._events[:count]

    def together(
        self, launch: Call, count: int, streams: Sequence[Stream] = (), before: Call | None = None
    ) -> tuple[float, Sequence[float]]:
        """Seconds that `count` calls took together, and until each of the further streams was through.

        `before` is queued ahead of them, outside the time.
        """
        start, stop, *ends = self.events(2 + len(streams))
        with self.gate.closed(self.stream):
            if before is not None:
                before()
            self._stamp(0)
            self._begin(start, streams)
            for _ in range(count):
                launch()
            self._end(stop, streams, ends)
            self._finish()
        self._wait()
        return self._elapsed(start, stop), [self._elapsed(start, end) for end in ends]

    def apart(
        self, launch: Call, count: int, streams: Sequence[Stream], prepare: Call
    ) -> tuple[float, Sequence[float]]:
        """The same with `prepare` queued before each call, outside the events that each call has of its own."""
        width = 2 + len(streams)
        events = self.events(width * count)
        rows = [events[width * i : width * (i + 1)] for i in range(count)]
        with self.gate.closed(self.stream):
            self._stamp(0)
            for start, stop, *ends in rows:
                prepare()
                self._begin(start, streams)
                launch()
                self._end(stop, streams, ends)
            self._finish()
        self._wait()
        each = [sum(self._elapsed(row[0], row[2 + i]) for row in rows) for i in range(len(streams))]
        return sum(self._elapsed(row[0], row[1]) for row in rows), each

    def _begin(self, start: Event, streams: Sequence[Stream]) -> None:
        start.record(self.stream)
        for stream in streams:
            stream.wait_event(start)

    def _end(self, stop: Event, streams: Sequence[Stream], ends: Sequence[Event]) -> None:
        for stream, end in zip(streams, ends, strict=True):
            end.record(stream)
            self.stream.wait_event(end)
        stop.record(self.stream)

    def _finish(self) -> None:
        self._stamp(1)
        self._done.record(self.stream)

    def _wait(self) -> None:
        self._working()
        self._done.synchronize()
        self.gate.passed()


def batch(launches: int, streams: int, apart: bool) -> int:
    """How many calls of `launches` entries each may be queued behind one gate."""
    # Events and waits are entries too: two events on the main stream; for each other stream a wait and an event on it,
    # and a wait on the main one. Apart, each call has these and what prepares it.
    around = 2 + 3 * streams
    once = 1 + 3  # the gate; two stamps and the event after them
    if apart:
        return max(1, (QUEUE - once) // (launches + 1 + around))
    return max(1, (QUEUE - once - around) // launches)
