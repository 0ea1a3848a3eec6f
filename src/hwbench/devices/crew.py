"""Threads pinned to one CPU each that start a sample together.

Numba cannot pin its threads, so limits of the machine are measured with these. The main thread is never pinned, since
thread pools that Numba or BLAS start later would inherit its affinity mask.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, TypeVar

import numpy as np

from ..bench import Work
from ..kernels.compiling import compiled
from ..protocols import Call, Facts, Loop
from .clock import opaque

T = TypeVar("T")

# Threads leave the gate at once, but need the GIL for the microsecond between it and their kernel. If all asked for it
# at once, the losers would sleep and be woken one after the other; 8 000 cycles (2 µs) apart, each finds it free. How
# far apart 2 threads on 2 CPUs of a virtual machine start, median / 95th percentile of 500: threading.Barrier
# 19 / 22 µs, this gate without the stagger 1.6 / 29 µs, with it 2.4 / 2.6 µs.
STAGGER = 8_000


@compiled
def gate(lines: np.ndarray, rank: int, count: int, ticket: int, stagger: int) -> None:
    """Wait, without the GIL, until `count` threads arrived with the same `ticket`, then `rank × stagger` cycles more.

    Each thread writes its own cache line (8 words) and reads the others', so no atomic operation is needed.
    """
    lines[rank * 8] = ticket
    for other in range(count):
        while opaque(lines[other * 8]) < ticket:
            pass
    wait = opaque(0)
    for _ in range(rank * stagger):
        wait = opaque(wait + 1)


class Worker:
    """One thread, pinned to `cpu` where the system can, that runs the jobs in its inbox."""

    def __init__(self, cpu: int) -> None:
        self.cpu = cpu
        self.pinned = False
        self.inbox: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        ready = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(ready,), name=f"hwbench-cpu{cpu}", daemon=True)
        self.thread.start()
        ready.wait()

    def _run(self, ready: threading.Event) -> None:
        if hasattr(os, "sched_setaffinity"):
            with suppress(OSError):  # the cpuset may have shrunk since the mask was read
                os.sched_setaffinity(0, {self.cpu})
                self.pinned = True
        ready.set()
        while (job := self.inbox.get()) is not None:
            job()


class _Countdown(Generic[T]):
    """The results of `count` threads; the last one wakes the waiting thread, so that it sleeps while others measure."""

    def __init__(self, count: int) -> None:
        self.results: dict[int, T] = {}
        self.errors: list[tuple[int, BaseException]] = []
        self._left = count
        self._lock = threading.Lock()
        self._done: queue.SimpleQueue[None] = queue.SimpleQueue()

    def run(self, rank: int, function: Callable[[int], T]) -> None:
        """Keep what `function(rank)` returns or raises."""
        try:
            self.results[rank] = function(rank)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the thread that waits
            self.errors.append((rank, error))
        with self._lock:
            self._left -= 1
            last = not self._left
        if last:
            self._done.put(None)

    def wait(self) -> list[T]:
        """All results by rank; raises the first exception instead."""
        self._done.get()
        if self.errors:
            raise self.errors[0][1]
        return [self.results[rank] for rank in sorted(self.results)]


class Crew:
    """Pinned threads that work side by side, one on each of `cpus`."""

    def __init__(self, workers: Sequence[Worker]) -> None:
        self.workers = tuple(workers)
        self.cpus = tuple(worker.cpu for worker in workers)
        self.pinned = all(worker.pinned for worker in workers)
        self._lines = np.zeros(8 * len(workers), dtype=np.int64)  # the gate's: a cache line for each thread
        self._ticket = 0

    def __len__(self) -> int:
        return len(self.workers)

    def each(self, function: Callable[[int], T]) -> list[T]:
        """What `function(rank)` returns on each thread, by rank; the first exception is raised, the threads live on."""
        countdown: _Countdown[T] = _Countdown(len(self))
        for rank, worker in enumerate(self.workers):
            worker.inbox.put(lambda rank=rank: countdown.run(rank, function))  # type: ignore[misc]
        return countdown.wait()

    def race(self, jobs: Sequence[Loop], loops: int) -> list[tuple[int, int]]:
        """Run jobs[rank](loops) on all threads at once; (start, end) of each in ns of one clock."""
        if len(jobs) != len(self):
            raise ValueError(f"{len(jobs)} jobs for {len(self)} threads")
        if not self._ticket:
            gate(np.zeros(8, dtype=np.int64), 0, 1, 1, 0)  # compiled here, not while others wait at it
        self._ticket += 1
        lines, count, ticket, clock = self._lines, len(self), self._ticket, time.perf_counter_ns

        def run(rank: int) -> tuple[int, int]:
            job = jobs[rank]
            gate(lines, rank, count, ticket, STAGGER)
            start = clock()
            job(loops)
            return start, clock()

        return self.each(run)

    def work(
        self,
        jobs: Sequence[Loop],
        *,
        output: Call | None,
        facts: Facts | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:
        """The work of running jobs[rank](loops) on every thread at once.

        Its time is the last end minus the first start, in seconds. A job should spend `loops` inside one kernel that
        gives up the GIL; what it does in Python is serial between the threads.
        """

        def timer(loops: int) -> float:
            spans = self.race(jobs, loops)
            return (max(end for _, end in spans) - min(start for start, _ in spans)) * 1e-9

        about = {"threads": len(self), "cpus": list(self.cpus), "pinned": self.pinned, **(facts or {})}
        return Work(call=lambda: timer(1), output=output, timer=timer, facts=about, close=close)
