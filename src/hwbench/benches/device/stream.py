"""Bandwidth on the device: copy, triad, reading and writing in L2 and in device memory, by the width of an access.

A warp's 32 threads ask for 4, 8 or 16 bytes each, side by side: one, two or four requests of 128 bytes. A thread has 16
bytes of each array, whatever the width, so that the bytes in flight are the same and the width is all that differs.
Copy and triad and their counts of bytes are STREAM's; a GPU has no write-allocate. `read` adds up what it reads and
stores a sum a thread; `write` fills an array.

A launch over the 0.5 GB that are checked takes 0.1 ms, of which some microseconds pass until all multiprocessors are
busy, and again at its end. So memory is timed on longer arrays: up to 4 GiB, as `footprint` in the facts says.

A sweep from the L2 cache into memory shows both plateaus. A pass over what fits the cache, or nearly, takes some
microseconds, as long as the gap between two launches. There a launch makes many passes (`passes` in the facts) by all
multiprocessors at once, and its loads bypass L1. `cupy` is the same in CuPy: copyto (a copy of the runtime's), multiply
and add with `out=` for the triad, and the runtime's memset.

`opencl4`, `opencl16` and `opencl64` do the same in OpenCL with accesses of so many bytes (float, float4, float16), on
any device that has a driver. Where it is this machine's CPU, by PoCL or Intel's runtime, groups have one work-item, and
64 bytes are the widest vector. Arrays are not timed on 4 GiB where a device shares the host's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Call, DeviceArray, Gpu, OpenCl, OpenClArray, Results
from ...record import phrases, text
from ...record.model import Record
from .. import _opencl as opencl
from .._gpu import BLOCK, TILE, repeated, where

SCALE = np.float32(3)
BYTE = 0x5A
VALUE = np.full(4, BYTE, np.uint8).view(np.float32)[0]  # that is written: four equal bytes, which memset can write too
THREAD = 16  # bytes of an array that a thread has
ITEMS = 4 * BLOCK  # of a part that a block takes at a time where it makes many passes
GRANULE = 16 * ITEMS  # bytes: arrays are cut to a multiple, so that no kernel needs a bounds check
ARRAYS = {"copy": 2, "triad": 3, "read": 1, "write": 1}
READ = {"copy": 1, "triad": 2, "read": 1, "write": 0}  # of these
LEAST = 2**29  # bytes that a launch moves at least: 0.1 ms at 5 TB/s, which no L2 exceeds by much
NEAR = 4  # × L2: arrays beyond lie in memory, and one pass over them takes long enough

bench = Bench(
    "device.stream",
    question="How fast does the GPU read and write its own memory, and its L2 cache?",
    axes={"kernel": ("copy", "triad", "read", "write"), "size": ("HBM",)},
    sweeps=({"variant": "bytes16", "size": (*(f"{2**i}MiB" for i in range(9)), "L2")},),
    baseline="bytes16",
    measures="gpu {kernel}",
    limit="device",
    version=3,
)
OPENCL = {4: ("float", "uint"), 16: ("float4", "uint4"), 64: ("float16", "uint16")}  # by the bytes of an access


def elements(size: int, kernel: str) -> int:
    """float32 elements of one of the arrays that have `size` bytes together."""
    return max(1, size // ARRAYS[kernel] // GRANULE) * GRANULE // 4


@bench.inputs
def tiles(rng: np.random.Generator, size: int, kernel: str) -> tuple[np.ndarray, np.ndarray]:
    """The first elements of b and c (float32), which are repeated over the arrays."""
    n = min(elements(size, kernel), TILE)
    return rng.random(n, dtype=np.float32), rng.random(n, dtype=np.float32)


@bench.reference
def reference(b: np.ndarray, c: np.ndarray, device: Gpu | OpenCl, size: int, kernel: str) -> np.ndarray | int:
    """b; b + 3c with one rounding; the sum of b's bits over all passes, modulo 2³²; what is written."""
    n = elements(size, kernel)
    if kernel == "write":
        return np.full(n, VALUE)
    if kernel == "read":
        whole, rest = divmod(n, len(b))
        words = b.view(np.uint32)
        total = whole * int(words.sum(dtype=np.uint64)) + int(words[:rest].sum(dtype=np.uint64))
        return total * passes(device, size, kernel) % 2**32
    tile = b if kernel == "copy" else (b.astype("f8") + float(SCALE) * c.astype("f8")).astype("f4")
    return np.resize(tile, n)


def passes(device: Gpu | OpenCl, size: int, kernel: str) -> int:
    """How often a launch goes through the arrays."""
    footprint = 4 * elements(size, kernel) * ARRAYS[kernel]
    return max(1, LEAST // footprint) if footprint <= NEAR * device.properties.l2 else 1


@bench.counts
def counts(device: Gpu | OpenCl, size: int, kernel: str, variant: str) -> dict[str, float]:
    """As STREAM counts: an array once for each time the kernel names it, in every pass; CuPy makes one a call."""
    timed = device.bandwidth_size(size)
    n = elements(timed, kernel) * (1 if variant == "cupy" else passes(device, timed, kernel))
    return {"bytes": 4 * n * ARRAYS[kernel], "flops": 2 * n * (kernel == "triad")}


@bench.memory
def memory(device: Gpu | OpenCl, size: int) -> int:
    """The arrays that are timed; those that are checked are their beginning."""
    return device.bandwidth_size(size)


def build(width: int) -> Callable[..., Work]:
    """A builder for accesses of `width` bytes."""

    def with_width(device: Gpu, b: DeviceArray, c: DeviceArray, size: int, kernel: str) -> Work:
        arrays = allocate(device, b, c, size, kernel)
        sums = (
            device.put(np.zeros(most_blocks(device, f"read{width}") * BLOCK, np.uint32)) if kernel == "read" else None
        )

        def work(size: int) -> Work:
            n, often = elements(size, kernel), passes(device, size, kernel)
            name, parts = f"{kernel}{width}", n * 4 // width // ITEMS
            value = {"triad": (SCALE,), "write": (VALUE,)}.get(kernel, ())
            arguments = (*arrays, *(() if sums is None else (sums,)), *value)
            if often > 1 or kernel == "read":
                name += "_again" * (kernel != "read")
                arguments = (*arguments, np.int32(parts), np.int32(parts * often))
                grid = min(parts * often, most_blocks(device, name))
            else:
                grid = 4 * n // (THREAD * BLOCK)
            launch = device.launcher("device.stream", name, grid, BLOCK, arguments)
            return timed(device, launch, arrays, sums, size, kernel, passes=often, blocks=grid)

        return checked(device, work, size)

    with_width.__doc__ = f"CUDA C++, accesses of {width} bytes."
    return with_width


for _width in (16, 8, 4):
    bench.variant(f"bytes{_width}", on="gpu")(build(_width))


@bench.variant("cupy", on="gpu")
def in_cupy(device: Gpu, b: DeviceArray, c: DeviceArray, size: int, kernel: str) -> Work:
    """CuPy: copyto(a, b); multiply(c, 3, out=a) and add(a, b, out=a); the runtime's memset."""
    if kernel == "read":
        raise Skip("unsupported", "CuPy has no call that only reads")
    arrays = allocate(device, b, c, size, kernel)
    xp = device.xp

    def work(size: int) -> Work:
        n = elements(size, kernel)
        *sources, a = (array[:n] for array in arrays)

        def copy() -> None:
            xp.copyto(a, sources[0])

        def triad() -> None:
            xp.multiply(sources[1], SCALE, out=a)
            xp.add(a, sources[0], out=a)

        def write() -> None:
            device.fill(a, BYTE, device.stream)

        launch = {"copy": copy, "triad": triad, "write": write}[kernel]
        return timed(device, launch, arrays, None, size, kernel, launches=2 if kernel == "triad" else 1)

    return checked(device, work, size)


def build_opencl(width: int) -> Callable[..., Work]:
    """A builder for accesses of `width` bytes in OpenCL."""

    def in_opencl(device: OpenCl, b: OpenClArray, c: OpenClArray, size: int, kernel: str) -> Work:
        longest = elements(device.bandwidth_size(size), kernel)
        arrays = [device.repeated(tile, longest) for tile in (b, c)[: READ[kernel]]]
        if len(arrays) < ARRAYS[kernel]:
            arrays.append(device.filled(longest, np.float32(np.nan)))
        kind, bits = OPENCL[width]
        fused = "fma" if device.about.fused else "mad"
        macros = [f"-DT={kind}", f"-DU={bits}", f"-DBITS=as_{bits}", f"-DGROUP={device.group}", f"-DFMA={fused}"]
        macros.append(f"-DPLACES={int(width > 4)}")

        def work(size: int) -> Work:
            n, often = elements(size, kernel), passes(device, size, kernel)
            parts = 4 * n // (width * 4 * device.group)
            groups = min(parts, device.groups)
            sums = device.put(np.zeros(groups * device.group * width // 4, np.uint32)) if kernel == "read" else None
            value = {"triad": (SCALE,), "write": (VALUE,)}.get(kernel, ())
            given = (*arrays, *(() if sums is None else (sums,)), *value, np.uint64(parts), np.int32(often))
            launch = device.launcher("device.stream", kernel, groups, device.group, given, macros)

            def output() -> np.ndarray | int:
                if sums is None:
                    return arrays[-1].get()[:n]
                return int(sums.get().sum(dtype=np.uint64)) % 2**32

            facts = where(device, 4 * n * ARRAYS[kernel], passes=often, groups=groups, access=width)
            work: Work = device.timed(launch, output=output, facts=facts)
            return work

        return checked(device, work, size)

    in_opencl.__doc__ = f"OpenCL, accesses of {width} bytes."
    return in_opencl


for _width in OPENCL:
    bench.variant(f"opencl{_width}", on="opencl")(build_opencl(_width))


def most_blocks(device: Gpu, kernel: str) -> int:
    """As many blocks as are on the device at a time."""
    return int(device.properties.sm * device.resident("device.stream", kernel, BLOCK))


def allocate(device: Gpu, b: DeviceArray, c: DeviceArray, size: int, kernel: str) -> list[DeviceArray]:
    """What is read, then what is written, which is filled with NaN first."""
    n = elements(device.bandwidth_size(size), kernel)
    arrays = [repeated(device, tile, n) for tile in (b, c)[: READ[kernel]]]
    if len(arrays) < ARRAYS[kernel]:
        arrays.append(device.empty(n, np.float32))
        arrays[-1][...] = np.float32(np.nan)
    return arrays


def checked(device: Gpu | OpenCl, work: Callable[[int], Work], size: int) -> Work:
    """The work on arrays of `size` bytes, which is what is checked, with the time of the same on longer ones."""
    exact = work(size)
    longer = device.bandwidth_size(size)
    if longer == size:
        return exact
    other = work(longer)
    return replace(exact, timer=other.timer, most=other.most, facts=other.facts)


def timed(
    device: Gpu, launch: Call, arrays: list[DeviceArray], sums: DeviceArray | None, size: int, kernel: str,
    *, launches: int = 1, passes: int = 1, blocks: int = 0,
) -> Work:  # fmt: skip
    """The work of a launch on arrays of `size` bytes."""
    n = elements(size, kernel)

    def output() -> np.ndarray | int:
        if sums is None:
            return device.get(arrays[-1][:n])
        return int(device.get(sums).sum(dtype=np.uint64)) % 2**32

    facts = where(device, 4 * n * ARRAYS[kernel], passes=passes, **({"blocks": blocks} if blocks else {}))
    work: Work = device.timed(launch, output=output, launches=launches, facts=facts)
    return work


WIDTHS = {
    "bytes16": "16-byte accesses", "bytes8": "8-byte accesses", "bytes4": "4-byte accesses", "cupy": "CuPy",
}  # fmt: skip


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What memory gives; then the largest of what the L2 gives, what CuPy takes, and what narrow accesses change."""
    wide = {kernel: results.find("bytes16", kernel=kernel, size="HBM") for kernel in ("copy", "triad", "read", "write")}
    memory = {kernel: record for kernel, record in wide.items() if record is not None}
    yield from by_opencl(results)
    if not memory:
        return
    best = {kernel: _fastest(results, record) for kernel, record in memory.items()}
    alike = all(record.variant == "bytes16" for record in best.values())
    told = [
        phrases.Item(
            f"{kernel} {text.rate(results.rate(record.variant, 'bytes', **record.params), 'GB/s')}"
            + f" with {WIDTHS[record.variant]}" * (not alike),
            (record,),
        )
        for kernel, record in best.items()
    ]
    yield f"GPU memory bandwidth{' with 16-byte accesses' * alike}: {phrases.entries(told)}."
    near = {kernel: _in_l2(results, kernel) for kernel in memory}
    python, narrow = (
        {kernel: results.find(variant, **record.params) for kernel, record in memory.items()}
        for variant in ("cupy", "bytes4")
    )
    l2 = next((record.facts["l2_bytes"] for record in near.values() if record is not None), None)
    said = []
    for head, others in (
        (f"Data within the L2 of {text.size(l2)} against memory", near),
        (f"CuPy against {'these kernels' if alike else '16-byte accesses'}", python),
        ("4-byte accesses against 16-byte ones", narrow),
    ):
        ratios, items = [], []
        for kernel, record in others.items():
            if record is None:
                continue
            base = memory[kernel]
            ratios.append(results.versus(record, base).scaled(base.counts["bytes"] / record.counts["bytes"]))
            rate = text.rate(record.counts["bytes"] / float(np.median(record.samples)), "GB/s")
            where = f" {rate} at {text.size(record.facts['footprint'])}," if others is near else ""
            passes = " (two passes)" if others is python and kernel == "triad" else ""
            items.append(phrases.Item(f"{kernel}{where} {phrases.compared(ratios[-1])}{passes}", (record, base)))
        if items:
            said.append((phrases.largest(ratios), f"{head}: {phrases.entries(items)}."))
    yield from phrases.ranked(said, 2)


def _fastest(results: Results, wide: Record) -> Record:
    """Of the kernels of a record's work the fastest by medians: it gives the headline figure."""
    found = [record for name in WIDTHS if (record := results.find(name, **wide.params)) is not None]
    return max(found, key=lambda record: record.counts["bytes"] / float(np.median(record.samples)))


def by_opencl(results: Results) -> Iterator[str]:
    """For each OpenCL device what its memory gives; of one that is this CPU, beside the CPU's own figures."""
    for device, records in opencl.by_device(results, "bytes"):
        told, ratios = [], []
        for kernel in ("copy", "triad", "read", "write"):
            place = {"kernel": kernel, "size": "HBM"}
            found = [r for r in records if r.params == place]
            best = max(found, key=lambda record: opencl.rate(record, "bytes"), default=None)
            if best is None:
                continue
            width = f"accesses of {best.facts.get('access', '?')} bytes"
            item = f"{kernel} {text.rate(opencl.rate(best, 'bytes'), 'GB/s')} ({width})"
            told.append(phrases.Item(item, (best,)))
            ratios += opencl.beside_the_cpu(results, device, best, kernel)
        if told:
            beside = f"; {phrases.entries(ratios)}" if ratios else ""
            yield f"Memory bandwidth by OpenCL on {opencl.name(results, device)}: {phrases.entries(told)}{beside}."


def _in_l2(results: Results, kernel: str) -> Record | None:
    """The fastest record, by medians, of data that fill half of the L2 at most."""
    found = [r for r in results.records if r.timed and r.variant == "bytes16" and r.params["kernel"] == kernel]
    near = [r for r in found if r.facts.get("footprint", 0) <= r.facts.get("l2_bytes", 0) / 2 and r.counts.get("bytes")]
    return max(near, key=lambda record: record.counts["bytes"] / float(np.median(record.samples)), default=None)
