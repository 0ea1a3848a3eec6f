"""Bank conflicts: what it costs when the threads of a warp read one bank of shared memory.

Shared memory has 32 banks of 4 bytes, and each answers one address at a time: threads that meet in a bank are served
in turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

import numpy as np

from ...bench import Bench, Work
from ...protocols import DeviceArray, Gpu, Results
from ...record import phrases
from .._gpu import BLOCK, SMALL, WARP

WORDS = 8192  # as in the kernel
READS = 4096  # a thread: half a millisecond where all 32 lanes meet in one bank
WAVES = 4  # blocks for each multiprocessor

banks_bench = Bench(
    "device.banks",
    question="What do bank conflicts in shared memory cost?",
    axes={"stride": (1, 2, 4, 8, 16, 32, 33)},
    quick={"stride": (1, 32, 33)},
    baseline="shared",
    version=2,
    tolerance=0.0,
    together=("stride",),
    core=False,
)


@banks_bench.inputs
def words(rng: np.random.Generator) -> np.ndarray:
    """Small whole numbers (float32) to fill the shared memory of a block."""
    return rng.integers(0, SMALL, WORDS).astype(np.float32)


@banks_bench.reference
def bank_sums(seeds: np.ndarray, stride: int, device: Gpu) -> np.ndarray:
    """What each thread adds up: the words of one bank, over and over."""
    thread = np.arange(BLOCK)
    first = thread % WARP * stride + thread // WARP
    at = (first[:, None] + WARP * np.arange(WORDS // WARP)) % WORDS  # after so many steps a thread is round
    return np.tile(seeds[at].sum(axis=1) * (READS // (WORDS // WARP)), WAVES * device.properties.sm).astype("f4")


@banks_bench.counts
def bank_counts(device: Gpu) -> dict[str, float]:
    """Each thread reads 4096 words."""
    return {"items": READS * BLOCK * WAVES * device.properties.sm}


@banks_bench.memory
def bank_memory() -> int:
    """Next to nothing: what is read lies on the multiprocessors."""
    return 2**20


@banks_bench.variant("shared", on="gpu")
def shared(device: Gpu, seeds: DeviceArray, stride: int) -> Work:
    """Lane l reads word l · stride, then 32 words further on."""
    blocks = WAVES * device.properties.sm
    to = device.put(np.full(blocks * BLOCK, np.nan, np.float32))
    launch = device.launcher(
        "device.coalescing", "banks", blocks, BLOCK, (seeds, to, np.int32(stride), np.int32(READS))
    )
    facts = {"ways": gcd(stride, WARP)}
    work: Work = device.timed(launch, output=lambda: device.get(to), facts=facts)
    return work


@banks_bench.finding
def banks_finding(results: Results) -> Iterator[str]:
    """What conflicts cost, and what one word of padding saves."""
    free, worst, padded = (results.find("shared", stride=stride) for stride in (1, WARP, WARP + 1))
    if free is None or worst is None:
        return
    base, found = "reads without conflicts", []
    for record, what in (
        (worst, f"Reads from shared memory by all {WARP} threads of a warp in one bank are"),
        (padded, f"Reads from rows padded from {WARP} to {WARP + 1} words are"),
    ):
        if record is not None:
            ratio = results.versus(record, free)
            found.append((ratio.value, f"{what} {phrases.against(ratio, base)}{phrases.mark(record, free)}."))
    yield from phrases.ranked(found)
