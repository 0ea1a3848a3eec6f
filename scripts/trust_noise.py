"""What `trust.py` disturbs the machine with: programs at a share of a CPU, and a cgroup's CPU quota.

Started as a program (`trust_noise.py COMMAND …`), it lets COMMAND run and stops it in turns. Each line of its standard
input, `ON OFF`, sets their length in seconds. It ends with its input, so nothing is left when the measuring process
dies.
"""

from __future__ import annotations

import contextlib
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

from hwbench.host import cgroups
from hwbench.host.pseudo_files import ROOT

Switch: TypeAlias = Callable[[str], None]
"""Sets the level of a disturbance; "" for none."""

LEVELS = ("5%", "10%", "25%", "50%", "100%", "burst")  # of a CPU; a burst is 1 s of every 4
PERIOD_S = 0.1  # of a share of a CPU
START_S = 1.5  # a program is started and has taken its memory
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
    """The machine cannot be disturbed so; the text says why."""


def levels(kind: str) -> tuple[str, ...]:
    """The levels of a kind of disturbance."""
    return QUOTAS if kind == "quota" else LEVELS


def duty(level: str) -> tuple[float, float]:
    """Seconds on and off."""
    if not level:
        return 0.0, 1.0
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
def source(kind: str, cpu: int) -> Iterator[Switch]:
    """A disturbance that is switched off until its switch is used; `cpu` is the one that a thief takes."""
    if kind == "quota":
        with quota() as switch:
            yield switch
        return
    program = [sys.executable, __file__, *command(kind, cpu)]
    # A session of its own: Ctrl-C is for the measuring process, which ends this one.
    with subprocess.Popen(program, stdin=subprocess.PIPE, text=True, start_new_session=True) as turns:
        assert turns.stdin is not None
        pipe = turns.stdin

        def switch(level: str) -> None:
            if turns.poll() is not None:
                raise Unavailable(f"{program[2]} ended by itself")
            pipe.write("{} {}\n".format(*duty(level)))
            pipe.flush()

        try:
            switch("100%")
            time.sleep(START_S)
            switch("")
            yield switch
        finally:
            with contextlib.suppress(OSError):
                pipe.close()


@contextlib.contextmanager
def quota(root: Path = ROOT) -> Iterator[Switch]:
    """Put this process into a cgroup of its own, whose quota the switch sets; Unavailable where none can be made."""
    folders, second = cgroups.cgroup_folders(root, "cpu")
    if not folders:
        raise Unavailable("no cgroup was found")
    above, period = folders[0], 100_000
    own = above / f"hwbench-trust-{os.getpid()}"

    def switch(level: str) -> None:
        cpus = float(level.rstrip("%")) / 100 if level else None
        name, none = ("cpu.max", "max") if second else ("cpu.cfs_quota_us", "-1")
        (own / name).write_text(none if cpus is None else str(round(cpus * period)))

    try:
        own.mkdir()
    except OSError as error:
        raise Unavailable(f"no cgroup can be made below {above}: {error.strerror}") from None
    try:
        try:
            switch("100%")
            switch("")
            (own / "cgroup.procs").write_text(str(os.getpid()))
        except OSError as error:
            raise Unavailable(f"a cgroup below {above} takes no quota: {error.strerror}") from None
        try:
            yield switch
        finally:
            (above / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        with contextlib.suppress(OSError):
            own.rmdir()


def take_turns(program: Sequence[str]) -> int:
    """Run a program in turns, as standard input says, until that is closed or the program ends."""
    on, off = 0.0, 1.0
    with subprocess.Popen(
        program, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    ) as child:
        try:
            runs, left = False, 0.0
            while child.poll() is None:
                os.killpg(child.pid, signal.SIGCONT if runs else signal.SIGSTOP)
                if select.select([sys.stdin], [], [], left)[0]:
                    said = os.read(sys.stdin.fileno(), 4096)
                    if not said:
                        break
                    on, off = map(float, said.splitlines()[-1].split())
                    at = random.uniform(0, on + off)  # noqa: S311 - where in a turn it begins
                    runs, left = at < on, on - at if at < on else on + off - at
                else:
                    runs = on > 0 and (not runs or off <= 0)
                    left = on if runs else off
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
    return 0


if __name__ == "__main__":
    sys.exit(take_turns(sys.argv[1:]))
