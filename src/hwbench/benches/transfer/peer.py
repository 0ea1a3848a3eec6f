"""Copies from one GPU to another: by a copy engine and by a kernel, there, back and both ways at once.

GPUs that reach each other's memory, by NVLink or over PCIe, copy directly; without that each copy goes through the
host (`direct` in the facts). `engine` is the runtime's copy, `kernel` reads or writes the other GPU's memory by 16
bytes a thread at a time. `to` writes to the other GPU, `from` reads it.

`peer` counts from the GPU that copies: 1 is the next one, round the end. With all GPUs selected and all values of
`peer`, as under `--preset full`, the cases are a matrix of all pairs, which the page shows. Without a second GPU all
cases are skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Array, Call, DeviceArray, Gpu, Peer, Results, Stream
from ...record import phrases, text
from ...record.model import Record
from ._copies import by_kernel, one_after_the_other, pattern

WAYS = {"to": "to", "from": "from", "both": "to and from"}
FEWER = 1.25  # × the time of the fastest pair from which on a pair is named

bench = Bench(
    "transfer.peer",
    question="How fast do copies from one GPU to another go, by an engine and by a kernel?",
    axes={"direction": tuple(WAYS), "peer": (1,), "size": ("256MiB",)},
    full={"peer": tuple(range(1, 8)), "size": ("64KiB", "1MiB", "16MiB", "256MiB")},
    baseline="engine",
    measures="peers",
    tolerance=0.0,
    core=False,
)
bench.inputs(pattern)


@bench.reference
def what_was_sent(data: Array, direction: str) -> Array | tuple[Array, Array]:
    """The same bytes on the other GPU, on the own one, or on both."""
    return (data, data) if direction == "both" else data


@bench.counts
def counts(size: int, direction: str) -> dict[str, float]:
    """Each byte once; those of both directions together."""
    return {"bytes": size * (1 + (direction == "both")), "calls": 1}


@bench.memory
def memory(size: int, direction: str) -> int:
    """An array on each GPU, two where copies go both ways."""
    return 2 * size * (1 + (direction == "both"))


Launcher = Callable[[Gpu, Peer, DeviceArray, DeviceArray, str, Stream], Call]


def copied(device: Gpu, data: Array, direction: str, peer: int, launch_of: Launcher) -> Work:
    """The work of copying `data` by what `launch_of` makes for each direction, each on a stream of its own."""
    if direction not in WAYS:
        raise Skip("bad_value", f"a copy goes {', '.join(WAYS)}; not '{direction}'")
    other = device.peer(peer)
    both = direction == "both"
    streams = tuple(device.streams(2)) if both else (device.stream,)
    launches: list[Call] = []
    outputs: list[Callable[[], Array]] = []
    for way, stream in zip(("to", "from") if both else (direction,), streams, strict=True):
        here = device.put(data if way == "to" else np.zeros_like(data))
        there = other.put(np.zeros_like(data) if way == "to" else data)
        launches.append(launch_of(device, other, here, there, way, stream))
        outputs.append(partial(other.get, there) if way == "to" else partial(device.get, here))

    def output() -> Array | tuple[Array, ...]:
        found = tuple(fetch() for fetch in outputs)
        return found if both else found[0]

    facts = {"peer": other.name, "direct": other.direct, "footprint": len(data)}
    work: Work = device.timed(
        one_after_the_other(launches), output=output, streams=streams if both else (), launches=len(launches),
        facts=facts,
    )  # fmt: skip
    return work


def by_an_engine(_device: Gpu, other: Peer, here: DeviceArray, there: DeviceArray, way: str, stream: Stream) -> Call:
    """One direction by the runtime's copy."""
    ends = (here, there) if way == "from" else (there, here)
    return other.copier(*ends, here.nbytes, here=way == "from", stream=stream)


def by_a_kernel(device: Gpu, other: Peer, here: DeviceArray, there: DeviceArray, way: str, stream: Stream) -> Call:
    """One direction by a kernel of the own GPU; the other's array is given by its address."""
    other.reached()
    away = np.uint64(there.data.ptr)
    launch = by_kernel(device, (here, away) if way == "to" else (away, here), here.nbytes, stream)

    def call(_kept: DeviceArray = there) -> None:  # an address keeps nothing alive
        launch()

    return call


@bench.variant("engine", on="gpu", inputs="host")
def engine(device: Gpu, data: Array, direction: str, peer: int) -> Work:
    """cudaMemcpyPeerAsync: a copy engine, or the driver by way of the host."""
    return copied(device, data, direction, peer, by_an_engine)


@bench.variant("kernel", on="gpu", inputs="host")
def kernel(device: Gpu, data: Array, direction: str, peer: int) -> Work:
    """CUDA C++, loads and stores of 16 bytes, one of them across the link."""
    return copied(device, data, direction, peer, by_a_kernel)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The fastest pair each way; pairs that are slower; copies that go through the host; a kernel against an engine."""
    timed = [one for one in results.records if one.timed and one.counts.get("bytes")]
    largest = max(map(_size, timed), default=0.0)
    shown = [one for one in timed if _size(one) == largest]
    told, slow = [], []
    for way, name in WAYS.items():
        here = [one for one in shown if (one.variant, one.params["direction"]) == ("engine", way)]
        if not here:
            continue
        best = max(here, key=_rate)
        told.append(phrases.Item(f"{text.rate(_rate(best), 'GB/s')} {name} another", (best,)))
        slow += [one for one in here if _rate(best) > FEWER * _rate(one)]
    if told:
        yield f"An engine copies {text.size(largest)} from GPU to GPU at {phrases.entries(told)}."
    if slow:
        worst = min(slow, key=_rate)
        pair = f"{worst.device} {WAYS[str(worst.params['direction'])]} {worst.facts.get('peer')}"
        number = phrases.counted(len(slow), "pair")
        yield phrases.marked(
            f"{number} of GPUs reach less, the least {text.rate(_rate(worst), 'GB/s')} ({pair})", worst
        )
    staged = [one for one in shown if one.facts.get("direct") is False]
    if staged:
        yield phrases.marked(
            f"{staged[0].device} and {staged[0].facts.get('peer')} do not reach each other's memory: their copies go "
            "through the host",
            staged[0],
        )
    for one in shown:
        base = results.find("engine", **one.params) if one.variant == "kernel" else None
        if base is not None and base.device == one.device and one.params["direction"] == "from":
            yield phrases.marked(
                f"A kernel that reads is {phrases.against(results.versus(one, base), 'an engine')}", one, base
            )
            break


def _rate(record: Record) -> float:
    """Bytes a second, by the median."""
    return record.counts["bytes"] / float(np.median(record.samples))


def _size(record: Record) -> float:
    return record.counts["bytes"] / (1 + (record.params["direction"] == "both"))
