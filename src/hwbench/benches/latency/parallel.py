"""Memory-level parallelism: how many loads a core keeps in flight while each of them waits.

One pointer chase shows the latency of a level: request a line, wait, request the next. Several chases in one loop
depend only on their own pointers, so an out-of-order core issues the loads of all of them. The time of a hop falls as
1 / chases until the core's miss buffers are full: 10 to 16 line fill buffers in front of L2 on Intel cores, 24 entries
on Zen. By Little's law the loads in flight are the latency over the time between two loads; times 64 bytes a line that
is one core's random-access bandwidth. This is why a gather of independent indices is an order of magnitude faster than
a walk of a linked list.

All chases follow one ring through every line (see `latency.chase`), evenly spaced, so that no chase finds a line that
another has just fetched. Each chase has a register of its own. x86 has 15 for them: of 16 chases one or two spill to
the stack, which adds 4 to 5 cycles to their hops and hides behind any level from L2 on. Look at where the curve bends,
and compare the bend in L3 and in memory: there the queues behind the core's buffers limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...bench import Bench, Pages, Work
from ...kernels.compiling import compiled
from ...kernels.gate import enter, leave
from ...kernels.simd import Registers, follow_each, load, opaque, store
from ...protocols import Buffer, Cpu, Results
from ...record import text
from ...record.estimate import Estimate, estimate
from ...record.model import LEVELS, Record
from ...record.phrases import level, marked, ranked
from .chase import LINE, place, ring

HOPS = 1024  # of each chase in one call: 4 µs in L2, 0.1 ms in memory


@compiled
def chase_all(r: Registers, target: int, source: int, hops: int, gate: int = 0) -> None:
    """Follow the pointers that lie at `source`, one in each register, `hops` hops (a multiple of 4); to `target`."""
    enter(gate)
    four = opaque(4)
    at = load(r, source)
    while hops > 0:
        at = follow_each(follow_each(follow_each(follow_each(at))))
        hops -= four
    store(target, at)
    leave(gate)


bench = Bench(
    "latency.parallel",
    question="How many loads does a core keep in flight?",
    axes={"size": ("L2", "L3", "DRAM"), "pages": (Pages(),), "chains": (1, 2, 4, 8, 16)},
    baseline="follow",
    measures="loads in flight",
    quick={"size": ("DRAM",), "chains": (1, 4, 16)},
    full={"size": ("L1", "L2", "L3", "DRAM"), "chains": (*range(1, 17), 20, 24, 32)},
    version=2,
    together=("chains",),
    core=False,
    shared=True,
)


@dataclass(frozen=True)
class Ring:
    """One ring in memory, shared by all numbers of chases: `lines` in the order of the walk."""

    lines: np.ndarray
    buffer: Buffer
    pages: str

    def address(self, step: int) -> int:
        """Where the line lies that is reached after `step` hops from the first."""
        return int(self.buffer.address) + LINE * int(self.lines[step % len(self.lines)])


@bench.inputs
def linked(rng: np.random.Generator, size: int, pages: str, device: Cpu) -> Ring:
    """A ring through all lines of `size` bytes in random order, written by the thread that will follow it."""
    lines = ring(rng, size, "random", device)
    buffer = place(device, lines, pages)
    return Ring(lines, buffer, buffer.pages)


def starts(lines: int, chains: int) -> np.ndarray:
    """How many hops after the first line each chase begins: evenly spaced over the ring."""
    return np.arange(chains) * lines // chains


@bench.reference
def last_lines(ring: Ring, chains: int) -> np.ndarray:
    """The line on which each chase ends after the first call."""
    lines: np.ndarray = ring.lines[(starts(len(ring.lines), chains) + HOPS) % len(ring.lines)]
    return lines


@bench.counts
def counts(chains: int) -> dict[str, float]:
    """A hop of any chase is a hop, and brings a line."""
    return {"hops": HOPS * chains, "bytes": LINE * HOPS * chains}


@bench.variant("follow")
def follow_pointers(ring: Ring, device: Cpu, chains: int) -> Work:
    """Raw pointers, one chase a register, on one pinned thread."""
    registers = Registers("i8", 64, chains)
    crew = device.crew(1)
    at = np.array([ring.address(int(start)) for start in starts(len(ring.lines), chains)], np.int64)

    def run(loops: int, gate: int) -> None:
        chase_all(registers, at.ctypes.data, at.ctypes.data, HOPS * loops, gate)

    work: Work = crew.work(
        [run],
        output=lambda: (at - ring.buffer.address) // LINE,
        facts={"pages": ring.pages, "elements": len(ring.lines), "line": LINE},
        close=ring.buffer.close,
    )
    return work


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The loads in flight at each level, and the bandwidth they give; the most loads first."""
    found = []
    for size in LEVELS:
        one = results.find("follow", size=size, chains=1)
        many = [r for r in results.records if r.timed and r.params["size"] == size and int(r.params["chains"]) > 1]
        if one is None or not many:
            continue
        best = min(many, key=lambda record: hop_time(record).value)
        # Little's law: the loads in flight are the latency over the time between two loads.
        flight = results.versus(one, best).scaled(best.counts["hops"] / one.counts["hops"])
        hop = hop_time(best)
        said = (
            f"In {level(size)}, 1 thread keeps {text.amount(flight)} loads in flight with {best.params['chains']} "
            f"independent chases: one load every {text.seconds(hop.value)} instead of "
            f"{text.seconds(hop_time(one).value)}, {text.rate(hop.inverse(LINE), 'GB/s')} in {LINE}-byte lines"
        )
        found.append((flight.value, marked(said, one, best)))
    yield from ranked(found)


def hop_time(record: Record) -> Estimate:
    """Seconds between two hops of any chase."""
    return estimate(record.samples).scaled(1 / record.counts["hops"])
