"""A context switch: how long it takes until a thread that waits for another one runs.

Two threads pass a word back and forth through two pipes: each writes it and then waits in `read` for the answer. With
both on one CPU (`one-cpu`) every handover is a system call to write, a context switch, and a system call to read: the
kernel stops one thread, chooses the other, and exchanges registers and stack. On `two-cpus` the waiting thread's CPU
has gone to sleep: it is woken by an interrupt from the other one, and where it sleeps deeply, or is a virtual machine's
that the hypervisor has to start again, this takes longer than a switch. `alone` is the same writes and reads without
another thread: what the pipe costs. `python` is `one-cpu` by `os.read` and `os.write`: with a switch, each thread gives
up Python's lock and takes it again. Nothing is subtracted: the switch alone is about `one-cpu` less `alone`.

The time is that of one handover. All but `python` are machine code that calls the C library.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels import libc
from ...kernels.compiling import compiled
from ...kernels.gate import enter, leave
from ...protocols import Cpu, Results
from ...record import text
from ...record.phrases import against, listed, marked
from ...record.reasons import Reason, because

TRIPS = 250  # there and back, in one call
WORD = 8

bench = Bench(
    "system.switch",
    question="How long does it take until a thread runs that has waited for another one?",
    axes={},
    baseline="alone",
    core=False,
    full_only=True,
)


@compiled
def talk(target: int, source: int, address: int, trips: int, loops: int, gate: int) -> int:
    """Write the word at an address and wait for the next one, so many times; how often that went well."""
    enter(gate)
    good = 0
    for _ in range(loops * trips):
        if libc.write(target, address, 8) == 8 and libc.read(source, address, 8) == 8:
            good += 1
    leave(gate)
    return good


@compiled
def reply(source: int, target: int, word: np.ndarray) -> None:
    """Read a word, add one, write it back, until the pipe is closed."""
    address = word.ctypes.data
    while libc.read(source, address, 8) == 8:
        word[0] += 1
        if libc.write(target, address, 8) != 8:
            break


@compiled
def mutter(target: int, source: int, word: np.ndarray, trips: int, loops: int, gate: int) -> None:
    """The same writes and reads through one pipe, by one thread."""
    enter(gate)
    address = word.ctypes.data
    for _ in range(loops * trips):
        if libc.write(target, address, 8) != 8 or libc.read(source, address, 8) != 8:
            break
        word[0] += 1
        if libc.write(target, address, 8) != 8 or libc.read(source, address, 8) != 8:
            break
    leave(gate)


@bench.reference
def trips() -> int:
    """The word grows by one a round trip."""
    return TRIPS


@bench.counts
def counts() -> dict[str, float]:
    """Two handovers a round trip, each a write, a switch and a read."""
    return {"hops": 2 * TRIPS}


def refused() -> Reason | None:
    """What this system lacks for it."""
    why = libc.lacking("read", "write")
    if not why and not hasattr(os, "sched_setaffinity"):
        why = "this system pins no threads"
    return because("unsupported", why) if why else None


class Pipes:
    """Two pipes, and a thread on `cpu` that answers what comes through the first by the second."""

    def __init__(self, cpu: int, answering: Callable[[int, int], None]) -> None:
        self.there, self.back = os.pipe(), os.pipe()
        self.pinned = True

        def run() -> None:
            try:
                os.sched_setaffinity(0, {cpu})
            except OSError:  # the cpuset may have shrunk
                self.pinned = False
            ready.set()
            answering(self.there[0], self.back[1])

        ready = threading.Event()
        self._thread = threading.Thread(target=run, name=f"hwbench-answers-{cpu}", daemon=True)
        self._thread.start()
        ready.wait()

    def close(self) -> None:
        """End the thread by closing what it reads."""
        os.close(self.there[1])
        self._thread.join()
        for end in (self.there[0], *self.back):
            os.close(end)


def talking(
    device: Cpu, cpu: int, start: Callable[[Pipes, np.ndarray, int, int], None], answering: Callable[[int, int], None]
) -> Work:
    """The work of a thread on the first CPU that talks to one on `cpu`."""
    crew, word = device.crew(1), np.zeros(1, dtype=np.int64)
    pipes = Pipes(cpu, answering)

    def run(loops: int, gate: int) -> None:
        word[0] = 0
        start(pipes, word, loops, gate)
        if word[0] != loops * TRIPS:
            raise OSError(f"{word[0]} of {loops * TRIPS} round trips came back")

    crew.each(lambda _rank: run(1, 0))  # compiled here
    facts = {"threads": 2, "pinned": crew.pinned and pipes.pinned, "cpus": [crew.cpus[0], cpu]}
    return crew.work([run], output=lambda: int(word[0]), facts=facts, close=pipes.close)


def compiled_talk(pipes: Pipes, word: np.ndarray, loops: int, gate: int) -> None:
    """The asking side by machine code."""
    talk(pipes.there[1], pipes.back[0], word.ctypes.data, TRIPS, loops, gate)


def compiled_reply(source: int, target: int) -> None:
    """The answering side by machine code."""
    reply(source, target, np.zeros(1, dtype=np.int64))


@bench.variant("alone", needs=refused)
def alone(device: Cpu) -> Work:
    """One thread that writes to a pipe and reads from it: no switch."""
    crew, word = device.crew(1), np.zeros(1, dtype=np.int64)
    source, target = os.pipe()

    def run(loops: int, gate: int) -> None:
        word[0] = 0
        mutter(target, source, word, TRIPS, loops, gate)

    def close() -> None:
        os.close(source)
        os.close(target)

    crew.each(lambda _rank: run(1, 0))  # compiled here
    return crew.work([run], output=lambda: int(word[0]), close=close)


@bench.variant("one-cpu", needs=refused)
def one_cpu(device: Cpu) -> Work:
    """Two threads on one CPU: a switch at each handover."""
    return talking(device, device.crew(1).cpus[0], compiled_talk, compiled_reply)


@bench.variant("two-cpus", needs=refused)
def two_cpus(device: Cpu) -> Work:
    """Two threads on two CPUs: a wake-up at each handover."""
    if device.host.usable < 2:
        raise Skip("needs_cpus", f"needs 2 CPUs; {device.host.usable} may be used")
    return talking(device, device.crew(2).cpus[1], compiled_talk, compiled_reply)


@bench.variant("python", needs=refused)
def in_python(device: Cpu) -> Work:
    """Two threads on one CPU, by os.read and os.write."""

    def ask(pipes: Pipes, word: np.ndarray, loops: int, _gate: int) -> None:
        read, write, (target, source), data = os.read, os.write, (pipes.there[1], pipes.back[0]), bytes(WORD)
        for _ in range(loops * TRIPS):
            write(target, data)
            data = read(source, WORD)
        word[0] = int.from_bytes(data, "little")

    def answer(source: int, target: int) -> None:
        read, write = os.read, os.write
        while data := read(source, WORD):
            write(target, (int.from_bytes(data, "little") + 1).to_bytes(WORD, "little"))

    return talking(device, device.crew(1).cpus[0], ask, answer)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """A handover on one CPU and on two, beside the pipe alone, and Python's."""
    names = {"one-cpu": "on one CPU", "two-cpus": "to another CPU"}
    each = {way: one for way in names if (one := results.each("hops", way)) is not None}
    alone = results.each("hops", "alone")
    if each:
        told = listed(f"{text.seconds(one)} {names[way]}" for way, one in each.items())
        said = f"Waking a thread through a pipe takes {told}"
        if alone is not None:
            said += f"; the write and the read alone take {text.seconds(alone)}"
        yield marked(said, *map(results.find, each), results.find("alone"))
    python, ratio = results.each("hops", "python"), results.ratio("python", "one-cpu")
    if python is not None and ratio is not None:
        said = f"Between two threads of Python on one CPU it takes {text.seconds(python)}, "
        said += against(ratio, "by machine code")
        yield marked(said, results.find("python"), results.find("one-cpu"))
