"""What the multiprocessors read from their own memory: the L1 cache and shared memory, 16 bytes a thread at a time.

Both are one array on most GPUs, which gives 128 bytes a cycle and multiprocessor: what a kernel gains from shared
memory over L1 is then the order of its accesses, not the rate. All blocks read the same 16 KiB, as many blocks as the
GPU holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Work
from ...protocols import Array, DeviceArray, Gpu, Results
from ...record import phrases, text
from .._gpu import BLOCK, blocks

ITEMS, LOADS, STEP = 1024, 4, 33  # as in the kernels: items of 16 bytes, loads of a turn, and items between turns
TURNS = 4099  # about 2 ms; no multiple of what a thread comes round after
LARGEST = 16  # whole numbers below this: sums stay below 2²⁴

bench = Bench(
    "device.cache",
    question="How fast do the multiprocessors read their L1 caches and their shared memory?",
    axes={},
    baseline="shared",
    tolerance=0.0,
    core=False,
)


@bench.inputs
def words(rng: np.random.Generator) -> Array:
    """Small whole numbers (float32): 16 KiB."""
    return rng.integers(0, LARGEST, 4 * ITEMS).astype(np.float32)


@bench.reference
def sums(seeds: Array, device: Gpu, variant: str) -> Array:
    """What each thread adds up, over and over the same for each block."""
    item = seeds.reshape(ITEMS, 4).sum(axis=1)
    turn = item.reshape(LOADS, BLOCK).sum(axis=0)  # four loads, a block's width apart
    at = (np.arange(BLOCK)[:, None] + STEP * np.arange(TURNS)) % BLOCK
    return np.tile(turn[at].sum(axis=1), blocks(device, "device.cache", f"read_{variant}")).astype("f4")


@bench.counts
def counts(device: Gpu, variant: str) -> dict[str, float]:
    """Sixteen bytes a load."""
    return {"bytes": 16.0 * LOADS * TURNS * BLOCK * blocks(device, "device.cache", f"read_{variant}")}


@bench.memory
def memory() -> int:
    """Next to nothing."""
    return 2**22


def build(name: str, how: str) -> Callable[..., Work]:
    """A builder for one of the two."""

    def read(device: Gpu, seeds: DeviceArray) -> Work:
        grid = blocks(device, "device.cache", f"read_{name}")
        to = device.put(np.full(grid * BLOCK, np.nan, np.float32))
        launch = device.launcher("device.cache", f"read_{name}", grid, BLOCK, (seeds, to, np.int32(TURNS)))
        facts = {"sm": device.properties.sm, "blocks": grid, "footprint": 16 * ITEMS}
        work: Work = device.timed(launch, output=lambda: device.get(to), facts=facts)
        return work

    read.__doc__ = f"CUDA C++, loads of 16 bytes from {how}."
    return read


bench.variant("shared", on="gpu")(build("shared", "shared memory"))
bench.variant("l1", on="gpu")(build("l1", "the L1 cache"))


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The rate of each, of all multiprocessors and of one a cycle."""
    told = []
    for name, title in (("shared", "shared memory"), ("l1", "L1")):
        record = results.find(name)
        if record is None or not record.counts.get("bytes"):
            continue
        rate = record.counts["bytes"] / float(np.median(record.samples))
        clocks = record.telemetry.get("gpu_sm_clock_hz")
        clock = float(np.median(clocks)) if isinstance(clocks, list) and clocks else 0.0
        each = f" ({rate / clock / record.facts['sm']:.0f} B a cycle and multiprocessor)" if clock else ""
        told.append(phrases.Item(f"{text.rate(results.rate(name, 'bytes'), 'TB/s')} from {title}{each}", (record,)))
    if told:
        yield f"The multiprocessors together read {phrases.entries(told)}."
