"""Fork-join overhead: what one prange costs before it has done anything, by threading layer.

Numba hands a prange to a threading layer: `tbb` (Intel's library, where installed), `omp` (the system's OpenMP) or
`workqueue` (Numba's own, always there). Each call splits the range, wakes the threads, and waits for the last of them:
microseconds per call however short the loop, in which one core adds ten thousand numbers. The break-even n is that
overhead divided by what the threads save per element: a loop that does more per element wins at a smaller n.

The loop is c = a + b, 24 bytes an element. At n = 100 it takes 10 ns, so the time of the call is the overhead. At the
largest n it shows the speed-up; `serial` is the same loop without prange.

A process can have only one threading layer, so each variant runs in a process of its own, which measures on its own
clock and reports. The next variant waits until its threads sleep: OpenMP's threads spin for some milliseconds after
each loop, ready for the next one (which makes that one start quickly), and would disturb the other variants.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numba import prange

from ...bench import Bench, Skip, Work
from ...kernels.compiling import compiled
from ...protocols import Cpu, Results
from ...record import text
from ...record.facts import threads_of
from ...record.phrases import compared, counted, listed, marked, ranked

ELEMENT = 24  # bytes: two float64 read, one written
ROOT = Path(__file__).parents[3]

bench = Bench(
    "parallel.overhead",
    question="What does it cost to start a prange, and from which n is it faster than a serial loop?",
    axes={"n": (100, 1000, 10**4, 10**5, 10**6)},
    standard={"n": (100, 10**4, 10**5, 10**6)},  # at 1000 a call is as much overhead as at 100
    quick={"n": (100, 10**5)},
    full={"n": (100, 300, 1000, 3000, 10**4, 3 * 10**4, 10**5, 3 * 10**5, 10**6, 10**7)},
    together=("n",),
    baseline="serial",
    measures="fork and join",
    core=False,
    version=3,
)


@compiled
def add_alone(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """One thread's loop."""
    for i in range(len(c)):
        c[i] = a[i] + b[i]


@compiled(parallel=True)
def add_together(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """The same loop as a prange."""
    for i in prange(len(c)):
        c[i] = a[i] + b[i]


# --- the process that has the layer -----------------------------------------------------------------------------------


def arrays(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two arrays whose sum at i is 3·i, and one without a number in it."""
    a = np.arange(n, dtype=np.float64)
    return a, 2 * a, np.full(n, np.nan)


def serve(threads: int) -> None:
    """Answer each line `N LOOPS` on standard input with the seconds of so many calls and the sum of the result.

    The first line of output is the layer that was loaded, or `no` and why none was.
    """
    import numba

    try:
        add_together(*arrays(threads))
        numba.set_num_threads(threads)
    except Exception as error:  # noqa: BLE001 - whatever keeps a layer from loading is the reason
        print("no", " ".join(str(error).split()), flush=True)  # noqa: T201 - standard output is the answer
        return
    print("layer", numba.threading_layer(), flush=True)  # type: ignore[attr-defined,unused-ignore]  # noqa: T201
    known: dict[int, tuple[np.ndarray, ...]] = {}
    for line in sys.stdin:
        n, loops = map(int, line.split())
        a, b, c = known.setdefault(n, arrays(n))
        c[:] = np.nan
        start = time.perf_counter()
        for _ in range(loops):
            add_together(a, b, c)
        taken = time.perf_counter() - start
        print(taken, c.sum(), flush=True)  # noqa: T201


class Layer:
    """A process with one threading layer, shared by all lengths measured in it."""

    running: dict[str, Layer] = {}  # noqa: RUF012 - it is what is shared
    missing: dict[str, str] = {}  # noqa: RUF012 - why others do not load, which takes a process to find out

    def __init__(self, name: str, threads: int, device: Cpu) -> None:
        code = f"from {serve.__module__} import {serve.__name__}; {serve.__name__}({threads})"
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {"NUMBA_THREADING_LAYER": name, "PYTHONPATH": path}
        self.users = 0
        self.process = subprocess.Popen(  # noqa: S603 - this interpreter, with code of our own
            [sys.executable, "-c", code], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.forget = device.adopt(self.process.pid)
        word, _, rest = self.heard().partition(" ")
        if word != "layer":
            self.end()
            said = rest or "its process ended without a word"
            Layer.missing[name] = f"Numba cannot load the threading layer {name}: {said}"
            raise Skip("needs_library", Layer.missing[name])

    @classmethod
    def of(cls, name: str, threads: int, device: Cpu) -> Layer:
        """The process of this layer, started where none is running; Skip where it is known not to load."""
        if name in cls.missing:
            raise Skip("needs_library", cls.missing[name])
        if name not in cls.running:
            cls.running[name] = cls(name, threads, device)
        cls.running[name].users += 1
        return cls.running[name]

    def heard(self) -> str:
        """The next line of the process's output; "" where it has ended."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def timed(self, n: int, loops: int) -> tuple[float, float]:
        """Seconds of so many calls, and the sum of what the last one computed."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{n} {loops}\n")
        self.process.stdin.flush()
        said = self.heard().split()
        if len(said) != 2:
            raise RuntimeError("the process of the threading layer has ended")
        return float(said[0]), float(said[1])

    def leave(self) -> None:
        """One user less; with the last one the process ends."""
        self.users -= 1
        if not self.users:
            self.end()

    def end(self) -> None:
        """End the process by closing its input."""
        Layer.running = {name: layer for name, layer in Layer.running.items() if layer is not self}
        self.process.communicate()
        self.forget()


# --- the bench --------------------------------------------------------------------------------------------------------


@bench.reference
def total(n: int) -> float:
    """0 + 3 + 6 + …: whole numbers below 2⁵³, and so exact."""
    return 3.0 * n * (n - 1) / 2


@bench.counts
def counts(n: int) -> dict[str, float]:
    """One call; two numbers read, one written and one operation for each element."""
    return {"calls": 1, "items": n, "flops": n, "bytes": ELEMENT * n}


@bench.memory
def memory(n: int) -> int:
    """Three arrays, in whichever process."""
    return ELEMENT * n


@bench.variant("serial")
def serial(n: int) -> Work:
    """Numba: the loop without prange, on one thread."""
    a, b, c = arrays(n)
    return Work(lambda: add_alone(a, b, c), output=lambda: float(c.sum()), facts={"footprint": ELEMENT * n})


def in_layer(name: str, n: int, device: Cpu) -> Work:
    """The prange in a process with this threading layer, on all CPUs that may be used."""
    threads = device.host.usable
    if threads < 2:
        raise Skip("needs_cpus", "needs 2 CPUs; 1 may be used")
    layer = Layer.of(name, threads, device)
    answer = [float("nan")]

    def timer(loops: int) -> float:
        taken, answer[0] = layer.timed(n, loops)
        return taken

    facts = {"threads": threads, "footprint": ELEMENT * n // threads, "layer": name, "loop": add_together.__name__}
    return Work(lambda: timer(1), output=lambda: answer[0], timer=timer, facts=facts, close=layer.leave)


@bench.variant("workqueue")
def workqueue(n: int, device: Cpu) -> Work:
    """Numba: prange on Numba's own workqueue."""
    return in_layer("workqueue", n, device)


@bench.variant("omp")
def omp(n: int, device: Cpu) -> Work:
    """Numba: prange on OpenMP."""
    return in_layer("omp", n, device)


@bench.variant("tbb")
def tbb(n: int, device: Cpu) -> Work:
    """Numba: prange on Intel's Threading Building Blocks."""
    return in_layer("tbb", n, device)


NAMES = {"workqueue": "workqueue", "omp": "OpenMP", "tbb": "TBB"}


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What a prange costs by layer, in elements that one core adds meanwhile, and from which n it wins."""
    lengths = sorted({int(r.params["n"]) for r in results.records if r.timed})
    if not lengths:
        return
    first, last = lengths[0], lengths[-1]
    timed = {name: record for name in NAMES if (record := results.find(name, n=first)) is not None}
    calls = {name: call for name in timed if (call := results.each("calls", name, n=first)) is not None}
    each, serial = results.each("items", "serial", n=last), results.find("serial", n=last)
    if calls:
        costs = listed(f"{text.seconds(call)} with {NAMES[name]}" for name, call in calls.items())
        threads = counted(max(threads_of(record) for record in timed.values()), "thread")
        said = f"A prange over {counted(first, 'element')} on {threads} takes {costs}"
        if each is not None:
            least = min(calls.values(), key=lambda call: call.value)
            said += f"; 1 thread adds {text.count(least.value / each.value)} elements in {text.seconds(least.value)}"
        yield marked(said, *timed.values(), serial)
    found = []
    for name, called in NAMES.items():
        crossing = results.overtakes(name, "serial", "the serial loop")
        ratio = results.ratio(name, "serial", n=last)
        if crossing and ratio is not None:
            record = results.find(name, n=last)
            threads = counted(threads_of(record) if record else 1, "thread")
            said = f"prange with {called} on {threads} {crossing}; at n = {text.count(last)}: {compared(ratio)}"
            found.append((ratio.value, marked(said, record, serial)))
    yield from ranked(found, 2)
