"""Starting and waiting: what a launch costs, what threads pay to wait for one another, and what they pay to meet.

`device.launch` starts an empty kernel in every way that Python has. Queued launches overlap their cost with what runs
before them; who waits after each pays for the way there and back. A graph holds many launches and is started as one.

`device.sync` makes all threads wait: those of a block by the hardware's barrier, those of the whole grid by a counter
in memory (all blocks must be on the device at once: a cooperative launch) or by ending the kernel and starting another.

`device.atomics` counts: many threads increment few counters, in memory, in each block's shared memory first, or after
the threads of a warp have added up among themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..bench import Bench, Skip, Work
from ._gpu import BLOCK, needs_capability

CALLS = 100  # launches of one call

launch_bench = Bench(
    "device.launch",
    question="What does it cost to start a kernel, and to wait for it?",
    axes={},
    baseline="queued",
    tolerance=0.0,
    core=False,
)


@launch_bench.reference
def happened() -> int:
    """The mark that the last launch left."""
    return 1


@launch_bench.counts
def launches() -> dict[str, float]:
    """The launches of a call."""
    return {"calls": CALLS}


@launch_bench.memory
def launch_memory() -> int:
    """Next to nothing."""
    return 2**20


def marked(device: Any) -> tuple[Callable[[], Any], Callable[[], int]]:
    """A launch of the empty kernel, and the mark it leaves."""
    flag = device.put(np.zeros(1, np.int32))
    return device.launcher("device_sync", "mark", 1, 1, (flag,)), lambda: int(device.get(flag)[0])


def times(call: Callable[[], Any], count: int) -> Callable[[], None]:
    """`count` calls."""

    def repeat() -> None:
        for _ in range(count):
            call()

    return repeat


@launch_bench.variant("queued", on="gpu")
def queued(device: Any) -> Work:
    """One launch after the other in the queue, as the GPU sees them."""
    launch, mark = marked(device)
    work: Work = device.timed(times(launch, CALLS), output=mark, launches=CALLS)
    return work


@launch_bench.variant("enqueue", on="gpu")
def enqueue(device: Any) -> Work:
    """What Python takes to enqueue one, waiting once at the end."""
    launch, mark = marked(device)
    work: Work = device.host_timed(times(launch, CALLS), output=mark, sync="end")
    return work


@launch_bench.variant("sync", on="gpu")
def synchronised(device: Any) -> Work:
    """A launch, and a wait for it."""
    launch, mark = marked(device)
    wait = device.stream.synchronize

    def call() -> None:
        launch()
        wait()

    work: Work = device.host_timed(times(call, CALLS), output=mark, sync="none")
    return work


@launch_bench.variant("graph", on="gpu")
def graph(device: Any) -> Work:
    """A CUDA graph of 100 launches, started as one."""
    launch, mark = marked(device)
    launch()  # loaded before it is captured
    device.synchronize()
    stream = device.stream
    stream.begin_capture()
    try:
        times(launch, CALLS)()
    finally:
        captured = stream.end_capture()
    flagged: Work = device.timed(lambda: captured.launch(stream=stream), output=mark)
    return flagged


@launch_bench.variant("event", on="gpu")
def event(device: Any) -> Work:
    """An event recorded, and waited for; nothing is launched."""
    recorded = device.event(timing=False)

    def call() -> None:
        recorded.record(device.stream)
        recorded.synchronize()

    work: Work = device.host_timed(times(call, CALLS), output=lambda: int(recorded.done), sync="none")
    return work


@launch_bench.variant("cupy", on="gpu")
def elementwise(device: Any) -> Work:
    """CuPy: cupy.add of one element with out=, waiting once at the end."""
    one = device.put(np.ones(1, np.int32))
    zero, to = device.put(np.zeros(1, np.int32)), device.put(np.zeros(1, np.int32))
    add = device.xp.add

    def call() -> None:
        add(one, zero, out=to)

    work: Work = device.host_timed(times(call, CALLS), output=lambda: int(device.get(to)[0]), sync="end")
    return work


@launch_bench.finding
def launch_finding(read: Any) -> Iterator[str]:
    """What each way costs, and what waiting adds."""
    names = {
        "queued": "queued", "graph": "in a graph", "enqueue": "enqueued from Python", "cupy": "as a CuPy operation",
        "sync": "with a wait after each",
    }  # fmt: skip
    costs = {name: read.each("calls", name) for name in names}
    told = [f"{cost.value * 1e6:.3g} µs {names[name]}" for name, cost in costs.items() if cost is not None]
    if told:
        yield f"An empty kernel takes {', '.join(told)}."
    wait, python = costs["sync"], costs["enqueue"]
    if wait is not None and python is not None:
        yield (
            f"Waiting after each launch makes it {wait.value / python.value:.3g}× as dear: a kernel should do at least "
            f"{wait.value * 1e6:.2g} µs of work for each time that the host waits."
        )


# --- barriers ---------------------------------------------------------------------------------------------------------

# Barriers of a call. Those of a block take some ten nanoseconds, so that it takes thousands of them until the launch
# itself is nothing beside them; of the others each costs as much as a launch.
BARRIERS = {"block": 2**14, "grid": 2**8, "launch": 2**8}

sync_bench = Bench(
    "device.sync",
    question="What does it cost when all threads of a block, or of the whole GPU, wait for one another?",
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


def waiting(device: Any, launch: Callable[[], Any], to: Any, block: int, count: int = 1) -> Work:
    """The work of a launch that leaves in `to` how often it waited."""
    facts = {"blocks": device.properties.sm, "block": block}
    work: Work = device.timed(
        times(launch, count) if count > 1 else launch,
        output=lambda: int(device.get(to)[0]), launches=count, facts=facts,
    )  # fmt: skip
    return work


@sync_bench.variant("block", on="gpu")
def of_a_block(device: Any, block: int) -> Work:
    """__syncthreads: the threads of each block."""
    to = device.put(np.zeros(device.properties.sm, np.int32))
    arguments = (to, np.int32(BARRIERS["block"] // 16))
    launch = device.launcher("device_sync", "barriers_block", device.properties.sm, block, arguments)
    return waiting(device, launch, to, block)


@sync_bench.variant("grid", on="gpu")
def of_the_grid(device: Any, block: int) -> Work:
    """A counter in memory: a block on each multiprocessor, all on the device at once."""
    needs_capability(device, (6, 0), "cooperative launches")
    if device.resident("device_sync", "barriers_grid", block) < 1:
        raise Skip(f"no block of {block} threads fits a multiprocessor")
    to, state = device.put(np.zeros(1, np.int32)), device.put(np.zeros(1, np.uint32))
    arguments = (state, to, np.int32(BARRIERS["grid"]))
    launch = device.launcher("device_sync", "barriers_grid", device.properties.sm, block, arguments, cooperative=True)
    return waiting(device, launch, to, block)


@sync_bench.variant("launch", on="gpu")
def by_launching(device: Any, block: int) -> Work:
    """The end of a kernel and the start of the next."""
    to = device.put(np.zeros(1, np.int32))
    launch = device.launcher("device_sync", "step", device.properties.sm, block, (to,))
    return waiting(device, launch, to, block, BARRIERS["launch"])


@sync_bench.finding
def sync_finding(read: Any) -> Iterator[str]:
    """A barrier of a block, of the grid, and by launching."""
    size = 256
    names = {"block": "a block", "grid": "the whole grid through memory", "launch": "the whole grid by a new launch"}
    costs = {name: read.each("calls", name, block=size) for name in names}
    told = [f"{cost.value * 1e9:.3g} ns for {names[name]}" for name, cost in costs.items() if cost is not None]
    if told:
        yield f"A barrier takes {', '.join(told)} ({size} threads a block)."
    if costs["block"] is not None and costs["grid"] is not None:
        ratio = costs["grid"].value / costs["block"].value
        yield f"Waiting for all multiprocessors is {ratio:.3g}× as dear as for one block: synchronise in the small."


# --- atomics ----------------------------------------------------------------------------------------------------------

THREADS = 2**20
ROUNDS = 1024  # 0.1 ms and more in shared memory, which is the fastest
MOST_SHARED = 4096  # counters, as in the kernel

atomics_bench = Bench(
    "device.atomics",
    question="What does it cost when many threads count in few places?",
    axes={"addresses": (1, 32, 1024, 2**20)},
    quick={"addresses": (1, 2**20)},
    baseline="global",
    version=2,
    tolerance=0.0,
    core=False,
)


@atomics_bench.reference
def counted(addresses: int) -> np.ndarray:
    """Every counter gets the same number of increments."""
    return np.full(addresses, THREADS * ROUNDS // addresses, np.uint32)


@atomics_bench.counts
def increments() -> dict[str, float]:
    """The increments of a call."""
    return {"items": THREADS * ROUNDS}


@atomics_bench.memory
def counters_memory(addresses: int) -> int:
    """The counters."""
    return 4 * addresses


def counting(kernel: str, how: str) -> Callable[..., Work]:
    """A builder for one way to count."""

    def count(device: Any, addresses: int) -> Work:
        if addresses & (addresses - 1) or addresses > THREADS:
            raise Skip(f"{addresses} counters are no power of two up to {THREADS}")
        if kernel == "atomic_shared" and addresses > MOST_SHARED:
            raise Skip(f"shared memory holds {MOST_SHARED} counters here")
        counters = device.put(np.zeros(addresses, np.uint32))
        arguments = (counters, np.int32(addresses - 1), np.int32(ROUNDS))
        launch = device.launcher("device_sync", kernel, THREADS // BLOCK, BLOCK, arguments)
        work: Work = device.timed(
            launch, output=lambda: device.get(counters), facts={"footprint": 4 * addresses, "rounds": ROUNDS}
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
def atomics_finding(read: Any) -> Iterator[str]:
    """What contention costs, and what helps against it."""
    one, many = (read.each("items", "global", addresses=count) for count in (1, 2**20))
    if one is not None and many is not None:
        yield (
            f"An atomic increment takes {one.value * 1e12:.3g} ps of the GPU's time when all threads meet on one "
            f"counter, and {many.value * 1e12:.3g} ps when each has its own."
        )
    gains = {name: read.ratio("global", name, addresses=1) for name in ("shared", "warp")}
    told = [
        f"{gain.value:.3g}× as fast {'in shared memory first' if name == 'shared' else 'within each warp first'}"
        for name, gain in gains.items()
        if gain is not None
    ]
    if told:
        yield f"Counting on one address is {' and '.join(told)}."
