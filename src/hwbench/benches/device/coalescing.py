"""Coalescing: what it costs when the 32 threads of a warp read addresses that do not lie together.

Memory answers in sectors of 32 bytes. Neighbouring threads that read neighbouring floats need 4 sectors a warp; at a
stride of 8 floats each thread needs a sector of its own, and from there on a wider stride costs no more bytes but more
lines and pages. A GPU has little cache a thread, so the rest of a sector is rarely used later.

The variants read the same elements from ever wider places, and by an index in order and in random order. `opencl-…` are
the same in OpenCL, by groups of 256 work-items: on a GPU they run in warps or waves, on a CPU in vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Work
from ...protocols import DeviceArray, Gpu, OpenCl, OpenClArgument, OpenClArray, OpenClEvent, Results
from ...record import phrases
from .. import _opencl as opencl
from .._gpu import BLOCK, SECTOR, TILE, WARP, cold, where

STEPS = (2, 4, 8, 16, 32)
PLACES = (("contiguous", 1, 0), ("misaligned", 1, 1), *((f"stride-{step}", step, 0) for step in STEPS))  # step, offset
OWN = SECTOR // 4  # the step from which on each thread needs a sector of its own
TAKEN = 4 * BLOCK  # elements that a block reads, four a thread
EACH = 40  # bytes an element and variant, the mean over the variants

bench = Bench(
    "device.coalescing",
    question="What does a read cost when the threads of a warp do not read side by side?",
    axes={"n": (2**26,)},
    quick={"n": (2**22,)},
    baseline="contiguous",
    version=2,
    tolerance=0.0,
    core=False,
)


@bench.inputs
def elements(rng: np.random.Generator, device: Gpu | OpenCl, n: int) -> np.ndarray:
    """The `n` float32 that are read, a multiple of what a block reads; fewer on a card with less memory."""
    whole = max(TAKEN, fitting(device, n) // TAKEN * TAKEN)
    return np.resize(rng.random(min(whole, TILE), dtype=np.float32), whole)


@bench.reference
def unchanged(x: np.ndarray) -> np.ndarray:
    """The same elements, side by side."""
    return x


@bench.counts
def counts(x: np.ndarray) -> dict[str, float]:
    """Each element is read once and written once."""
    return {"items": x.size, "bytes": 8 * x.size}


@bench.memory
def memory(device: Gpu | OpenCl, n: int) -> int:
    """The mean over the variants: the elements, 1 … 32 apart, and their copy."""
    return EACH * fitting(device, n)


def fitting(device: Gpu | OpenCl, n: int) -> int:
    """`n`, halved until all variants together take no more than half of the card's memory."""
    while n > TAKEN and 10 * EACH * n > device.properties.memory // 2:
        n //= 2
    return n


def described(threads: str, step: int, offset: int) -> str:
    """What a variant that reads every `step`-th element from `offset` on does."""
    apart = f"{threads} {step} elements apart" if step > 1 else "side by side" + ", one element off the line" * offset
    return f"to[i] = from[i·step + offset], {apart}."


def scattered(x: np.ndarray, order: np.ndarray) -> np.ndarray:
    """An array whose elements in this order are `x`."""
    found = np.empty_like(x)
    found[order] = x
    return found


def apart(step: int, offset: int) -> Callable[..., Work]:
    """A builder for reads of every `step`-th element from `offset` on."""

    def read(device: Gpu, x: DeviceArray) -> Work:
        n = len(x)
        spread = device.empty(n * step + offset, np.float32)
        spread[offset::step][:n] = x
        to = device.empty(n, np.float32)
        launch = device.launcher(
            "device.coalescing", "pick", n // TAKEN, BLOCK, (spread, to, np.int32(step), np.int32(offset))
        )
        sectors = min(WARP, WARP * 4 * step // SECTOR) + (offset > 0)
        return cold(device, launch, to, 4 * n * step, sectors)

    read.__doc__ = described("threads", step, offset)
    return read


for _name, _step, _offset in PLACES:
    bench.variant(_name, on="gpu")(apart(_step, _offset))


def by_index(device: Gpu, x: np.ndarray, order: np.ndarray) -> Work:
    """The work of to[i] = from[index[i]]; `from` is x scattered, so that the answer is x itself."""
    source, index, to = device.put(scattered(x, order)), device.put(order), device.empty(len(x), np.float32)
    launch = device.launcher("device.coalescing", "pick_index", len(x) // TAKEN, BLOCK, (source, index, to))
    sectors = len(np.unique(order[:WARP] // (SECTOR // 4)))
    return cold(device, launch, to, x.nbytes + order.nbytes, sectors)


@bench.variant("indexed", on="gpu", inputs="host")
def indexed(device: Gpu, x: np.ndarray) -> Work:
    """to[i] = from[index[i]], in order: what reading the index adds, before any order does."""
    return by_index(device, x, np.arange(len(x), dtype=np.int32))


@bench.variant("gather", on="gpu", inputs="host")
def gather(device: Gpu, x: np.ndarray, rng: np.random.Generator) -> Work:
    """to[i] = from[index[i]], in random order."""
    return by_index(device, x, rng.permutation(len(x)).astype(np.int32))


# --- OpenCL -----------------------------------------------------------------------------------------------------------


def grouped(device: OpenCl, kernel: str, n: int, given: tuple[OpenClArgument, ...]) -> Callable[[], OpenClEvent]:
    """A launch of groups that have `n` elements together, four a work-item."""
    group = opencl.group_of(device, BLOCK)
    return device.launcher("device.coalescing", kernel, n // (4 * group), group, given, [f"-DGROUP={group}"])


def opencl_apart(step: int, offset: int) -> Callable[..., Work]:
    """A builder for reads of every `step`-th element from `offset` on, in OpenCL."""

    def read(device: OpenCl, x: OpenClArray) -> Work:
        n = len(x)
        spread, to = device.empty(n * step + offset, np.float32), device.filled(n, np.float32(np.nan))
        how = np.int32(step), np.int32(offset)
        grouped(device, "spread", n, (x, spread, *how))().wait()
        launch = grouped(device, "pick", n, (spread, to, *how))
        return opencl.cold(device, launch, to, where(device, 4 * n * step))

    read.__doc__ = f"OpenCL: {described('work-items', step, offset)}"
    return read


for _name, _step, _offset in PLACES:
    bench.variant(f"opencl-{_name}", on="opencl")(opencl_apart(_step, _offset))


def opencl_by_index(device: OpenCl, x: np.ndarray, order: np.ndarray) -> Work:
    """The same work in OpenCL."""
    to = device.filled(len(x), np.float32(np.nan))
    launch = grouped(device, "pick_index", len(x), (device.put(scattered(x, order)), device.put(order), to))
    return opencl.cold(device, launch, to, where(device, x.nbytes + order.nbytes))


@bench.variant("opencl-indexed", on="opencl", inputs="host")
def opencl_indexed(device: OpenCl, x: np.ndarray) -> Work:
    """OpenCL: to[i] = from[index[i]], in order: what reading the index adds, before any order does."""
    return opencl_by_index(device, x, np.arange(len(x), dtype=np.int32))


@bench.variant("opencl-gather", on="opencl", inputs="host")
def opencl_gather(device: OpenCl, x: np.ndarray, rng: np.random.Generator) -> Work:
    """OpenCL: to[i] = from[index[i]], in random order."""
    return opencl_by_index(device, x, rng.permutation(len(x)).astype(np.int32))


# --- what it says -----------------------------------------------------------------------------------------------------


def by_opencl(results: Results) -> Iterator[str]:
    """For each OpenCL device what steps and random reads cost."""
    for device, records in opencl.by_device(results, "bytes"):
        found = {record.variant.removeprefix("opencl-"): record for record in records}
        pairs = [(f"stride-{step}", "contiguous", f"stride {step}") for step in STEPS]
        pairs += [
            ("misaligned", "contiguous", "one element off a cache line"),
            ("gather", "indexed", "an index in random order against one in order"),
        ]
        told = [
            phrases.Item(
                f"{phrases.compared(results.versus(found[slow], found[base]))} ({how})", (found[slow], found[base])
            )
            for slow, base, how in pairs
            if slow in found and base in found
        ]
        if told:
            head = f"Reads by OpenCL on {opencl.name(results, device)}, against contiguous ones"
            yield f"{head}: {phrases.entries(told)}."


@bench.finding
def finding(results: Results) -> list[str]:
    """What steps, random reads and a misaligned start cost."""
    said = []
    side_by_side, off = results.find("contiguous"), results.find("misaligned")
    apart = [(step, record) for step in STEPS if (record := results.find(f"stride-{step}")) is not None]
    if side_by_side is not None and apart:
        ratios = [results.versus(record, side_by_side) for _, record in apart]
        each = [
            phrases.Item(f"{phrases.compared(ratio)} at stride {step}", (record, side_by_side))
            for (step, record), ratio in zip(apart, ratios, strict=True)
        ]
        wide = [ratio for (step, _), ratio in zip(apart, ratios, strict=True) if step >= OWN]
        own = f"; from stride {OWN} on each thread needs its own {SECTOR}-byte sector"
        own *= bool(wide) and all(map(phrases.slower, wide))
        said.append((ratios[-1].value, f"Strided reads against contiguous ones: {phrases.entries(each)}{own}."))
    if side_by_side is not None and off is not None:
        ratio = results.versus(off, side_by_side)
        told = f"Reads that start one element off a cache line are {phrases.against(ratio, 'aligned ones')}"
        why = "; each warp needs a fifth sector" * phrases.slower(ratio)
        said.append((ratio.value, f"{told}{phrases.mark(off, side_by_side)}{why}."))
    # Against `indexed`, which reads the four bytes of index an element too.
    random, ordered = results.find("gather"), results.find("indexed")
    if random is not None and ordered is not None:
        ratio = results.versus(random, ordered)
        told = f"Reads by an index in random order are {phrases.against(ratio, 'reads by an index in order')}"
        said.append((ratio.value, f"{told}{phrases.mark(random, ordered)}."))
    return [*phrases.ranked(said), *by_opencl(results)]
