"""Arithmetic on the device: fused multiply-adds, and what tensor cores do from registers and in a whole product.

`device.peak` runs chains of fused multiply-adds, each operation waiting for the one before it in its chain: with one
chain a thread, the other warps must hide the latency; more chains help where there are too few warps. The roof is
multiprocessors × units × 2 × clock. Half precision goes two numbers in a register.

`device.tensor` feeds the tensor cores from registers with the instruction of a warp (mma.sync), so that nothing but the
cores is asked; `device.matmul` is cuBLAS on large square matrices. From Hopper on only instructions of four warps at
once (wgmma, tcgen05), which cuBLAS uses, reach the cores' full rate.

Answers are compared bit by bit, on whole numbers that nothing rounds. But a unit that multiplies ones and zeros, or
numbers of few bits, switches little and takes little power, so that the clock stays higher than under real data: what
tensor cores and products are timed on are random numbers of full mantissas, by the same launches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..bench import Bench, Skip, Work
from ._gpu import BLOCK, STEP, TILE, WARP, chain_flops, chained, library, needs_capability, repeated, starts

SEEDS = 1024  # as in the kernel
PASSES = 16  # 0.15 ms and more with one chain a thread: long against the microseconds between two launches

peak = Bench(
    "device.peak",
    question="How many floating-point operations a second does the GPU do, by precision and by chains a thread?",
    axes={"dtype": ("f4", "f8", "f2"), "chains": (1, 2, 4, 8)},
    quick={"chains": (8,)},
    baseline="fma",
    limit="fma",
    version=2,
    tolerance=0.0,
    together=("chains",),
    core=False,
)


def blocks(device: Any, topic: str, kernel: str) -> int:
    """As many blocks as are on the device at a time: one wave, so that no multiprocessor waits at the end."""
    return int(device.properties.sm * device.resident(topic, kernel, BLOCK))


def kernel_of(dtype: np.dtype[Any], chains: int) -> str:
    """The kernel of a precision and a number of chains."""
    if chains not in (1, 2, 4, 8):
        raise Skip(f"the kernels have 1, 2, 4 or 8 chains, not {chains}")
    return f"fma_f{dtype.itemsize}_{chains}"


@peak.inputs
def seeds(rng: np.random.Generator, dtype: np.dtype[Any]) -> np.ndarray:
    """Where the chains start, repeated over them; halves go in pairs, as uint32."""
    lanes = 2 if dtype.itemsize == 2 else 1
    found = starts(rng, lanes * SEEDS, dtype)
    return found.view(np.uint32) if lanes == 2 else found


@peak.reference
def ends(seeds: np.ndarray, device: Any, dtype: np.dtype[Any], chains: int) -> np.ndarray:
    """Each chain's start and what its passes add, chain after chain, a thread after the other."""
    threads = blocks(device, "device_peak", kernel_of(dtype, chains)) * BLOCK
    chain = np.arange(threads) * chains + np.arange(chains)[:, None]
    found = seeds.view(dtype).reshape(SEEDS, -1)[chain % SEEDS] + dtype.type(PASSES * STEP)
    return np.asarray(found).reshape(-1)


@peak.counts
def flops(device: Any, dtype: np.dtype[Any], chains: int) -> dict[str, float]:
    """Two for each fused multiply-add, four for a pair of halves."""
    threads = blocks(device, "device_peak", kernel_of(dtype, chains)) * BLOCK
    return {"flops": chain_flops(PASSES) * chains * threads * (1 + (dtype.itemsize == 2))}


@peak.memory
def peak_memory() -> int:
    """One result a chain: at most some 20 MB on any card."""
    return 2**26


@peak.variant("fma", on="gpu")
def fma(device: Any, seeds: Any, dtype: np.dtype[Any], chains: int) -> Work:
    """CUDA C++, independent chains of fused multiply-adds."""
    if dtype.itemsize == 2:
        needs_capability(device, (5, 3), "arithmetic in half precision")
    kernel = kernel_of(dtype, chains)
    grid = blocks(device, "device_peak", kernel)
    to = device.put(np.zeros(grid * BLOCK * chains, np.uint32 if dtype.itemsize == 2 else dtype))
    arguments = (seeds, to, *chained(dtype, PASSES))
    launch = device.launcher("device_peak", kernel, grid, BLOCK, arguments)
    facts = {"sm": device.properties.sm, "blocks": grid, "clock_hz": device.properties.clock_hz}
    work: Work = device.timed(launch, output=lambda: device.get(to).view(dtype), facts=facts)
    return work


@peak.finding
def peak_finding(read: Any) -> Iterator[str]:
    """The rate of each precision, and what one chain a thread gets of it."""
    names = {"f4": "single", "f8": "double", "f2": "half"}
    rates = {dtype: _best(read, dtype) for dtype in names}
    told = [f"{rate * 1e-12:.3g} TFLOP/s in {names[dtype]}" for dtype, rate in rates.items() if rate]
    if told:
        yield (
            f"Fused multiply-adds reach {', '.join(told)} precision. The lecture: 12 TFLOP/s in single precision, "
            "against 0.15 of the CPU."
        )
    one, eight = (read.rate("fma", "flops", dtype="f4", chains=chains) for chains in (1, 8))
    if one is not None and eight is not None:
        share = one.value / eight.value
        yield f"One chain a thread reaches {share:.0%} of what eight do: the other warps hide the rest of the latency."


def _best(read: Any, dtype: str) -> float | None:
    rates = [read.rate("fma", "flops", dtype=dtype, chains=chains) for chains in (1, 2, 4, 8)]
    return max((rate.value for rate in rates if rate is not None), default=None)


# --- numbers of full mantissas ---------------------------------------------------------------------------------------


# Of each format the unsigned integer of its bits, NumPy's own type (the integer where it has none), the bits of its
# mantissa, and the exponent of 1.
BITS: dict[str, tuple[str, str, int, int]] = {
    "f8": ("u8", "f8", 52, 1023),
    "f4": ("u4", "f4", 23, 127),
    "tf32": ("u4", "f4", 23, 127),
    "f16": ("u2", "f2", 10, 15),
    "bf16": ("u2", "u2", 7, 127),
    "fp8": ("u1", "u1", 3, 7),
}


def noise(rng: np.random.Generator, n: int, precision: str) -> np.ndarray:
    """`n` numbers in a format whose signs, mantissas and last three bits of exponent are random: from 2⁻⁷ to 2.

    Sums of thousands of their products are far from overflowing.
    """
    kind, given, mantissa, one = BITS[precision]
    word = np.dtype(kind).type
    random = rng.integers(0, np.iinfo(kind).max, n, dtype=kind, endpoint=True)
    exponent = (random >> word(mantissa) & word(7)) + word(one - 7)
    kept = random & word(1 << 8 * word().itemsize - 1 | (1 << mantissa) - 1)
    return np.asarray((kept | exponent << word(mantissa)).view(given))


def timed_by(device: Any, exact: Work, launch: Callable[[], Any], **how: Any) -> Work:
    """The work `exact`, which is what is checked, with the time of a launch that does the same to other numbers."""
    other = device.timed(launch, **how)
    return replace(exact, timer=other.timer, most=other.most, facts={**exact.facts, "timed_on": "random numbers"})


# --- tensor cores from registers --------------------------------------------------------------------------------------

ROWS, COLUMNS, SUMS = 16, 8, 8  # of one instruction's result, and results a warp
TURNS = 4  # in the body of the kernel's loop
MMA_LOOPS = 128
FORMATS = {"tf32": (1, (8, 0)), "f16": (2, (8, 0)), "bf16": (2, (8, 0)), "fp8": (4, (8, 9))}  # elements a register

tensor = Bench(
    "device.tensor",
    question="What do the tensor cores compute with the instruction of one warp, from registers?",
    axes={"precision": ("tf32", "f16", "bf16", "fp8")},
    baseline="mma",
    version=2,
    tolerance=0.0,
    core=False,
)


@tensor.inputs
def matrices(rng: np.random.Generator, precision: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Matrices a (16 × K), a2 and b (8 of K × 8), small whole numbers as float32; a + a2 has one 1 a row."""
    k = 8 * FORMATS[precision][0]
    a = rng.integers(-1, 2, (ROWS, k)).astype(np.float32)
    rest = np.zeros_like(a)
    rest[np.arange(ROWS), rng.integers(0, k, ROWS)] = 1
    return a, rest - a, rng.integers(-1, 2, (SUMS, k, COLUMNS)).astype(np.float32)


@tensor.reference
def products(a: np.ndarray, a2: np.ndarray, b: np.ndarray) -> np.ndarray:
    """TURNS · MMA_LOOPS times (a + a2) · b, for each of the eight b."""
    return np.asarray((a + a2) @ b * (TURNS * MMA_LOOPS))


@tensor.counts
def tensor_flops(device: Any, precision: str) -> dict[str, float]:
    """Two for each element of a times each column of b."""
    warps = blocks(device, "device_peak", f"mma_{precision}") * BLOCK // WARP
    k = 8 * FORMATS[precision][0]
    return {"flops": 2.0 * ROWS * COLUMNS * k * 2 * TURNS * SUMS * MMA_LOOPS * warps}


@tensor.memory
def tensor_memory() -> int:
    """One result a warp."""
    return 2**26


@tensor.variant("mma", on="gpu", inputs="host")
def mma(device: Any, a: np.ndarray, a2: np.ndarray, b: np.ndarray, precision: str, rng: np.random.Generator) -> Work:
    """CUDA C++ with mma.sync, eight sums a warp."""
    per, least = FORMATS[precision]
    needs_capability(device, least, f"tensor cores for {precision}")
    if precision == "fp8" and (9, 0) <= tuple(device.properties.capability) < (12, 0):
        raise Skip("this card has fp8 only in instructions of several warps (wgmma, tcgen05), which this kernel lacks")
    kernel = f"mma_{precision}"
    grid = blocks(device, "device_peak", kernel)
    fragments = [device.put(encoded(x, precision)) for x in (left(a, per), left(a2, per), right(b, per))]
    real = [device.put(noise(rng, per * len(x), precision).view(np.uint32)) for x in fragments]
    to = device.empty(grid * BLOCK // WARP * SUMS * ROWS * COLUMNS, np.float32)
    to[...] = np.float32(np.nan)
    launch, other = (
        device.launcher("device_peak", kernel, grid, BLOCK, (*given, result, np.int32(MMA_LOOPS)))
        for given, result in ((fragments, to), (real, device.empty(len(to), np.float32)))
    )

    def output() -> np.ndarray:
        found = result(np.asarray(device.get(to)))
        if not (found == found[0]).all():
            raise AssertionError("warps that were given the same matrices disagree")
        return np.asarray(found[0])

    exact: Work = device.timed(launch, output=output, facts={"sm": device.properties.sm, "blocks": grid})
    return timed_by(device, exact, other)


# Whole numbers 0 … 8 in e4m3: sign, 4 bits of exponent less 7, 3 of mantissa.
E4M3 = np.array([0x00, 0x38, 0x40, 0x44, 0x48, 0x4A, 0x4C, 0x4E, 0x50], np.uint8)


def e4m3(x: np.ndarray) -> np.ndarray:
    """Whole numbers -8 … 8 in fp8, as the bytes that they are (uint8)."""
    whole = x.astype(np.int8)
    return np.asarray(E4M3[np.abs(whole)] | np.where(whole < 0, np.uint8(0x80), np.uint8(0)))


# Where a lane finds its elements (see the kernel): lane 4·g + t, register r, element i of `per`.
_G, _T = np.arange(WARP) // 4, np.arange(WARP) % 4


def left(a: np.ndarray, per: int) -> np.ndarray:
    """Matrix a (16 × K) as [register 4][lane 32][element]: what each lane holds of it."""
    rows = _G[None, :, None] + 8 * (np.arange(4) % 2)[:, None, None]
    columns = per * _T[None, :, None] + np.arange(per) + 4 * per * (np.arange(4) // 2)[:, None, None]
    return np.asarray(a[rows, columns])


def right(b: np.ndarray, per: int) -> np.ndarray:
    """Matrices b (8 of K × 8) as [sum 8][register 2][lane 32][element]."""
    rows = per * _T[None, :, None] + np.arange(per) + 4 * per * np.arange(2)[:, None, None]
    return np.asarray(b[:, rows, np.broadcast_to(_G[None, :, None], rows.shape)])


def result(flat: np.ndarray) -> np.ndarray:
    """The accumulators [warp][sum][register][lane] as [warp][sum] of 16 × 8."""
    kept = flat.reshape(-1, SUMS, 4, WARP)
    out = np.empty((len(kept), SUMS, ROWS, COLUMNS), np.float32)
    for r in range(4):
        out[:, :, _G + 8 * (r // 2), 2 * _T + r % 2] = kept[:, :, r]
    return out


def encoded(x: np.ndarray, precision: str) -> np.ndarray:
    """Whole numbers -2 … 2 in a format, packed to uint32 along the last axis."""
    codes: np.ndarray
    if precision == "fp8":
        codes = e4m3(x).reshape(-1)
    elif precision == "f16":
        codes = x.astype(np.float16).reshape(-1)
    elif precision == "bf16":
        codes = (x.astype(np.float32).reshape(-1).view(np.uint32) >> 16).astype(np.uint16)
    else:
        codes = x.astype(np.float32).reshape(-1)
    return codes.view(np.uint32)


@tensor.finding
def tensor_finding(read: Any) -> Iterator[str]:
    """The rate of each format."""
    rates = {name: read.rate("mma", "flops", precision=name) for name in FORMATS}
    told = [f"{rate.value * 1e-12:.0f} TFLOP/s in {name}" for name, rate in rates.items() if rate is not None]
    if told:
        yield f"From registers, one warp an instruction, the tensor cores reach {', '.join(told)}."


# --- a whole product --------------------------------------------------------------------------------------------------

# CUDA's numbers (library_types.h, cublas_api.h): the data type, the type that is computed in, and NumPy's for input.
R_32F, R_64F, R_16F, R_16BF, R_8F_E4M3 = 0, 1, 2, 14, 28
COMPUTE_32F, COMPUTE_64F, COMPUTE_TF32 = 68, 70, 77
PRODUCTS: dict[str, tuple[int, int, tuple[int, int]]] = {
    "f8": (R_64F, COMPUTE_64F, (0, 0)),
    "f4": (R_32F, COMPUTE_32F, (0, 0)),
    "tf32": (R_32F, COMPUTE_TF32, (8, 0)),
    "f16": (R_16F, COMPUTE_32F, (7, 0)),
    "bf16": (R_16BF, COMPUTE_32F, (8, 0)),
    "fp8": (R_8F_E4M3, COMPUTE_32F, (8, 9)),
}
LARGEST_FP8 = 7  # sums of 128 products stay below 2¹³: Hopper's fp8 keeps no more bits before they are added in float32
LARGEST = 64  # whole numbers up to this: sums of 8192 products stay far below 2²⁴, so that nothing rounds in float32

matmul = Bench(
    "device.matmul",
    question="What does a large product of matrices reach, with and without tensor cores?",
    axes={"precision": ("f4", "tf32", "f16", "bf16", "fp8"), "n": (8192,)},
    sweeps=({"precision": ("f8",), "n": (4096,)},),  # smaller, since many cards have 1 unit for it where f4 has 64
    quick={"n": (4096,)},
    full={"n": (1024, 2048, 4096, 8192)},  # smaller ones take less time than the gap between two launches
    baseline="cublas",
    version=2,
    limit="gpu matmul",
    tolerance=0.0,
    core=False,
)


@matmul.inputs
def factors_of_product(rng: np.random.Generator, n: int, precision: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two n × n matrices of small whole numbers (int8), and a vector to check the product with."""
    largest = LARGEST_FP8 if precision == "fp8" else LARGEST
    a, b = (rng.integers(-largest, largest, (n, n), dtype=np.int8) for _ in range(2))
    return a, b, rng.integers(-8, 9, n).astype(np.float64)


@matmul.reference
def probe(a: np.ndarray, b: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The vector a · (b · v), in which each element of the product counts (Freivalds), by n² operations, not n³."""
    return np.asarray(a.astype(np.float64) @ (b.astype(np.float64) @ v))


@matmul.counts
def matmul_flops(n: int) -> dict[str, float]:
    """As many products and sums as n for each of n² elements."""
    return {"flops": 2.0 * n**3, "items": float(n) ** 2}


@matmul.memory
def matmul_memory(n: int) -> int:
    """Three matrices of up to 8 bytes an element for the check and three for the clock, and whole numbers."""
    return 50 * n * n


@matmul.variant("cublas", on="gpu", inputs="host")
def cublas(
    device: Any, a: np.ndarray, b: np.ndarray, v: np.ndarray, precision: str, n: int, rng: np.random.Generator
) -> Work:
    """NVIDIA's cuBLAS (gemmEx; for fp8 cuBLASLt), the result in float32, in f8 in float64."""
    kind, compute, least = PRODUCTS[precision]
    needs_capability(device, least, f"tensor cores for {precision}")
    xp = device.xp
    blas, handle = library("cuBLAS", lambda: (xp.cuda.cublas, xp.cuda.device.get_cublas_handle()))
    if precision == "fp8":
        return in_fp8(device, a, b, v, rng)
    wide = np.float64 if precision == "f8" else np.float32
    first, second = (device.put(stored(x, precision)) for x in (a, b))
    to, other = device.empty((n, n), wide), device.empty((n, n), wide)
    to[...] = wide(np.nan)
    one, zero = np.ones(1, wide), np.zeros(1, wide)
    out = R_64F if precision == "f8" else R_32F

    def product(left: Any, right: Any, to: Any) -> Callable[[], None]:
        def launch() -> None:
            # Columns come first there: b·a of the transposed is the transposed of a·b.
            blas.gemmEx(
                handle, 0, 0, n, n, n, one.ctypes.data, right.data.ptr, kind, n, left.data.ptr, kind, n,
                zero.ctypes.data, to.data.ptr, out, n, compute, -1,
            )  # fmt: skip

        return launch

    exact: Work = device.timed(
        product(first, second, to), output=lambda: device.get(to).astype(np.float64) @ v, launches=4,
        facts={"sm": device.properties.sm, "footprint": 3 * to.nbytes},
    )  # fmt: skip
    return timed_by(device, exact, product(*noisy(device, rng, n, precision), other), launches=4)


def noisy(device: Any, rng: np.random.Generator, n: int, precision: str) -> tuple[Any, Any]:
    """Two n × n matrices on the device, each a stretch of random numbers over and over."""

    def one() -> Any:
        return repeated(device, device.put(noise(rng, min(n * n, TILE), precision)), n * n).reshape(n, n)

    return one(), one()


def in_fp8(device: Any, a: np.ndarray, b: np.ndarray, v: np.ndarray, rng: np.random.Generator) -> Work:
    """The product by cuBLASLt, which wants the second matrix by columns."""
    to, other = device.empty(a.shape, np.float32), device.empty(a.shape, np.float32)
    to[...] = np.float32(np.nan)
    checked = device.fp8_product(device.put(e4m3(a)), device.put(e4m3(np.ascontiguousarray(b.T))), to)
    real = device.fp8_product(*noisy(device, rng, len(a), "fp8"), other)

    def close() -> None:
        checked.close()
        real.close()

    exact: Work = device.timed(
        checked, output=lambda: device.get(to).astype(np.float64) @ v, launches=4, close=close,
        facts={"sm": device.properties.sm, "footprint": to.nbytes + 2 * a.nbytes},
    )  # fmt: skip
    return timed_by(device, exact, real, launches=4)


def stored(x: np.ndarray, precision: str) -> np.ndarray:
    """Whole numbers up to 64 in the format of an operand; bf16, which NumPy lacks, as its bits."""
    if precision == "bf16":
        return np.asarray((x.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16))
    kinds: dict[str, Any] = {"f8": np.float64, "f16": np.float16}
    return x.astype(kinds.get(precision, np.float32))


@matmul.finding
def matmul_finding(read: Any) -> Iterator[str]:
    """The rate of each precision, how it grows with n, and the rate of one warp's instructions beside it."""
    rates = {name: _rate(read, name) for name in PRODUCTS}
    told = [f"{rate * 1e-12:.3g} TFLOP/s in {name}" for name, rate in rates.items() if rate]
    if told:
        yield f"A product of large matrices reaches {', '.join(told)}."
    lengths = sorted({r.params["n"] for r in read.records if r.timed and r.params["precision"] == "bf16"})
    full = rates["bf16"]
    if full and len(lengths) > 1:
        shares = [f"{rate / full:.0%} at n = {n}" for n in lengths[:-1] if (rate := _rate(read, "bf16", n))]
        yield f"In bf16 shorter matrices reach, of the rate at n = {lengths[-1]}, {', '.join(shares)}."
    warp = [
        record.counts["flops"] / min(record.samples)
        for record in read.run.records
        if record.bench == "device.tensor" and record.timed and record.params["precision"] == "bf16"
    ]
    if rates["bf16"] and warp:
        yield f"Instructions of one warp (mma.sync) reach {max(warp) / rates['bf16']:.0%} of that in bf16."


def _rate(read: Any, precision: str, n: int | None = None) -> float | None:
    """FLOP/s at n, or at the largest that was measured."""
    lengths = [r.params["n"] for r in read.records if r.timed and r.params["precision"] == precision]
    found = read.rate("cublas", "flops", precision=precision, n=n or max(lengths, default=0))
    return None if found is None else float(found.value)
