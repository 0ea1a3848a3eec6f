"""Operations on Python's objects: what the interpreter itself costs, by operation.

Each statement is timed as `pyperf timeit` and `timeit` do it, in a loop that Python runs, with cyclic garbage
collection off; short ones stand a hundred times in a row, so that the loop costs a hundredth (`--duplicate 100`).
Attribute, call, dict and list are one or two instructions of the interpreter with their checks: tens to hundreds of
cycles, for which compiled code needs one or two. An exception makes an object and unwinds; a generator keeps its frame
and goes on in it. `task` is the switch from one coroutine to the next by the event loop (`await asyncio.sleep(0)` in
two tasks). `copy` is memory's pace, `pickle` what objects between processes cost beside it: 1 MiB of a list of dicts,
there and back.

Two operations are about Python's lock (GIL). `handover`: a thread releases a lock that another one waits for and then
waits itself: an operating system's wake-up, and the GIL from hand to hand. `wait`: a thread gives the GIL up, as every
read from a file or socket does, while another one computes in Python: it gets it back only when the other is told to
give it up, after 5 ms (`sys.getswitchinterval()`). A free-threaded build (python3.13t, python3.14t) has no such lock;
it pays for that in the other operations. Where one is found on PATH, variant `free-threaded` measures there what `here`
does in this interpreter.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ...bench import Bench, Skip, Work
from ...protocols import Cpu, Results
from ...record import text
from ...record.phrases import compared, listed, marked, ranked
from . import _operations
from ._operations import OPERATIONS, Timed

BUILDS = tuple(f"python3.{minor}t" for minor in range(18, 12, -1))
PROGRAM = Path(_operations.__file__)

bench = Bench(
    "python.objects",
    question="What do operations on Python's objects cost, and a switch between its threads and tasks?",
    axes={"operation": tuple(OPERATIONS)},
    baseline="here",
    measures="operations",
    core=False,
    full_only=True,
)


@bench.reference
def known(operation: str) -> float:
    """What the statement must have done, by the operation's own proof."""
    return float(OPERATIONS[operation].answer)


@bench.counts
def counts(operation: str) -> dict[str, float]:
    """How often one call does the operation: copies of the statement, times what each does."""
    return {"items": OPERATIONS[operation].copies * OPERATIONS[operation].times}


@bench.variant("here")
def here(operation: str) -> Work:
    """The interpreter that runs hwbench."""
    timed = Timed(operation)
    return Work(
        lambda: timed.seconds(1), timer=timed.seconds, output=timed.check, close=timed.close,
        facts={"python": sys.version.split()[0], "gil": _operations.gil()},
    )  # fmt: skip


class Interpreter:
    """A process of a free-threaded build, shared by all operations measured in it."""

    running: Interpreter | None = None

    def __init__(self, program: str, device: Cpu) -> None:
        self.users = 0
        # Neither this interpreter's paths nor its settings: PYTHONPATH may lead to packages of another version.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self.process = subprocess.Popen(  # noqa: S603 - a Python of the user's PATH, with code of our own
            [program, str(PROGRAM)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.forget = device.adopt(self.process.pid)
        self.version, _, self.gil = self.heard().partition(" ")
        if self.gil != "off":
            self.end()
            raise Skip("needs_library", f"{Path(program).name} has a GIL, or does not run")

    @classmethod
    def found(cls, device: Cpu) -> Interpreter:
        """The process, started where none is running; Skip where there is no free-threaded build."""
        if cls.running is None:
            program = next(filter(None, map(shutil.which, BUILDS)), None)
            if program is None:
                tried = f"{BUILDS[-1]}, {BUILDS[-2]} or later"
                raise Skip("needs_library", f"no free-threaded Python on PATH ({tried})")
            cls.running = cls(program, device)
        cls.running.users += 1
        return cls.running

    def heard(self) -> str:
        """The next line of the process's output; "" where it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def asked(self, operation: str, what: str) -> float:
        """What it answers."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{operation} {what}\n")
        self.process.stdin.flush()
        said = self.heard()
        if not said:
            raise RuntimeError("the process of the free-threaded Python has ended")
        return float(said)

    def leave(self) -> None:
        """One user less; with the last one the process ends."""
        self.users -= 1
        if not self.users:
            Interpreter.running = None
            self.end()

    def end(self) -> None:
        """End the process by closing its input."""
        self.process.communicate()
        self.forget()


@bench.variant("free-threaded")
def elsewhere(operation: str, device: Cpu) -> Work:
    """A build without a GIL, in a process of its own."""
    if _operations.gil() == "off":
        raise Skip("no_such_case", "this interpreter has no GIL: variant `here` is the free-threaded one")
    process = Interpreter.found(device)
    return Work(
        lambda: process.asked(operation, "1"), timer=lambda loops: process.asked(operation, str(loops)),
        output=lambda: process.asked(operation, "check"), close=process.leave,
        facts={"python": process.version, "gil": process.gil},
    )  # fmt: skip


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Short operations, switches, and what a free-threaded build changes."""
    each = {name: one for name in OPERATIONS if (one := results.each("items", "here", operation=name)) is not None}
    for names in (("attribute", "call", "dict", "exception"), ("task", "handover", "wait")):
        known = [name for name in names if name in each]
        if known:
            told = listed(
                f"{OPERATIONS[name].what} {'takes ' * (name == known[0])}{text.seconds(each[name])}" for name in known
            )
            yield marked(told[0].upper() + told[1:], *(results.find("here", operation=name) for name in known))
    free = []
    for name in each:
        ratio = results.ratio("free-threaded", "here", operation=name)
        if ratio is not None:
            records = [results.find(way, operation=name) for way in ("free-threaded", "here")]
            free.append(
                (ratio.value, marked(f"Without the GIL, {OPERATIONS[name].what} is {compared(ratio)}", *records))
            )
    yield from ranked(free, 1)
