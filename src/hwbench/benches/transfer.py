"""The way to the GPU: what a copy costs, by size, by kind of host memory, in pieces, and beside computing.

A copy takes a latency, whatever its size, and then time for its bytes. The size at which both are equal gives half of
the link's bandwidth: below it, many small copies should become one.

The engine that copies can reach host memory only where the pages are nailed down (`pinned`, or `registered` later on).
From ordinary (`pageable`) memory the driver copies through a pinned buffer of its own, which takes the CPU's time and
makes the caller wait. `mapped` memory is not copied at all: a kernel reads or writes it across the link. `managed`
memory moves page by page when it is touched.

`raw` is the runtime's own copy, what the link can do; `cupy` what `cupy.asarray` and `.get()` give. Copies from and to
pinned memory are timed by the GPU's events, everything that makes the caller wait by the host's clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ..bench import Bench, Skip, Work
from ..fits import link, overlap, slope
from ..quantity import format_bytes
from ._gpu import BLOCK, DOWN, STEP, UP, B, E, starts

SIZES = ("64B", "1KiB", "16KiB", "256KiB", "1MiB", "4MiB", "16MiB", "64MiB", "256MiB", "1GiB")
TILE = 2**20  # bytes of random data, repeated: no link compresses, and a gigabyte of random numbers takes seconds
COLD = 2**20  # pageable copies from this size on start from memory; what is smaller was just written, and is cached
WORD = 16  # bytes that a thread of `move16` takes at a time
WAVES = 8  # blocks of `move16` for each multiprocessor: 4 MiB under way on a large card

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
    limit="link",
    version=2,
)


@copy_bench.inputs
def pattern(rng: np.random.Generator, size: int) -> np.ndarray:
    """`size` random bytes, the first MiB over and over."""
    return np.resize(rng.integers(0, 256, min(size, TILE), dtype=np.uint8), size)


@copy_bench.reference
def what_was_sent(data: np.ndarray, direction: str) -> Any:
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
def raw(device: Any, data: np.ndarray, direction: str, memory: str, size: int) -> Work:
    """The CUDA runtime's own copy (mapped: a kernel; managed: the first touch)."""
    if (direction, memory) == ("both", "pageable"):
        raise Skip("a copy of ordinary memory makes its caller wait; both ways at once takes two threads")
    if (direction, memory) == ("both", "managed"):
        raise Skip("a page of managed memory is on one side at a time")
    ends: list[tuple[Callable[[], Any], Callable[[], Any]]] = []  # launch and output of each direction
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

    def output() -> Any:
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
            _one_after_the_other([launch for launch, _ in ends]),
            output=output, streams=forked, launches=len(ends), facts=facts, close=close,
        )  # fmt: skip
    made: Work = work
    return made


@copy_bench.variant("cupy", on="gpu", inputs="host")
def through_cupy(device: Any, data: np.ndarray, direction: str, memory: str, size: int) -> Work:
    """CuPy: cupy.asarray(array), and array.get() (pinned: get(out=…) into a pinned array)."""
    if direction == "both":
        raise Skip("CuPy waits for each copy, so that none goes the other way meanwhile")
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


def _one_after_the_other(launches: list[Callable[[], Any]]) -> Callable[[], Any]:
    if len(launches) == 1:
        return launches[0]

    def call() -> None:
        for launch in launches:
            launch()

    return call


def _moved(device: Any, host: Any, there: Any, way: str, size: int, stream: Any) -> Callable[[], Any]:
    """A kernel that reads or writes mapped host memory across the link."""
    words = size // WORD
    blocks = max(1, min(-(-words // BLOCK), WAVES * device.properties.sm))
    mapped = np.uint64(host.device_ptr)
    ends = (mapped, there) if way == "h2d" else (there, mapped)
    launch: Callable[[], Any] = device.launcher(
        "transfer", "move16", blocks, BLOCK, (*ends, np.int64(words)), stream=stream
    )
    return launch


def _touched(device: Any, way: str, host: Any, there: Any, data: np.ndarray) -> Work:
    """Managed memory, touched on the one side after it was touched on the other: the time of the second touch.

    h2d is a kernel that copies it to plain device memory, by events behind the gate; d2h a NumPy copy, by the host's
    clock.
    """
    words = np.int64(len(data) // WORD)
    blocks = max(1, min(-(-int(words) // BLOCK), WAVES * device.properties.sm))
    managed = np.uint64(host.device_ptr)
    here = np.zeros_like(data)
    if way == "h2d":
        read = device.launcher("transfer", "move16", blocks, BLOCK, (managed, there, words))
        read()  # what runs behind the gate has run before
        device.synchronize()

        def once() -> float:
            host.array[:] = data  # the pages come back to the host
            return float(device.seconds(read))

    else:
        write = device.launcher("transfer", "move16", blocks, BLOCK, (there, managed, words))

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
def finding(read: Any) -> Iterator[str]:
    """What the link does, what CuPy gets of it, and the way to get the rest."""
    names = {"h2d": "to the GPU", "d2h": "from the GPU"}
    for direction, name in names.items():
        found = fitted(read, "raw", direction, "pinned")
        rate = _best(read, "raw", direction=direction, memory="pinned")
        if found is not None and rate is not None:
            yield (
                f"Copies {name} reach {rate:.3g} GB/s from pinned memory; each costs {found.latency.value * 1e6:.3g} "
                f"µs ({found.latency.low * 1e6:.3g}–{found.latency.high * 1e6:.3g}) before the first byte: half of "
                f"it takes {format_bytes(found.half.value)} at once. The lecture's PCIe 3 ×16: 16 GB/s."
            )
        elif rate is not None:
            yield f"Copies {name} reach {rate:.3g} GB/s from pinned memory. The lecture's PCIe 3 ×16: 16 GB/s."
    both, one = (_best(read, "raw", direction=way, memory="pinned") for way in ("both", "h2d"))
    if both is not None and one is not None:
        yield f"Both ways at once the link moves {both:.3g} GB/s, {both / one:.2f}× what it moves one way."
    remedies = {
        "h2d": "keep the array in pinned memory (cupyx.empty_pinned) and send it by array.set()",
        "d2h": "fetch into a pinned array, get(out=…)",
    }
    for direction, remedy in remedies.items():
        size = _largest(read, direction)
        pinned = read.rate("raw", "bytes", direction=direction, memory="pinned", size=size)
        plain = read.rate("cupy", "bytes", direction=direction, memory="pageable", size=size)
        if pinned is not None and plain is not None:
            call = "sent by cupy.asarray" if direction == "h2d" else "fetched by .get()"
            share = f"{plain.value / pinned.value:.0%} of that ({plain.value * 1e-9:.3g} GB/s, {size})"
            hint = f"; {remedy}" if plain.value < 0.9 * pinned.value else ""
            yield f"An ordinary array {call} gets {share}{hint}."
    for memory in ("registered", "mapped", "managed"):
        rate = _best(read, "raw", direction="h2d", memory=memory)
        if rate is not None and one is not None:
            yield f"{memory.capitalize()} memory is read at {rate:.3g} GB/s, {rate / one:.0%} of pinned memory's."


def fitted(read: Any, variant: str, direction: str, memory: str) -> Any:
    """The `fits.Link` of one variant's sizes; None where fewer than three were measured or no line fits."""
    points = [
        (record.counts["bytes"], record.samples)
        for record in read.records
        if record.timed and record.variant == variant
        and (record.params["direction"], record.params["memory"]) == (direction, memory)
    ]  # fmt: skip
    try:
        return link(points)
    except ValueError:
        return None


def _best(read: Any, variant: str, **params: Any) -> float | None:
    """The highest median rate over sizes, GB/s."""
    sizes = dict.fromkeys(record.params["size"] for record in read.records)
    rates = [read.rate(variant, "bytes", size=size, **params) for size in sizes]
    return max((rate.value * 1e-9 for rate in rates if rate is not None), default=None)


def _largest(read: Any, direction: str) -> Any:
    """The largest size at which CuPy was timed, as the axis names it."""
    timed = [
        record
        for record in read.records
        if record.timed and record.variant == "cupy" and record.params["direction"] == direction
    ]
    return max(timed, key=lambda record: record.counts["bytes"]).params["size"] if timed else None


# --- one copy or many -------------------------------------------------------------------------------------------------

chunks_bench = Bench(
    "transfer.chunks",
    question="What does it cost to send the same bytes in many pieces?",
    axes={"direction": ("h2d",), "size": ("64MiB",), "pieces": (1, 4, 16, 64, 256, 1024, 4096)},
    quick={"pieces": (1, 256)},
    baseline="once",
    limit="link",
    together=("pieces",),
    core=False,
)


@chunks_bench.inputs
def chunked(rng: np.random.Generator, size: int) -> np.ndarray:
    """`size` random bytes, the first MiB over and over."""
    return np.resize(rng.integers(0, 256, min(size, TILE), dtype=np.uint8), size)


@chunks_bench.reference
def all_of_it(data: np.ndarray) -> np.ndarray:
    """The same bytes."""
    return data


@chunks_bench.counts
def sent_in_all(size: int) -> dict[str, float]:
    """The bytes, however many the pieces."""
    return {"bytes": size, "calls": 1}


@chunks_bench.memory
def there_and_here(size: int) -> int:
    """An array on each side."""
    return 2 * size


class _Pieces:
    """A pinned host array and one on the device, cut into equal pieces."""

    def __init__(self, device: Any, data: np.ndarray, pieces: int) -> None:
        self.device = device
        self.host = device.host("pinned", len(data))
        self.host.array[:] = data
        self.there = device.put(np.zeros_like(data))
        self.bytes = len(data) // pieces
        starts = range(0, self.bytes * pieces, self.bytes)
        self.slices = [slice(start, start + self.bytes) for start in starts]
        self.facts = {"pieces": pieces, "piece_bytes": self.bytes, "footprint": len(data)}

    def copies(self) -> list[Callable[[], Any]]:
        """A copy for each piece, to be enqueued on the device's stream."""
        base = self.there.data.ptr
        return [self.device.copier(base + part.start, self.host.ptr + part.start, self.bytes) for part in self.slices]

    def work(self, call: Callable[[], Any], sync: str) -> Work:
        """The work of a call that sends all pieces."""
        made: Work = self.device.host_timed(
            call, output=lambda: self.device.get(self.there), sync=sync, facts=self.facts, close=self.host.close
        )
        return made


@chunks_bench.variant("once", on="gpu", inputs="host")
def once(device: Any, data: np.ndarray, pieces: int) -> Work:
    """All pieces enqueued, and one wait at the end."""
    parts = _Pieces(device, data, pieces)
    return parts.work(_one_after_the_other(parts.copies()), "each")


@chunks_bench.variant("each", on="gpu", inputs="host")
def each(device: Any, data: np.ndarray, pieces: int) -> Work:
    """A wait after each piece."""
    parts = _Pieces(device, data, pieces)
    copies = parts.copies()
    wait = device.stream.synchronize

    def call() -> None:
        for copy in copies:
            copy()
            wait()

    return parts.work(call, "none")


@chunks_bench.variant("cupy", on="gpu", inputs="host")
def by_set(device: Any, data: np.ndarray, pieces: int) -> Work:
    """CuPy: there[i:j].set(here[i:j]) for each piece."""
    parts = _Pieces(device, data, pieces)
    pairs = [(parts.there[part], parts.host.array[part]) for part in parts.slices]

    def call() -> None:
        for there, here in pairs:
            there.set(here)

    return parts.work(call, "each")


@chunks_bench.finding
def chunks_finding(read: Any) -> Iterator[str]:
    """What each further piece costs, queued, waited for, and through CuPy."""
    names = {"once": "queued", "each": "waited for", "cupy": "through CuPy's set()"}
    costs = {name: _cost_of_a_piece(read, name) for name in names}
    told = [f"{cost.value * 1e6:.3g} µs {names[name]}" for name, cost in costs.items() if cost is not None]
    if told:
        yield f"Each further piece of a copy costs {', '.join(told)}."
    most = max((record.params["pieces"] for record in read.records if record.timed), default=1)
    whole, cut = (read.find("each", pieces=pieces) for pieces in (1, most))
    if whole is not None and cut is not None and most > 1:
        ratio = read.versus(cut, whole)
        yield (
            f"{format_bytes(whole.counts['bytes'])} in {most} pieces of {format_bytes(cut.facts['piece_bytes'])}, each "
            f"waited for, take {ratio.value:.3g}× as long as in one ({ratio.low:.3g}–{ratio.high:.3g}): do not copy "
            "often."
        )


def _cost_of_a_piece(read: Any, variant: str) -> Any:
    """Seconds for one more piece: the slope over all numbers of pieces."""
    points = [(r.params["pieces"], r.samples) for r in read.records if r.timed and r.variant == variant]
    return slope(points) if len(points) > 1 else None


# --- copying beside computing -----------------------------------------------------------------------------------------

PARTS = 16  # pieces of the array: of 64 MiB each is 4, large against the latency of a copy
LOOPS = 32  # of 16 pairs: 1024 operations an element, some 2 GFLOP for 8 MB both ways, so that neither is nothing

overlap_bench = Bench(
    "transfer.overlap",
    question="How much of copying there, computing and copying back can go on at the same time?",
    axes={"stage": ("all",), "streams": (1, 2, 4, 8), "size": ("64MiB",)},
    sweeps=({"stage": ("h2d", "kernel", "d2h"), "streams": (1,)},),
    quick={"streams": (1, 4)},
    baseline="pipeline",
    together=("stage", "streams"),
    tolerance=0.0,
    core=False,
)


@overlap_bench.inputs
def numbers(rng: np.random.Generator, size: int) -> np.ndarray:
    """Numbers on which the kernel rounds nothing, in `size` bytes of float32; the first MiB over and over."""
    whole = size // 4 // (PARTS * BLOCK) * (PARTS * BLOCK)
    return np.resize(starts(rng, min(TILE // 4, whole), np.float32), whole)


@overlap_bench.reference
def computed(data: np.ndarray, stage: str) -> np.ndarray:
    """What the kernel adds in all its pairs; copies alone change nothing."""
    return data + np.float32(LOOPS * 16 * STEP) if stage in ("all", "kernel") else data


@overlap_bench.counts
def moved(data: np.ndarray, stage: str) -> dict[str, float]:
    """Each element crosses the link once each way, and takes 32 operations a loop."""
    ways = {"all": 2, "kernel": 0}.get(stage, 1)
    flops = 2 * 32 * LOOPS * data.size if stage in ("all", "kernel") else 0
    return {"bytes": ways * data.nbytes, "flops": flops, "items": data.size}


@overlap_bench.memory
def at_both_ends(size: int) -> int:
    """An array to send and one to fetch, on each side."""
    return 4 * size


@overlap_bench.variant("pipeline", on="gpu", inputs="host")
def pipeline(device: Any, data: np.ndarray, stage: str, streams: int) -> Work:
    """Pieces in turn on several streams: copy there, kernel, copy back."""
    here, back = device.host("pinned", data.nbytes), device.host("pinned", data.nbytes)
    here.array[:] = data.view(np.uint8)
    back.array[:] = 0
    sent = device.put(data if stage == "kernel" else np.zeros_like(data))
    made = device.put(data if stage == "d2h" else np.zeros_like(data))
    lanes = tuple(device.streams(streams))
    part = data.size // PARTS
    launches: list[Callable[[], Any]] = []
    arguments = (np.int32(LOOPS), *(np.float32(x) for x in (UP, B, DOWN, E)))
    for index in range(PARTS):
        lane, at = lanes[index % streams], slice(index * part, (index + 1) * part)
        offset = at.start * data.itemsize
        if stage in ("all", "h2d"):
            launches.append(device.copier(sent.data.ptr + offset, here.ptr + offset, part * data.itemsize, stream=lane))
        if stage in ("all", "kernel"):
            ends = (sent[at], made[at])
            launches.append(
                device.launcher("transfer", "chain", part // BLOCK, BLOCK, (*ends, *arguments), stream=lane)
            )
        if stage in ("all", "d2h"):
            launches.append(device.copier(back.ptr + offset, made.data.ptr + offset, part * data.itemsize, stream=lane))

    def output() -> np.ndarray:
        if stage in ("all", "d2h"):
            return np.asarray(back.array).view(np.float32)
        return np.asarray(device.get(sent if stage == "h2d" else made))

    def close() -> None:
        here.close()
        back.close()

    work: Work = device.timed(
        _one_after_the_other(launches), output=output, streams=lanes, launches=len(launches), close=close,
        facts={"stage": stage, "parts": PARTS, "loops": LOOPS, "footprint": 2 * data.nbytes},
    )  # fmt: skip
    return work


@overlap_bench.finding
def overlap_finding(read: Any) -> Iterator[str]:
    """The share of the ideal overlap that each number of streams reaches."""
    found = overlaps(read)
    if not found:
        return
    parts = {name: read.find("pipeline", stage=name) for name in ("h2d", "kernel", "d2h")}
    serial = read.find("pipeline", stage="all", streams=1)
    best = max(found, key=lambda streams: found[streams].value)
    whole = read.find("pipeline", stage="all", streams=best)
    gain = read.versus(serial, whole)
    longest = max(parts, key=lambda name: float(np.median(parts[name].samples)))
    what = {"h2d": "copying there", "kernel": "the kernel", "d2h": "copying back"}[longest]
    yield (
        f"Copying there, computing and copying back on {best} streams is {gain.value:.2f}× as fast as in turn: "
        f"{found[best].value:.0%} ({found[best].low:.0%}–{found[best].high:.0%}) of the overlap that there is to be "
        f"had, since nothing is shorter than {what}."
    )


def overlaps(read: Any) -> dict[int, Any]:
    """By number of streams above one, the share of the ideal overlap (`fits.overlap`)."""
    parts = [read.find("pipeline", stage=name) for name in ("h2d", "kernel", "d2h")]
    serial = read.find("pipeline", stage="all", streams=1)
    if serial is None or None in parts:
        return {}
    found = {}
    for record in read.records:
        if record.timed and record.params["stage"] == "all" and record.params["streams"] > 1:
            try:
                found[record.params["streams"]] = overlap(
                    record.samples, serial.samples, [part.samples for part in parts]
                )
            except ValueError:
                continue
    return found
