"""The clock under load: how many cycles a second the core does while its vector units work.

A peak in operations a second is lanes × 2 × units × clock, and the clock is no constant: it falls with the number of
busy cores, and on many CPUs with the width of the vectors, since wide multiplications draw more current. So it has to
be known under the very load that the peak is measured with.

How the cycles are counted: no counter of the CPU is read, which would need rights that a user has not, and a time
stamp counter does not count cycles. The kernel is a chain of additions of two registers, each of which waits for the
one before. A dependent addition takes one cycle on every processor that is sold for this (x86 from Pentium to Zen 5,
Arm's and Apple's cores; uops.info), never less, as long as no operand is a constant. So additions over seconds is the
clock, or less where something delays the chain: the figure is a lower bound, and within a percent of the clock where
the chain is what the loop waits for. Each sixteen additions are accompanied by twelve fused multiply-adds that are
independent of them and of one another: 3/4 a cycle, for which one vector unit is enough, so that the chain stays the
critical path on CPUs with half-width units too (512 bits on Zen 4). A CPU with two units is loaded to 3/8 of its peak;
should it clock lower under all of it, `peak.fma` would show that as less than 2 × lanes × units a cycle of this clock.

`scalar` multiplies one number at a time, the others vectors of 128, 256 and 512 bits. With all threads every physical
core runs the same; the figure is that of the last to finish.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..bench import Bench, Work
from ..simd import Registers, compiled, fill, fma, has_fma, load, store, untold, widths

CHAIN = 16  # dependent additions a step: a cycle each
CHAINS = 12  # multiply-adds beside them, each waiting for its own of the step before, 16 cycles ago (it takes 4)
STEPS = 2048  # of a call: 32 768 cycles, 9 µs
A, B = 33 / 1024, 31 / 1024  # a·b = 1023 × 2⁻²⁰: all steps together add 2 - 2⁻⁹, exactly
GRID = 2.0**-20
BYTES = 64 * CHAINS  # room for the widest registers


@compiled
def busy(r: Any, target: int, source: int, a: float, b: float, one: int, steps: int, passes: int) -> int:
    """CHAIN × `steps` × `passes` additions of `one`, each after the other, and a multiply-add in each register a step.

    The registers begin each pass at `source` and end at `target`; the sum of the additions is returned.
    """
    factor, other = fill(r, a), fill(r, b)
    count = 0
    for _ in range(passes):
        x = load(r, source)
        left = untold(steps)
        while left > 0:
            x = fma(factor, other, x)
            # Unrolled by LLVM, the count being a constant; the empty assembly statements keep the additions apart.
            for _ in range(CHAIN):
                count = untold(count + one)
            left = untold(left - 1)
        store(target, x)
    return count


bench = Bench(
    "clock.frequency",
    question="At which clock does the core run while its vector units work?",
    axes={"threads": (1, "all")},
    baseline="scalar",
    tolerance=0.0,
    core=False,
)


@bench.inputs
def numbers(rng: np.random.Generator) -> np.ndarray:
    """What the multiply-adds begin with: multiples of 2⁻²⁰ in [2, 4), enough for the widest registers."""
    return rng.integers(2**21, 2**22, BYTES // 8) * GRID


@bench.reference
def closed_form(threads: int, device: Any) -> tuple[int, float]:
    """The additions of one call on each thread, and how far from the closed form any product may be: not at all."""
    return CHAIN * STEPS * min(threads, device.cores), 0.0


@bench.counts
def counts() -> dict[str, float]:
    """A dependent addition is a cycle."""
    return {"cycles": CHAIN * STEPS}


def lacking(bits: int) -> Callable[[], str]:
    """What this host lacks for registers of `bits` bits."""

    def needs() -> str:
        if not has_fma():
            return "this CPU has no fused multiply-add"
        return f"this CPU's vector registers have {widths()[-1]} bits" if bits > widths()[-1] else ""

    return needs


def on_crew(device: Any, x: np.ndarray, threads: int, bits: int) -> Work:
    """The chain with multiply-adds in registers of `bits` bits, on a pinned thread for each core that is asked for."""
    registers = Registers("f8", bits, CHAINS)
    crew = device.crew(min(threads, device.cores))  # two threads of a core would share its units, and delay each other
    lanes = registers.lanes * CHAINS

    def allocate(_rank: int) -> tuple[Any, np.ndarray, np.ndarray]:
        buffer = device.buffer(2 * BYTES)
        source, target = buffer.array.view(np.float64).reshape(2, -1)
        source[:], target[:] = x, np.nan
        return buffer, source, target

    places = crew.each(allocate)
    sums = np.zeros(len(crew), np.int64)

    def job(rank: int) -> Callable[[int], None]:
        _, source, target = places[rank]

        def run(loops: int) -> None:
            sums[rank] = busy(registers, target.ctypes.data, source.ctypes.data, A, B, 1, STEPS, loops)

        return run

    def output() -> tuple[int, float]:
        ends = np.array([target[:lanes] for *_, target in places])
        return int(sums.sum()), float(np.abs(ends - (x[:lanes] + STEPS * A * B)).max())

    def close() -> None:
        for buffer, *_ in places:
            buffer.close()

    work: Work = crew.work(
        [job(rank) for rank in range(len(crew))],
        output=output,
        facts={"width": bits, "multiply_adds_per_cycle": CHAINS / CHAIN},
        close=close,
    )
    return work


@bench.variant("scalar", needs=lacking(0))
def scalar(device: Any, x: np.ndarray, threads: int) -> Work:
    """The chain beside scalar multiply-adds."""
    return on_crew(device, x, threads, 64)


@bench.variant("128", needs=lacking(128))
def bits_128(device: Any, x: np.ndarray, threads: int) -> Work:
    """The chain beside multiply-adds of 128 bits."""
    return on_crew(device, x, threads, 128)


@bench.variant("256", needs=lacking(256))
def bits_256(device: Any, x: np.ndarray, threads: int) -> Work:
    """The chain beside multiply-adds of 256 bits."""
    return on_crew(device, x, threads, 256)


@bench.variant("512", needs=lacking(512))
def bits_512(device: Any, x: np.ndarray, threads: int) -> Work:
    """The chain beside multiply-adds of 512 bits."""
    return on_crew(device, x, threads, 512)


@bench.finding
def finding(read: Any) -> Iterator[str]:
    """The clock by width and threads, and what a multiply-add peak is in operations a cycle of it."""
    for threads, who in ((1, "one core"), ("all", "all cores")):
        clocks = {
            variant: record.counts["cycles"] / min(record.samples)  # a limit: disturbance only lowers it
            for variant in ("scalar", "128", "256", "512")
            if (record := read.find(variant, threads=threads)) is not None
        }
        if not clocks:
            continue
        slowest = min(clocks, key=lambda variant: clocks[variant])
        told = ", ".join(f"{clock / 1e9:.3g} GHz ({variant})" for variant, clock in clocks.items())
        least = clocks[slowest] / max(clocks.values())
        steady = "the same within 2%" if least > 0.98 else f"{1 - least:.0%} lower with {slowest} than at its highest"
        yield f"With {who} multiplying the clock is {told}: {steady}."
