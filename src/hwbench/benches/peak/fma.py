"""Floating-point peak: FLOP/s by vector width, and how many independent chains that takes.

The work is a sum, x ← x + a·b, in each of `chains` × 64 bytes of numbers. A step depends on the one before (4 cycles on
most current CPUs), while two vector units start one each per cycle: it takes latency × units, 8 and more, independent
chains to keep them busy; one chain shows the latency. A variant takes the numbers `chains` registers at a time; so
scalars and 512-bit vectors do the same operations and give the same answer. How many chains are fastest depends on the
core: with `chains` `best`, a probe chooses for each width, and `facts["chains"]` says how many.

All numbers are multiples of 2⁻²⁰ below 8, which f4 and f8 hold exactly: xₙ = x₀ + n·a·b to the last bit, and a single
missing operation shows. LLVM may not multiply a·b beforehand, which would round twice. The sum is the destructive
operand, as AArch64's fmla has it; and there are no zeros, infinities or denormals, which some units treat differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ...bench import Bench, Work
from ...kernels.compiling import compiled
from ...kernels.cpu_features import has_fma, vector_registers, widths
from ...kernels.gate import enter, leave
from ...kernels.simd import Registers, clobber, fill, fma, load, opaque, store, width
from ...protocols import Buffer, Choice, Cpu, Job, Results
from ...record import text
from ...record.estimate import Estimate, estimate
from ...record.facts import threads_of
from ...record.model import Record, Scalar
from ...record.phrases import against, counted, listed, marked
from ...record.reasons import Reason, because
from .._fastest import fastest

STEPS = 2048  # of each sum in one call; after them one mispredicted branch, and the next numbers
VECTOR = 64  # bytes of numbers for each chain: what the widest registers take at once
A, B = 33 / 1024, 31 / 1024  # a·b = 1023 × 2⁻²⁰: all steps together add 2 - 2⁻⁹
GRID = 2.0**-20
BEST = "best"
# 12 unless another is clearly faster; four units of four cycles need 16. Fewer are never faster, and 14, the most that
# the registers of AVX2 hold, were not on a Zen 3. Each divides COMMON, the chains' worth of numbers that all take.
CANDIDATES = (12, 16, 24)
COMMON = 48
GAIN = 1.005  # nothing but the clock moves a loop without memory


@compiled
def steps(
    r: Registers, target: int, source: int, nbytes: int, a: float, b: float, count: int, passes: int, gate: int = 0
) -> None:
    """`count` steps (a multiple of 4) of x ← x + a·b on `nbytes` of numbers from `source` to `target`.

    The registers' `count` is the number of chains.
    """
    enter(gate)
    step, four = width(r), opaque(4)
    factor, other = fill(r, a), fill(r, b)
    for _ in range(passes):
        i = 0
        while i < nbytes:
            x = load(r, source + i)
            k = 0
            while k < count:
                x = fma(factor, other, x)
                x = fma(factor, other, x)
                x = fma(factor, other, x)
                x = fma(factor, other, x)
                k += four
            store(target + i, x)
            i += step
        clobber()
    leave(gate)


bench = Bench(
    "peak.fma",
    question="How many floating-point operations a second does each vector width do?",
    axes={"dtype": ("f8", "f4"), "threads": (1, "all"), "chains": (BEST,)},
    baseline="scalar",
    measures="fma",
    limit="fma",
    tolerance=0.0,
    full={"chains": (BEST, 1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 24)},
    version=3,
    sweeps=({"variant": ("128", "256", "512"), "dtype": ("f8",), "threads": (1,), "chains": (1, 8, 16)},),
)


@bench.inputs
def numbers(rng: np.random.Generator, dtype: np.dtype, chains: int | str) -> np.ndarray:
    """x₀ for each lane of each chain: multiples of 2⁻²⁰ in [2, 4)."""
    return (rng.integers(2**21, 2**22, vectors(chains) * VECTOR // dtype.itemsize) * GRID).astype(dtype)


def vectors(chains: int | str) -> int:
    """How many times 64 bytes of numbers there are: one for each chain; where a probe chooses, as many for each."""
    return COMMON if chains == BEST else int(chains)


@bench.reference
def closed_form(x: np.ndarray, threads: int) -> np.ndarray:
    """What x is after all steps, a row for each thread, from the closed form."""
    return np.tile(x + x.dtype.type(STEPS * A * B), (threads, 1))


@bench.counts
def counts(x: np.ndarray, threads: int) -> dict[str, float]:
    """A fused multiply-add is two operations."""
    return {"flops": 2 * STEPS * x.size * threads}


@bench.memory
def memory(chains: int | str, threads: int) -> int:
    """A page or two a thread."""
    return 2 * vectors(chains) * VECTOR * threads


def lacking(bits: int) -> Callable[[int | str], Reason | None]:
    """What this host lacks for registers of `bits` bits (0: scalars), as a function of the number of chains."""

    def needs(chains: int | str) -> Reason | None:
        if not has_fma():
            return because("needs_isa", "this CPU has no fused multiply-add")
        if bits > widths()[-1]:
            return because("needs_isa", f"this CPU's vector registers have {widths()[-1]} bits")
        there, needed = vector_registers(), 2 + (min(CANDIDATES) if chains == BEST else int(chains))
        if needed > there:
            return because(
                "needs_isa", f"needs {needed} vector registers ({chains} chains, a and b); this CPU has {there}"
            )
        return None

    return needs


Place = tuple[Buffer, np.ndarray, np.ndarray]
"""A thread's memory: the numbers, and where they go."""


def jobs_of(places: Sequence[Place], registers: Registers) -> list[Job]:
    """What each thread runs: the sums of its numbers, in these registers."""

    def job(place: Place) -> Job:
        _, source, target = place
        addresses = target.ctypes.data, source.ctypes.data

        def run(loops: int, gate: int) -> None:
            steps(registers, *addresses, source.nbytes, A, B, STEPS, loops, gate)

        return run

    return [job(place) for place in places]


def candidates() -> list[int]:
    """The numbers of chains to choose from: those that fit the registers beside a and b."""
    return [chains for chains in CANDIDATES if chains + 2 <= vector_registers()]


def choose(device: Cpu, places: Sequence[Place], dtype: str, bits: int) -> Choice:
    """The fastest number of chains in registers of `bits` bits on as many threads as there are places."""
    crew = device.crew(len(places))

    def timer(chains: int) -> Callable[[int], float]:
        work: Work = crew.work(jobs_of(places, Registers(dtype, bits, chains)), output=None)
        work.call()  # compiles it
        timed: Callable[[int], float] = work.timer  # type: ignore[assignment]
        return timed

    def probe() -> str:
        return fastest({str(chains): timer(chains) for chains in candidates()}, least=GAIN)

    return device.chosen(f"peak.fma {dtype} {bits} {len(places)}", [*map(str, candidates())], probe)


def on_crew(device: Cpu, x: np.ndarray, dtype: np.dtype, threads: int, chains: int | str, bits: int) -> Work:
    """The sums in registers of `bits` bits, on pinned threads, each with a copy of the numbers."""
    crew = device.crew(threads)

    def allocate(_rank: int) -> Place:
        # Each on a page of its own, so that no two threads share a line.
        buffer = device.buffer(2 * x.nbytes, pages="4K")
        source, target = buffer.array.view(dtype).reshape(2, -1)
        source[:], target[:] = x, np.nan
        return buffer, source, target

    places: list[Place] = crew.each(allocate)
    kind = dtype.str[1:]
    choice = choose(device, places, kind, bits) if chains == BEST else Choice(str(chains))
    registers = Registers(kind, bits, int(choice.name))
    for _, _, target in places:
        target[:] = np.nan  # a probe has written there

    def close() -> None:
        for buffer, _, _ in places:
            buffer.close()

    work: Work = crew.work(
        jobs_of(places, registers),
        output=lambda: np.array([target for _, _, target in places]),
        facts={
            "width": bits,
            "lanes": registers.lanes,
            "elements": x.size,
            "steps": STEPS,
            "chains": registers.count,
            **choice.facts,
        },
        close=close,
    )
    return work


@bench.variant("scalar", needs=lacking(0))
def scalar(device: Cpu, x: np.ndarray, dtype: np.dtype, threads: int, chains: int | str) -> Work:
    """One number an instruction."""
    return on_crew(device, x, dtype, threads, chains, dtype.itemsize * 8)


@bench.variant("128", needs=lacking(128))
def bits_128(device: Cpu, x: np.ndarray, dtype: np.dtype, threads: int, chains: int | str) -> Work:
    """128-bit vectors: SSE registers with FMA, NEON."""
    return on_crew(device, x, dtype, threads, chains, 128)


@bench.variant("256", needs=lacking(256))
def bits_256(device: Cpu, x: np.ndarray, dtype: np.dtype, threads: int, chains: int | str) -> Work:
    """256-bit vectors: AVX2."""
    return on_crew(device, x, dtype, threads, chains, 256)


@bench.variant("512", needs=lacking(512))
def bits_512(device: Cpu, x: np.ndarray, dtype: np.dtype, threads: int, chains: int | str) -> Work:
    """512-bit vectors: AVX-512."""
    return on_crew(device, x, dtype, threads, chains, 512)


VECTORS = ("512", "256", "128")


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The peak of each precision on one thread and on all, what vectors gain, and the latency of one operation."""
    for dtype, name in (("f8", "float64"), ("f4", "float32")):
        best = {
            threads: max(found, key=lambda record: _rate(record).value)
            for threads in (1, "all")
            if (found := [one for one in results.records if one.timed and _is_of(one, dtype, threads)])
        }
        if not best:
            continue
        each = {
            counted(threads_of(one), "thread"): f"{text.rate(_rate(one), 'GFLOP/s')} on "
            f"{counted(threads_of(one), 'thread')} ({_width(one)})"
            for one in best.values()
        }
        said = f"Peak in {name}: {listed(each.values())}"
        one = best.get(1)
        scalar = plain(results, one) if one is not None and one.variant in VECTORS else None
        if one is not None and scalar is not None:
            work = scalar.counts["flops"] / one.counts["flops"]  # of other chains, another number of operations
            said += f"; on 1 thread {against(results.versus(one, scalar).scaled(work), 'scalar code')}"
        yield marked(said, *best.values(), scalar)
    for variant in VECTORS:
        places = {
            chains: results.find(variant, dtype="f8", threads=1, chains=chains) for chains in (1, BEST, 8, 12, 16)
        }
        alone, *full = (places[chains] for chains in places)
        known = [one for one in full if one is not None]
        if alone is None or not known:
            continue
        best_rate = max(known, key=lambda record: _rate(record).value)
        latency, every = (_rate(one).inverse(2 * one.facts["lanes"]) for one in (alone, best_rate))
        yield marked(
            f"Latency of a {variant}-bit multiply-add: {text.seconds(latency)}; 1 thread starts an independent one "
            f"every {text.seconds(every)}, so {text.amount(latency.value / every.value)} are in flight",
            alone, best_rate,
        )  # fmt: skip
        return


def plain(results: Results, vectors: Record) -> Record | None:
    """Scalar code to compare with: the same case, or the fastest scalar case of its dtype and threads without one.

    More chains may fit the registers of vectors than were measured of scalars.
    """
    same = results.find("scalar", **vectors.params)
    if same is not None:
        return same
    dtype, threads = str(vectors.params["dtype"]), vectors.params["threads"]
    known = [r for r in results.records if r.timed and r.variant == "scalar" and _is_of(r, dtype, threads)]
    return max(known, key=lambda record: _rate(record).value, default=None)


def _is_of(record: Record, dtype: str, threads: Scalar) -> bool:
    return (record.params["dtype"], record.params["threads"]) == (dtype, threads)


def _width(record: Record) -> str:
    """`512-bit`; `scalar`."""
    return f"{record.variant}-bit" if record.variant in VECTORS else record.variant


def _rate(record: Record) -> Estimate:
    return estimate(record.samples).inverse(record.counts["flops"])
