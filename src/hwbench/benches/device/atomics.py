"""Contention: many threads increment few counters.

Three ways to count: each thread on memory (`global`), each block in its shared memory and then once a counter on memory
(`shared`), or each warp by shuffles first, so that one of its threads adds for all 32 (`warp`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Gpu, Results
from ...record import text
from .._gpu import BLOCK, WARP

THREADS = 2**20
ROUNDS = 1024  # increments of each thread: at least 0.1 ms in shared memory, which is the fastest
CROWDED = 128  # increments of each thread where there are no more counters than a warp has threads
MOST_SHARED = 4096  # counters, as in the kernel

atomics_bench = Bench(
    "device.atomics",
    question="What does it cost when many threads count in few places?",
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
    one, many = (results.each("items", "global", addresses=count) for count in (1, 2**20))
    if one is not None and many is not None:
        yield (
            f"An atomic increment takes {text.seconds(one.value)} of the GPU's time when all threads meet on one "
            f"counter, and {text.seconds(many.value)} when each has its own."
        )
    gains = {name: results.ratio("global", name, addresses=1) for name in ("shared", "warp")}
    told = [
        f"{text.times(gain.value)} as fast {'in shared memory first' if name == 'shared' else 'within each warp first'}"
        for name, gain in gains.items()
        if gain is not None
    ]
    if told:
        yield f"Counting on one address is {' and '.join(told)}."
