"""One load across the link: a thread of the GPU reads the host's memory, or another GPU's, and waits for it.

A ring of lines of 128 bytes in random order, of which each names the next: the walk of `device.latency` past L1, with
the ring in page-locked memory of the host (`host`), or in the memory of the next GPU (`peer`). The ring is at least
twice as large as L2, so that no line is met again while a cache could still have it. A kernel that follows pointers
in mapped memory, or polls a word there, pays this for each of them.

Only the GPU reads: a CPU reaches a GPU's memory by loads on few machines, and not through CuPy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Array, DeviceArray, Gpu, HostBuffer, Results
from ...record import phrases, text
from ...record.model import Record, Scalar
from .._gpu import BLOCK
from ..device import latency as own

LINE = 128
LEAST = 2**26  # bytes of the ring
HOPS = 2048  # of a call: some milliseconds over PCIe
NAMES = {"host": "the host's memory", "peer": "another GPU's memory"}

bench = Bench(
    "transfer.latency",
    question="How long does a thread of the GPU wait for one load across the link?",
    axes={"memory": tuple(NAMES)},
    baseline="load",
    leading="hops",
    tolerance=0.0,
    core=False,
)


def lines_of(device: Gpu) -> int:
    """Lines of the ring: twice the L2 and more."""
    return max(LEAST, 2 * device.properties.l2) // LINE


@bench.inputs
def ring(rng: np.random.Generator, device: Gpu) -> Array:
    """The numbers of all lines, in the order of the visit (int64)."""
    return rng.permutation(lines_of(device))


@bench.reference
def last_line(lines: Array) -> int:
    """The line on which the first call ends."""
    return int(lines[HOPS % len(lines)])


@bench.counts
def counts() -> dict[str, float]:
    """One load is one hop."""
    return {"hops": HOPS}


@bench.memory
def memory(device: Gpu) -> int:
    """The ring, and its order."""
    return lines_of(device) * (LINE + 8)


@bench.variant("load", on="gpu")
def load(device: Gpu, lines: DeviceArray, memory: str) -> Work:
    """CUDA C++, one thread, loads past the L1 cache (ld.cg)."""
    if memory not in NAMES:
        raise Skip("bad_value", f"the ring lies in {' or '.join(NAMES)}; not '{memory}'")
    n, words = len(lines), np.int32(LINE // 8)
    facts: dict[str, Scalar] = {"memory": memory, "footprint": n * LINE, "line": LINE}
    kept: HostBuffer | DeviceArray
    close: Callable[[], None] | None = None
    if memory == "host":
        buffer = device.host("mapped", n * LINE)
        base, kept, close = np.uint64(buffer.device_ptr), buffer, buffer.close
    else:
        other = device.peer(1)
        other.reached()
        there = other.put(np.zeros(n * LINE // 8, np.uint64))
        base, kept = np.uint64(there.data.ptr), there
        facts["peer"] = other.name
    state = device.put(np.array([int(base) + LINE * int(lines[0]), 0, 0, 0], np.uint64))
    blocks = min(-(-n // BLOCK), 4 * device.properties.sm)
    link = device.launcher("device.latency", "link", blocks, BLOCK, (base, lines, np.int64(n), words))
    arguments = (state, np.int32(HOPS // 16), base, np.int64(n), words, np.int32(0))
    walk = device.launcher("device.latency", "chase_cg", 1, BLOCK, arguments)
    link()

    def output(_kept: object = kept) -> int:  # an address keeps nothing alive
        return (int(device.get(state)[0]) - int(base)) // LINE

    work: Work = device.timed(walk, output=output, facts=facts, close=close)
    return work


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What a load takes from each, against one from the own memory where the run has it."""
    found = {name: record for name in NAMES if (record := results.find("load", memory=name)) is not None}
    near = results.beside(own.bench).find("l2", size="HBM")
    told = []
    for name, record in found.items():
        said = f"{text.seconds(results.each('hops', 'load', memory=name))} from {NAMES[name]}"
        if near is not None:
            said += f", {text.amount(_hop(record) / _hop(near))} times one from its own memory"
        told.append(phrases.Item(said, (record,) if near is None else (record, near)))
    if told:
        yield f"A load of the GPU across the link takes {phrases.entries(told)}."


def _hop(record: Record) -> float:
    """Seconds of a load, by the median."""
    return float(np.median(record.samples)) / record.counts["hops"]
