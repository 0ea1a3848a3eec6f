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

from ..bench import Work
from ..kernels.gate import Gate
from ..protocols import Call, Facts, Job

T = TypeVar("T")


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
        self._gate = Gate(len(workers))

    def __len__(self) -> int:
        return len(self.workers)

    def each(self, function: Callable[[int], T]) -> list[T]:
        """What `function(rank)` returns on each thread, by rank; the first exception is raised, the threads live on."""
        if not self.workers:
            return []
        countdown: _Countdown[T] = _Countdown(len(self))
        for rank, worker in enumerate(self.workers):
            worker.inbox.put(lambda rank=rank: countdown.run(rank, function))  # type: ignore[misc]
        return countdown.wait()

    def race(self, jobs: Sequence[Job], loops: int) -> list[tuple[int, int]]:
        """Run jobs[rank](loops, gate) on all threads at once; (start, end) of each in ns of one clock.

        They are those of the job's kernels, which enter the gate; of a job without such a kernel, those of Python.
        """
        if len(jobs) != len(self):
            raise ValueError(f"{len(jobs)} jobs for {len(self)} threads")
        gate, clock = self._gate, time.perf_counter_ns
        gate.close()

        def run(rank: int) -> tuple[int, int]:
            start = clock()
            try:
                jobs[rank](loops, gate.address(rank))
            finally:
                gate.arrive(rank)
            return gate.span(rank) or (start, clock())

        return self.each(run)

    def work(
        self,
        jobs: Sequence[Job],
        *,
        output: Call | None,
        facts: Facts | None = None,
        close: Callable[[], None] | None = None,
    ) -> Work:
        """The work of running jobs[rank](loops, gate) on every thread at once.

        Its time is the last end minus the first start, in seconds. A job spends `loops` inside one kernel that gives up
        the GIL, enters the gate first and leaves it last (`kernels.gate`); what it does in Python is serial between the
        threads.
        """

        def timer(loops: int) -> float:
            spans = self.race(jobs, loops)
            return (max(end for _, end in spans) - min(start for start, _ in spans)) * 1e-9

        about = {"threads": len(self), "cpus": list(self.cpus), "pinned": self.pinned, **(facts or {})}
        return Work(call=lambda: timer(1), output=output, timer=timer, facts=about, close=close)
