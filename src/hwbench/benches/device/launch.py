"""Launches: what it costs to start an empty kernel in each way that Python has, and to wait for it.

Queued launches overlap with what runs before them; a wait after each adds the round trip between host and GPU. A graph
holds many launches and is started as one.

In OpenCL, `opencl` is queued, `opencl-enqueue` what Python takes to enqueue one, `opencl-sync` with a wait after each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Work
from ...protocols import Call, Gpu, OpenCl, OpenClEvent, Results
from ...record import phrases, text
from .. import _opencl as opencl
from .._gpu import in_a_graph, times

CALLS = 100  # launches of one call

launch_bench = Bench(
    "device.launch",
    question="What does it cost to start a kernel, and to wait for it?",
    axes={},
    baseline="queued",
    measures="gpu launch",
    version=2,
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


def marked(device: Gpu) -> tuple[Call, Callable[[], int]]:
    """A launch of the empty kernel, and the mark it leaves."""
    flag = device.put(np.zeros(1, np.int32))
    return device.launcher("device.sync", "mark", 1, 1, (flag,)), lambda: int(device.get(flag)[0])


@launch_bench.variant("queued", on="gpu")
def queued(device: Gpu) -> Work:
    """One launch after the other in the queue, as the GPU sees them."""
    launch, mark = marked(device)
    work: Work = device.timed(times(launch, CALLS), output=mark, launches=CALLS)
    return work


@launch_bench.variant("enqueue", on="gpu")
def enqueue(device: Gpu) -> Work:
    """What Python takes to enqueue one, waiting once at the end."""
    launch, mark = marked(device)
    work: Work = device.host_timed(times(launch, CALLS), output=mark, sync="end")
    return work


@launch_bench.variant("sync", on="gpu")
def synchronised(device: Gpu) -> Work:
    """A launch, and a wait for it."""
    launch, mark = marked(device)
    wait = device.stream.synchronize

    def call() -> None:
        launch()
        wait()

    work: Work = device.host_timed(times(call, CALLS), output=mark, sync="none")
    return work


@launch_bench.variant("graph", on="gpu")
def graph(device: Gpu) -> Work:
    """A CUDA graph of 100 launches, started as one."""
    launch, mark = marked(device)
    work: Work = device.timed(in_a_graph(device, times(launch, CALLS)), output=mark, launches=CALLS)
    return work


@launch_bench.variant("event", on="gpu")
def event(device: Gpu) -> Work:
    """An event recorded, and waited for; nothing is launched."""
    recorded = device.event(timing=False)

    def call() -> None:
        recorded.record(device.stream)
        recorded.synchronize()

    work: Work = device.host_timed(times(call, CALLS), output=lambda: int(recorded.done), sync="none")
    return work


@launch_bench.variant("cupy", on="gpu")
def elementwise(device: Gpu) -> Work:
    """CuPy: cupy.add of one element with out=, waiting once at the end."""
    one = device.put(np.ones(1, np.int32))
    zero, to = device.put(np.zeros(1, np.int32)), device.put(np.zeros(1, np.int32))
    add = device.xp.add

    def call() -> None:
        add(one, zero, out=to)

    work: Work = device.host_timed(times(call, CALLS), output=lambda: int(device.get(to)[0]), sync="end")
    return work


def marked_by_opencl(device: OpenCl) -> tuple[Callable[[], OpenClEvent], Callable[[], int]]:
    """A launch of the empty kernel in OpenCL, and the mark it leaves."""
    flag = device.put(np.zeros(1, np.int32))
    return device.launcher("device.launch", "mark", 1, 1, (flag,)), lambda: int(flag.get()[0])


@launch_bench.variant("opencl", on="opencl")
def queued_by_opencl(device: OpenCl) -> Work:
    """OpenCL: one launch after the other in the queue, as the device sees them."""
    launch, mark = marked_by_opencl(device)

    def call() -> tuple[OpenClEvent, OpenClEvent]:
        ends = [launch() for _ in range(CALLS)]
        return ends[0], ends[-1]

    work: Work = device.timed(call, output=mark, launches=CALLS)
    return work


@launch_bench.variant("opencl-enqueue", on="opencl")
def enqueued_by_opencl(device: OpenCl) -> Work:
    """OpenCL: what Python takes to enqueue one, waiting once at the end."""
    launch, mark = marked_by_opencl(device)
    work: Work = device.host_timed(times(launch, CALLS), output=mark)
    return work


@launch_bench.variant("opencl-sync", on="opencl")
def synchronised_by_opencl(device: OpenCl) -> Work:
    """OpenCL: a launch, and a wait for it."""
    launch, mark = marked_by_opencl(device)
    wait = device.queue.finish

    def call() -> None:
        launch()
        wait()

    work: Work = device.host_timed(times(call, CALLS), output=mark, wait=False)
    return work


@launch_bench.finding
def launch_finding(results: Results) -> Iterator[str]:
    """What waiting adds, and what each way costs."""
    names = {
        "sync": "with a wait after each launch", "cupy": "as a CuPy operation", "enqueue": "launched from Python",
        "queued": "queued", "graph": "in a graph",
    }  # fmt: skip
    found = {name: record for name in names if (record := results.find(name)) is not None and record.counts["calls"]}
    costs = {name: results.each("calls", name) for name in found}
    wait, python = found.get("sync"), found.get("enqueue")
    waiting = costs.get("sync")
    if wait is not None and python is not None and waiting is not None:
        ratio = results.versus(wait, python).scaled(python.counts["calls"] / wait.counts["calls"])
        advice = f"; give the GPU at least {text.seconds(waiting.value)} of work per wait" * phrases.slower(ratio)
        compared = phrases.against(ratio, "without a wait")
        yield f"A launch with a wait after it is {compared}{phrases.mark(wait, python)}{advice}."
    told = [phrases.Item(f"{text.seconds(costs[name])} {names[name]}", (record,)) for name, record in found.items()]
    if told:
        yield f"Cost of an empty kernel: {phrases.entries(told)}."
    ways = {
        "opencl": "queued",
        "opencl-enqueue": "launched from Python",
        "opencl-sync": "with a wait after each launch",
    }
    for device, records in opencl.by_device(results, "calls"):
        items = [
            phrases.Item(f"{text.seconds(opencl.each(record, 'calls'))} {way}", (record,))
            for variant, way in ways.items()
            for record in records
            if record.variant == variant
        ]
        if items:
            yield f"Cost of an empty kernel by OpenCL on {opencl.name(results, device)}: {phrases.entries(items)}."
