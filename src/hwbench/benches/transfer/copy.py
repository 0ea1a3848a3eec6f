"""Copies between host and GPU: what one costs, by size, direction and kind of host memory.

A copy takes a latency, whatever its size, and then time for its bytes. At the size where both are equal it reaches half
of the link's bandwidth: below it, many small copies should become one.

A copy engine reaches host memory only where its pages are locked (`pinned`, or `registered` later on). From ordinary
(`pageable`) memory the driver copies through a pinned buffer of its own, which takes CPU time and makes the caller
wait. `mapped` memory is not copied at all: a kernel reads or writes it across the link. `managed` memory migrates page
by page when it is touched.

`raw` is the runtime's own copy, what the link can do; `cupy` is what `cupy.asarray` and `.get()` give. Copies of pinned
memory are timed by the GPU's events, everything that makes the caller wait by the host's clock.

`opencl` is OpenCL's own copy: of memory that the driver allocates (`pinned`: ALLOC_HOST_PTR), of NumPy's (`pageable`),
or the CPU's into and out of a buffer that is mapped for it (`mapped`). All are timed by the host's clock. A device
that is this CPU, or shares the host's memory, has no link: its copies are within memory.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Array, Call, DeviceArray, Gpu, HostBuffer, HostKind, Link, OpenCl, Results, Stream, Sync
from ...record import phrases, text
from ...record.facts import gpu_of, numbers, this_cpu
from ...record.model import Record, Scalar
from .. import _opencl as opencl
from ._copies import by_kernel, one_after_the_other, pattern

SIZES = ("64B", "1KiB", "16KiB", "256KiB", "1MiB", "4MiB", "16MiB", "64MiB", "256MiB", "1GiB")
COLD = 2**20  # pageable copies from this size on start from memory; smaller ones were just written and are cached
DECADE = 10  # a bound that is more uncertain is not told
WORTH = 1.1  # a ratio of times from which on other memory is worth the change

copy_bench = Bench(
    "transfer.copy",
    question="How long does a copy to or from the GPU take, and how much of the link does Python get?",
    axes={"direction": ("h2d", "d2h"), "memory": ("pinned", "pageable"), "size": SIZES},
    sweeps=(
        {"variant": "raw", "direction": ("both",), "memory": ("pinned",), "size": SIZES[3:]},
        {"variant": "raw", "memory": ("registered", "mapped"), "size": ("64KiB", "1MiB", "16MiB", "256MiB")},
        {"variant": "raw", "memory": ("managed",), "size": ("64KiB", "1MiB", "16MiB")},
    ),
    quick={"size": ("64KiB", "64MiB")},
    full={"direction": ("h2d", "d2h", "both")},
    baseline="raw",
    measures="{direction}",
    limit="link",
    version=2,
)
copy_bench.inputs(pattern)


@copy_bench.reference
def what_was_sent(data: np.ndarray, direction: str) -> Array | tuple[Array, Array]:
    """The same bytes on the other side; on both sides where copies go both ways."""
    return (data, data) if direction == "both" else data


@copy_bench.counts
def bytes_sent(size: int, direction: str) -> dict[str, float]:
    """Each byte once; those of both directions together."""
    return {"bytes": size * (1 + (direction == "both")), "calls": 1}


@copy_bench.memory
def both_ends(size: int, direction: str) -> int:
    """An array on each side, two where copies go both ways."""
    return 2 * size * (1 + (direction == "both"))


@copy_bench.variant("raw", on="gpu", inputs="host")
def raw(device: Gpu, data: np.ndarray, direction: str, memory: HostKind, size: int) -> Work:
    """The CUDA runtime's own copy (mapped: a kernel; managed: the first touch)."""
    if (direction, memory) == ("both", "pageable"):
        raise Skip(
            "no_such_case", "a copy of ordinary memory blocks its caller; both ways at once would need two threads"
        )
    if (direction, memory) == ("both", "managed"):
        raise Skip("no_such_case", "a page of managed memory is on one side at a time")
    ends: list[tuple[Call, Callable[[], Array]]] = []  # launch and output of each direction
    buffers = []
    kept = []  # a copy knows addresses only
    streams = tuple(device.streams(2)) if direction == "both" else (device.stream,)
    for way, stream in zip(("h2d", "d2h") if direction == "both" else (direction,), streams, strict=True):
        host = device.host(memory, size)
        buffers.append(host)
        host.array[:] = data if way == "h2d" else 0
        there = device.put(data if way == "d2h" else np.zeros_like(data))
        kept.append(there)
        if memory == "managed":
            return _touched(device, way, host, there, data)
        source, target = (host, there) if way == "h2d" else (there, host)
        launch = (
            _moved(device, host, there, way, size, stream)
            if memory == "mapped"
            else device.copier(target, source, size, stream=stream)
        )
        ends.append((launch, partial(device.get, there) if way == "h2d" else partial(getattr, host, "array")))

    def output() -> Array | tuple[Array, ...]:
        found = tuple(fetch() for _, fetch in ends)
        return found if direction == "both" else found[0]

    def close() -> None:
        kept.clear()
        for buffer in buffers:
            buffer.close()

    facts = {"memory": memory, "footprint": size}
    if memory == "pageable":
        cold = size >= COLD
        work = device.host_timed(
            ends[0][0], output=output, sync="each", cold=cold, facts=facts | {"cold": cold}, close=close
        )
    else:
        forked = streams if direction == "both" else ()
        work = device.timed(
            one_after_the_other([launch for launch, _ in ends]),
            output=output, streams=forked, launches=len(ends), facts=facts, close=close,
        )  # fmt: skip
    made: Work = work
    return made


@copy_bench.variant("cupy", on="gpu", inputs="host")
def through_cupy(device: Gpu, data: np.ndarray, direction: str, memory: HostKind, size: int) -> Work:
    """CuPy: cupy.asarray(array), and array.get() (pinned: get(out=…) into a pinned array)."""
    if direction == "both":
        raise Skip("unsupported", "CuPy waits for each copy, so that two copies never run at once")
    xp = device.xp
    host = device.host(memory, size)
    host.array[:] = data if direction == "h2d" else 0
    there = device.put(data)
    got: list[Any] = [None]

    def send() -> None:
        got[0] = xp.asarray(host.array)

    def fetch() -> None:
        got[0] = there.get()

    def fetch_into() -> None:
        there.get(out=host.array)

    sync: Sync
    cold = memory == "pageable" and size >= COLD
    facts = {"memory": memory, "footprint": size, "cold": cold}
    if direction == "h2d":
        call, output, sync = send, (lambda: device.get(got[0])), "each"
    elif memory == "pinned":
        call, output, sync = fetch_into, (lambda: host.array), "none"
    else:
        call, output, sync = fetch, (lambda: got[0]), "none"

    def close() -> None:
        got[0] = None
        host.close()

    work: Work = device.host_timed(call, output=output, sync=sync, cold=cold, facts=facts, close=close)
    return work


@copy_bench.variant("opencl", on="opencl", inputs="host")
def by_opencl(device: OpenCl, data: np.ndarray, direction: str, memory: HostKind, size: int) -> Work:
    """OpenCL: a copy of the runtime's (mapped: the CPU's, between mapping the buffer and giving it back)."""
    if direction == "both":
        raise Skip("unsupported", "OpenCL's queue is in order, so that two copies never run at once")
    if memory in ("registered", "managed"):
        raise Skip("unsupported", f"OpenCL 1.2 has no {memory} host memory")
    cl, queue, sending = device.cl, device.queue, direction == "h2d"
    with contextlib.ExitStack() as stack:
        there = device.put(np.zeros_like(data) if sending else data)
        if memory == "pinned":
            _, here = stack.enter_context(device.host_buffer(size))
        else:
            here = np.empty_like(data)
        here[:] = data if sending else 0
        ends = (there.data, here) if sending else (here, there.data)

        def copy() -> None:
            cl.enqueue_copy(queue, *ends)

        def mapped() -> None:
            flags = cl.map_flags.WRITE_INVALIDATE_REGION if sending else cl.map_flags.READ
            array, _ = cl.enqueue_map_buffer(queue, there.data, flags, 0, size, np.uint8)
            if sending:
                array[:] = here
            else:
                here[:] = array
            array.base.release(queue)
            queue.finish()

        close = stack.pop_all().close
    made: Work = device.host_timed(
        mapped if memory == "mapped" else copy, output=there.get if sending else lambda: here, wait=False,
        facts={"memory": memory, "footprint": size}, close=close,
    )  # fmt: skip
    return made


def _moved(device: Gpu, host: HostBuffer, there: DeviceArray, way: str, size: int, stream: Stream) -> Call:
    """A kernel that reads or writes mapped host memory across the link."""
    mapped = np.uint64(host.device_ptr)
    return by_kernel(device, (mapped, there) if way == "h2d" else (there, mapped), size, stream)


def _touched(device: Gpu, way: str, host: HostBuffer, there: DeviceArray, data: np.ndarray) -> Work:
    """Managed memory, touched on one side after it was touched on the other: the time of the second touch.

    h2d is a kernel that copies it to ordinary device memory, by events behind the gate; d2h is a NumPy copy, by the
    host's clock.
    """
    managed = np.uint64(host.device_ptr)
    here = np.zeros_like(data)
    if way == "h2d":
        read = by_kernel(device, (managed, there), len(data))
        read()  # what runs behind the gate has run before
        device.synchronize()

        def once() -> float:
            host.array[:] = data  # the pages come back to the host
            return float(device.seconds(read))

    else:
        write = by_kernel(device, (there, managed), len(data))

        def once() -> float:
            write()  # the pages go to the device
            device.read_gauges()
            device.synchronize()
            start = time.perf_counter()
            np.copyto(here, host.array)
            return time.perf_counter() - start

    facts = {"memory": "managed", "footprint": len(data), "timed_by": "events" if way == "h2d" else "host"}
    return Work(
        call=once,
        output=lambda: device.get(there) if way == "h2d" else here,
        timer=lambda loops: sum(once() for _ in range(loops)),
        facts=facts,
        close=host.close,
    )


@copy_bench.finding
def finding(results: Results) -> Iterator[str]:
    """What the link does; then what other memory gets of it, from the least on, and how to get the rest."""
    for device, records in opencl.by_device(results, "bytes"):
        items = []
        for way, where in (("h2d", "to it"), ("d2h", "from it")):
            here = [record for record in records if record.params.get("direction") == way]
            if here:
                best = max(here, key=_rate)
                kind = f"{best.params.get('memory')} memory, {text.size(best.counts['bytes'])}"
                items.append(phrases.Item(f"{text.rate(_rate(best), 'GB/s')} {where} ({kind})", (best,)))
        if items:
            none = ", which has no link: they stay within this machine's memory" * this_cpu(results.run, device)
            yield f"Fastest copies by OpenCL on {opencl.name(results, device)}{none}: {phrases.entries(items)}."
    ways = {"h2d": "to the GPU", "d2h": "from the GPU", "both": "in both directions at once"}
    pinned = {way: _best(results, "raw", direction=way, memory="pinned") for way in ways}
    told = [
        phrases.Item(f"{text.rate(_rate(record), 'GB/s')} {ways[way]}", (record,))
        for way, record in pinned.items()
        if record is not None
    ]
    if told:
        yield f"Copies of pinned memory reach {phrases.entries(told)}."
    slower = [found for way in ("h2d", "d2h") if (found := _pageable(results, way)) is not None]
    for memory in ("registered", "mapped", "managed"):
        record, base = _best(results, "raw", direction="h2d", memory=memory), pinned["h2d"]
        if record is not None and base is not None:
            times = results.versus(record, base).scaled(base.counts["bytes"] / record.counts["bytes"])
            rate = f"{text.rate(_rate(record), 'GB/s')}, {phrases.against(times, 'pinned memory')}"
            read = f"{memory.capitalize()} host memory, read by the GPU: {rate}"
            slower.append((times.value, f"{read}{phrases.mark(record, base)}."))
    own = [r for r in results.records if r.timed and r.variant == "raw"]
    own = [r for r in own if (r.params["direction"], r.params["memory"]) == ("h2d", "pinned")]
    link = fitted(results, own)
    narrow = below_its_link(results, own)
    yield from narrow
    link = None if narrow else link
    yield from phrases.ranked(slower, 2 - bool(narrow or link is not None))
    if link is not None:
        yield (
            f"A copy to the GPU costs {text.seconds(link.latency)} before its first byte; from "
            f"{text.size(link.half.value)} on it reaches half of the link's bandwidth or more{phrases.mark(*own)}."
        )


def below_its_link(results: Results, records: Sequence[Record]) -> list[str]:
    """Whether the PCIe link was slower during the largest copies than card and slot can have it, in a sentence or none.

    An idle link rests at generation 1: what counts is the most that was read while pinned memory was copied.
    """
    if not records:
        return []
    largest = max(records, key=lambda record: record.counts["bytes"])
    card = gpu_of(results.run, largest.device)
    had = [max(numbers(largest.telemetry.get(name)), default=0.0) for name in ("gpu_pcie_gen", "gpu_pcie_width")]
    best = [float((card.pcie or {}).get(f"max_{name}") or 0) if card else 0.0 for name in ("generation", "width")]
    if not all(had) or not all(best) or (had[0] >= best[0] and had[1] >= best[1]):
        return []
    runs, could = (f"{generation:g} x{width:g}" for generation, width in (had, best))
    said = f"The link runs at PCIe {runs} under load, where card and slot can have {could}"
    advice = "see that the card sits in a slot of full width, and what the firmware sets for it"
    return [f"{said}{phrases.mark(largest)}; {advice}."]


def _pageable(results: Results, way: str) -> tuple[float, str] | None:
    """What Python gets from ordinary memory at the largest size, against pinned memory, and the remedy."""
    size = _largest(results, way)
    plain = results.find("cupy", direction=way, memory="pageable", size=size)
    pinned = results.find("raw", direction=way, memory="pinned", size=size)
    if plain is None or pinned is None:
        return None
    call, remedy = {
        "h2d": ("sent by cupy.asarray", "keep the array in pinned memory (cupyx.empty_pinned) and send it by set()"),
        "d2h": ("fetched by get()", "fetch into a pinned array by get(out=…)"),
    }[way]
    times = results.versus(plain, pinned)
    told = f"{text.rate(_rate(plain), 'GB/s')}, {phrases.against(times, 'pinned memory')}"
    return times.value, (
        f"An ordinary array of {text.size(plain.counts['bytes'])} {call}: {told}{phrases.mark(plain, pinned)}"
        + (f"; {remedy}." if times.low > WORTH else ".")
    )


def fitted(results: Results, records: Sequence[Record]) -> Link | None:
    """Latency and bandwidth of copies; None for fewer than three sizes, where no line fits or an end spans a decade."""
    try:
        link = results.fits.link([(record.counts["bytes"], record.samples) for record in records])
    except ValueError:
        return None
    return link if link.half.high < DECADE * link.half.low else None


def _best(results: Results, variant: str, **params: Scalar) -> Record | None:
    """The record of the highest median rate over sizes."""
    sizes = dict.fromkeys(record.params["size"] for record in results.records)
    found = [record for size in sizes if (record := results.find(variant, size=size, **params)) is not None]
    return max(found, key=_rate, default=None)


def _rate(record: Record) -> float:
    """Bytes a second, by the median."""
    return record.counts["bytes"] / float(np.median(record.samples))


def _largest(results: Results, direction: str) -> Scalar | None:
    """The largest size at which CuPy was timed, as the axis names it."""
    timed = [
        record
        for record in results.records
        if record.timed and record.variant == "cupy" and record.params["direction"] == direction
    ]
    return max(timed, key=lambda record: record.counts["bytes"]).params["size"] if timed else None
