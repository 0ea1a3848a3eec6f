"""Integer peak: additions, multiplications, dot products, AES and population counts a second, by register width.

Each operation is one instruction, written in assembly, in chains that do not wait for one another: 16 vector
registers (12 where there are 16 in all) or 8 general ones, each on the result of its step before. All widths do the
same operations on the same numbers, and give the same answer. Additions are `add`, `vpaddd`, `vpaddq`;
multiplications `imul`, `vpmulld`, `vpmullq`. A dot product counts a multiplication and an addition for each int8
(`vpdpbusd`, on AArch64 `sdot`) or bfloat16 (`vdpbf16ps`, `bfdot`, with sums in float32). `aes-round` is `vaesenc`, a
round of 16 bytes, of which AES-128 takes ten. `popcount-int64` counts words of 64 bits by `popcnt` or `vpopcntq`,
each with the addition of a sum.

Every step shows in the answer, which is compared with a closed form: sums and products modulo 2³² and 2⁶⁴, rounds of
AES with those of FIPS 197, sums in bfloat16 of numbers that never round. An int8 dot product of x86 multiplies unsigned
by signed bytes; the operands here are 0 to 127 on the unsigned side, so that both instruction sets do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Work
from ...kernels.assembly import Code
from ...kernels.cpu_features import vector_registers
from ...kernels.simd import Registers
from ...protocols import Array, Cpu, Results
from ...record import text
from ...record.estimate import Estimate, estimate
from ...record.facts import threads_of
from ...record.model import Record, Scalar
from ...record.phrases import counted, listed, marked
from ...record.reasons import Reason, because
from .._chains import on_crew
from . import fma
from ._integers import OPERATIONS, SCALAR, lacks

NBYTES = 48 * 64  # of numbers: a multiple of what the chains of each width take
GENERAL = 8  # chains in general registers
TIMES = 16  # steps of each chain in one turn of the loop
STEPS = 512  # of each number in one call
AES_128 = 10  # rounds of a block of 16 bytes
A16, B16 = 33 / 1024, 31 / 1024  # bfloat16 holds both: a pair adds 2046 × 2⁻²⁰, and 512 of them just below 1

bench = Bench(
    "peak.integer",
    question="How many integer operations a second does each register width do?",
    axes={"operation": tuple(OPERATIONS), "threads": (1, "all")},
    quick={"operation": ("add-int32", "multiply-int32", "dot-int8", "aes-round"), "threads": (1,)},
    baseline="scalar",
    measures="integer operations",
    leading="ops",
    tolerance=0.0,
    core=False,
    full_only=True,
)


@bench.inputs
def numbers(rng: np.random.Generator, operation: str) -> tuple[Array, Array, Array]:
    """x₀ of each chain, and the operands a and b: any integers; for bfloat16 multiples of 2⁻²⁰."""
    kind = np.dtype(OPERATIONS[operation].dtype)
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    x, (a, b) = (rng.integers(low, high, size, kind) for size in (NBYTES // kind.itemsize, 2))
    if operation == "dot-bf16":
        grid = rng.integers(2**21, 2**22, NBYTES // 4) * 2.0**-20
        pair = np.array([[A16, A16], [B16, B16]], np.float32).view(np.uint32) >> 16
        return grid.astype(np.float32).view(kind), *pair.astype(np.uint16).view(kind)
    if operation == "dot-int8":
        a &= 0x7F7F7F7F
    return x, np.array([a | 1]), np.array([b])  # products by an even number end at 0


@bench.reference
def closed_form(x: Array, a: Array, b: Array, operation: str, threads: int) -> Array:
    """X after all steps, a row for each thread, from the closed form."""
    return np.tile(OPERATIONS[operation].answer(x, a, b, STEPS), (threads, 1))


@bench.counts
def counts(operation: str, threads: int) -> dict[str, float]:
    """Operations, as the table counts them."""
    return {"ops": OPERATIONS[operation].per_byte * NBYTES * STEPS * threads}


@bench.memory
def memory(threads: int) -> int:
    """Numbers, where they go, and operands."""
    return 3 * NBYTES * threads


def lacking(bits: int) -> Callable[[str], Reason | None]:
    """What this host lacks for an operation in registers of `bits` bits (0: general ones)."""

    def needs(operation: str) -> Reason | None:
        if operation not in OPERATIONS:
            return because("bad_value", f"no such operation; there are {', '.join(OPERATIONS)}")
        return lacks(operation, bits)

    return needs


def vectors() -> int:
    """Chains in vector registers: a bfloat16 dot product takes 6 cycles on two units; a and b are beside them."""
    return 16 if vector_registers() == 32 else 12


def code_of(operation: str, bits: int) -> Code:
    """The instruction on as many registers as there are chains."""
    about = OPERATIONS[operation]
    form = about.form(bits)
    if form is None:
        raise ValueError(f"{operation} has no form of {bits} bits")
    registers = Registers(about.dtype, bits or 8 * np.dtype(about.dtype).itemsize, vectors() if bits else GENERAL)
    return Code(form.text, registers, TIMES, clobbers=() if bits else ("flags",), wide=form.wide)


def work_of(device: Cpu, x: Array, a: Array, b: Array, operation: str, threads: int, bits: int) -> Work:
    """The operation in registers of `bits` bits, on pinned threads."""
    code = code_of(operation, bits)
    return on_crew(
        device, threads, code, STEPS // TIMES, x, a, b,
        output=lambda places: np.array([place.target.view(x.dtype) for place in places]),
        facts={"width": 8 * code.registers.nbytes // code.registers.count, "chains": code.registers.count,
               "instruction": code.text.replace("{{", "{").replace("}}", "}")},
    )  # fmt: skip


@bench.variant("scalar", needs=lacking(SCALAR))
def scalar(device: Cpu, x: Array, a: Array, b: Array, operation: str, threads: int) -> Work:
    """One number an instruction, in general registers."""
    return work_of(device, x, a, b, operation, threads, SCALAR)


@bench.variant("128", needs=lacking(128))
def bits_128(device: Cpu, x: Array, a: Array, b: Array, operation: str, threads: int) -> Work:
    """128-bit vectors: AVX in SSE's registers, NEON."""
    return work_of(device, x, a, b, operation, threads, 128)


@bench.variant("256", needs=lacking(256))
def bits_256(device: Cpu, x: Array, a: Array, b: Array, operation: str, threads: int) -> Work:
    """256-bit vectors: AVX2 and later."""
    return work_of(device, x, a, b, operation, threads, 256)


@bench.variant("512", needs=lacking(512))
def bits_512(device: Cpu, x: Array, a: Array, b: Array, operation: str, threads: int) -> Work:
    """512-bit vectors: AVX-512."""
    return work_of(device, x, a, b, operation, threads, 512)


# --- what it says -----------------------------------------------------------------------------------------------------

PLAIN = ("add-int32", "add-int64", "multiply-int32", "multiply-int64")


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The peaks on the most threads: additions and products, dot products against float32, AES and counts of bits."""
    peaks = {operation: best for operation in OPERATIONS if (best := fastest(results, operation)) is not None}
    if plain := [peaks[name] for name in PLAIN if name in peaks]:
        yield marked(f"Integer peak on {_threads(plain[0])}: {listed(map(_told, plain))}", *plain)
    if dots := [peaks[name] for name in ("dot-int8", "dot-bf16") if name in peaks]:
        yield marked(f"Dot products on {_threads(dots[0])}: {listed(_told(one) + _over(results, one) for one in dots)}",
                     *dots)  # fmt: skip
    others = {of: peaks[name] for of, name in (("AES", "aes-round"), ("Counts", "popcount-int64")) if name in peaks}
    if others:
        told = [f"{of} on {_threads(one)}: {_told(one)}{_as_bytes(one)}" for of, one in others.items()]
        yield marked(". ".join(told), *others.values())


def fastest(results: Results, operation: str) -> Record | None:
    """The fastest width of an operation on all threads, else on one."""
    for threads in ("all", 1):
        if (found := results.fastest("ops", {"operation": operation, "threads": threads})) is not None:
            return found
    return None


def rate_of(record: Record) -> Estimate:
    """Operations a second."""
    return estimate(record.samples).inverse(record.counts["ops"])


def _told(record: Record) -> str:
    width = "scalar" if record.variant == "scalar" else f"{record.variant}-bit"
    about = OPERATIONS[str(record.params["operation"])].about
    return f"{text.rate(rate_of(record), 'GOP/s')} of {about} by {width} instructions"


def _threads(record: Record) -> str:
    return counted(threads_of(record), "thread")


def _over(results: Results, record: Record) -> str:
    """`, 3.98× the multiply-adds in float32`, where these were measured on as many threads."""
    place: dict[str, Scalar] = {"dtype": "f4", "threads": record.params["threads"]}
    floats = results.beside(fma.bench).fastest("flops", place)
    if floats is None:
        return ""
    return f", {text.times(rate_of(record).value * estimate(floats.samples).value / floats.counts['flops'])} float32's"


def _as_bytes(record: Record) -> str:
    """What the rounds are as AES-128, which takes ten of them for 16 bytes."""
    if record.params["operation"] != "aes-round":
        return ""
    return f", or {text.rate(rate_of(record).scaled(16 / AES_128), 'GB/s')} of AES-128"
