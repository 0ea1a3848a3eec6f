"""The core's clock while its vector units work.

Peak FLOP/s is lanes × 2 × units × clock, and the clock is not constant: it falls with the number of busy cores, and on
many CPUs with vector width, since wide multiplications draw more current. So it is measured under the load that the
peak is measured with.

Cycles are counted without performance counters, which need privileges, and without the time stamp counter, which does
not count core cycles. The kernel is a chain of dependent register additions. A dependent addition takes exactly one
cycle on every processor of interest (x86 from Pentium to Zen 5, Arm's and Apple's cores; uops.info), as long as no
operand is a constant. So additions a second is the clock, or less where something delays the chain: the figure is a
lower bound, and within a percent of the clock where the chain is the critical path.

Seven additions are accompanied by fused multiply-adds that depend neither on them nor on one another: five for
`units` = 1, which one vector unit does on the side (half-width ones, too: 512 bits on Zen 4), twelve for `units` = 2,
which keep two units busy for six cycles of seven. That is the load of `peak.fma` but for the cycle that keeps the chain
the critical path. Where a width has one unit only, the twelve take twelve cycles, and the figure falls to 7/12 of the
clock, which no real clock change does.

`scalar` multiplies one number at a time, the others vectors of 128, 256 and 512 bits. With all threads every physical
core runs the same; the figure is that of the last to finish.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels.compiling import compiled
from ...kernels.cpu_features import has_fma, widths
from ...kernels.gate import enter, leave
from ...kernels.simd import Registers, fill, fma, load, opaque, store
from ...protocols import Buffer, Cpu, Job, Results
from ...record import text
from ...record.estimate import estimate
from ...record.facts import threads_of
from ...record.model import Record, Scalar
from ...record.phrases import counted, listed, marked, of_limit
from ...record.reasons import Reason, because

CHAIN = 7  # dependent additions a step: a cycle each
# Multiply-adds beside them for so many units, each waiting for its own of the step before, 7 cycles ago (it takes 4).
# With a and b the twelve take 14 of AVX2's 16 registers.
CHAINS = {1: 5, 2: 12}
STEPS = 2048  # of a call: 14 336 cycles, 4 µs
A, B = 33 / 1024, 31 / 1024  # a·b = 1023 × 2⁻²⁰: all steps together add 2 - 2⁻⁹, exactly
GRID = 2.0**-20
BYTES = 64 * CHAINS[2]  # room for the widest registers
WIDTHS = {"scalar": "scalar", "128": "128-bit", "256": "256-bit", "512": "512-bit"}
STEADY = 0.02  # clocks that differ by less are called the same
ONE_UNIT = 0.75  # a clock below this share under two units' load means one unit: 7/12 is expected


@compiled
def busy(
    r: Registers, target: int, source: int, a: float, b: float, one: int, steps: int, passes: int, gate: int = 0
) -> int:
    """CHAIN × `steps` × `passes` additions of `one`, each after the other, and a multiply-add in each register a step.

    The registers begin each pass at `source` and end at `target`; the sum of the additions is returned.
    """
    enter(gate)
    factor, other = fill(r, a), fill(r, b)
    count = 0
    for _ in range(passes):
        x = load(r, source)
        left = opaque(steps)
        while left > 0:
            x = fma(factor, other, x)
            # Unrolled by LLVM, the count being a constant; the empty assembly statements keep the additions apart.
            for _ in range(CHAIN):
                count = opaque(count + one)
            left = opaque(left - 1)
        store(target, x)
    leave(gate)
    return count


bench = Bench(
    "clock.frequency",
    question="At which clock does the core run while its vector units work?",
    axes={"threads": (1, "all"), "units": (1,)},
    sweeps=({"units": (2,), "variant": ("256", "512")},),
    full={"units": (1, 2)},
    baseline="scalar",
    measures="clock",
    tolerance=0.0,
    core=False,
    version=3,
)


@bench.inputs
def numbers(rng: np.random.Generator) -> np.ndarray:
    """Start values of the multiply-adds: multiples of 2⁻²⁰ in [2, 4), enough for the widest registers."""
    return rng.integers(2**21, 2**22, BYTES // 8) * GRID


@bench.reference
def closed_form(threads: int, device: Cpu) -> tuple[int, float]:
    """The additions of one call on each thread, and the largest deviation from the closed form: none."""
    return CHAIN * STEPS * min(threads, device.cores), 0.0


@bench.counts
def counts() -> dict[str, float]:
    """A dependent addition is a cycle."""
    return {"cycles": CHAIN * STEPS}


def lacking(bits: int) -> Callable[[], Reason | None]:
    """What this host lacks for registers of `bits` bits."""

    def needs() -> Reason | None:
        if not has_fma():
            return because("needs_isa", "this CPU has no fused multiply-add")
        if bits > widths()[-1]:
            return because("needs_isa", f"this CPU's vector registers have {widths()[-1]} bits")
        return None

    return needs


def on_crew(device: Cpu, x: np.ndarray, threads: int, units: int, bits: int) -> Work:
    """The chain with multiply-adds in registers of `bits` bits, on a pinned thread for each core that is asked for."""
    if units not in CHAINS:
        raise Skip("bad_value", f"units={units}: is none of {', '.join(map(str, CHAINS))}")
    registers = Registers("f8", bits, CHAINS[units])
    crew = device.crew(min(threads, device.cores))  # SMT siblings would share the core's units and delay each other
    lanes = registers.lanes * CHAINS[units]

    def allocate(_rank: int) -> tuple[Buffer, np.ndarray, np.ndarray]:
        buffer = device.buffer(2 * BYTES)
        source, target = buffer.array.view(np.float64).reshape(2, -1)
        source[:], target[:] = x, np.nan
        return buffer, source, target

    places = crew.each(allocate)
    sums = np.zeros(len(crew), np.int64)

    def job(rank: int) -> Job:
        _, source, target = places[rank]

        def run(loops: int, gate: int) -> None:
            sums[rank] = busy(registers, target.ctypes.data, source.ctypes.data, A, B, 1, STEPS, loops, gate)

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
        facts={"width": bits, "multiply_adds_per_cycle": CHAINS[units] / CHAIN},
        close=close,
    )
    return work


@bench.variant("scalar", needs=lacking(0))
def scalar(device: Cpu, x: np.ndarray, threads: int, units: int) -> Work:
    """The chain beside scalar multiply-adds."""
    return on_crew(device, x, threads, units, 64)


@bench.variant("128", needs=lacking(128))
def bits_128(device: Cpu, x: np.ndarray, threads: int, units: int) -> Work:
    """The chain beside multiply-adds of 128 bits."""
    return on_crew(device, x, threads, units, 128)


@bench.variant("256", needs=lacking(256))
def bits_256(device: Cpu, x: np.ndarray, threads: int, units: int) -> Work:
    """The chain beside multiply-adds of 256 bits."""
    return on_crew(device, x, threads, units, 256)


@bench.variant("512", needs=lacking(512))
def bits_512(device: Cpu, x: np.ndarray, threads: int, units: int) -> Work:
    """The chain beside multiply-adds of 512 bits."""
    return on_crew(device, x, threads, units, 512)


# --- what it says -----------------------------------------------------------------------------------------------------


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The clock by width and threads, and what share of its multiply-add units the peak uses."""
    peaks: list[str] = []
    for threads in (1, "all"):
        clocks = {name: clock for name in WIDTHS if (clock := under_load(results, name, threads))}
        if not clocks:
            continue
        records = [one for one in results.records if one.timed and one.params["threads"] == threads]
        cores = counted(threads_of(records[0]), "core")
        slowest = min(clocks, key=lambda name: clocks[name])
        lower = 1 - clocks[slowest] / max(clocks.values())
        each = listed(f"{text.rate(clock, 'GHz')} ({WIDTHS[name]})" for name, clock in clocks.items())
        apart = f", {text.share(lower)} lower with {WIDTHS[slowest]}" if lower > STEADY else ", the same within 2%"
        yield marked(f"Clock with {cores} busy: {each}{apart * (len(clocks) > 1)}", *records)
        peaks += of_a_cycle(results, clocks, threads, cores)
    yield from peaks[:1]


def under_load(results: Results, variant: str, threads: Scalar) -> float | None:
    """The clock beside as many multiply-adds as the width has units for."""
    rates = (results.rate(variant, "cycles", threads=threads, units=units) for units in (1, 2))
    clocks = [rate.value for rate in rates if rate is not None]
    if not clocks:
        return None
    return clocks[-1] if clocks[-1] >= ONE_UNIT * clocks[0] else clocks[0]


def units_of(per_cycle: float) -> int:
    """The units behind so many multiply-adds a cycle: the nearest power of two, as in all processors."""
    return 1 << max(0, round(math.log2(max(per_cycle, 0.5))))


def of_a_cycle(results: Results, clocks: Mapping[str, float], threads: Scalar, busy: str) -> Iterator[str]:
    """The widest vectors' peak as a share of lanes × 2 × units × clock."""
    widest = next((name for name in ("512", "256", "128") if name in clocks), None)
    found = [
        r for r in results.run.records
        if r.timed and (r.bench, r.variant) == ("peak.fma", widest) and r.device == "cpu"
        and all(r.params.get(axis) == value for axis, value in (("dtype", "f8"), ("threads", threads)))
    ]  # fmt: skip
    if widest is None or not found:
        return
    loads = (results.find(widest, threads=threads, units=units) for units in CHAINS)
    cores = next(int(record.facts["threads"]) for record in loads if record is not None)
    lanes = int(widest) // 64
    peak = max(found, key=lambda record: ("implausible" not in record.codes, _flops(record)))
    rate = _flops(peak) / cores
    per_cycle = rate / (2 * lanes * clocks[widest])
    units = units_of(per_cycle)
    whole = f"{counted(units, 'unit')} × {counted(lanes, 'lane')} × 2 flops × {text.rate(clocks[widest], 'GHz')}"
    yield marked(
        f"Float64 peak of each core ({WIDTHS[widest]}, {busy} busy): {of_limit(per_cycle / units, whole)}", peak
    )


def _flops(record: Record) -> float:
    """FLOP/s by the median."""
    return record.counts["flops"] / estimate(record.samples).value
