"""Barriers: all threads of a block, or of the whole grid, wait for one another.

The threads of a block wait by the hardware's barrier. Those of the grid wait by a counter in memory, for which all
blocks must be on the device at once (a cooperative launch), or by the end of the kernel and the launch of the next.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Call, DeviceArray, Gpu, Results
from ...record import phrases, text
from .._gpu import needs_capability, times

# Barriers of a call. One of a block takes some ten nanoseconds, so it takes thousands to outweigh the launch; each of
# the others costs as much as a launch.
BARRIERS = {"block": 2**14, "grid": 2**8, "launch": 2**8}

sync_bench = Bench(
    "device.sync",
    question="What does a barrier cost, within a block and across the GPU?",
    axes={"block": (64, 256, 1024)},
    quick={"block": (256,)},
    baseline="block",
    version=2,
    tolerance=0.0,
    core=False,
)


@sync_bench.reference
def all_barriers(variant: str) -> int:
    """The steps of the token that goes round."""
    return BARRIERS[variant]


@sync_bench.counts
def barriers(variant: str) -> dict[str, float]:
    """The barriers of a call."""
    return {"calls": BARRIERS[variant]}


@sync_bench.memory
def barrier_memory() -> int:
    """Next to nothing."""
    return 2**20


def waiting(device: Gpu, launch: Call, to: DeviceArray, block: int, count: int = 1) -> Work:
    """The work of a launch that leaves in `to` how often it waited."""
    facts = {"blocks": device.properties.sm, "block": block}
    work: Work = device.timed(
        times(launch, count) if count > 1 else launch,
        output=lambda: int(device.get(to)[0]), launches=count, facts=facts,
    )  # fmt: skip
    return work


@sync_bench.variant("block", on="gpu")
def of_a_block(device: Gpu, block: int) -> Work:
    """__syncthreads: the threads of each block."""
    to = device.put(np.zeros(device.properties.sm, np.int32))
    arguments = (to, np.int32(BARRIERS["block"] // 16))
    launch = device.launcher("device.sync", "barriers_block", device.properties.sm, block, arguments)
    return waiting(device, launch, to, block)


@sync_bench.variant("grid", on="gpu")
def of_the_grid(device: Gpu, block: int) -> Work:
    """A counter in memory: a block on each multiprocessor, all on the device at once."""
    needs_capability(device, (6, 0), "cooperative launches")
    if device.resident("device.sync", "barriers_grid", block) < 1:
        raise Skip("gpu_lacks", f"no block of {block} threads fits a multiprocessor")
    to, state = device.put(np.zeros(1, np.int32)), device.put(np.zeros(1, np.uint32))
    arguments = (state, to, np.int32(BARRIERS["grid"]))
    launch = device.launcher("device.sync", "barriers_grid", device.properties.sm, block, arguments, cooperative=True)
    return waiting(device, launch, to, block)


@sync_bench.variant("launch", on="gpu")
def by_launching(device: Gpu, block: int) -> Work:
    """The end of a kernel and the start of the next."""
    to = device.put(np.zeros(1, np.int32))
    launch = device.launcher("device.sync", "step", device.properties.sm, block, (to,))
    return waiting(device, launch, to, block, BARRIERS["launch"])


@sync_bench.finding
def sync_finding(results: Results) -> Iterator[str]:
    """A barrier of a block, of the grid, and by launching."""
    size = 256
    names = {
        "block": "within a block", "grid": "across the grid by a counter", "launch": "across the grid by a new launch",
    }  # fmt: skip
    found = {name: r for name in names if (r := results.find(name, block=size)) is not None and r.counts.get("calls")}
    told = [
        phrases.Item(f"{text.seconds(results.each('calls', name, block=size))} {names[name]}", (record,))
        for name, record in found.items()
    ]
    if told:
        yield f"A barrier for blocks of {size} threads takes {phrases.entries(told)}."
    if "block" in found and "grid" in found:
        block, grid = found["block"], found["grid"]
        ratio = results.versus(grid, block).scaled(block.counts["calls"] / grid.counts["calls"])
        advice = "; synchronise within blocks where possible" * phrases.slower(ratio)
        compared = phrases.against(ratio, "a barrier within a block")
        yield f"A barrier across the grid is {compared}{phrases.mark(grid, block)}{advice}."
