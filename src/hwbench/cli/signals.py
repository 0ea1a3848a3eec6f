"""How SIGINT and SIGTERM end the program. Imports nothing heavy: this runs before everything else."""

from __future__ import annotations

import importlib
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

    Handler = Callable[[int, FrameType | None], None] | signal.Handlers


def handle(handler: Handler) -> None:
    """Install one handler for SIGINT (Ctrl-C) and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def leave(_number: int, _frame: FrameType | None) -> None:
    """End the process at once: before measuring there is nothing to save, and after it all is saved."""
    os.write(2, b"hwbench: interrupted\n")
    os._exit(130)


def raises_sigint(action: Callable[[], object]) -> bool:
    """Do something, and say whether this very process raised SIGINT meanwhile; one from elsewhere is then delivered."""
    if not hasattr(signal, "sigtimedwait"):  # macOS, Windows
        action()
        return False
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        action()
        told = signal.sigtimedwait({signal.SIGINT}, 0)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    ours = told is not None and told.si_pid == os.getpid()
    if told is not None and not ours:
        signal.raise_signal(signal.SIGINT)
    return ours


def load_numpy() -> None:
    """Import NumPy; UsageError where its OpenBLAS can start no thread, which it reports by SIGINT as if by Ctrl-C."""
    if raises_sigint(lambda: importlib.import_module("numpy")):
        from ..errors import UsageError

        raise UsageError(
            "OpenBLAS cannot start its threads: raise the limit on processes (ulimit -u, pids.max of the cgroup, "
            "Docker's --pids-limit), or set OPENBLAS_NUM_THREADS=1"
        )


class Stop:
    """A request to stop: the first signal sets a flag that the engine checks, the second ends the process at once.

    Raising from the handler is not safe: the exception could surface in a callback that swallows it, or inside code
    that Numba runs, after which Python exits by the signal and not by the exit code.
    """

    def __init__(self) -> None:
        self.asked = False

    def ask(self, number: int, frame: FrameType | None) -> None:
        """The signal handler."""
        if self.asked:
            leave(number, frame)
        self.asked = True

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal came."""
        if self.asked:
            raise KeyboardInterrupt
