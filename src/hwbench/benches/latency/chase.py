"""Memory latency: the time of a load whose address is the result of the load before it.

The memory is a ring of pointers, one to a cache line, and the chase follows it. In `random` order no prefetcher can
guess the next line, and each hop may also miss the TLB; `page-local` order is random within groups of 64 small pages,
which a first-level TLB covers, and takes the groups in sequence: the difference is the cost of translation. `pages` is
the page size of the ring.

A permutation of all lines, linked in its own order, is a single ring. It is walked once in full before anything is
timed, in parts side by side, each of which has to end where the next begins. Calls are short and continue where the
last one ended, so that even a ring larger than the last-level cache is covered. The answer of a call is the line it
ends on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from ...bench import Bench, Pages, Skip, Sweep, Work
from ...kernels.compiling import compiled
from ...kernels.gate import enter, leave
from ...kernels.permutation import permute
from ...kernels.simd import follow, opaque
from ...protocols import Buffer, Cpu, Results
from ...record import text
from ...record.estimate import Estimate, estimate
from ...record.model import LEVELS, Record
from ...record.phrases import against, level, listed, marked

LINE = 64  # bytes; with lines of 128, one hop in many stays in the same line
HOPS = 1024  # a call: 1 µs in L1, 0.1 ms in memory
WALKS = 16  # side by side, to walk a ring once in full
GROUP = 64 * 4096 // LINE  # lines of 64 small pages


@compiled
def chase(address: int, hops: int, gate: int = 0) -> int:
    """The address `hops` hops (a multiple of 16) on from `address`: each load has to wait for the one before."""
    enter(gate)
    sixteen = opaque(16)
    while hops > 0:
        address = follow(follow(follow(follow(address))))
        address = follow(follow(follow(follow(address))))
        address = follow(follow(follow(follow(address))))
        address = follow(follow(follow(follow(address))))
        hops -= sixteen
    leave(gate)
    return address


@compiled
def strays(starts: np.ndarray, hops: np.ndarray) -> int:
    """How many of the walks from `starts`, of `hops` hops each, do not end where the next one starts.

    All walks advance side by side, so that a ring as large as memory is walked with many loads in flight. `starts` is
    left with the addresses where they ended.
    """
    first = starts.copy()
    for step in range(hops.max()):
        for walk in range(len(starts)):
            if step < hops[walk]:
                starts[walk] = follow(starts[walk])
    found = 0
    for walk in range(len(starts)):
        found += starts[walk] != first[(walk + 1) % len(starts)]
    return found


bench = Bench(
    "latency.chase",
    question="How long does a load from each level take?",
    axes={"size": ("L1", "L2", "L3", "DRAM"), "pages": (Pages(),), "order": ("random",)},
    least=2 * LINE,
    baseline="follow",
    measures="latency",
    where={"order": "random"},
    limit="latency",
    sweeps=(
        # Within the smallest L1 one point an octave; small pages from 64 KiB on, below which no TLB misses.
        {"size": (Sweep(4096, points=1), Sweep(2**14, points=2))},
        {"size": ("L1", "L2", "L3", "DRAM", Sweep(2**16, points=1)), "pages": ("4K",)},
        {"size": ("L3", "DRAM"), "pages": ("4K",), "order": ("page-local",)},
    ),
    version=2,
    full={"size": (Sweep(4096, points=4),), "pages": ("4K", "huge")},
)


@bench.inputs
def ring(rng: np.random.Generator, size: int, order: str, device: Cpu) -> np.ndarray:
    """All lines of `size` bytes by number, in the order in which they are to be visited (int64)."""
    n = size // LINE
    if n < 2:
        raise Skip("too_small", f"{size} bytes are too few: a ring needs two lines of {LINE}")
    lines: np.ndarray = device.host_empty(n, np.int64)
    groups = n // GROUP if order == "page-local" else 0
    for group in range(groups):
        here = lines[group * GROUP : (group + 1) * GROUP]
        permute(here, 1, key(rng))
        here += group * GROUP
    rest = lines[groups * GROUP :]
    if len(rest):
        permute(rest, 1, key(rng))
        rest += groups * GROUP
    return lines


def key(rng: np.random.Generator) -> int:
    """A key of 63 bits for a random order."""
    return int(rng.integers(2**63 - 1))


@bench.reference
def last_line(lines: np.ndarray) -> int:
    """The line on which the first call ends."""
    return int(lines[HOPS % len(lines)])


@bench.counts
def counts() -> dict[str, float]:
    """One load is one hop."""
    return {"hops": HOPS}


@compiled
def point(words: np.ndarray, base: int, lines: np.ndarray) -> None:
    """Write into the first word of each line where the next one of `lines` lies, in `words` from address `base` on."""
    last = len(lines) - 1
    for i in range(last):
        words[lines[i] * (LINE // 8)] = base + LINE * lines[i + 1]
    words[lines[last] * (LINE // 8)] = base + LINE * lines[0]


def link(base: int, memory: np.ndarray, lines: np.ndarray) -> None:
    """Make a ring of `lines` in `memory` (bytes, at address `base`)."""
    point(memory.view(np.int64), base, lines)


@bench.variant("follow")
def follow_pointers(device: Cpu, lines: np.ndarray, pages: str) -> Work:
    """Raw pointers, sixteen dependent loads an iteration, on one pinned thread."""
    buffer = place(device, lines, pages)
    return walk(device, buffer, lines, chase, close=buffer.close)


def place(device: Cpu, lines: np.ndarray, pages: str) -> Buffer:
    """A buffer that holds the ring, touched first by the thread that will follow it."""

    def build(_rank: int) -> Buffer:
        buffer = device.buffer(len(lines) * LINE, pages=pages)
        write_ring(buffer, lines)
        return buffer

    return device.crew(1).each(build)[0]


def write_ring(buffer: Buffer, lines: np.ndarray) -> None:
    """Write the ring into a buffer, and walk it once in full, in parts whose ends are known."""
    buffer.array[:] = 0  # in sequence, which faults huge pages in whole
    link(buffer.address, buffer.array, lines)
    parts = np.linspace(0, len(lines), min(WALKS, len(lines)) + 1).astype(np.int64)
    wrong = strays(buffer.address + LINE * lines[parts[:-1]], np.diff(parts))
    if wrong:
        raise AssertionError(f"the ring of {len(lines)} lines breaks in {wrong} of {len(parts) - 1} parts")


def walk(
    device: Cpu,
    buffer: Buffer,
    lines: np.ndarray,
    step: Callable[[int, int, int], int],
    close: Callable[[], None] | None = None,
) -> Work:
    """The work of following a ring that lies in `buffer`: `step(address, hops, gate)` gives the address it comes to."""
    at = [buffer.address + LINE * int(lines[0])]

    def run(loops: int, gate: int) -> None:
        at[0] = step(at[0], HOPS * loops, gate)

    work: Work = device.crew(1).work(
        [run],
        output=lambda: (at[0] - buffer.address) // LINE,
        facts={"pages": buffer.pages, "elements": len(lines), "line": LINE},
        close=close,
    )
    return work


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The latency of each level, what small pages add, and where levels end."""
    pages = told_pages(results)
    sizes, translated = results.levels()
    records = {size: results.find("follow", size=size, pages=pages, order="random") for size in LEVELS}
    timed = {size: record for size, record in records.items() if record is not None}
    if timed:
        each = listed(f"{text.seconds(_of_a_hop(record))} in {level(size)}" for size, record in timed.items())
        kind = "huge" if pages == "huge" else "4 KiB"
        yield marked(f"Load latency (random order, {kind} pages, 1 thread): {each}", *timed.values())
    small, local = (results.find("follow", size="DRAM", pages="4K", order=order) for order in ("random", "page-local"))
    huge = timed.get("DRAM") if pages == "huge" else None
    if small is not None and (huge is not None or local is not None):
        said = f"Memory latency on 4 KiB pages (1 thread): {text.seconds(_of_a_hop(small))}"
        if huge is not None:
            said += f", {against(_versus(results, small, huge), 'on huge pages')}"
        if local is not None:
            said += f"; {text.seconds(_of_a_hop(local))} when it stays within 64 pages at a time"
        translated = f"{marked(said, small, huge, local)} {translated}".rstrip()
    yield from filter(None, (translated, sizes))


def told_pages(results: Results) -> str:
    """The pages that the finding speaks of: huge ones where any were measured, as for bandwidths."""
    return "huge" if results.find("follow", pages="huge") else "4K"


def _of_a_hop(record: Record) -> Estimate:
    return estimate(record.samples).scaled(1 / record.counts["hops"])


def _versus(results: Results, record: Record, base: Record) -> Estimate:
    """Seconds a hop over seconds a hop."""
    return results.versus(record, base).scaled(base.counts["hops"] / record.counts["hops"])
