"""Time on one GPU: by events behind the gate, or by the host's clock where the caller's wait is the question."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np

from ..bench import Work
from ..protocols import Call, DeviceArray, Event, Facts, HostBuffer, HostKind, Properties, Shape, Stream, Sync, Values
from .gpu_gate import Gate, Kernel, NoGate, Stopwatch, batch

COLD_CALLS = 64  # calls a sample when L2 is flushed before each: the flush takes longer than most of them
# The same for the host's caches: writing twice 300 MiB of L3 takes 53 ms, so that eight calls a sample took most of
# the time of `transfer.copy`.
COLD_HOST_CALLS = 2
STAMP = np.dtype([("ns", "u8"), ("cycles", "u8"), ("sm", "u8")])  # as in gpu_gate.cu
SHORTEST_NS = 1_000_000  # of a sample whose clock is told: the GPU's time goes on by up to 1 µs at a time
MOST_EVICTING = 2**28  # bytes that are written to evict the host's cache
FLUSH = 2  # × L2: what is written last evicts all else, whatever the replacement policy


class TimedGpu(Protocol):
    """What timing needs of a GPU."""

    @property
    def properties(self) -> Properties:
        """What the card is made of."""

    @property
    def stream(self) -> Stream:
        """Its main stream, which the gate holds."""

    def here(self) -> AbstractContextManager[None]:
        """On this GPU."""

    def at_work(self) -> AbstractContextManager[None]:
        """On this GPU, with its main stream as the current one."""

    def near_the_gpu(self) -> AbstractContextManager[None]:
        """On CPUs of the GPU's NUMA node."""

    def loaded(self, topic: str, kernel: str) -> Kernel:
        """A kernel that no longer loads at its first launch."""

    def event(self, timing: bool = True) -> Event:
        """A new event."""

    def elapsed(self, start: Event, stop: Event) -> float:
        """Seconds between two events."""

    def synchronize(self) -> None:
        """Wait for everything on this GPU."""

    def empty(self, shape: Shape) -> DeviceArray:
        """Unwritten bytes in device memory."""

    def fill(self, array: DeviceArray, value: int, stream: Stream) -> None:
        """Enqueue setting each byte."""

    def host(self, kind: HostKind, nbytes: int) -> HostBuffer:
        """Host memory of a kind."""

    def fetched(self, output: Call) -> Any:
        """What a call returns, a device array as a host array."""

    def last_level_cache(self) -> int:
        """Bytes of the host's largest last-level cache."""

    def readings(self) -> dict[str, float]:
        """Clock, power, temperature and link at this moment."""


class Timing:
    """How work on one GPU is timed.

    The stopwatch, the buffers that flush caches and the gauges of the round are made when they are first needed.
    `ungated` says why there is no gate, "" where there is one.
    """

    def __init__(self, device: TimedGpu, ungated: str = "") -> None:
        self._device = device
        self.ungated = ungated
        self._flush: DeviceArray | None = None
        self._evicting: np.ndarray | None = None
        self._stopwatch: Stopwatch | None = None
        self._gauges: dict[str, float] | None = None
        self._clocks: list[float] = []

    # --- work -----------------------------------------------------------------------------------------------------

    def timed(
        self, launch: Call, *, output: Call | None = None, cold: bool = False, streams: Sequence[Stream] = (),
        launches: int = 1, before: Call | None = None, facts: Facts | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of a `launch` that only enqueues, timed by events behind the gate.

        Parameters
        ----------
        launch
            Enqueues one call on `device.stream`, which is CuPy's current stream then; allocates and waits for nothing.
        cold
            Flush L2 before each call, outside its events. Each call has events of its own then, whose resolution is
            half a microsecond.
        streams
            Further streams that the call enqueues on: they start with the main one and are waited for. `stream_s` in
            the facts are the seconds that each took from the common start, in the fastest sample.
        launches
            How many entries one call queues, so that the queue is never full behind the gate.
        before
            Enqueued once before a sample's calls, outside their events: one launch, which puts data where the calls
            are to find it. Not for a call that is `cold`.
        """
        device = self._device
        device.synchronize()  # what a builder has queued with CuPy is on another stream than the launch
        about: Values = {"timed_by": "events", **(facts or {})}
        if self.ungated:
            about |= {"timed_by": "events without the gate", "no_gate": self.ungated}
        if cold:
            about["l2"] = "flushed"
        most = batch(launches, len(streams), apart=cold)
        most = max(1, most - (before is not None))
        ran: list[Any] = []
        best = [float("inf")]

        def call() -> Any:
            with device.at_work():
                if cold:
                    self.flush_l2()
                result = launch()
                device.synchronize()
            ran[:] = [result]
            return result

        def timer(loops: int) -> float:
            if not ran:
                call()
            watch, total, left = self.stopwatch, 0.0, loops
            with device.at_work():
                while left:
                    count = min(most, left)
                    if cold:
                        seconds, ends = watch.apart(launch, count, streams, self.flush_l2)
                    else:
                        seconds, ends = watch.together(launch, count, streams, before)
                    self._read_clock()
                    total, left = total + seconds, left - count
                    if streams and seconds / count < best[0]:
                        best[0] = seconds / count
                        about["stream_s"] = [end / count for end in ends]
            return total

        fetch = output or (lambda: ran[0] if ran else None)
        return Work(
            call=call, output=lambda: device.fetched(fetch), timer=timer, facts=about, close=self._here(close),
            most=COLD_CALLS if cold else None,
        )  # fmt: skip

    def host_timed(
        self, call: Call, *, output: Call | None = None, sync: Sync = "end", cold: bool = False,
        facts: Facts | None = None, close: Callable[[], None] | None = None,
    ) -> Work:  # fmt: skip
        """The work of a `call` timed by the host's clock: what a Python program waits for.

        `sync`: wait for the GPU once at the end of a sample, after each call, or never, where the call itself waits.
        `cold`: the host's caches are filled with other data before each call, outside the clock.
        """
        device = self._device
        device.synchronize()  # as for `timed`
        about: Values = {"timed_by": "host", **(facts or {})}
        ran: list[Any] = []

        def once() -> Any:
            with device.at_work():
                result = call()
                device.synchronize()
            ran[:] = [result]
            return result

        def timer(loops: int) -> float:
            with device.at_work(), device.near_the_gpu():
                device.synchronize()
                if cold:
                    seconds = sum(self._cold_call(call, sync) for _ in range(loops))
                else:
                    seconds = self._host_seconds(call, loops, sync)
                self.read_gauges()
                device.synchronize()
            return seconds

        fetch = output or (lambda: ran[0] if ran else None)
        return Work(
            call=once, output=lambda: device.fetched(fetch), timer=timer, facts=about, close=self._here(close),
            most=COLD_HOST_CALLS if cold else None,
        )  # fmt: skip

    def seconds(self, launch: Call) -> float:
        """Seconds of one call of a `launch` that only enqueues, by events behind the gate; it has been called before.

        For work between whose calls the host has something to do, which `timed` would time or not wait for.
        """
        with self._device.at_work():
            seconds = self.stopwatch.together(launch, 1)[0]
            self._read_clock()
            return seconds

    def time(self, work: Work, loops: int) -> float:
        """Seconds that `loops` calls of the work took: by its own timer, else by the host's clock and a wait."""
        if work.timer is not None:
            return work.timer(loops)
        with self._device.at_work():
            if work.repeat is not None:
                start = time.perf_counter()
                work.repeat(loops)
                self._device.synchronize()
                return time.perf_counter() - start
            return self._host_seconds(work.call, loops, "end")

    # --- rounds ---------------------------------------------------------------------------------------------------

    def begin_round(self) -> None:
        """Let the next sample read the gauges while the GPU works."""
        self._gauges = None
        self._clocks.clear()

    def read_gauges(self) -> None:
        """Read the gauges of this round, if no sample has: to be called while the GPU works."""
        if self._gauges is None:
            self._gauges = self._device.readings()

    def gauges(self) -> dict[str, float]:
        """The readings of this round's first sample; those of this moment where there was none.

        `gpu_sm_clock_hz` is the median clock of the round's samples by their own stamps: the driver's reading may be
        some 0.1 s old, ten samples.
        """
        found = self._device.readings() if self._gauges is None else self._gauges
        return found | ({"gpu_sm_clock_hz": float(np.median(self._clocks))} if self._clocks else {})

    @property
    def timeouts(self) -> int:
        """How often the gate was opened by its own limit."""
        return self._stopwatch.gate.timeouts if self._stopwatch is not None else 0

    # --- clocks and caches ----------------------------------------------------------------------------------------

    @property
    def stopwatch(self) -> Stopwatch:
        """Events behind the gate, which is passed once when this is first asked for: it cannot be loaded closed."""
        if self._stopwatch is None:
            device = self._device
            with device.here():
                gate = NoGate() if self.ungated else self._gate()
            self._stopwatch = Stopwatch(
                device.stream, gate, device.event, device.elapsed, self.read_gauges, self._stamping()
            )
        return self._stopwatch

    def _gate(self) -> Gate:
        device = self._device
        self._gate_flag = device.host("mapped", 8)  # lives as long as the device
        gate = Gate(device.loaded("gpu_gate", "gate"), self._gate_flag.array.view(np.uint32))
        with gate.closed(device.stream):
            pass
        device.stream.synchronize()
        return gate

    def _stamping(self) -> Callable[[int], None]:
        """What enqueues a stamp before or after a sample; the kernel has been launched once."""
        device = self._device
        kernel = device.loaded("gpu_gate", "stamp")
        self._stamps_in = device.host("mapped", STAMP.itemsize * 2)  # lives as long as the device
        self._stamps = self._stamps_in.array.view(STAMP)
        first = self._stamps.ctypes.data

        def stamp(place: int) -> None:
            address = np.uint64(first + STAMP.itemsize * place)
            kernel((1,), (1,), (address,), stream=device.stream)

        stamp(0)
        device.stream.synchronize()
        return stamp

    def _read_clock(self) -> None:
        """Keep the SM's clock of the sample before; a short one is finer than the step of the GPU's time."""
        before, after = self._stamps
        elapsed = int(after["ns"]) - int(before["ns"])
        if elapsed >= SHORTEST_NS and before["sm"] == after["sm"]:
            self._clocks.append(1e9 * (int(after["cycles"]) - int(before["cycles"])) / elapsed)

    def flush_l2(self) -> None:
        """Enqueue writing twice the L2 through it: what it held before is evicted."""
        if self._flush is None:
            self._flush = self._device.empty(max(FLUSH * self._device.properties.l2, 2**20))
        self._device.fill(self._flush, 0x5A, self._device.stream)

    def _host_seconds(self, call: Call, loops: int, sync: Sync) -> float:
        wait, each = self._device.synchronize, sync == "each"
        rounds = itertools.repeat(None, loops)
        start = time.perf_counter()
        for _ in rounds:
            call()
            if each:
                wait()
        if sync == "end":
            wait()
        return time.perf_counter() - start

    def _cold_call(self, call: Call, sync: Sync) -> float:
        self._evict_host()
        return self._host_seconds(call, 1, sync)

    def _evict_host(self) -> None:
        """Write twice the last-level cache that this thread fills through it, 256 MiB at most."""
        if self._evicting is None:
            self._evicting = np.ones(min(2 * self._device.last_level_cache(), MOST_EVICTING) // 8, dtype=np.int64)
        self._evicting += 1

    def _here(self, close: Callable[[], None] | None) -> Callable[[], None] | None:
        if close is None:
            return None

        def closing() -> None:
            with self._device.here():
                close()

        return closing
