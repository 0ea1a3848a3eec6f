"""Starting a process: a shell, the interpreter, the interpreter with its packages' paths, NumPy.

Each is started by `posix_spawn` (on Linux `vfork` and `exec`: no page of the parent is copied) and waited for. `shell`
is the least that a system does: load a program and its C library, run it, end it. `bare` is this interpreter without
`site` and without variables (`-I -S`). `python` is the interpreter as users start it: it also looks for packages and
reads `.pth` files. `numpy` imports NumPy in it: shared libraries to load and to bind, modules to read, a pool of BLAS
to start. Everything comes from the page cache after the first time. A script that is run a thousand times, each test
in a process of its own, each worker of a pool pays this.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

from ...bench import Bench, Skip, Work
from ...protocols import Results
from ...record import text
from ...record.phrases import listed, marked
from ...record.reasons import Reason, because

CODE = 42  # that each process ends with
ENDS = f"raise SystemExit({CODE})"
SHELL = "/bin/sh"

bench = Bench(
    "system.process",
    question="How long does it take to start a process, the interpreter, and NumPy?",
    axes={},
    baseline="python",
    core=False,
    full_only=True,
    version=2,
)


def lacking() -> Reason | None:
    """What this system lacks for it."""
    return None if hasattr(os, "posix_spawn") else because("unsupported", "this system has no posix_spawn")


@bench.reference
def code() -> int:
    """The exit code, which a process that fails does not have."""
    return CODE


@bench.counts
def counts() -> dict[str, float]:
    """One process."""
    return {"calls": 1}


def started(*command: str) -> Work:
    """The work of starting a command and waiting for its end."""
    if not os.access(command[0], os.X_OK):
        raise Skip("unsupported", f"{os.path.basename(command[0]) or 'the interpreter'} cannot be started here")  # noqa: PTH119
    ended = [-1]
    # Converted once: for each call `os.environ` is decoded and encoded again, variable by variable, which is 5% of a
    # shell's start with 37 variables, and which `subprocess` does not do.
    words, variables = [os.fsencode(word) for word in command], dict(os.environb)

    def call() -> None:
        process = os.posix_spawn(words[0], words, variables)
        ended[0] = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    return Work(call, output=lambda: ended[0])


@bench.variant("shell", needs=lacking)
def shell() -> Work:
    """/bin/sh, which ends at once."""
    return started(SHELL, "-c", f"exit {CODE}")


@bench.variant("bare", needs=lacking)
def bare() -> Work:
    """The interpreter without site and variables: python -I -S."""
    return started(sys.executable, "-I", "-S", "-c", ENDS)


@bench.variant("python", needs=lacking)
def interpreter() -> Work:
    """The interpreter as it is started here."""
    return started(sys.executable, "-c", ENDS)


@bench.variant("numpy", needs=lacking)
def with_numpy() -> Work:
    """The interpreter, and import numpy."""
    return started(sys.executable, "-c", f"import numpy; {ENDS}")


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What each takes, and what the import of NumPy adds."""
    names = {"shell": "a shell", "bare": "the bare interpreter", "python": "Python", "numpy": "Python with NumPy"}
    each = {way: one for way in names if (one := results.each("calls", way)) is not None}
    if each:
        told = listed(f"{names[way]} takes {text.seconds(one)}" for way, one in each.items())
        yield marked(f"From start to end {told}", *map(results.find, each))
