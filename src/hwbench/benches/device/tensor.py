"""Tensor cores from registers, by the instruction of one warp (mma.sync), so that only the cores are asked.

From Hopper on only instructions of four warps at once (wgmma, tcgen05), which cuBLAS uses, reach the cores' full rate:
see `device.matmul`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Gpu, Results
from ...record import phrases, text
from .._gpu import BLOCK, WARP, blocks, needs_capability
from ._formats import e4m3, noise, timed_by

ROWS, COLUMNS, SUMS = 16, 8, 8  # of one instruction's result, and results a warp
TITLES = {"f16_sums": "float16 with sums in float16"}
TURNS = 4  # in the body of the kernel's loop
MMA_LOOPS = 128
# Elements a register, and the compute capability that has the instruction. Sums are in float32, of int8 in int32.
FORMATS = {
    "tf32": (1, (8, 0)), "f16": (2, (7, 5)), "bf16": (2, (8, 0)), "fp8": (4, (8, 9)), "int8": (4, (8, 0)),
    "f16_sums": (2, (8, 0)),
}  # fmt: skip
SUM_TYPES = {"int8": np.int32, "f16_sums": np.uint32}  # of the result's registers; float32 of all others

tensor = Bench(
    "device.tensor",
    question="How fast are tensor cores with instructions of one warp (mma.sync), from registers?",
    axes={"precision": tuple(FORMATS)},
    quick={"precision": ("tf32", "f16", "bf16", "fp8")},
    baseline="mma",
    measures="gpu tensor",
    version=2,
    tolerance=0.0,
    core=False,
    may_cap=True,
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
def tensor_flops(device: Gpu, precision: str) -> dict[str, float]:
    """Two for each element of a times each column of b."""
    warps = blocks(device, "device.tensor", f"mma_{precision}") * BLOCK // WARP
    k = 8 * FORMATS[precision][0]
    return {"flops": 2.0 * ROWS * COLUMNS * k * 2 * TURNS * SUMS * MMA_LOOPS * warps}


@tensor.memory
def tensor_memory() -> int:
    """One result a warp."""
    return 2**26


@tensor.variant("mma", on="gpu", inputs="host")
def mma(device: Gpu, a: np.ndarray, a2: np.ndarray, b: np.ndarray, precision: str, rng: np.random.Generator) -> Work:
    """CUDA C++ with mma.sync, eight sums a warp."""
    per, least = FORMATS[precision]
    needs_capability(device, least, f"tensor cores for {precision}")
    if precision == "fp8" and (9, 0) <= tuple(device.properties.capability) < (12, 0):
        raise Skip(
            "unsupported",
            "this card has fp8 only in instructions of several warps (wgmma, tcgen05), which this kernel lacks",
        )
    kernel = f"mma_{precision}"
    grid = blocks(device, "device.tensor", kernel)
    fragments = [device.put(encoded(x, precision)) for x in (left(a, per), left(a2, per), right(b, per))]
    real = [device.put(noise(rng, per * len(x), precision).view(np.uint32)) for x in fragments]
    if precision == "f16_sums":  # the second takes away what the first adds: sums of thousands would overflow
        real[1] = device.put(device.get(real[0]) ^ np.uint32(0x80008000))
    kind = np.dtype(SUM_TYPES.get(precision, np.float32))
    each = ROWS * COLUMNS // (2 if precision == "f16_sums" else 1)
    to = device.empty(grid * BLOCK // WARP * SUMS * each, kind)
    device.fill(to, 0xFF, device.stream)  # NaN in float32
    launch, other = (
        device.launcher("device.tensor", kernel, grid, BLOCK, (*given, result, np.int32(MMA_LOOPS)))
        for given, result in ((fragments, to), (real, device.empty(len(to), kind)))
    )

    def output() -> np.ndarray:
        found = result(np.asarray(device.get(to)), halves=precision == "f16_sums")
        if not (found == found[0]).all():
            raise AssertionError("warps that were given the same matrices disagree")
        return np.asarray(found[0])

    exact: Work = device.timed(launch, output=output, facts={"sm": device.properties.sm, "blocks": grid})
    return timed_by(device, exact, other)


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


def result(flat: np.ndarray, *, halves: bool = False) -> np.ndarray:
    """The accumulators [warp][sum][register][lane] as [warp][sum] of 16 × 8; `halves` lie two in a word."""
    kept = flat.reshape(-1, SUMS, 2 if halves else 4, WARP)
    if halves:
        kept = kept.view(np.float16).reshape(-1, SUMS, 2, WARP, 2).transpose(0, 1, 2, 4, 3).reshape(-1, SUMS, 4, WARP)
    out = np.empty((len(kept), SUMS, ROWS, COLUMNS), np.float32)
    for r in range(4):
        out[:, :, _G + 8 * (r // 2), 2 * _T + r % 2] = kept[:, :, r]
    return out


def encoded(x: np.ndarray, precision: str) -> np.ndarray:
    """Whole numbers -2 … 2 in a format, packed to uint32 along the last axis."""
    codes: np.ndarray
    if precision == "fp8":
        codes = e4m3(x).reshape(-1)
    elif precision == "int8":
        codes = x.astype(np.int8).reshape(-1)
    elif precision in ("f16", "f16_sums"):
        codes = x.astype(np.float16).reshape(-1)
    elif precision == "bf16":
        codes = (x.astype(np.float32).reshape(-1).view(np.uint32) >> 16).astype(np.uint16)
    else:
        codes = x.astype(np.float32).reshape(-1)
    return codes.view(np.uint32)


@tensor.finding
def tensor_finding(results: Results) -> Iterator[str]:
    """The rate of each format."""
    told = [
        phrases.Item(f"{text.rate(rate, 'TFLOP/s')} in {TITLES.get(name, phrases.precision(name))}", (record,))
        for name in FORMATS
        if (record := results.find("mma", precision=name)) is not None
        and (rate := results.rate("mma", "flops", precision=name)) is not None
    ]
    if told:
        yield f"Tensor cores with instructions of one warp (mma.sync), from registers: {phrases.entries(told)}."
