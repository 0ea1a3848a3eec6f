"""Which process measures a run: it holds a lock beside the run's file.

The kernel gives the lock back when the process ends, however it ends, and knows no namespaces: two containers that
share a directory see each other's locks, though not each other's process numbers.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from .model import JsonObject


class Claim:
    """A run's lock, of one run at a time; given back at the end of the block."""

    def __init__(self) -> None:
        self._lock: BaseFileLock | None = None

    @property
    def held(self) -> bool:
        """Whether this process has the lock of a run."""
        return self._lock is not None

    def take(self, path: Path) -> bool:
        """Take the lock of the run in this file; False where another process has it.

        True also where the place has no locks: `held` tells.
        """
        from filelock import FileLock, Timeout  # only who measures asks, and loading it takes 10 ms

        self.release()
        lock = FileLock(path.with_name(f".{path.name}.lock"), thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        except (OSError, NotImplementedError):
            return True
        self._lock = lock
        return True

    def release(self, *, finished: bool = False) -> None:
        """Give the lock back; nobody asks for that of a `finished` run any more, so that its file goes, too."""
        lock, self._lock = self._lock, None
        if lock is None:
            return
        with contextlib.suppress(OSError):
            if finished:
                Path(lock.lock_file).unlink()
        lock.release()

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def started(pid: int | None = None) -> float | None:
    """When a process began, by default this one; None where that cannot be read."""
    import psutil  # as above

    try:
        return float(psutil.Process(pid).create_time())
    except Exception:  # noqa: BLE001 - where /proc is made up or hidden psutil raises anything
        return None


def alive(stamp: JsonObject) -> bool:
    """Whether the process that a run's stamp names is alive; the start time guards against a reused number."""
    import psutil  # as above

    pid, born = stamp.get("pid"), stamp.get("process_started")
    if not isinstance(pid, int) or not 0 <= pid < 2**31 or not isinstance(born, float) or not psutil.pid_exists(pid):
        return False
    began = started(pid)
    if began is None or abs(began - born) >= 2:
        return False
    try:
        # A killed process stays a zombie until its parent reaps it: forever in a container without an init.
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
