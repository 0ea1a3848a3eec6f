"""The same copy by the runtime and by a kernel: within the device's memory, and to and from the host's.

A GPU has copy engines (CE), which move data while the multiprocessors (SM) compute, and any kernel can copy too. Across
the link `runtime` is an engine's copy; within one device the driver chooses what does it. `kernel` reads and writes 16
bytes a thread at a time, of host memory across the link.

Both copy the same buffers in turn. Those of the host are page-locked and mapped into the device's addresses, so that an
engine and a kernel reach them alike. Bytes within the device count twice, read and written, as STREAM counts; across
the link once. `device.stream` has the copy's limit, `transfer.copy` that of the link by kind of memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Array, Call, DeviceArray, Gpu, HostBuffer, Results
from ...record import phrases, text
from ...record.model import Record
from .._gpu import BLOCK, where
from ._copies import by_kernel, pattern

WAYS = {"d2d": "within the device", "h2d": "from the host", "d2h": "to the host"}
TILED = 4096  # bytes that a block of device.stream's `copy16` copies
Place = HostBuffer | DeviceArray
SMALL = 1.1  # a ratio of times from which on the way matters

bench = Bench(
    "transfer.engines",
    question="Who copies faster, the runtime with its copy engines or a kernel?",
    axes={"direction": tuple(WAYS), "size": ("64KiB", "1MiB", "16MiB", "256MiB")},
    sweeps=({"direction": ("d2d",), "size": ("HBM",)},),
    quick={"size": ("64KiB", "16MiB")},
    baseline="runtime",
    limit="link",
    tolerance=0.0,
    core=False,
)
bench.inputs(pattern)


@bench.reference
def what_was_copied(data: Array) -> Array:
    """The same bytes on the other side."""
    return data


@bench.counts
def counts(size: int, direction: str) -> dict[str, float]:
    """Each byte once across the link, twice within the device."""
    return {"bytes": size * (1 + (direction == "d2d")), "calls": 1}


@bench.memory
def memory(size: int) -> int:
    """Where it is copied from and where to."""
    return 2 * size


class Ends(NamedTuple):
    """Where it is copied from and to, as a copy and as a kernel find them; what fetches the copy, what frees it."""

    source: Place
    to: Place
    given: tuple[np.uint64 | DeviceArray, np.uint64 | DeviceArray]
    output: Callable[[], Array]
    close: Callable[[], None]


def ends(device: Gpu, data: Array, direction: str) -> Ends:
    """Both ends of a copy, of which the first has the data."""
    if direction not in WAYS:
        raise Skip("bad_value", f"a copy goes {', '.join(WAYS)}; not '{direction}'")
    if direction == "d2d":
        source, to = device.put(data), device.put(np.zeros_like(data))
        return Ends(source, to, (source, to), partial(device.get, to), lambda: None)
    host = device.host("mapped", len(data))
    host.array[:] = data if direction == "h2d" else 0
    mapped = np.uint64(host.device_ptr)
    if direction == "h2d":
        there = device.put(np.zeros_like(data))
        return Ends(host, there, (mapped, there), partial(device.get, there), host.close)
    there = device.put(data)
    return Ends(there, host, (there, mapped), partial(getattr, host, "array"), host.close)


def timed(device: Gpu, launch: Call, made: Ends, size: int, direction: str) -> Work:
    """The work of a launch; its facts tell of the memory of the device where all of it is there."""

    def close(_kept: Ends = made) -> None:  # a copy knows addresses only
        made.close()

    facts = where(device, 2 * size) if direction == "d2d" else {"footprint": size, "memory": "mapped"}
    work: Work = device.timed(launch, output=made.output, facts=facts, close=close)
    return work


@bench.variant("runtime", on="gpu", inputs="host")
def by_the_runtime(device: Gpu, data: Array, size: int, direction: str) -> Work:
    """cudaMemcpyAsync: across the link by a copy engine."""
    made = ends(device, data, direction)
    return timed(device, device.copier(made.to, made.source, size), made, size, direction)


@bench.variant("kernel", on="gpu", inputs="host")
def by_a_kernel(device: Gpu, data: Array, size: int, direction: str) -> Work:
    """CUDA C++, loads and stores of 16 bytes."""
    if size % TILED:
        raise Skip("bad_value", f"the kernel copies multiples of {TILED} bytes, not {size}")
    made = ends(device, data, direction)
    if direction == "d2d":
        launch = device.launcher("device.stream", "copy16", size // TILED, BLOCK, made.given)
    else:
        launch = by_kernel(device, made.given, size)
    return timed(device, launch, made, size, direction)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Of each way the rate of the runtime's copy and how a kernel compares, at the largest size; then at the least."""
    for way, name in WAYS.items():
        pairs = sorted(_pairs(results, way), key=lambda pair: pair[0].counts["bytes"])
        if not pairs:
            continue
        runtime, kernel = pairs[-1]
        rate = text.rate(results.rate("runtime", "bytes", **runtime.params), "GB/s")
        amount = text.size(_size(runtime))
        compared = phrases.against(results.versus(kernel, runtime), "it")
        said = f"Copies {name} by the runtime: {rate} at {amount}; a kernel is {compared}"
        shown = [runtime, kernel]
        if len(pairs) > 1:
            small, by_kernel = pairs[0]
            times = results.versus(by_kernel, small)
            if phrases.differs(times) and max(times.value, 1 / times.value) > SMALL:
                said += f", and at {text.size(_size(small))} {phrases.compared(times)}"
                shown += [small, by_kernel]
        yield phrases.marked(said, *shown)


def _pairs(results: Results, way: str) -> list[tuple[Record, Record]]:
    """By size the runtime's record and the kernel's."""
    return [
        (one, other)
        for one in results.records
        if one.timed and one.variant == "runtime" and one.params["direction"] == way and one.counts.get("bytes")
        if (other := results.find("kernel", **one.params)) is not None
    ]


def _size(record: Record) -> float:
    return record.counts["bytes"] / (1 + (record.params["direction"] == "d2d"))
