"""Energy: joules of a byte from memory and of a floating-point operation, and watts while nothing is done.

Processors with RAPL count the energy of each package, and on servers that of the memory chips. Here every CPU that may
be used does one kind of work for a while, and the counters are read before and after each sample: `memory` reads
arrays that no cache holds, `compute` does fused multiply-adds in registers of the widest kind, `idle` sleeps. The
energy is that of the whole machine as far as it is counted, so it includes what idling takes and whatever else runs;
the finding also tells what is left above `idle`. A byte that comes from memory takes tens of picojoules, an operation
in registers takes a few: moving data is the larger part of the bill.

The counters are of bare metal: few virtual machines show them, and Linux lets root alone read the files of `powercap`.
They tick about every millisecond; a call takes tens of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ...bench import Bench, Work
from ...kernels.compiling import compiled
from ...kernels.cpu_features import has_fma, widths
from ...kernels.gate import enter, leave
from ...kernels.simd import Registers, fill, fma, total
from ...protocols import Call, Cpu, Job, Results
from ...record import text
from ...record.model import Answer
from ...record.phrases import listed, marked
from ...record.reasons import Reason, because

SLEEP_S = 0.1
PASSES = 4  # over the arrays, in one call
STEPS = 2**23
CHAINS = 12

bench = Bench(
    "energy.use",
    question="How many joules take a byte from memory and a floating-point operation, and how many watts does idling?",
    axes={"work": ("idle", "memory", "compute"), "threads": ("all",)},
    baseline="counted",
    answers=(
        Answer("watts", "power", "W", higher=False),
        Answer("joules_per_byte", "energy of a byte from memory", "pJ", 1e12, higher=False),
        Answer("joules_per_flop", "energy of a floating-point operation", "pJ", 1e12, higher=False),
    ),
    core=False,
    full_only=True,
)


@compiled
def read_words(words: np.ndarray, totals: np.ndarray, rank: int, passes: int, loops: int, gate: int) -> None:
    """Add up all words, so many times."""
    enter(gate)
    for _ in range(loops * passes):
        found = 0
        for i in range(len(words)):
            found += words[i]
        totals[rank] = found
    leave(gate)


@compiled
def multiply_add(
    r: Registers, a: float, b: float, totals: np.ndarray, rank: int, steps: int, loops: int, gate: int
) -> None:
    """Add a·b in each lane of each chain, so many steps from 0."""
    enter(gate)
    left, right = fill(r, a), fill(r, b)
    for _ in range(loops):
        x = fill(r, 0.0)
        for _ in range(steps):
            x = fma(left, right, x)
        totals[rank] = total(x)
    leave(gate)


def lanes() -> int:
    """Numbers that a thread's registers hold together."""
    return CHAINS * widths()[-1] // 64


def needs(work: str) -> Reason | None:
    """What the processor lacks for it."""
    return because("needs_isa", "this CPU has no fused multiply-add") if work == "compute" and not has_fma() else None


def words(device: Cpu, threads: int) -> int:
    """Words of 64 bits that each thread reads."""
    return device.size("DRAM", threads) // 8


@bench.reference
def answer(device: Cpu, work: str, threads: int) -> np.ndarray:
    """For each thread the sum of its words, which are ones, or of its lanes; of `idle` zeros."""
    each = {"idle": 0, "memory": words(device, threads) if work == "memory" else 0, "compute": STEPS * lanes()}[work]
    return np.full(threads, float(each))


@bench.counts
def counts(device: Cpu, work: str, threads: int) -> dict[str, float]:
    """Bytes that are read, operations (a fused multiply-add is two), or one call."""
    if work == "memory":
        return {"bytes": 8 * PASSES * words(device, threads) * threads}
    return {"flops": 2 * STEPS * lanes() * threads} if work == "compute" else {"calls": 1}


@bench.memory
def memory(device: Cpu, work: str, threads: int) -> int:
    """The arrays of all threads."""
    return 8 * words(device, threads) * threads if work == "memory" else 4096


@bench.variant("counted", needs=needs)
def counted(device: Cpu, work: str, threads: int) -> Work:
    """Every CPU that may be used, and the machine's counters before and after."""
    energy = device.energy()
    amounts = counts(device, work, threads)
    totals = np.zeros(threads) if work == "idle" else np.full(threads, np.nan)
    facts: dict[str, Any] = {"threads": threads, "source": energy.source}
    spent: dict[str, float] = {}
    calls, lasted = 0, 0.0

    def timed(run: Callable[[int], float]) -> Callable[[int], float]:
        def timer(loops: int) -> float:
            nonlocal calls, lasted
            before, begun = energy.joules(), time.perf_counter()
            taken = run(loops)
            lasted += time.perf_counter() - begun
            calls += loops
            for name, joules in energy.joules().items():
                spent[name] = spent.get(name, 0.0) + joules - before.get(name, joules)
            every = sum(spent.values())
            facts["watts"] = every / lasted
            facts["watts_of"] = {name: joules / lasted for name, joules in spent.items()}
            for count, fact in (("bytes", "joules_per_byte"), ("flops", "joules_per_flop")):
                if count in amounts:
                    facts[fact] = every / (calls * amounts[count])
            return taken

        return timer

    if work == "idle":

        def rest(loops: int) -> float:
            begun = time.perf_counter()
            time.sleep(loops * SLEEP_S)
            return time.perf_counter() - begun

        timer = timed(rest)
        return Work(lambda: timer(1), output=lambda: totals, timer=timer, facts=facts)
    crew = device.crew(threads)
    jobs, close = reading(device, totals, threads) if work == "memory" else computing(totals, threads)
    made = crew.work(jobs, output=lambda: totals, close=close)
    assert made.timer is not None
    timer = timed(made.timer)
    facts |= made.facts
    return Work(lambda: timer(1), output=lambda: totals, timer=timer, facts=facts, close=close)


def reading(device: Cpu, totals: np.ndarray, threads: int) -> tuple[list[Job], Call]:
    """Each thread reads an array of ones of its own, which it has touched first."""
    count = words(device, threads)

    def allocate(_rank: int) -> Any:
        buffer = device.buffer(8 * count)
        buffer.array.view(np.int64)[:] = 1
        return buffer

    buffers = device.crew(threads).each(allocate)
    read_words(np.ones(1, dtype=np.int64), totals, 0, 1, 1, 0)  # compiled by one, not by all at once

    def job(rank: int) -> Job:
        array = buffers[rank].array.view(np.int64)
        return lambda loops, gate: read_words(array, totals, rank, PASSES, loops, gate)

    def close() -> None:
        for buffer in buffers:
            buffer.close()

    return [job(rank) for rank in range(threads)], close


def computing(totals: np.ndarray, threads: int) -> tuple[list[Job], Call]:
    """Each thread keeps its widest units busy."""
    registers = Registers("f8", widths()[-1], CHAINS)
    multiply_add(registers, 1.0, 1.0, totals, 0, 1, 1, 0)  # compiled by one, not by all at once

    def job(rank: int) -> Job:
        return lambda loops, gate: multiply_add(registers, 1.0, 1.0, totals, rank, STEPS, loops, gate)

    return [job(rank) for rank in range(threads)], lambda: None


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Idle watts, then joules a byte and an operation, and what is left of them above idle."""
    records = {work: results.find("counted", work=work) for work in ("idle", "memory", "compute")}
    watts = {
        work: float(record.facts["watts"])
        for work, record in records.items()
        if record is not None and isinstance(record.facts.get("watts"), int | float)
    }
    if "idle" in watts:
        yield marked(f"The machine draws {text.amount(watts['idle'], 'W')} idle, as far as it counts", records["idle"])
    told, used = [], []
    for work, count, what in (("memory", "bytes", "a byte from memory"), ("compute", "flops", "an operation")):
        each = results.each(count, "counted", work=work)
        if each is None or work not in watts:
            continue
        said = f"{what} {text.amount(watts[work] * each.value * 1e12, 'pJ')}"
        if "idle" in watts:
            said += f" ({text.amount(max(0.0, watts[work] - watts['idle']) * each.value * 1e12, 'pJ')} above idle)"
        told.append(said)
        used.append(records[work])
    if told:
        yield marked(f"Energy at full load: {listed(told)}", *used, records["idle"])
