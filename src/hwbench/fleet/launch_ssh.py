"""Runs through the system's ssh: one process a machine, with the keys, jumps and users of the user's own ssh config."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import StoreError, UsageError
from ..record import files
from ..version import __version__
from .launch import REFUSED, Ended, Order

HOST = re.compile(r"(?:[A-Za-z0-9_.][A-Za-z0-9_.-]{0,63}@)?([A-Za-z0-9_.\[:][A-Za-z0-9_.:%\]-]{0,252})")
MOST = 2**20  # bytes of a list of hosts
AT_ONCE = 128  # ssh processes; with `--together` as many as there are machines
CONNECT = 15  # seconds
CHECK = 90.0  # seconds that `hwbench -V` may take
TAIL = 4000  # bytes of what ssh said last
NOT_THERE = (126, 127)  # a shell's exit codes where the command is missing
OPTIONS = ("-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT}", "-o", "ServerAliveInterval=30")


def hosts(path: Path) -> list[str]:
    """The hosts of a file, one a line as ssh takes them; `#` begins a comment. StoreError for any other line."""
    try:
        lines = files.read(path, MOST).decode().splitlines()
    except files.TooLargeError:
        raise StoreError(f"{path}: is larger than a list of hosts can be; it has one host a line") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({files.why(error)})") from None
    except UnicodeDecodeError:
        raise StoreError(f"{path}: is no text; it has one host a line") from None
    found: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        host = line.partition("#")[0].strip()
        if not host:
            continue
        if not HOST.fullmatch(host):
            raise StoreError(f"{path}:{number}: {host[:100]!r} is no host; write host or user@host, one a line")
        if host in found:
            raise StoreError(f"{path}:{number}: {host} stands in line {found[host]} already; remove one")
        found[host] = number
    if not found:
        raise StoreError(f"{path}: names no host; it has one a line")
    return [*found]


class Ssh:
    """A machine a host, reached by `ssh host hwbench run …`."""

    def __init__(self, order: Order, hosts: Sequence[str], program: str = "hwbench") -> None:
        self.order, self.hosts = order, list(hosts)
        try:
            self.program = shlex.split(program)
        except ValueError as error:
            raise UsageError(f"--as {program}: {error}") from None
        if not self.program:
            raise UsageError("--as: is empty; say how hwbench is called on the machines")
        self.waiting: deque[int] = deque()
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        self.folder = tempfile.TemporaryDirectory(prefix="hwbench-ssh-")
        self.machines = len(self.hosts)
        self.most = len(self.hosts) if order.every is not None else AT_ONCE

    def names(self) -> list[str]:
        """The hosts, without the users to log in as."""
        return [host.rpartition("@")[2] for host in self.hosts]

    def check(self, say: Callable[[str], object]) -> dict[int, str]:  # noqa: ARG002 - of the protocol
        """Ask each machine for its version, so that none measures that could not be compared."""
        whys: dict[int, str] = {}
        left = deque(range(len(self.hosts)))
        asked: dict[int, tuple[subprocess.Popen[bytes], float]] = {}
        while left or asked:
            while left and len(asked) < AT_ONCE:
                task = left.popleft()
                asked[task] = (self._ssh(task, [*self.program, "-V"]), time.monotonic())
            for task, (process, began) in [*asked.items()]:
                if process.poll() is None and time.monotonic() - began < CHECK:
                    continue
                del asked[task]
                if why := self._version(task, process):
                    whys[task] = why
            time.sleep(0.02)
        return whys

    def start(self, task: int, machines: int) -> None:
        """Queue the run of a host."""
        self.machines = machines
        self.waiting.append(task)
        self._fill()

    def ended(self) -> list[Ended]:
        """What ended; then those that wait are started."""
        over = [task for task, process in self.running.items() if process.poll() is not None]
        found = []
        for task in over:
            code = self.running.pop(task).returncode
            said = self._said(task, "err")
            if code in NOT_THERE:
                found.append(Ended(task, REFUSED, said or f"has no {self.program[0]}"))
            else:
                found.append(Ended(task, code, f"{said} (exit code {code})" if said else ""))
        self._fill()
        return found

    def close(self) -> None:
        """End the ssh processes. Runs under way go on where they are: they have no terminal."""
        for process in self.running.values():
            with contextlib.suppress(OSError):
                process.terminate()
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
        self.running.clear()
        self.folder.cleanup()

    def _fill(self) -> None:
        while self.waiting and len(self.running) < self.most:
            task = self.waiting.popleft()
            variables = [f"{name}={value}" for name, value in self.order.task(task, self.machines).variables().items()]
            self.running[task] = self._ssh(task, ["env", *variables, *self.program, *self.order.command()])

    def _ssh(self, task: int, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """An ssh process; UsageError where there is no ssh."""
        with self._file(task, "out").open("wb") as out, self._file(task, "err").open("wb") as err:
            try:
                return subprocess.Popen(  # noqa: S603
                    ["ssh", *OPTIONS, "--", self.hosts[task], shlex.join(words)],  # noqa: S607 - the user's own ssh
                    stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise UsageError(f"--ssh: ssh cannot be started ({files.why(error)}); install OpenSSH") from None

    def _version(self, task: int, process: subprocess.Popen[bytes]) -> str:
        """Why a host cannot measure; "" where its hwbench is that of the launcher."""
        code = process.poll()
        if code is None:
            process.kill()
            process.wait()
            return f"did not say its version within {CHECK:g} s"
        if code:
            return f"cannot be asked for its version: {self._said(task, 'err') or f'exit code {code}'}"
        said = self._said(task, "out")
        if said == f"hwbench {__version__}":
            return ""
        return f"has {said[:100] or 'no version'}, and here is {__version__}"

    def _file(self, task: int, kind: str) -> Path:
        return Path(self.folder.name) / f"{task}.{kind}"

    def _said(self, task: int, kind: str) -> str:
        """The last line of what a process said."""
        with self._file(task, kind).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL))
            lines = file.read().decode("utf-8", "replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")
