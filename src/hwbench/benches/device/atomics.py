"""Contention: many threads increment few counters.

Three ways to count: each thread on memory (`global`), each block in its shared memory and then once a counter on memory
(`shared`), or each warp by shuffles first, so that one of its threads adds for all 32 (`warp`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Gpu, Results
from ...record import phrases, text
from .._gpu import BLOCK, WARP

THREADS = 2**20
ROUNDS = 1024  # increments of each thread: at least 0.1 ms in shared memory, which is the fastest
CROWDED = 128  # increments of each thread where there are no more counters than a warp has threads
MOST_SHARED = 4096  # counters, as in the kernel

atomics_bench = Bench(
    "device.atomics",
    question="What do atomic increments cost when many threads share few counters?",
    axes={"addresses": (1, 32, 1024, 2**20)},
    quick={"addresses": (1, 2**20)},
    baseline="global",
    version=3,
    tolerance=0.0,
    core=False,
)


def rounds(addresses: int) -> int:
    """Increments of each thread; few where all meet, as each takes 0.7 ns of the whole GPU's time then (H200)."""
    return min(ROUNDS, CROWDED) if addresses <= WARP else ROUNDS


@atomics_bench.reference
def counted(addresses: int) -> np.ndarray:
    """Every counter gets the same number of increments."""
    return np.full(addresses, THREADS * rounds(addresses) // addresses, np.uint32)


@atomics_bench.counts
def increments(addresses: int) -> dict[str, float]:
    """The increments of a call."""
    return {"items": THREADS * rounds(addresses)}


@atomics_bench.memory
def counters_memory(addresses: int) -> int:
    """The counters."""
    return 4 * addresses


def counting(kernel: str, how: str) -> Callable[..., Work]:
    """A builder for one way to count."""

    def count(device: Gpu, addresses: int) -> Work:
        if addresses & (addresses - 1) or addresses > THREADS:
            raise Skip("bad_value", f"{addresses} counters are no power of two up to {THREADS}")
        if kernel == "atomic_shared" and addresses > MOST_SHARED:
            raise Skip("gpu_lacks", f"shared memory holds {MOST_SHARED} counters here")
        counters = device.put(np.zeros(addresses, np.uint32))
        arguments = (counters, np.int32(addresses - 1), np.int32(rounds(addresses)))
        launch = device.launcher("device.sync", kernel, THREADS // BLOCK, BLOCK, arguments)
        work: Work = device.timed(
            launch, output=lambda: device.get(counters), facts={"footprint": 4 * addresses, "rounds": rounds(addresses)}
        )
        return work

    count.__doc__ = f"atomicAdd {how}."
    return count


atomics_bench.variant("global", on="gpu")(counting("atomic_global", "on memory"))
atomics_bench.variant("shared", on="gpu")(
    counting("atomic_shared", "in each block's shared memory, and one sum a block")
)
atomics_bench.variant("warp", on="gpu")(counting("atomic_warp", "on memory, after each warp has added up by shuffles"))


@atomics_bench.finding
def atomics_finding(results: Results) -> Iterator[str]:
    """What contention costs, and what helps against it."""
    one, many = (results.find("global", addresses=count) for count in (1, THREADS))
    each = results.each("items", "global", addresses=1)
    if one is None or each is None:
        return
    summed = [
        (results.versus(record, one), where, record)
        for name, where in (("shared", "in shared memory"), ("warp", "within each warp"))
        if (record := results.find(name, addresses=1)) is not None
    ]
    ratios = [ratio for ratio, _, _ in summed]
    gains = [
        phrases.Item(f"{phrases.compared(ratio)} if summed {where} first", (record, one))
        for ratio, where, record in summed
    ]
    found = []
    if gains:
        told = f"Counting in one place, against atomics on global memory: {phrases.entries(gains)}."
        found.append((phrases.largest(ratios), told))
    told, effect = f"An atomic increment of one counter by all threads takes {text.seconds(each)}", 1.0
    if many is not None and many.counts.get("items"):
        ratio = results.versus(one, many).scaled(many.counts["items"] / one.counts["items"])
        told, effect = f"{told}, {phrases.against(ratio, 'an increment of a counter of its own')}", ratio.value
    found.append((effect, f"{told}{phrases.mark(one, many)}."))
    yield from phrases.ranked(found)
