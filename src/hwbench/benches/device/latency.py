"""Latency on the device: how long one thread waits for a load whose address the load before it brought.

At every level a GPU answers a single load later than a CPU: it hides the wait behind other warps instead of caches. One
thread follows a ring of pointers, one a line of 128 bytes, in random order, sixteen dependent loads an iteration. The
clock of the multiprocessor, read before the first and after the last load, gives cycles beside the nanoseconds.

`l1` loads through the L1 cache, `l2` past it (ld.cg), so that a ring small enough for L1 shows the L2's latency too.
The sweep shows the levels, and beyond them what address translation adds.

Before each sample, outside its time, the multiprocessor that walks loads the whole ring once: what fits a cache is
there, whatever was timed before. Cycles are those of the samples themselves (their median); with the nanoseconds they
give the clock (`sm_clock_hz` in the facts).

`opencl` follows the same ring by numbers of words, since OpenCL 1.2 keeps no pointers in memory. It tells no cycles,
and walks farther, since a launch takes longer than with CUDA.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import DeviceArray, Gpu, OpenCl, OpenClArray, Results, Values
from ...record import phrases, text
from .. import _opencl as opencl
from .._gpu import BLOCK, where
from ..latency import chase

LINE = 128
HOPS = 8192  # a call: 0.2 ms in L1, some milliseconds in memory
OPENCL_HOPS = {2**20: 2**19, 2**60: 2**16}  # by the largest ring: half a millisecond in a CPU's L1
WARMERS = 1024  # threads that load the ring before a sample
LARGEST_L1 = 256 * 1024  # bytes: a ring up to this size is loaded into L1 by each launch, which finds it empty

bench = Bench(
    "device.latency",
    question="How long does a thread of the GPU wait for one load from each level?",
    axes={"size": ("16KiB", "L2", "HBM")},
    sweeps=({"size": (*(f"{2**i}KiB" for i in range(3, 10)), *(f"{2**i}MiB" for i in range(9)))},),
    baseline="l1",
    measures="gpu latency",
    where={"variant": "l2"},
    limit="gpu latency",
    version=2,
    core=False,
)


@bench.inputs
def ring(rng: np.random.Generator, size: int) -> np.ndarray:
    """The numbers of all lines of `size` bytes, in the order of the visit (int64)."""
    if size < 2 * LINE:
        raise Skip("too_small", f"{size} bytes are too few: a ring needs two lines of {LINE}")
    return rng.permutation(size // LINE)


@bench.reference
def last_line(lines: np.ndarray, variant: str) -> int:
    """The line on which the first call ends."""
    return int(lines[hops(variant, len(lines) * LINE) % len(lines)])


def hops(variant: str, size: int) -> int:
    """The loads of a call."""
    return HOPS if variant != "opencl" else next(count for most, count in OPENCL_HOPS.items() if size <= most)


@bench.counts
def counts(size: int, variant: str) -> dict[str, float]:
    """One load is one hop."""
    return {"hops": hops(variant, size)}


@bench.memory
def memory(size: int) -> int:
    """The ring, and its order while it is linked."""
    return size + size // LINE * 8


def build(kernel: str, how: str) -> Callable[..., Work]:
    """A builder for one kind of load."""

    def follow(device: Gpu, lines: DeviceArray) -> Work:
        n, words = len(lines), np.int32(LINE // 8)
        memory = device.empty(n * LINE // 8, np.uint64)
        state = device.put(np.array([memory.data.ptr + LINE * int(lines[0]), 0, 0, 0], np.uint64))
        blocks = min(-(-n // BLOCK), 4 * device.properties.sm)
        link = device.launcher("device.latency", "link", blocks, BLOCK, (memory, lines, np.int64(n), words))
        warm = device.launcher("device.latency", "warm", 1, WARMERS, (state, memory, lines, np.int64(n), words))
        fetch = np.int32(n * LINE <= LARGEST_L1)
        arguments = (state, np.int32(HOPS // 16), memory, np.int64(n), words, fetch)
        launch = device.launcher("device.latency", kernel, 1, BLOCK, arguments)
        link()
        warm()  # once, so that it need not be loaded behind the gate
        facts = where(device, n * LINE, line=LINE)
        work: Work = device.timed(
            launch, output=lambda: (int(device.get(state)[0]) - memory.data.ptr) // LINE, before=warm, facts=facts
        )
        return with_cycles(work, lambda: int(device.get(state)[1]))

    follow.__doc__ = f"One thread, {how}."
    return follow


def with_cycles(work: Work, read: Callable[[], int]) -> Work:
    """The work with facts of its own samples: the cycles of a hop, and the clock that cycles and seconds make.

    `read` gives the cycles of the call before.
    """
    facts: Values = dict(work.facts)
    cycles: list[float] = []
    clocks: list[float] = []
    timed = work.timer
    assert timed is not None

    def timer(loops: int) -> float:
        seconds = timed(loops)
        cycles.append(read() / HOPS)
        clocks.append(cycles[-1] * HOPS * loops / seconds)
        facts["cycles_per_hop"], facts["sm_clock_hz"] = float(np.median(cycles)), float(np.median(clocks))
        return seconds

    return replace(work, timer=timer, facts=facts)


bench.variant("l1", on="gpu")(build("chase_ca", "loads through the L1 cache"))
bench.variant("l2", on="gpu")(build("chase_cg", "loads past the L1 cache (ld.cg)"))


@bench.variant("opencl", on="opencl")
def in_opencl(device: OpenCl, lines: OpenClArray) -> Work:
    """OpenCL: one work-item, each load by the number that the load before it brought."""
    n, words = len(lines), LINE // 8
    memory = device.filled(n * words, np.uint64(0))
    first = int(lines.get()[0])
    state = device.put(np.array([first * words, 0], np.uint64))
    shape = (min(-(-n // device.group), device.groups), device.group)
    device.launcher("device.latency", "link", *shape, (memory, lines, np.uint64(n), np.uint32(words)))()
    warm = device.launcher("device.latency", "warm", *shape, (state, memory, np.uint64(n), np.uint32(words)))
    sixteens = np.uint32(hops("opencl", n * LINE) // 16)
    launch = device.launcher("device.latency", "chase", 1, 1, (state, memory, sixteens))
    facts = where(device, n * LINE, line=LINE)
    work: Work = device.timed(launch, output=lambda: int(state.get()[0]) // words, before=warm, facts=facts)
    return work


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Cycles and nanoseconds of each level, what half of L2 costs over a small ring, and the CPU's memory beside."""
    for device, records in opencl.by_device(results, "hops"):
        names = {"16KiB": "16 KiB", "L2": "half of its cache", "HBM": "memory"}
        found = {str(record.params.get("size")): record for record in records}
        items = [
            phrases.Item(f"{text.seconds(opencl.each(found[size], 'hops'))} from {name}", (found[size],))
            for size, name in names.items()
            if size in found
        ]
        if items:
            which = opencl.name(results, device)
            yield f"Latency of a dependent load by OpenCL on {which} (1 work-item): {phrases.entries(items)}."
    far = results.find("l2", size="HBM")
    # The figure that `latency.chase` tells: in random order, as the ring here, which no prefetcher guesses.
    on_host = results.beside(chase.bench)
    near = on_host.find("follow", size="DRAM", pages=chase.told_pages(on_host), order="random")
    levels = (
        ("L1", "l1", "16KiB"), ("L2 near", "l2", "16KiB"), ("L2 half full", "l2", "L2"), ("memory", "l2", "HBM")
    )  # fmt: skip
    told = []
    for name, variant, size in levels:
        record, hop = results.find(variant, size=size), results.each("hops", variant, size=size)
        if record is not None and hop is not None and "cycles_per_hop" in record.facts:
            # Without a clock the cycles are not those of the samples: version 1.
            own = "sm_clock_hz" in record.facts
            cycles = f" ({text.count(record.facts['cycles_per_hop'])} cycles)" if own else ""
            told.append(phrases.Item(f"{text.seconds(hop)} from {name}{cycles}", (record,)))
    if told:
        yield f"Latency of a dependent load (1 thread, random order): {phrases.entries(told)}."
    small, half = results.find("l2", size="16KiB"), results.find("l2", size="L2")
    if small is not None and half is not None and (ratio := results.versus(half, small)).low > 1 + text.EVEN:
        compared = phrases.against(ratio, "a ring of 16 KiB")
        said = f"A ring that fills L2 to half is {compared}: part of it is probably in the far half of L2 or in memory"
        yield phrases.marked(said, half, small)
    if far is not None and near is not None and far.counts.get("hops") and near.counts.get("hops"):
        ratio = results.versus(far, near).scaled(near.counts["hops"] / far.counts["hops"])
        advice = "; thousands of threads must have loads in flight to hide it" * phrases.slower(ratio)
        compared = phrases.against(ratio, "a load from this CPU's memory")
        yield f"A load from GPU memory is {compared}{phrases.mark(far, near)}{advice}."
