"""A process that watches the one that runs a user's function: it ends a call that takes too long, and tells a crash.

Compiled code that holds Python's lock can be interrupted by no handler and no thread, so a parent process watches. It
is forked before anything is imported that has threads. Where processes do not fork (Windows), nobody watches.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterator

LONGEST_S = 120.0  # of a call, with what Numba compiles for it
CRASHED = {
    "SIGSEGV": "it reads or writes memory that is not its own",
    "SIGBUS": "it reads or writes memory that is not its own",
    "SIGFPE": "an integer is divided by zero",
    "SIGILL": "it has an instruction that this CPU lacks",
    "SIGKILL": "memory ran out, or somebody ended it; ask for a smaller n",
    "SIGABRT": "a library ended it",
}

Watch = Callable[[str], None]
"""Says what begins now, `is called with n=1000`; "" says that it has ended."""


@contextlib.contextmanager
def guarded(name: str, longest: float = LONGEST_S) -> Iterator[Watch]:
    """Run the body in a child process; the parent ends with its exit code, and with 2 where it hangs or crashes."""
    if not hasattr(os, "fork") or os.environ.get("HWBENCH_DEBUG"):
        yield lambda _what: None
        return
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        os._exit(_watch(name, child, reader, longest))
    os.close(reader)
    yield lambda what: _say(writer, what)


def _say(writer: int, what: str) -> None:
    with contextlib.suppress(OSError):
        os.write(writer, what.encode()[:200] + b"\n")


def _watch(name: str, child: int, reader: int, longest: float) -> int:
    """The exit code of the child, which is ended where something that it began does not end."""
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C reaches both: the child decides
        signal.signal(number, lambda number, _frame: os.kill(child, number) if number == signal.SIGTERM else None)
    what, since, rest = "", time.monotonic(), b""
    while True:
        left = since + longest - time.monotonic() if what else None
        if left is not None and left <= 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            _tell(f"{name}: {what} for more than {longest:g} s; make its inputs smaller, so that a call takes seconds")
            return 2
        ready, _, _ = select.select([reader], [], [], left)
        if not ready:
            continue
        data = os.read(reader, 4096)
        if not data:
            return _ended(name, child, what)
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            what, since = lines[-1].decode("utf-8", "replace"), time.monotonic()


def _ended(name: str, child: int, what: str) -> int:
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    crash = signal.Signals(-code).name
    while_ = f" while it {what}" if what else ""
    _tell(f"{name}: the process ended by {crash}{while_}: {CRASHED.get(crash, 'run it alone to see why')}")
    return 2


def _tell(line: str) -> None:
    print(f"hwbench: {line}", file=sys.stderr, flush=True)  # noqa: T201
