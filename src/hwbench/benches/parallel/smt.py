"""SMT: what a second thread brings on the same core, and what on a core of its own.

A core with simultaneous multithreading (SMT, Intel's Hyper-Threading) appears as two CPUs. They share its execution
units, caches and ports; only the registers are separate. So the gain depends on what the first thread leaves unused:

    compute   twelve independent chains of vector multiply-adds, which keep the units busy from one thread. The second
              gets half of them, taken from the first: twice the threads, the same work a second.
    latency   one chain of dependent loads in a ring that lies in L2. A core idles for a dozen cycles per load: a second
              chain runs beside it for free, and twice the threads do twice the work.

Each thread does the same work in every variant. So a ratio of 1 to `alone` means that the second thread is free, one of
2 that it brings nothing. `cores` is the control: two threads on two cores should take what one takes alone, but for a
clock that falls when more cores work. Crews of hwbench fill cores first, siblings after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels.compiling import compiled
from ...kernels.cpu_features import has_fma, stream_width
from ...kernels.gate import enter, leave
from ...kernels.simd import Registers, fill, fma, follow, load, opaque, store
from ...protocols import Cpu, Job, Results
from ...record import text
from ...record.phrases import listed, marked, ranked

CHAINS = 12  # latency × units of the cores of today: 4 × 2, and some to spare
STEPS = 2048  # of each chain in a call
RING = 128 * 2**10  # bytes: beyond L1, and two such rings still fit into half of an L2 of 512 KiB
LINE = 64
HOPS = 1024  # a call
FACTOR = 2.0**-6  # an argument of the kernel, since LLVM folds a constant multiplication into an addition
GROWTH = FACTOR**2  # of a step: a power of two, so that sums of it are exact

bench = Bench(
    "parallel.smt",
    question="How much does a second thread add on the same core, and on a core of its own?",
    axes={"work": ("compute", "latency")},
    baseline="alone",
    tolerance=0.0,
    version=2,
    core=False,
)


@compiled
def accumulate(r: Registers, place: int, a: float, b: float, steps: int, passes: int, gate: int = 0) -> None:
    """Numbers at `place`, as many as the registers hold: x ← x + a·b, `steps` (an even number of) times."""
    enter(gate)
    first, second, two = fill(r, a), fill(r, b), opaque(2)
    for _ in range(passes):
        x = load(r, place)
        k = 0
        while k < steps:
            x = fma(first, second, x)
            x = fma(first, second, x)
            k += two
        store(place, x)
    leave(gate)


@compiled
def chase(address: int, hops: int, gate: int = 0) -> int:
    """The address `hops` (a multiple of 4) hops on: each load has to wait for the one before."""
    enter(gate)
    four = opaque(4)
    while hops > 0:
        address = follow(follow(follow(follow(address))))
        hops -= four
    leave(gate)
    return address


def pairs(device: Cpu) -> dict[str, tuple[int, ...]]:
    """The ranks in a crew of one thread, of siblings and of two on two cores; `Skip` where there are no siblings."""
    cpus = device.host.order[: device.host.usable]
    cores = [device.host.cores.get(cpu, (-1, cpu)) for cpu in cpus]
    twins = [rank for rank in range(1, len(cpus)) if cores[rank] == cores[0]]
    if not twins:
        siblings = len(device.host.online) > len({device.host.cores.get(cpu, (-1, cpu)) for cpu in device.host.online})
        why = "only one CPU of each core may be used here" if siblings else "each core shows one CPU here"
        raise Skip("needs_smt", why)
    others = [rank for rank in range(1, len(cpus)) if cores[rank] != cores[0]]
    return {"alone": (0,), "siblings": (0, twins[0]), "cores": (0, others[0]) if others else ()}


@bench.inputs
def ring(rng: np.random.Generator) -> np.ndarray:
    """The lines of a ring in the order in which they are visited."""
    return rng.permutation(RING // LINE)


@bench.reference
def reference(lines: np.ndarray, work: str) -> float:
    """What each thread has to find: the line after so many hops, or the sum of all steps."""
    return float(lines[HOPS % len(lines)]) if work == "latency" else 1.0 + STEPS * GROWTH


@bench.counts
def counts(work: str) -> dict[str, float]:
    """The loads or multiply-adds of one thread, which are the same in each variant."""
    return {"items": HOPS if work == "latency" else STEPS * CHAINS}


@bench.memory
def memory() -> int:
    """A ring for each of two threads."""
    return 2 * RING


def on(who: str, lines: np.ndarray, work: str, device: Cpu) -> Work:
    """The work on each of the threads of this pair."""
    ranks = pairs(device)[who]
    if not ranks:
        raise Skip("needs_cpus", "needs 2 cores; 1 may be used")
    if work == "compute" and not has_fma():
        raise Skip("needs_isa", "this CPU has no fused multiply-add")
    crew = device.team(*ranks)
    makers = {"latency": chasing, "compute": computing}
    made = crew.each(lambda _rank: makers[work](lines, device))  # its own memory, first touched where it is used

    def output() -> float:
        answers = {answer() for _, answer, _ in made}
        return answers.pop() if len(answers) == 1 else float("nan")  # one of them is wrong

    def close() -> None:
        for _, _, free in made:
            free()

    done: Work = crew.work([run for run, _, _ in made], output=output, facts={"footprint": RING}, close=close)
    return done


Made = tuple[Job, Callable[[], float], Callable[[], None]]


def chasing(lines: np.ndarray, device: Cpu) -> Made:
    """A thread's ring: how to follow it, the line it has reached, and how to free it."""
    buffer = device.buffer(RING, pages="4K")
    words = buffer.array.view(np.int64)
    words[:] = 0
    words[lines * (LINE // 8)] = buffer.address + LINE * np.roll(lines, -1)
    at = [buffer.address + LINE * int(lines[0])]
    chase(at[0], 4 * len(lines), 0)

    def run(loops: int, gate: int) -> None:
        at[0] = chase(at[0], HOPS * loops, gate)

    return run, lambda: float((at[0] - buffer.address) // LINE), buffer.close


def computing(_lines: np.ndarray, device: Cpu) -> Made:
    """A thread's chains: how to continue them, their sum if all of them agree, and how to free them."""
    registers = Registers("f8", stream_width(), CHAINS)
    buffer = device.buffer(4096, pages="4K")
    x = buffer.array.view(np.float64)[: registers.nbytes // 8]
    x[:] = 1.0
    accumulate(registers, buffer.address, FACTOR, FACTOR, 0, 1, 0)

    def run(loops: int, gate: int) -> None:
        x[:] = 1.0
        accumulate(registers, buffer.address, FACTOR, FACTOR, STEPS, loops, gate)
        if loops > 1:  # passes continue from one another, so that none can be dropped; the answer is that of one
            x[:] -= (loops - 1) * STEPS * GROWTH

    return run, lambda: float(x[0]) if (x == x[0]).all() else float("nan"), buffer.close


@bench.variant("alone")
def alone(lines: np.ndarray, work: str, device: Cpu) -> Work:
    """One thread, its sibling idle."""
    return on("alone", lines, work, device)


@bench.variant("siblings")
def siblings(lines: np.ndarray, work: str, device: Cpu) -> Work:
    """Two threads on the two CPUs of one core."""
    return on("siblings", lines, work, device)


@bench.variant("cores")
def cores(lines: np.ndarray, work: str, device: Cpu) -> Work:
    """Two threads on two cores."""
    return on("cores", lines, work, device)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The throughput of two threads on one core and on two, against one thread; the larger effect first."""
    found = []
    for work, kind in (("compute", "compute-bound"), ("latency", "latency-bound")):
        pairs = {who: results.ratio("alone", who, work=work) for who in ("siblings", "cores")}
        gains = {who: ratio.scaled(2) for who, ratio in pairs.items() if ratio is not None}
        if "siblings" not in gains:
            continue
        places = {"siblings": "on one core", "cores": "on two cores"}
        each = listed(f"{text.times(gain)} {places[who]}" for who, gain in gains.items())
        records = [results.find(who, work=work) for who in ("alone", *gains)]
        said = f"Throughput of 2 threads ({kind}) against 1 thread: {each}"
        found.append((gains["siblings"].value, marked(said, *records)))
    yield from ranked(found)
