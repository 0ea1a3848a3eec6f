"""Instruction table: cycles of latency and of throughput, as Agner Fog, uops.info and InstLatx64 tabulate them.

A chain of one instruction, in which each waits for the result before, takes its latency a step. Several chains that
wait for nothing but their own steps take its throughput (cycles for each, so less is faster). A third chain is of
additions of registers, which take exactly one cycle on every processor that is timed here (see `clock.frequency`). All
three do the same number of instructions, in turns: seconds of an instruction over seconds of an addition are cycles,
whatever the clock is. No performance counter and no time stamp counter is read.

Vectors have 256 bits, as each AVX2 processor has. The instructions are written in assembly and x is checked after all
steps. What the table takes as one operation:

- `divide-i8` divides 128 by 64 bits (the quotient has 64); the upper half is set anew by a move.
- `gather` sets its mask by `vpcmpeqd` before each, since the instruction clears it.
- `store-forward` stores a vector and loads it again. Of a general register (`store-renamed`) some cores hand the number
  on without memory.
- `swap` always succeeds, on a line of its own; it waits for the one before, so its latency is its throughput.
  `swap-shared` counts up on a line that another CPU counts up, too, and repeats until it succeeds.
- `branch-taken` jumps to the next line of 64 bytes; `branch-not-taken` passes sixteen untaken branches.

Published figures of named cores stand beside those of this machine, each with its source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels.assembly import architecture
from ...kernels.cpu_features import features
from ...protocols import Array, Cpu, Results
from ...record import microarchitectures, text
from ...record.estimate import Estimate
from ...record.model import Record
from ...record.phrases import counted, listed, marked
from ...record.reasons import Reason, because
from .._chains import Place, on_crew
from ._operations import CYCLE, OPERATIONS, Operation, after
from ._published import CORES, SOURCES, published

COUNT = 15360  # instructions of a call: a multiple of those in one turn of each loop
WAYS = ("latency", "throughput")
CLOSE = 0.05  # figures that differ by less agree
DISAGREE = 6  # figures that a finding names

bench = Bench(
    "instruction.table",
    question="How many cycles do instructions take, one after the other and side by side?",
    axes={"operation": tuple(OPERATIONS)},
    quick={"operation": ("add-f8", "fma-f8", "divide-f8", "multiply-i8", "load", "swap")},
    baseline="cycle",
    measures="instructions",
    leading="items",
    tolerance=0.0,
    core=False,
    full_only=True,
)


@bench.inputs
def operands(rng: np.random.Generator, operation: str) -> tuple[Array, Array, Array]:
    """X of all chains, and the operands a and b, as each instruction takes them."""
    return OPERATIONS[operation].operands(rng)


@bench.reference
def last(x: Array, a: Array, b: Array, operation: str, variant: str) -> tuple[Array, int]:
    """X after all steps by NumPy, and how often a shared line was counted up."""
    about = _about(operation, variant)
    if variant == "cycle":
        x, a, b = CYCLE.operands(np.random.default_rng(0))
    code, turn = about.code("throughput" if variant == "throughput" else "latency")
    x = x[: code.registers.nbytes // x.itemsize]
    if about.threads > 1 or about.pointers:
        return np.zeros_like(x), COUNT * about.threads if about.threads > 1 else 0
    return after(about, x, a, b, COUNT // turn * about.each * (turn // (code.registers.count * about.each))), 0


@bench.counts
def counts() -> dict[str, float]:
    """Instructions of each thread."""
    return {"items": COUNT}


@bench.memory
def memory() -> int:
    """A page for each thread."""
    return 2 * 4096


def lacking(operation: str) -> Reason | None:
    """What this host lacks."""
    if architecture() != "x86_64":
        return because("needs_isa", "the table has only instructions of x86-64")
    if operation not in OPERATIONS:
        return because("bad_value", f"no such operation; there are {', '.join(OPERATIONS)}")
    missing = sorted({"avx2", "fma"} - features())
    return because("needs_isa", f"this CPU has no {', '.join(missing)}") if missing else None


def _about(operation: str, way: str) -> Operation:
    return CYCLE if way == "cycle" else OPERATIONS[operation]


def work_of(device: Cpu, x: Array, a: Array, b: Array, operation: str, way: str) -> Work:
    """COUNT instructions of one kind."""
    about = _about(operation, way)
    if way == "cycle":
        x, a, b = CYCLE.operands(np.random.default_rng(0))
    if not about.of("latency" if way == "cycle" else way):
        raise Skip("no_such_case", f"{operation} has no {way} of its own")
    if about.threads > device.host.usable:
        raise Skip("needs_threads", "needs 2 CPUs that write the same cache line; 1 may be used")
    code, turn = about.code("throughput" if way == "throughput" else "latency")
    facts: dict[str, object] = {"instruction": about.shown, "about": about.about, "chains": code.registers.count}
    if way != "cycle":
        figures = published(operation, way)
        facts |= {"published": figures, "sources": {core: SOURCES[core] for core in figures}}

    def output(places: Sequence[Place]) -> tuple[Array, int]:
        found = places[0].target.view(x.dtype)
        if about.threads > 1:
            return np.zeros_like(found), int(places[0].memory.view(np.int64)[0])
        return found - (int(places[0].memory.ctypes.data) if about.pointers else 0), 0

    return on_crew(
        device, about.threads, code, COUNT // turn, x[: code.registers.nbytes // x.itemsize], a, b,
        memory=about.line, shared=about.threads > 1, pointers=about.pointers, output=output, facts=facts,
    )  # fmt: skip


@bench.variant("cycle", needs=lacking)
def cycle(device: Cpu, x: Array, a: Array, b: Array, operation: str) -> Work:
    """Additions of registers, each waiting for the one before: a cycle each."""
    return work_of(device, x, a, b, operation, "cycle")


@bench.variant("latency", needs=lacking)
def latency(device: Cpu, x: Array, a: Array, b: Array, operation: str) -> Work:
    """One chain: each instruction waits for the one before."""
    return work_of(device, x, a, b, operation, "latency")


@bench.variant("throughput", needs=lacking)
def throughput(device: Cpu, x: Array, a: Array, b: Array, operation: str) -> Work:
    """Several chains side by side."""
    return work_of(device, x, a, b, operation, "throughput")


# --- what it says -----------------------------------------------------------------------------------------------------


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Latencies and throughputs in cycles, and how they stand to those published for this core."""
    found = [one for one in results.records if one.timed and one.variant in WAYS]
    cycles = {_key(one): (one, value) for one in found if (value := cycles_of(results, one)) is not None}
    for way, names in (
        ("latency", ("add-f8", "multiply-f8", "fma-f8", "divide-f8", "root-f8", "multiply-i8", "load", "store-forward",
                     "swap", "swap-shared")),
        ("throughput", ("add-f8", "multiply-f8", "fma-f8", "divide-f8", "root-f8", "multiply-i8", "shuffle", "gather",
                        "load", "branch-taken", "pause")),
    ):  # fmt: skip
        told = [cycles[name, way] for name in names if (name, way) in cycles]
        if told:
            each = listed(f"{record.params['operation']} {text.amount(value.value)}" for record, value in told)
            yield marked(f"Cycles of {way}: {each}", *(record for record, _ in told))
    cores = CORES.get(microarchitectures.generation(results.run.machine.cpu) or "", ())
    if said := [one for core in cores if (one := _beside_published(core, list(cycles.values())))]:
        yield " ".join(said)


def cycles_of(results: Results, record: Record) -> Estimate | None:
    """Cycles of an instruction: its time over that of an addition, paired by round."""
    base = results.find("cycle", operation=record.params["operation"])
    return results.versus(record, base) if base is not None else None


def _key(record: Record) -> tuple[str, str]:
    return str(record.params["operation"]), record.variant


def _beside_published(core: str, cycles: list[tuple[Record, Estimate]]) -> str:
    """How many figures agree with those of a column of this core, and the furthest of the others."""
    beside = [
        (record, value.value, figure)
        for record, value in cycles
        if (figure := published(*_key(record)).get(core)) is not None
    ]
    if not beside:
        return ""
    apart = sorted(
        (one for one in beside if abs(one[1] / one[2] - 1) > CLOSE), key=lambda one: -abs(np.log(one[1] / one[2]))
    )
    agree = len(beside) - len(apart)
    name = core.partition(" (")[0]
    said = (
        f"Of {counted(len(beside), 'figure')} published for {name}, {agree} agree{'s' * (agree == 1)} within "
        f"{text.share(CLOSE)}"
    )
    if apart:
        named = [
            f"{record.params['operation']} {record.variant} {text.amount(here)} against {text.amount(there)}"
            for record, here, there in apart[:DISAGREE]
        ]
        if len(apart) > DISAGREE:
            named.append(f"{len(apart) - DISAGREE} more")
        said += f"; apart {'are' if len(apart) > 1 else 'is'} {listed(named)}"
    return marked(f"{said} ({SOURCES[core]})", *(record for record, *_ in beside))
