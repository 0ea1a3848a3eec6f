"""The command line in processes forked from a warm one: `python -m hwbench` but for what starting Python takes.

A process that has imported hwbench and loaded the kernels that every run needs forks one for each command; each has its
own streams, signals and environment, and ends as an interpreter ends. What a process does while it starts, and what
Python makes of its streams, is tested with processes that start.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

PYTHON = f"""#!{sys.executable} -ES
import os, sys
if sys.argv[1:3] != ["-m", "hwbench"]:
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
sys.path.insert(0, {str(Path(__file__).parent)!r})
import forks
sys.exit(forks.ended(forks.asked({{name!r}}, sys.argv[3:], os.environ, (0, 1, 2))))
"""


class Forked:
    """A running command, as `subprocess.Popen` has one: its pid, standard output and standard error."""

    def __init__(self, link: socket.socket, stdout: IO[str], stderr: IO[str]) -> None:
        self.stdout, self.stderr = stdout, stderr
        self._link = link.makefile("r")
        link.close()
        self.pid = int(self._link.readline())
        self.returncode: int | None = None

    def send_signal(self, number: int) -> None:
        """Send a signal; as with `subprocess.Popen` nothing happens where the process has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """The exit code, or None while the process runs."""
        ended = self.returncode is not None or select.select([self._link], [], [], 0)[0]
        return self.wait() if ended else None

    def wait(self) -> int:
        """The exit code, negative for a signal, once the process has ended."""
        if self.returncode is None:
            self.returncode = int(self._link.readline())
        return self.returncode

    def communicate(self) -> tuple[str, str]:
        """The rest of both streams; what a command prints on one fits into its pipe."""
        out, err = self.stdout.read(), self.stderr.read()
        self.wait()
        return out, err

    def __enter__(self) -> Forked:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.stderr.close()
        self.wait()
        self._link.close()


class Server:
    """The warm process, for as long as the context lasts."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self.environment = dict(environment)

    def start(self, *arguments: object) -> Forked:
        """Start `hwbench` with these arguments."""
        (out, out_child), (err, err_child) = os.pipe(), os.pipe()
        with Path(os.devnull).open() as nothing:
            link = asked(self.name, arguments, self.environment, (nothing.fileno(), out_child, err_child))
        os.close(out_child)
        os.close(err_child)
        return Forked(link, os.fdopen(out), os.fdopen(err))

    def python(self, path: Path) -> Path:
        """Write a Python whose `-m hwbench` is forked from the warm process; all else is this Python."""
        path.write_text(PYTHON.format(name=self.name))
        path.chmod(0o755)
        return path

    def run(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run `hwbench` with these arguments to its end."""
        with self.start(*arguments) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(arguments, process.wait(), out, err)


def environment(**more: str) -> dict[str, str]:
    """This process's environment on a terminal of 200 columns, without what users set for colours and debugging."""
    hidden = ("CI", "NO_COLOR", "FORCE_COLOR", "HWBENCH_DEBUG")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"TERM": "xterm-256color", "COLUMNS": "200"} | more


def asked(
    name: str, arguments: Sequence[object], environment: Mapping[str, str], streams: Sequence[int]
) -> socket.socket:
    """Ask the warm process of this name for a command, here; what it answers: the pid, and the exit code at the end."""
    link = socket.socket(socket.AF_UNIX)
    link.connect(f"\0{name}")
    wanted = {"arguments": [*map(str, arguments)], "environment": dict(environment), "folder": str(Path.cwd())}
    data = json.dumps(wanted).encode()
    socket.send_fds(link, [len(data).to_bytes(4, "big")], streams)
    link.sendall(data)
    return link


def ended(link: socket.socket) -> int:
    """The exit code of a command that was asked for, once it has ended."""
    with link, link.makefile("r") as lines:
        _pid, code = lines
    return int(code)


@contextlib.contextmanager
def server(environment: Mapping[str, str]) -> Iterator[Server]:
    """Start a warm process; it ends with its standard input."""
    name = f"hwbench-forks-{os.getpid()}"  # a socket without a file, which only Linux has
    command = [sys.executable, __file__, name]
    with subprocess.Popen(command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield Server(name, environment)
        process.stdin.close()


# --- in the warm process ----------------------------------------------------------------------------------------------


def warm() -> None:
    """Import what a run imports and load its kernels, without starting a thread: none would be in a forked process."""
    import numpy as np
    import platformdirs.unix

    from hwbench import catalog, report
    from hwbench.analysis import findings
    from hwbench.cli import app, console, progress, tables
    from hwbench.devices import clock, cpu, witness
    from hwbench.host import gpu_probe, machine, namesake
    from hwbench.kernels import ping_pong
    from hwbench.measurement import session

    assert all((platformdirs, report, findings, app, progress, tables, witness, gpu_probe, namesake, session))
    console.console()
    catalog.benches()
    machine.describe()
    clock.estimate_hz(1, 1)
    ping_pong.bounce(np.zeros(1, dtype=np.int64).ctypes.data, 0, 0, 0)
    # No figure is looked at here: a clock that does not settle would take two seconds of each run, and on a busy
    # machine two threads that wait for each other take as long.
    cpu.CpuDevice.settle = lambda *_: None  # type: ignore[method-assign]
    ping_pong.Handover.seconds = lambda _: 1e-7  # type: ignore[method-assign]
    os.fsync = lambda _: None  # a process may be killed, not the machine
    gc.freeze()  # no collection copies these pages into each process


def become(link: socket.socket) -> None:
    """Be the process that was asked for: its environment, signals and streams."""
    import numba

    size, streams, *_ = socket.recv_fds(link, 4, 3)
    wanted = int.from_bytes(size, "big")
    data = b""
    while len(data) < wanted:
        data += link.recv(wanted - len(data))
    told = json.loads(data)
    keep(link, streams)
    os.environ.clear()
    os.environ.update(told["environment"])
    numba.core.config.reload_config()  # as on import: later, a pinned thread might count the CPUs
    os.chdir(told["folder"])
    sys.argv = ["hwbench", *told["arguments"]]
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w", errors="backslashreplace")


def keep(link: socket.socket, streams: list[int]) -> None:
    """Fork once more; the parent tells the child's pid, then its end. Only the child returns."""
    child = os.fork()
    if child:
        for one in streams:
            os.close(one)
        link.sendall(f"{child}\n".encode())
        _, status = os.waitpid(child, 0)
        with contextlib.suppress(OSError):
            link.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    link.close()
    for number, one in enumerate(streams):
        os.dup2(one, number)
        os.close(one)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def main() -> None:
    """Fork a process for each connection, until standard input ends."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"\0{sys.argv[1]}")
    listening.listen(16)
    warm()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        if 0 in select.select([0, listening], [], [])[0]:
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.wait()
            return
        link, _ = listening.accept()
        first = os.fork()
        if not first:
            listening.close()
            become(link)
            break
        link.close()
    from hwbench.__main__ import main as run

    run()


if __name__ == "__main__":
    main()
