"""Nodes of memory: latency and bandwidth from the CPUs of each NUMA node to the memory of each.

Each socket, and on some processors each part of one, has memory controllers of its own. A page lies on the node of the
CPU that touched it first, and a CPU of another node reaches it over a link that is slower and shared: commonly 1.4 to
2.5 times the latency and a half to a third of the bandwidth. A program that fills its arrays on one thread and works
on all of them gets this without a word.

    latency     one CPU of a node follows a ring of pointers (see `latency.chase`) through memory of a node
    bandwidth   all cores of a node read memory of a node, each a part of its own (see `stream.load`)

Memory is placed by first touch on a pinned thread: no library and no right to bind memory is needed. Where the kernel
tells where pages lie, `facts["placed"]` is the share of them that lie where they should: another policy (numactl) or a
full node may put them elsewhere. Nodes without CPUs (memory on CXL, for instance) cannot be placed so, and are left
out.

`local` is every node with its own memory, `remote` every node with the memory of every other. A record's time is the
mean over these pairs, one pair at a time; `facts["between"]` has for each pair the node of the CPUs, that of the
memory, and the best round: seconds a hop, or bytes a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ...bench import Bench, Pages, Work
from ...kernels.cpu_features import stream_width
from ...kernels.simd import Registers
from ...protocols import Array, Buffer, Cpu, Crew, Job, Results
from ...record import text
from ...record.model import Record
from ...record.phrases import against, marked
from ...record.reasons import Reason, because
from .._digests import sum_repeated
from .._partitions import PERIOD, Common, repeat_into
from ..latency.chase import HOPS, LINE, chase, ring, write_ring
from ..stream._kernels import UNROLL, simd_load

LEAST = 64 * 2**20  # bytes that each thread reads, where the size is as large: beyond private caches
LATENCY, BANDWIDTH = "latency", "bandwidth"

bench = Bench(
    "numa.matrix",
    question="What do latency and bandwidth cost from each NUMA node to the memory of each?",
    axes={"what": (LATENCY, BANDWIDTH), "size": ("DRAM",), "pages": (Pages(),)},
    baseline="local",
    measures="nodes",
    core=False,
    full_only=True,
    version=1,
)


# --- nodes and pairs of them ------------------------------------------------------------------------------------------


def members(device: Cpu) -> dict[int, tuple[int, ...]]:
    """For each node the ranks of crew members that run on it, one for each core; nodes without any are left out."""
    host = device.host
    node_of = {cpu: node for node, cpus in host.nodes.items() for cpu in cpus}
    found: dict[int, dict[tuple[int, int], int]] = {}
    for rank, cpu in enumerate(host.order[: host.usable]):
        if cpu in node_of:
            found.setdefault(node_of[cpu], {}).setdefault(host.cores.get(cpu, (-1, cpu)), rank)
    return {node: tuple(found[node].values()) for node in sorted(found)}


def pairs(device: Cpu, variant: str) -> list[tuple[int, int]]:
    """The pairs of a variant: whose CPUs, and whose memory."""
    known = members(device)
    return [(cpus, memory) for cpus in known for memory in known if (cpus == memory) == (variant == "local")]


def lacking(device: Cpu) -> Reason | None:
    """What this machine lacks for it."""
    there, usable = len(device.host.nodes), len(members(device))
    if usable > 1:
        return None
    if there > 1:
        return because("needs_nodes", f"needs 2 NUMA nodes; {usable} of {there} has CPUs that may be used")
    return because(
        "needs_nodes",
        "needs 2 NUMA nodes; this machine has 1" if there else "needs 2 NUMA nodes; the system reports none",
    )


def threads(device: Cpu) -> int:
    """The most threads of a node."""
    return max(map(len, members(device).values()), default=1)


def read_by_each(size: int, readers: int) -> int:
    """Bytes that each of so many threads of a node reads."""
    return max(size // readers, min(size, LEAST)) // 4096 * 4096 or 4096


# --- the bench --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """What all pairs share: the order of the ring, or the words that arrays hold over and over, and the memory."""

    lines: Array
    words: Array
    common: Common


@bench.inputs
def content(rng: np.random.Generator, what: str, size: int, device: Cpu) -> Given:
    """A random order of lines, or random words; each node's memory is filled by one of its own threads."""
    if what == LATENCY:
        return Given(ring(rng, size, "random", device), np.empty(0, np.int64), Common())
    return Given(np.empty(0, np.int64), rng.integers(-(2**63), 2**63 - 1, PERIOD), Common())


@bench.reference
def answer(given: Given, device: Cpu, what: str, size: int, variant: str) -> Array:
    """For each pair the line that its first call ends on, or the sum of all that its threads read."""
    chosen, known = pairs(device, variant), members(device)
    if what == LATENCY:
        return np.full(len(chosen), given.lines[HOPS % len(given.lines)])
    total = sum_repeated(given.words, read_by_each(size, threads(device)) // 8)[0]
    return np.array([total * np.int64(len(known[cpus])) for cpus, _ in chosen])


@bench.counts
def counts(device: Cpu, what: str, size: int) -> dict[str, float]:
    """The hops of one pair, or the bytes that the threads of one node read, the mean over nodes."""
    if what == LATENCY:
        return {"hops": HOPS}
    known = members(device).values()
    return {"bytes": read_by_each(size, threads(device)) * sum(map(len, known)) / max(1, len(known))}


@bench.memory
def memory(device: Cpu, what: str, size: int) -> int:
    """What all nodes hold together."""
    each = size if what == LATENCY else read_by_each(size, threads(device)) * threads(device)
    return each * len(members(device))


def filled(device: Cpu, given: Given, what: str, size: int, pages: str) -> dict[int, list[Buffer]]:
    """For each node the buffers on it: a ring, or one for each thread that may read them."""

    def own(_rank: int) -> list[Buffer]:
        if what == LATENCY:
            buffers = [device.buffer(len(given.lines) * LINE, pages=pages)]
            write_ring(buffers[0], given.lines)
            return buffers
        buffers = [device.buffer(read_by_each(size, threads(device)), pages=pages) for _ in range(threads(device))]
        for buffer in buffers:
            repeat_into(buffer.array.view(np.int64), given.words)
        return buffers

    return {node: device.team(ranks[0]).each(own)[0] for node, ranks in members(device).items()}


def placed(made: dict[int, list[Buffer]]) -> float | None:
    """The share of pages that lie on the node whose thread touched them; None where the kernel does not tell."""
    seen = [(node, buffer.nodes) for node, buffers in made.items() for buffer in buffers]
    total = sum(sum(found.values()) for _, found in seen)
    return sum(found.get(node, 0) for node, found in seen) / total if total else None


@dataclass
class Pair:
    """A node's threads at work on a node's memory: its jobs, what they found, and how much a call does."""

    crew: Crew
    jobs: Sequence[Job]
    found: Callable[[], int | np.int64]
    amount: float
    best: float = 0.0  # seconds of a call

    def seconds(self, loops: int) -> float:
        """Seconds of so many calls."""
        spans = self.crew.race(self.jobs, loops)
        taken = (max(end for _, end in spans) - min(start for start, _ in spans)) * 1e-9
        self.best = min(self.best or taken / loops, taken / loops)
        return taken


def chasing(device: Cpu, ranks: tuple[int, ...], buffers: list[Buffer], given: Given) -> Pair:
    """The first of a node's threads follows the ring."""
    start = buffers[0].address
    at = [start + LINE * int(given.lines[0])]

    def run(loops: int, gate: int) -> None:
        at[0] = chase(at[0], HOPS * loops, gate)

    return Pair(device.team(ranks[0]), [run], lambda: (at[0] - start) // LINE, HOPS)


def reading(device: Cpu, ranks: tuple[int, ...], buffers: list[Buffer]) -> Pair:
    """Each of a node's threads reads a buffer of its own."""
    registers = Registers("i8", stream_width(), UNROLL)
    sums = np.zeros(len(ranks), np.int64)

    def run(place: int, loops: int, gate: int) -> None:
        address, nbytes = buffers[place].address, buffers[place].array.nbytes
        sums[place] = simd_load(registers, address, address, address, nbytes, loops, gate)

    jobs = [partial(run, place) for place in range(len(ranks))]
    return Pair(device.team(*ranks), jobs, sums.sum, len(ranks) * buffers[0].array.nbytes)


def between(device: Cpu, given: Given, variant: str, what: str, size: int, pages: str) -> Work:
    """All pairs of a variant, one after the other; the time is the mean of a pair."""
    made = given.common.get("memory", lambda: filled(device, given, what, size, pages))
    known, chosen = members(device), pairs(device, variant)
    work = [
        chasing(device, known[cpus], made[memory], given) if what == LATENCY
        else reading(device, known[cpus], made[memory])
        for cpus, memory in chosen
    ]  # fmt: skip
    facts: dict[str, object] = {
        "pages": next(iter(made.values()))[0].pages, "threads": 1 if what == LATENCY else threads(device),
        "pinned": all(pair.crew.pinned for pair in work), "nodes": list(known), "placed": placed(made), "between": [],
    }  # fmt: skip

    def timer(loops: int) -> float:
        taken = sum(pair.seconds(loops) for pair in work) / len(work)
        facts["between"] = [
            [*nodes, pair.best / pair.amount if what == LATENCY else pair.amount / pair.best]
            for nodes, pair in zip(chosen, work, strict=True)
        ]
        return taken

    def close() -> None:
        for buffers in made.values():
            for buffer in buffers:
                buffer.close()

    return Work(
        call=lambda: timer(1),
        output=lambda: np.array([pair.found() for pair in work]),
        timer=timer,
        facts=facts,
        close=close,
    )


@bench.variant("local", needs=lacking)
def local(device: Cpu, given: Given, what: str, size: int, pages: str) -> Work:
    """The CPUs of each node with the node's own memory."""
    return between(device, given, "local", what, size, pages)


@bench.variant("remote", needs=lacking)
def remote(device: Cpu, given: Given, what: str, size: int, pages: str) -> Work:
    """The CPUs of each node with the memory of each other one."""
    return between(device, given, "remote", what, size, pages)


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Remote against local memory, and the worst pair; for latency and for bandwidth."""
    for what in (LATENCY, BANDWIDTH):
        near, far = results.find("local", what=what), results.find("remote", what=what)
        ratio = results.ratio("remote", "local", what=what)
        if near is None or far is None or ratio is None:
            continue
        worst = max if what == LATENCY else min
        cpus, memory, value = worst(rows(far), key=lambda row: row[2], default=(0, 0, 0.0))
        if what == LATENCY:
            each = results.each("hops", "remote", what=what)
            said = f"A load from another node's memory takes {text.seconds(each)}, {against(ratio, 'from its own')}"
            shown = text.seconds(value)
        else:
            each = results.rate("remote", "bytes", what=what)
            said = (
                f"The cores of a node read another node's memory at {text.rate(each, 'GB/s')}, "
                f"{against(ratio, 'their own')}"
            )
            shown = text.rate(value, "GB/s")
        if value and len(rows(far)) > 2:
            said += f"; at worst {shown} from node {cpus} to memory of node {memory}, in the best round"
        share = far.facts.get("placed")
        if isinstance(share, float) and share < 1:
            said += f". Only {text.share(share)} of the pages lie on the node that they were meant for"
        yield marked(said, near, far)


def rows(record: Record) -> list[tuple[int, int, float]]:
    """The pairs of a record: node of the CPUs, node of the memory, value."""
    return [(int(cpus), int(memory), float(value)) for cpus, memory, value in record.facts.get("between", ())]
