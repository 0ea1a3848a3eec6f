"""Files of 64 MiB at most that cost the most, each read in a process of its own with bounded memory and time."""

from __future__ import annotations

import json
import multiprocessing
import resource
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from campaign import doors, mutants
from made_up import histories

MEMORY, SECONDS = 2**30, 10
MIB = 2**20
FULL = 63 * MIB
SPAWN = multiprocessing.get_context("spawn")


def _run(**more: object) -> bytes:
    return json.dumps(mutants.runs()[0] | more).encode()


def _padded(mark: str, piece: bytes) -> bytes:
    """A run with a fact that holds a list of so many equal pieces that the file is full."""
    head, tail = _run(software={"x": [mark]}).split(json.dumps(mark).encode())
    return head + b",".join([piece] * (FULL // (len(piece) + 1))) + tail


def _records(count: int, samples: int) -> bytes:
    one = next(one for one in mutants.runs()[0]["records"] if one["samples"])
    few = [one | {"params": {"n": i}, "samples": one["samples"][:1] * samples} for i in range(count)]
    return _run(records=few)


RUNS: dict[str, Callable[[], bytes]] = {
    "empty lists": lambda: _padded("@", b"[]"),
    "empty objects": lambda: _padded("@", b"{}"),
    "nested lists": lambda: _padded("@", b"[" * 900 + b"]" * 900),
    "short texts": lambda: _padded("@", b'"ab"'),
    "floats": lambda: _padded("@", b"1.5"),
    "one text": lambda: _padded("@", b'"' + b"a" * (FULL - 100) + b'"'),
    "escapes": lambda: _padded("@", b'"' + b"\\u00e9" * 1000 + b'"'),
    "many records": lambda: _records(12_000, 3),
    "many samples": lambda: _records(250, 10_000),
    "many reasons": lambda: _run(
        records=[one | {"status": "suspect", "reasons": [{"code": "steal", "detail": "x" * 1999}] * 100}
                 for one in mutants.runs()[0]["records"] if one["samples"]]
    ),
    "a long text": lambda: _run(machine=mutants.runs()[0]["machine"] | {"os": "x" * (20 * MIB)}),
    "many CPUs": lambda: _run(
        machine=mutants.runs()[0]["machine"] | {"numa": [[i] for i in range(400_000)]}
    ),
}  # fmt: skip


def asv(folder: Path) -> Path:
    """Twenty benchmarks of a million combinations each: a line of parameters is short."""
    axis = [str(i) for i in range(1000)]
    rows = {f"suite.time_{i}": histories.row([1.0], [axis, axis]) for i in range(20)}
    histories.asv_file(folder / "results", 1, rows)
    histories.benchmarks_file(folder / "results", {})
    return folder / "results"


def pytest_benchmark(folder: Path) -> Path:
    """A benchmark of as many rounds as the file holds."""
    data = json.dumps(mutants._pytest(folder)).encode()
    rounds = b"[" + b",".join([b"1.1e-06"] * 4_900_000) + b"]"
    path = folder / "large.json"
    path.write_bytes(data.replace(b"[0.001, 0.0011, 0.0012]", rounds, 1))
    return path


def read(command: str, path: Path) -> str:
    """What is wrong with the command's answer to such a file."""
    more = {"show": [], "report": ["-o", path.with_name("page.html")]}[command]
    return doors.fault(doors.ask(command, path, *more), told=str(path))


def take(size: int) -> str:
    """Take memory, and be right otherwise."""
    return "x" * size and ""


def in_bounds(work: Callable[..., str], *given: object, memory: int = MEMORY) -> str:
    """What is wrong with the work, its memory in bytes and its time; "" where nothing is.

    In a process that starts: the peak of a forked one begins with all that its parent holds.
    """
    reading, writing = SPAWN.Pipe(duplex=False)
    child = SPAWN.Process(target=_within_bounds, args=(writing, memory, work, *given))
    child.start()
    writing.close()
    try:
        wrong = reading.recv()
    except EOFError:
        wrong = ""
    child.join()
    reading.close()
    status = child.exitcode or 0
    if status:
        return f"ended by {signal.Signals(-status).name if status < 0 else status}"
    return str(wrong)


def _within_bounds(writing: Connection, memory: int, work: Callable[..., str], *given: object) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (4 * SECONDS, 4 * SECONDS))
    start = resource.getrusage(resource.RUSAGE_SELF)
    wrong = work(*given)
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime - start.ru_utime - start.ru_stime
    wrong = wrong or (f"{seconds:.0f} s" if seconds > SECONDS else "")
    wrong = wrong or (f"{peak() // MIB} MiB" if peak() > memory else "")
    writing.send(wrong[:4000])


def peak() -> int:
    """The most bytes that this process has had; `ru_maxrss` keeps the parent's through the start of a program."""
    [line] = [one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


def faults(folder: Path, names: list[str]) -> dict[str, str]:
    """The large files that take too much, or are answered wrongly."""
    found = {}
    for name in names:
        if name in RUNS:
            path = folder / "large.json"
            path.write_bytes(RUNS[name]())
        else:
            path = OTHERS[name](folder)
        for command in ("show", "report") if name in RUNS else ("report",):
            if wrong := in_bounds(read, command, path):
                found[f"{name}, {command}"] = wrong
    return found


OTHERS = {"combinations of asv": asv, "rounds of pytest-benchmark": pytest_benchmark}
EVERY = [*RUNS, *OTHERS]
