"""What a run does that a launcher started: it ends with its parent, and takes turns with others on its machine.

The launcher says so by environment variables, which any engine can set. `measure` is what Dask and Slurm call on a
machine; it starts `hwbench run` in a process of its own.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from ..errors import UsageError
from ..record import tickets
from ..record.lifetime import at_parents_end
from ..version import __version__

LOCK, PARENT, TOGETHER = "HWBENCH_LOCK", "HWBENCH_PARENT", "HWBENCH_TOGETHER"
MACHINE = "machine"  # the lock that all runs on a machine share
LOST, KILLED = "its worker was lost", -9
TAIL = 4000  # characters of what a run said last


@dataclass(frozen=True)
class Together:
    """How many machines begin at once, and the seconds from one group of cases to the next."""

    machines: int
    every: float


@dataclass(frozen=True)
class Task:
    """What the launcher asks of this run."""

    launch: str
    number: int
    lock: str = MACHINE
    parent: int | None = None
    together: Together | None = None

    def variables(self) -> dict[str, str]:
        """The environment variables that say so."""
        said = {tickets.LAUNCH: self.launch, tickets.TASK: str(self.number), LOCK: self.lock}
        if self.together is not None:
            said[TOGETHER] = f"{self.together.machines} {self.together.every:g}"
        return said


def here(environment: Mapping[str, str] = os.environ) -> Task | None:
    """The task of this process; None where no launcher started it; UsageError for variables of another form."""
    if tickets.LAUNCH not in environment:
        return None
    if not tickets.here(environment):
        raise UsageError(
            f"{tickets.LAUNCH}={environment[tickets.LAUNCH]} {tickets.TASK}={environment.get(tickets.TASK, '')}: are "
            f"no ticket; a launch has {tickets.DIGITS} hex digits, a task is a number from 0 to {tickets.MOST - 1}"
        )
    parent, beat = environment.get(PARENT, ""), environment.get(TOGETHER, "")
    found = re.fullmatch(r"([1-9][0-9]{0,6}) ([0-9]{1,6}(?:\.[0-9]{1,3})?)", beat)
    if beat and found is None:
        raise UsageError(f"{TOGETHER}={beat}: is not of the form '16 20': machines, and seconds from group to group")
    return Task(
        environment[tickets.LAUNCH], int(environment[tickets.TASK]), lock_name(environment.get(LOCK) or MACHINE),
        int(parent) if re.fullmatch(r"[0-9]{1,9}", parent) else None,
        Together(int(found[1]), float(found[2])) if found else None,
    )  # fmt: skip


def lock_name(said: str) -> str:
    """A lock's name, which becomes part of a file's; UsageError where it cannot."""
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", said):
        raise UsageError(f"--lock {said}: has other characters than letters, digits, '.', '_' and '-', or more than 64")
    return said


@contextlib.contextmanager
def entered(task: Task | None, say: Callable[[str], object]) -> Iterator[None]:
    """Hold this machine's turn for a run that a launcher started; any other run waits for nobody."""
    if task is None:
        yield
        return
    if task.parent is not None:
        end_with(task.parent)
    with turn(task.lock, say):
        yield


def end_with(parent: int) -> None:
    """Have SIGTERM sent to this process when its parent ends: a killed worker leaves no run that disturbs the next."""
    if (ask := at_parents_end(signal.SIGTERM)) is not None:
        ask()
        if os.getppid() != parent:  # it ended before
            os.kill(os.getpid(), signal.SIGTERM)


@contextlib.contextmanager
def turn(name: str, say: Callable[[str], object]) -> Iterator[None]:
    """Wait until no other run of this user's launches holds the lock; the kernel frees that of a killed process."""
    from filelock import FileLock, Timeout

    user = os.getuid() if hasattr(os, "getuid") else ""
    # Not in the user's cache: on a cluster all machines share the home directory.
    lock = FileLock(Path(tempfile.gettempdir()) / f"hwbench-turn-{user}-{name}.lock", thread_local=False)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say("waiting for another run on this machine to end")
            lock.acquire(poll_interval=0.2)
    except (OSError, NotImplementedError) as error:
        say(f"warning: no lock can be taken ({error}); two runs at once on this machine would disturb each other")
        yield
        return
    try:
        yield
    finally:
        lock.release()


# --- called on a machine by an engine that runs Python ----------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """How a run ended: its exit code (negative: a signal), the host, the last line it said, and Slurm's nodes."""

    code: int
    host: str
    said: str
    nodes: str = ""


def facts() -> dict[str, str]:
    """What the launcher compares before anything is measured: hwbench's version, and those that figures depend on."""
    found = {
        "version": __version__, "host": socket.gethostname(), "pid": str(os.getpid()),
        "Python": platform.python_version(),
    }  # fmt: skip
    for name, called in (("numpy", "NumPy"), ("numba", "Numba"), ("llvmlite", "llvmlite")):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[called] = metadata.version(name)
    return found


def measure(
    words: Sequence[str], variables: Mapping[str, str], version: str = __version__, pid: str | None = None
) -> Answer:
    """Run `hwbench` with these words; nothing is started where another version than the launcher's is installed.

    Nor in another process than that of this `pid`: an engine that gives a task of a killed worker to its successor
    would start it again without a word.
    """
    host = socket.gethostname()
    if pid not in (None, str(os.getpid())):
        return Answer(KILLED, host, LOST)
    if version != __version__:
        return Answer(2, host, f"has hwbench {__version__}, and {version} started it")
    # Python 3.11's preexec_fn is not safe in a worker's threads, so that the child itself binds its life to this one's.
    environment = {**_own(os.environ), **variables, PARENT: str(os.getpid())}
    done = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "hwbench", *words], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    said = b""
    with done:
        for line in done.stderr or ():
            said = line.strip()[-TAIL:] or said
    return Answer(done.returncode, host, said.decode("utf-8", "replace"), os.environ.get("SLURM_JOB_NODELIST", ""))


def _own(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without what Dask's nanny gives its workers: one thread for BLAS, and a setting of malloc."""
    found = dict(environment)
    if "distributed" in sys.modules:
        import dask

        for name, value in dask.config.get("distributed.nanny.pre-spawn-environ", {}).items():
            if found.get(name) == str(value):
                del found[name]
    return found
