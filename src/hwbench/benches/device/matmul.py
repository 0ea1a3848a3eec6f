"""A product of large square matrices by cuBLAS, with and without tensor cores.

From Hopper on only instructions of four warps at once (wgmma, tcgen05) reach the tensor cores' full rate, and cuBLAS
uses them. The product is checked on whole numbers, which nothing rounds, and timed on random ones of full mantissas:
zeros and few bits draw less power, and the clock would stay higher than under real data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from ...bench import Bench, Work
from ...protocols import DeviceArray, Gpu, Results
from ...record import phrases, text
from ...record.model import Record
from .._gpu import TILE, library, needs_capability, repeated
from ._formats import e4m3, noise, timed_by
from .tensor import tensor

# CUDA's numbers (library_types.h, cublas_api.h): data types and types of computation. By precision: the data type, the
# type of computation, and the compute capability that has it.
R_32F, R_64F, R_16F, R_8I, R_32I, R_16BF, R_8F_E4M3 = 0, 1, 2, 3, 10, 14, 28
COMPUTE_32F, COMPUTE_64F, COMPUTE_32I, COMPUTE_TF32 = 68, 70, 72, 77
PRODUCTS: dict[str, tuple[int, int, tuple[int, int]]] = {
    "f8": (R_64F, COMPUTE_64F, (0, 0)),
    "f4": (R_32F, COMPUTE_32F, (0, 0)),
    "tf32": (R_32F, COMPUTE_TF32, (8, 0)),
    "f16": (R_16F, COMPUTE_32F, (7, 0)),
    "bf16": (R_16BF, COMPUTE_32F, (8, 0)),
    "int8": (R_8I, COMPUTE_32I, (7, 5)),
    "fp8": (R_8F_E4M3, COMPUTE_32F, (8, 9)),
    "fp8_fast": (R_8F_E4M3, COMPUTE_32F, (8, 9)),  # sums that are seldom taken over into float32
}
TITLES = {"fp8_fast": "fp8 with fast accumulation"}
WIDE: dict[str, tuple[npt.DTypeLike, int]] = {"f8": (np.float64, R_64F), "int8": (np.int32, R_32I)}  # results
BY_COLUMNS = 1  # the second matrix, which cuBLAS's kernels for int8 want so: its operation "transposed"
LARGEST_FP8 = 7  # sums of 128 products stay below 2¹³: Hopper's fp8 keeps no more bits before it adds in float32
LARGEST_FAST = 1  # 0 and -1: sums of 8192 products stay below 2¹³, which fast accumulation keeps
LARGEST = 64  # whole numbers up to this: sums of 8192 products stay far below 2²⁴, so that nothing rounds in float32

matmul = Bench(
    "device.matmul",
    question="How fast is a large matrix product, with and without tensor cores?",
    axes={"precision": ("f4", "tf32", "f16", "bf16", "int8", "fp8", "fp8_fast"), "n": (8192,)},
    sweeps=({"precision": ("f8",), "n": (4096,)},),  # smaller, since many cards have 1 unit for it where f4 has 64
    quick={"n": (4096,)},
    full={"n": (1024, 2048, 4096, 8192)},  # smaller ones take less time than the gap between two launches
    baseline="cublas",
    measures="gpu matmul",
    version=2,
    limit="gpu matmul",
    tolerance=0.0,
    core=False,
    may_cap=True,
)


@matmul.inputs
def factors_of_product(rng: np.random.Generator, n: int, precision: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two n × n matrices of small whole numbers (int8), and a vector to check the product with."""
    largest = {"fp8": LARGEST_FP8, "fp8_fast": LARGEST_FAST}.get(precision, LARGEST)
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
    """Three matrices of up to 8 bytes an element to check and three to time, and the whole numbers."""
    return 50 * n * n


@matmul.variant("cublas", on="gpu", inputs="host")
def cublas(
    device: Gpu, a: np.ndarray, b: np.ndarray, v: np.ndarray, precision: str, n: int, rng: np.random.Generator
) -> Work:
    """NVIDIA's cuBLAS (gemmEx; for fp8 cuBLASLt), the result in float32; of f8 in float64, of int8 in int32."""
    kind, compute, least = PRODUCTS[precision]
    needs_capability(device, least, f"tensor cores for {precision}")
    xp = device.xp
    blas, handle = library(device, "cuBLAS", lambda: (xp.cuda.cublas, xp.cuda.device.get_cublas_handle()))
    if precision in ("fp8", "fp8_fast"):
        return in_fp8(device, a, b, v, rng, fast=precision == "fp8_fast")
    wide, out = WIDE.get(precision, (np.float32, R_32F))
    turned = BY_COLUMNS if precision == "int8" else 0
    first, second = (device.put(stored(x, precision)) for x in (a, np.ascontiguousarray(b.T) if turned else b))
    to, other = device.empty((n, n), wide), device.empty((n, n), wide)
    device.fill(to, 0xFF, device.stream)  # NaN
    one, zero = np.ones(1, wide), np.zeros(1, wide)

    def product(left: DeviceArray, right: DeviceArray, to: DeviceArray) -> Callable[[], None]:
        def launch() -> None:
            # Columns come first there: b·a of the transposed is the transposed of a·b.
            blas.gemmEx(
                handle, turned, 0, n, n, n, one.ctypes.data, right.data.ptr, kind, n, left.data.ptr, kind, n,
                zero.ctypes.data, to.data.ptr, out, n, compute, -1,
            )  # fmt: skip

        return launch

    exact: Work = device.timed(
        product(first, second, to), output=lambda: device.get(to).astype(np.float64) @ v, launches=4,
        facts={"sm": device.properties.sm, "footprint": 3 * to.nbytes},
    )  # fmt: skip
    return timed_by(device, exact, product(*noisy(device, rng, n, precision), other), launches=4)


def noisy(device: Gpu, rng: np.random.Generator, n: int, precision: str) -> tuple[DeviceArray, DeviceArray]:
    """Two n × n matrices on the device, each of random numbers, the first TILE over and over."""

    def one() -> DeviceArray:
        return repeated(device, device.put(noise(rng, min(n * n, TILE), precision)), n * n).reshape(n, n)

    return one(), one()


def in_fp8(device: Gpu, a: np.ndarray, b: np.ndarray, v: np.ndarray, rng: np.random.Generator, *, fast: bool) -> Work:
    """The product by cuBLASLt, which wants the second matrix by columns."""
    to, other = device.empty(a.shape, np.float32), device.empty(a.shape, np.float32)
    to[...] = np.float32(np.nan)
    checked = device.fp8_product(device.put(e4m3(a)), device.put(e4m3(np.ascontiguousarray(b.T))), to, fast=fast)
    real = device.fp8_product(*noisy(device, rng, len(a), "fp8"), other, fast=fast)

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
    kinds: dict[str, npt.DTypeLike] = {"f8": np.float64, "f16": np.float16, "int8": np.int8}
    return x.astype(kinds.get(precision, np.float32))


@matmul.finding
def matmul_finding(results: Results) -> Iterator[str]:
    """The rate of each precision, how it grows with n, and the rate of one warp's instructions beside it."""
    largest = {name: max(_by_length(results, name).items(), default=None) for name in PRODUCTS}
    found = {name: pair for name, pair in largest.items() if pair is not None}
    longest = max((n for n, _ in found.values()), default=0)
    told = []
    for name, (n, record) in found.items():
        shorter = f" at n = {text.count(n)}" * (n < longest)
        rate = f"{text.rate(_rate(record), 'TFLOP/s')} in {TITLES.get(name, phrases.precision(name))}{shorter}"
        told.append(phrases.Item(rate, (record,)))
    if told:
        yield f"cuBLAS product at n = {text.count(longest)}: {phrases.entries(told)}."
    if "bf16" not in found:
        return
    n, whole = found["bf16"]
    smaller = {length: record for length, record in _by_length(results, "bf16").items() if length != n}
    shares = [
        phrases.Item(f"{text.share(_rate(record) / _rate(whole))} at n = {text.count(length)}", (record, whole))
        for length, record in smaller.items()
    ]
    ranked = []
    if shares:
        said = f"Rate of smaller products in bfloat16, against n = {text.count(n)}: {phrases.entries(shares)}."
        ranked.append((min(_rate(record) for record in smaller.values()) / _rate(whole), said))
    by_warp = results.beside(tensor).find("mma", precision="bf16")
    if by_warp is not None:
        share = _rate(by_warp) / _rate(whole)
        said = f"Instructions of one warp (mma.sync) reach {text.share(share)} of cuBLAS's rate in bfloat16"
        ranked.append((share, f"{said}{phrases.mark(by_warp, whole)}."))
    yield from phrases.ranked(ranked)


def _by_length(results: Results, precision: str) -> dict[int, Record]:
    """The products in a precision by n, in ascending order."""
    found = [r for r in results.records if r.timed and r.params["precision"] == precision and r.counts.get("flops")]
    return {int(r.params["n"]): r for r in sorted(found, key=lambda r: int(r.params["n"]))}


def _rate(record: Record) -> float:
    """FLOP/s, by the median."""
    return record.counts["flops"] / float(np.median(record.samples))
