"""Threads that work on after a call has returned: those of OpenMP, TBB and BLAS spin, ready for the next call.

libgomp's spin 300,000 times, which takes 4 to 10 ms; OpenBLAS' for 2²⁶ cycles. The next sample on all threads would
share its CPUs with them: a copy in L1 of 10 ms then takes 17 ms. `OMP_WAIT_POLICY=passive` is no remedy, since each
call then wakes its threads: a prange falls from 31 to 1 GB/s. So a sample of another variant waits until they sleep.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

LOOK_S = 0.0002
PATIENCE_S = 0.25  # OpenBLAS' threads spin for 0.1 s and more; no pool for longer, unless it was told to
SLEEP_S = 0.015  # where threads cannot be looked at
TASKS = Path("/proc/self/task")


def running(tasks: Path = TASKS) -> Iterator[str]:
    """The threads of this process that run or are ready to, other than Python's own.

    Their processor time would not tell: the kernel adds that of a thread which runs on another CPU at its next tick, up
    to 10 ms later.
    """
    # After a fork Python 3.11 states the parent's number for the thread that goes on, which is asking here.
    own = {str(threading.get_native_id()), *(str(thread.native_id) for thread in threading.enumerate())}
    for task in tasks.iterdir():
        with suppress(OSError):  # it has ended
            if task.name not in own and (task / "stat").read_text().rpartition(")")[2].split()[:1] == ["R"]:
                yield task.name


def _works(pid: int) -> bool:
    """Whether a thread of a child runs; False once the child has ended."""
    with suppress(OSError):
        return any(running(Path(f"/proc/{pid}/task")))
    return False


class Stragglers:
    """Threads that outlive the calls that are timed, and the wait for their sleep.

    Parameters
    ----------
    busy
        Whether any runs now; None where the system does not tell, and a fixed time is waited.
    children
        The processes whose threads count as well.
    """

    def __init__(self, busy: Callable[[], bool] | None = None, children: Iterable[int] = ()) -> None:
        linux = sys.platform == "linux" and TASKS.is_dir()
        self._children = children
        self._busy = busy or (self._any_runs if linux else None)
        self._suspected = False
        self._endless = 0

    def _any_runs(self) -> bool:
        return any(running()) or any(map(_works, self._children))

    def suspect(self) -> None:
        """Something was called that may have left threads at work."""
        self._suspected = True

    def wait(self) -> bool:
        """Wait until no thread works; False where one still does after PATIENCE_S, which is tried three times."""
        if not self._suspected:
            return True
        self._suspected = False
        if self._busy is None:
            time.sleep(SLEEP_S)
            return True
        end = time.perf_counter() + (PATIENCE_S if self._endless < 3 else 0.0)
        while self._busy():
            if time.perf_counter() >= end:
                self._endless += 1
                self._suspected = True
                return False
            time.sleep(LOOK_S)
        self._endless = 0
        return True
