"""A process of a side: started in a group of its own, on CPUs of its own where asked for, timed, and ended in time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..record import text
from ..record.lifetime import at_parents_end
from ..tracking.history import TrackingError

TAIL = 200_000  # bytes of output that are read
SLICE = 0.2  # seconds until a signal is looked for


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit code (negative: a signal), seconds of wall clock and of CPU, and what it said."""

    code: int
    seconds: float
    cpu: float
    output: str
    errors: str

    @property
    def said(self) -> str:
        """Both outputs."""
        return f"{self.output}\n{self.errors}"

    @property
    def how(self) -> str:
        """`exit code 3`, or `SIGSEGV`."""
        if self.code >= 0:
            return f"exit code {self.code}"
        with contextlib.suppress(ValueError):
            return signal.Signals(-self.code).name
        return f"signal {-self.code}"


class Running:
    """A process that was started; `wait` gives how it ended. `label` names it in errors."""

    def __init__(
        self, label: str, words: Sequence[str], folder: Path, out: Path, variables: Mapping[str, str],
        cpus: Collection[int] = (),
    ) -> None:  # fmt: skip
        self.label, self.out = label, out
        before = os.sched_getaffinity(0) if cpus else set()
        with (out / "stdout.txt").open("wb") as output, (out / "stderr.txt").open("wb") as errors:
            try:
                if cpus:
                    os.sched_setaffinity(0, cpus)  # the child inherits this thread's mask
                self.began = time.perf_counter()
                # `kill -9` of this process ends the child, too.
                self.process = subprocess.Popen(  # noqa: S603
                    words, cwd=folder, env=dict(variables), stdin=subprocess.DEVNULL, stdout=output, stderr=errors,
                    start_new_session=True, preexec_fn=at_parents_end(signal.SIGKILL),
                )  # fmt: skip
            except OSError as error:
                raise TrackingError(f"{label}: {words[0]} cannot be started ({error.strerror})") from None
            finally:
                if cpus:
                    os.sched_setaffinity(0, before)
        self.code, self.seconds, self.cpu = 0, 0.0, 0.0
        self.waiter = threading.Thread(target=self._wait, daemon=True)
        self.waiter.start()

    def _wait(self) -> None:
        # A blocking wait in a thread: polling would add its period to the time, and Python 3.11 waits with no deadline.
        if hasattr(os, "wait4"):
            _, status, used = os.wait4(self.process.pid, 0)
            self.seconds = time.perf_counter() - self.began
            self.code = os.waitstatus_to_exitcode(status)
            self.cpu = used.ru_utime + used.ru_stime
            self.process.returncode = self.code
        else:
            self.code = self.process.wait()
            self.seconds = time.perf_counter() - self.began

    def wait(self, timeout: float) -> Ended:
        """How it ended; TrackingError where it takes longer, after it and all that it started were ended."""
        while self.waiter.is_alive():
            if time.perf_counter() - self.began > timeout:
                self.end()
                raise TrackingError(f"{self.label} took more than {text.seconds(timeout)} and was ended (--timeout)")
            self.waiter.join(SLICE)
        self._end_group()  # what it left running would disturb the next
        return Ended(self.code, self.seconds, self.cpu, _tail(self.out / "stdout.txt"), _tail(self.out / "stderr.txt"))

    def end(self) -> None:
        """End it and all that it started."""
        self._end_group()
        self.waiter.join()

    def _end_group(self) -> None:
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            elif self.process.poll() is None:
                self.process.kill()


def together(running: Sequence[Running], timeout: float) -> list[Ended]:
    """How processes ended that run at once; where one takes too long, or the user interrupts, all are ended."""
    try:
        return [one.wait(timeout) for one in running]
    except BaseException:
        for one in running:
            one.end()
        raise


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read().decode("utf-8", "replace")
