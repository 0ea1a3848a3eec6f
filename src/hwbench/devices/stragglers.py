"""Threads that work on after a call has returned: those of OpenMP, TBB and BLAS spin, ready for the next call.

libgomp's spin 300,000 times, which takes 4 to 7 ms; OpenBLAS' for 2²⁶ cycles. The next sample on all threads would
share its CPUs with them: a copy in L1 of 10 ms then takes 17 ms. `OMP_WAIT_POLICY=passive` is no remedy, since each
call then wakes its threads: a prange falls from 31 to 1 GB/s. So a sample of another variant waits until they sleep.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

LOOK_S = 0.0002
BUSY = 0.5  # of a CPU; a thread that spins takes all of one
PATIENCE_S = 0.1  # no pool spins for longer, unless it was told to
SLEEP_S = 0.010  # where the time of a process is counted too coarsely to be looked at


class Stragglers:
    """Whether threads of this process outlive the calls that are timed, and the wait for their end."""

    def __init__(self) -> None:
        self._suspected = False
        self._endless = 0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Note whether other threads of this process work while what is inside does."""
        process, thread = time.process_time(), time.thread_time()
        try:
            yield
        finally:
            others = time.process_time() - process - (time.thread_time() - thread)
            self._suspected = self._suspected or others > LOOK_S

    def wait(self) -> bool:
        """Wait until no thread works; False where one still does after PATIENCE_S, which is tried three times."""
        if not self._suspected:
            return True
        self._suspected = False
        if sys.platform == "win32":
            time.sleep(SLEEP_S)
            return True
        end = time.perf_counter() + (PATIENCE_S if self._endless < 3 else LOOK_S)
        while True:
            start, before = time.perf_counter(), time.process_time()
            time.sleep(LOOK_S)
            if time.process_time() - before < BUSY * (time.perf_counter() - start):
                self._endless = 0
                return True
            if time.perf_counter() > end:
                self._endless += 1
                self._suspected = True
                return False
