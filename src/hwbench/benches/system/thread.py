"""Starting a thread, and waiting for its end.

`native` is `pthread_create` and `pthread_join` by machine code: memory for a stack (which the C library keeps for the
next thread), a new entry for the scheduler, a CPU that wakes up, and the wait. `python` is `threading.Thread` with
`start` and `join`: the same thread, and around it objects of the interpreter, a lock that tells that the thread has
begun, and Python's lock, handed over and back. `pool` gives the same work to a thread that waits already
(`ThreadPoolExecutor`), for a queue, a lock and a future. The thread's work is one addition. Nothing is pinned: that is
what a program gets.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numba import types

from ...bench import Bench, Work
from ...kernels import libc
from ...kernels.compiling import compiled
from ...kernels.simd import follow, put
from ...protocols import Results
from ...record import text
from ...record.phrases import against, listed, marked
from ._posix import lacks

THREADS = 10  # one after the other, in one call

bench = Bench(
    "system.thread",
    question="What does it cost to start a thread and to wait for its end?",
    axes={},
    baseline="native",
    core=False,
    full_only=True,
)


@functools.cache
def counting() -> int:
    """The address of a function that a thread can begin with: it adds 1 to the word at its argument."""

    def add_one(address: int) -> int:
        put(address, follow(address) + 1)
        return 0

    made = numba.cfunc(types.intp(types.intp))(add_one)
    _KEPT.append(made)
    return int(made.address or 0)


_KEPT: list[object] = []  # machine code lives as long as its function


@compiled
def start_and_join(begin: int, counter: np.ndarray, handle: np.ndarray, threads: int, loops: int) -> int:
    """Start a thread and wait for it, so many times; how many could not be started."""
    failed = 0
    for _ in range(loops * threads):
        if libc.pthread_create(handle.ctypes.data, 0, begin, counter.ctypes.data) != 0:
            failed += 1
        else:
            libc.pthread_join(handle[0], 0)
    return failed


@bench.reference
def added() -> int:
    """Each thread adds one."""
    return THREADS


@bench.counts
def counts() -> dict[str, float]:
    """The threads, one after the other; their time is that of one."""
    return {"calls": THREADS}


@bench.variant("native", needs=lacks("pthread_create", "pthread_join"))
def native() -> Work:
    """pthread_create and pthread_join, by machine code."""
    begin, counter, handle = counting(), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)

    def run(loops: int) -> None:
        counter[0] = 0
        if failed := start_and_join(begin, counter, handle, THREADS, loops):
            raise OSError(f"the system starts no more threads ({failed} of {loops * THREADS})")

    run(1)  # compiled here
    return Work(lambda: run(1), repeat=run, output=lambda: int(counter[0]))


@bench.variant("python")
def python() -> Work:
    """threading.Thread: start and join."""
    count = [0]

    def add() -> None:
        count[0] += 1

    def run(loops: int) -> None:
        count[0] = 0
        for _ in range(loops * THREADS):
            thread = threading.Thread(target=add)
            thread.start()
            thread.join()

    return Work(lambda: run(1), repeat=run, output=lambda: count[0])


@bench.variant("pool")
def pooled() -> Work:
    """ThreadPoolExecutor: submit and result, by a thread that waits."""
    count, pool = [0], ThreadPoolExecutor(1)

    def add() -> None:
        count[0] += 1

    def run(loops: int) -> None:
        count[0] = 0
        for _ in range(loops * THREADS):
            pool.submit(add).result()

    return Work(lambda: run(1), repeat=run, output=lambda: count[0], close=pool.shutdown)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """A thread by the system and by Python, and what a pool saves."""
    names = {"native": "by the C library", "python": "by Python's threading"}
    each = {way: one for way in names if (one := results.each("calls", way)) is not None}
    if each:
        told = listed(f"{text.seconds(one)} {names[way]}" for way, one in each.items())
        yield marked(f"Starting a thread and waiting for its end takes {told}", *map(results.find, each))
    pool, ratio = results.each("calls", "pool"), results.ratio("pool", "python")
    if pool is not None and ratio is not None:
        said = f"Work for a waiting thread of a ThreadPoolExecutor takes {text.seconds(pool)}, "
        said += against(ratio, "by a new thread")
        yield marked(said, results.find("pool"), results.find("python"))
