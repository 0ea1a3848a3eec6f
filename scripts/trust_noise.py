"""What `trust.py` disturbs the machine with: programs at a share of a CPU, and a cgroup's CPU quota.

Started as a program (`trust_noise.py ON OFF -- COMMAND`), it lets COMMAND run ON seconds and stops it for OFF seconds,
in turns, until its standard input is closed: so nothing is left when the measuring process dies.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hwbench.host import system

LEVELS = ("5%", "10%", "25%", "50%", "100%", "burst")  # of a CPU; a burst is 1 s of every 4
PERIOD_S = 0.1  # of a share of a CPU
STRESS = {
    "cpu": ("--cpu", "1"),
    "vm": ("--vm", "1", "--vm-bytes", "256M", "--vm-keep"),
    "stream": ("--stream", "1"),
    "cache": ("--cache", "1"),
    "io": ("--io", "1"),
    "faults": ("--fault", "1"),
}
THIEF = "import os, sys\nos.sched_setaffinity(0, {int(sys.argv[1])})\nwhile True: pass"
KINDS = (*STRESS, "thief", "quota")
QUOTAS = ("50%", "100%", "150%")


class Unavailable(Exception):  # noqa: N818 - the reason for leaving a disturbance out
    """This machine cannot be disturbed so; the text says why."""


@dataclass(frozen=True)
class Noise:
    """One disturbance: its kind and its level. `kind` is `quiet` for none."""

    kind: str
    level: str

    def __str__(self) -> str:
        return self.kind if self.kind == "quiet" else f"{self.kind} {self.level}"


QUIET = Noise("quiet", "")


def levels(kind: str) -> tuple[str, ...]:
    """The levels of a kind of disturbance."""
    return QUOTAS if kind == "quota" else LEVELS


def duty(level: str) -> tuple[float, float]:
    """Seconds on and off."""
    if level == "burst":
        return 1.0, 3.0
    share = float(level.rstrip("%")) / 100
    return share * PERIOD_S, (1 - share) * PERIOD_S


def command(kind: str, cpu: int) -> list[str]:
    """The program that disturbs; Unavailable where it is not installed."""
    if kind == "thief":
        if not hasattr(os, "sched_setaffinity"):
            raise Unavailable("this system pins no processes")
        return [sys.executable, "-c", THIEF, str(cpu)]
    found = shutil.which("stress-ng")
    if found is None:
        raise Unavailable("stress-ng is not installed")
    return [found, "--quiet", "--timeout", "0", "--temp-path", "/tmp", *STRESS[kind]]  # noqa: S108 - stress-ng's own


@contextlib.contextmanager
def under(noise: Noise, cpu: int) -> Iterator[None]:
    """Disturb the machine inside; `cpu` is the one that a thief takes. Unavailable where that cannot be."""
    if noise.kind == "quiet":
        yield
    elif noise.kind == "quota":
        with quota(float(noise.level.rstrip("%")) / 100):
            yield
    else:
        on, off = duty(noise.level)
        whole = [sys.executable, __file__, str(on), str(off), "--", *command(noise.kind, cpu)]
        with subprocess.Popen(whole, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True) as turns:
            try:
                time.sleep(1.5)  # it is started and has taken its memory
                if turns.poll() is not None:
                    raise Unavailable(f"{command(noise.kind, cpu)[0]} did not start")
                yield
            finally:
                if turns.stdin is not None:
                    turns.stdin.close()


@contextlib.contextmanager
def quota(cpus: float, root: Path = system.ROOT) -> Iterator[None]:
    """Give this process a quota of so many CPUs inside; Unavailable where it may make no cgroup."""
    folders, second = system.cgroup_folders(root, "cpu")
    if not folders:
        raise Unavailable("no cgroup was found")
    above, period = folders[0], 100_000
    own = above / f"hwbench-trust-{os.getpid()}"
    try:
        own.mkdir()
    except OSError as error:
        raise Unavailable(f"no cgroup can be made below {above}: {error.strerror}") from None
    try:
        try:
            if second:
                (own / "cpu.max").write_text(f"{round(cpus * period)} {period}")
            else:
                (own / "cpu.cfs_period_us").write_text(str(period))
                (own / "cpu.cfs_quota_us").write_text(str(round(cpus * period)))
            (own / "cgroup.procs").write_text(str(os.getpid()))
        except OSError as error:
            raise Unavailable(f"a cgroup below {above} takes no quota: {error.strerror}") from None
        try:
            yield
        finally:
            (above / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        with contextlib.suppress(OSError):
            own.rmdir()


def take_turns(on: float, off: float, program: Sequence[str]) -> int:
    """Run a program in turns until standard input is closed or it ends."""
    with subprocess.Popen(program, stdin=subprocess.DEVNULL, start_new_session=True) as child:
        try:
            closed = bool(select.select([sys.stdin], [], [], 1.0)[0])  # the start undisturbed
            while not closed and child.poll() is None:
                for number, seconds in ((signal.SIGCONT, on), (signal.SIGSTOP, off)):
                    if seconds > 0 and not closed:
                        os.killpg(child.pid, number)
                        closed = bool(select.select([sys.stdin], [], [], seconds)[0])
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    return 0


if __name__ == "__main__":
    sys.exit(take_turns(float(sys.argv[1]), float(sys.argv[2]), sys.argv[sys.argv.index("--") + 1 :]))
