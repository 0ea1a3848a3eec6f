"""Bandwidth on the device: copy and triad in the L2 cache and in device memory, by the width of an access.

A warp's 32 threads ask for 4, 8 or 16 bytes each, side by side: one, two or four requests of 128 bytes. Memory is
equally busy with all of them, but wide accesses take fewer instructions and keep more bytes in flight for the same
threads. Kernels and counts of bytes are STREAM's; a GPU has no write-allocate.

A sweep from the L2 cache into memory shows both plateaus. A pass over what fits the cache, or nearly, takes some
microseconds, as long as the gap between two launches. There a launch makes many passes (`passes` in the facts), and its
loads bypass L1. `cupy` is the same in CuPy: copyto, and multiply and add with `out=`, two passes for the triad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Work
from ...protocols import Call, DeviceArray, Gpu, Results
from ...record.units import format_bytes
from .._gpu import BLOCK, TILE, repeated, where

SCALE = np.float32(3)
ITEMS = 4 * BLOCK  # that a block takes, in items of 4, 8 or 16 bytes
GRANULE = 16 * ITEMS  # bytes: arrays are cut to a multiple, so that no kernel needs a bounds check
ARRAYS = {"copy": 2, "triad": 3}
LEAST = 2**29  # bytes that a launch moves at least: 0.1 ms at 5 TB/s, which no L2 exceeds by much
NEAR = 4  # × L2: arrays beyond lie in memory, and one pass over them takes long enough

bench = Bench(
    "device.stream",
    question="How fast does the GPU read and write its own memory, and its L2 cache?",
    axes={"kernel": ("copy", "triad"), "size": ("HBM",)},
    sweeps=({"variant": "bytes16", "size": (*(f"{2**i}MiB" for i in range(9)), "L2")},),
    baseline="bytes16",
    limit="device",
    version=2,
)


def elements(size: int, kernel: str) -> int:
    """float32 elements of one of the arrays that have `size` bytes together."""
    return max(1, size // ARRAYS[kernel] // GRANULE) * GRANULE // 4


@bench.inputs
def tiles(rng: np.random.Generator, size: int, kernel: str) -> tuple[np.ndarray, np.ndarray]:
    """The first elements of b and c (float32), which are repeated over the arrays."""
    n = min(elements(size, kernel), TILE)
    return rng.random(n, dtype=np.float32), rng.random(n, dtype=np.float32)


@bench.reference
def reference(b: np.ndarray, c: np.ndarray, size: int, kernel: str) -> np.ndarray:
    """b, or b + 3c with one rounding."""
    tile = b if kernel == "copy" else (b.astype("f8") + float(SCALE) * c.astype("f8")).astype("f4")
    return np.resize(tile, elements(size, kernel))


def passes(device: Gpu, size: int, kernel: str) -> int:
    """How often a launch goes through the arrays."""
    footprint = 4 * elements(size, kernel) * ARRAYS[kernel]
    return max(1, LEAST // footprint) if footprint <= NEAR * device.properties.l2 else 1


@bench.counts
def counts(device: Gpu, size: int, kernel: str, variant: str) -> dict[str, float]:
    """As STREAM counts: an array once for each time the kernel names it, in every pass; CuPy makes one a call."""
    n = elements(size, kernel) * (1 if variant == "cupy" else passes(device, size, kernel))
    return {"bytes": 4 * n * ARRAYS[kernel], "flops": 2 * n * (kernel == "triad")}


def build(width: int) -> Callable[..., Work]:
    """A builder for accesses of `width` bytes."""

    def with_width(device: Gpu, b: DeviceArray, c: DeviceArray, size: int, kernel: str) -> Work:
        n = elements(size, kernel)
        sources, a = arrays(device, b, c, n, kernel)
        arguments = (*sources, a, *([SCALE] if kernel == "triad" else []))
        name, grid, often = f"{kernel}{width}", n * 4 // width // ITEMS, passes(device, size, kernel)
        if often > 1:
            name += "_again"
            arguments = (*arguments, np.int64(grid), np.int32(often))
            grid = min(grid, int(device.properties.sm * device.resident("device.stream", name, BLOCK)))
        launch = device.launcher("device.stream", name, grid, BLOCK, arguments)
        return timed(device, launch, a, n, kernel, passes=often)

    with_width.__doc__ = f"CUDA C++, accesses of {width} bytes."
    return with_width


for _width in (16, 8, 4):
    bench.variant(f"bytes{_width}", on="gpu")(build(_width))


@bench.variant("cupy", on="gpu")
def in_cupy(device: Gpu, b: DeviceArray, c: DeviceArray, size: int, kernel: str) -> Work:
    """CuPy: copyto(a, b); multiply(c, 3, out=a) and add(a, b, out=a)."""
    n = elements(size, kernel)
    sources, a = arrays(device, b, c, n, kernel)
    xp = device.xp

    def copy() -> None:
        xp.copyto(a, sources[0])

    def triad() -> None:
        xp.multiply(sources[1], SCALE, out=a)
        xp.add(a, sources[0], out=a)

    return timed(device, copy if kernel == "copy" else triad, a, n, kernel, launches=ARRAYS[kernel] - 1)


def arrays(device: Gpu, b: DeviceArray, c: DeviceArray, n: int, kernel: str) -> tuple[list[DeviceArray], DeviceArray]:
    """What is read, and what is written, which is filled with NaN first."""
    a = device.empty(n, np.float32)
    a[...] = np.float32(np.nan)
    return [repeated(device, tile, n) for tile in (b, c)[: ARRAYS[kernel] - 1]], a


def timed(device: Gpu, launch: Call, a: DeviceArray, n: int, kernel: str, launches: int = 1, passes: int = 1) -> Work:
    """The work of a launch that writes `a`."""
    facts = where(device, 4 * n * ARRAYS[kernel], passes=passes)
    work: Work = device.timed(launch, output=lambda: device.get(a), launches=launches, facts=facts)
    return work


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What device memory gives, what the width of an access changes, what the L2 gives, and CuPy's share."""
    for kernel, verb in (("copy", "copies"), ("triad", "runs the triad at")):
        wide = results.rate("bytes16", "bytes", kernel=kernel, size="HBM")
        if wide is None:
            continue
        yield f"On the device a kernel {verb} {wide.value * 1e-9:.0f} GB/s. The lecture's Titan X Pascal: 480 GB/s."
        narrow = results.ratio("bytes4", "bytes16", kernel=kernel, size="HBM")
        if narrow is not None:
            yield (
                f"With accesses of 4 bytes instead of 16 the {kernel} takes {narrow.value:.3g}× as long "
                f"({narrow.low:.3g}–{narrow.high:.3g})."
            )
        python = results.ratio("cupy", "bytes16", kernel=kernel, size="HBM")
        if python is not None:
            why = ": it passes over the arrays twice" if kernel == "triad" and python.value > 1.1 else ""
            yield f"CuPy's {kernel} takes {python.value:.3g}× as long as the kernel{why}."
        cached = [
            (record, rate)
            for record in results.records
            if record.timed and record.params["kernel"] == kernel and record.variant == "bytes16"
            and record.facts.get("footprint", 0) <= record.facts.get("l2_bytes", 0) / 2
            and (rate := results.rate("bytes16", "bytes", **record.params)) is not None
        ]  # fmt: skip
        if cached:
            record, rate = max(cached, key=lambda pair: pair[1].value)
            yield (
                f"What fits the L2 of {format_bytes(record.facts['l2_bytes'])} is {rate.value / wide.value:.2g}× as "
                f"fast: the {kernel} reaches {rate.value * 1e-9:.0f} GB/s at {format_bytes(record.facts['footprint'])}."
            )
