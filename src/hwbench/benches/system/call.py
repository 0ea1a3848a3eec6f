"""A system call: into the kernel and back, with nothing to do there.

`native` calls `getppid` from machine code: the processor changes its mode, the kernel saves registers, looks up a
number, and returns. Since Meltdown and Spectre it also guards its memory and its branch predictor at this border; the
settings of a run (`mitigations`) say how. `clock` asks for the time, which Linux answers without entering the kernel
(vDSO): what a call costs that is none. `python` is `os.getppid()`: the same system call, and what a call of a function
that is built into Python costs around it; nothing is subtracted. Every read, every send, every wake-up has at least the
first of these prices, and Python's at least the last.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Work
from ...kernels import libc
from ...kernels.compiling import compiled
from ...kernels.gate import UNIT_NS, enter, leave, now
from ...protocols import Cpu, Results
from ...record import text
from ...record.phrases import against, marked
from ._posix import lacks, pinned

CALLS = 1000  # in one call of the native variants, so that the gate's stamps are no part of it

bench = Bench(
    "system.call",
    question="What does a system call cost?",
    axes={},
    baseline="native",
    core=False,
    full_only=True,
)


@compiled
def ask_parent(calls: int, answer: np.ndarray, loops: int, gate: int) -> None:
    """Ask the kernel for the parent's number."""
    enter(gate)
    for _ in range(loops * calls):
        answer[0] = libc.getppid()
    leave(gate)


@compiled
def ask_time(calls: int, answer: np.ndarray, loops: int, gate: int) -> None:
    """Ask for the time; keep the first and the last."""
    enter(gate)
    answer[0] = now()
    for _ in range(loops * calls - 1):
        answer[1] = now()
    leave(gate)


@bench.reference
def known(variant: str) -> int:
    """The number of the process that started this one; of the clock, that it went on and is the system's."""
    return 1 if variant == "clock" else os.getppid()


@bench.counts
def counts() -> dict[str, float]:
    """The calls; their time is that of one."""
    return {"hops": CALLS}


@bench.variant("native", needs=lacks("getppid"))
def native(device: Cpu) -> Work:
    """getppid, by machine code."""
    answer = np.full(1, -1)
    return pinned(device, lambda loops, gate: ask_parent(CALLS, answer, loops, gate), lambda: int(answer[0]))


@bench.variant("clock", needs=lacks("clock_gettime"))
def clock(device: Cpu) -> Work:
    """The time of day, which needs no system call on Linux."""
    answer = np.zeros(2, dtype=np.int64)

    def right() -> int:
        since = time.perf_counter_ns() - answer[1] * UNIT_NS  # the clock of both on Linux and macOS
        return int(answer[0] < answer[1] and 0 <= since < 60e9)

    return pinned(device, lambda loops, gate: ask_time(CALLS, answer, loops, gate), right)


@bench.variant("python", needs=lacks("getppid"))
def python() -> Work:
    """os.getppid(), by the interpreter."""
    answer = [-1]

    def run(loops: int) -> None:
        ask, found = os.getppid, -1
        for _ in range(loops * CALLS):
            found = ask()
        answer[0] = found

    return Work(lambda: run(1), repeat=run, output=lambda: answer[0])


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What a system call costs, and from Python."""
    each, python = results.each("hops", "native"), results.each("hops", "python")
    if each is None:
        return
    record = results.find("native")
    clock = results.each("hops", "clock")
    said = f"A system call takes {text.seconds(each)}"
    if clock is not None:
        said += f", a look at the clock, which needs none, {text.seconds(clock)}"
    yield marked(said, record, results.find("clock"))
    ratio = results.ratio("python", "native")
    if python is not None and ratio is not None:
        said = f"From Python the same system call takes {text.seconds(python)}, {against(ratio, 'from machine code')}"
        yield marked(said, record, results.find("python"))
