"""Address translation: what it costs to find a page, by how many pages are in use and how large they are.

A TLB keeps the translations of the pages used last: some 64 in its first level, which cost nothing, and 1000 to 3000 in
its second, which cost some 7 cycles. Beyond, each access walks the page table: up to four dependent loads, in a virtual
machine up to 24, most of which hit caches. So memory that is cached may still be slow, if it is spread over many pages.

`spread` follows a ring of pointers with one line on each of n pages, in random order. `packed` follows a ring of as
many lines side by side, which take as much of the caches on a 64th of the pages. The difference is translation.

    4K        small pages: a line in each
    in-huge   huge pages (2 MiB on x86), a line in each 4 KiB of them, so that n lines lie on n / 512 pages
    huge      huge pages, a line in each

A virtual machine has two page tables: the guest's, whose page sizes a program can choose, and the host's, whose it can
not see. A TLB entry covers the smaller of the two pages. So `in-huge` tells the host's: where the host has huge pages,
too, its n lines need n / 512 entries, and cost as little as `packed`; where the host has small ones, each line needs an
entry, and the curve climbs where that of `4K` does.

Lines have places within their pages such that they spread over all sets of a cache. The page table takes 8 bytes for
each page, and lines of it are cached as well: with 65 536 pages it takes 512 KiB.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels.permutation import permute
from ...protocols import Array, Buffer, Cpu, Results
from ...record import text
from ...record.estimate import estimate
from ...record.model import Record
from ...record.phrases import listed, marked
from ..latency.chase import HOPS, LINE, chase, key, walk, write_ring

SMALL = 4096  # bytes of the pages that a huge one is told in
LAYOUTS = ("4K", "in-huge", "huge")
# Between powers of two, which are sizes of TLBs and caches. Of huge pages 1280, which take 2.5 GiB.
COUNTS = tuple(20 * 2**k for k in range(13))

bench = Bench(
    "access.translation",
    question="How many pages does the TLB reach, and what does a page walk cost beyond?",
    axes={"n": COUNTS, "layout": LAYOUTS[:2]},
    sweeps=({"n": COUNTS[:7], "layout": LAYOUTS[2:]},),
    quick={"n": (20, 5120), "layout": LAYOUTS[:1]},
    baseline="packed",
    measures="translation",
    words={"n": "pages in use"},
    core=False,
    full_only=True,
    version=1,
)


def apart(layout: str, device: Cpu) -> int:
    """Bytes from one line to the next."""
    return device.host.huge_bytes if layout == LAYOUTS[2] else SMALL


def places(n: int, step: int) -> Array:
    """The number of a line in each of n places `step` bytes apart, such that lines spread over all sets of a cache.

    The sets of L1 are told by the address within 4 KiB, those of L2 by some bits more: place i takes line i XOR i / 32
    of its 4 KiB, so that 64 places in a row fill all sets of L1 once, and 2048 of them all sets of L2. Where places are
    farther apart, a line's 4 KiB follow from i alone.
    """
    i = np.arange(n, dtype=np.int64)
    rows, row = step // SMALL, SMALL // LINE
    return i * (step // LINE) + i % rows * row + (i ^ i >> 5) % row


@bench.inputs
def ring(rng: np.random.Generator, n: int) -> Array:
    """The order in which the n lines are to be visited (int64)."""
    if n < 2:
        raise Skip("too_small", f"a ring needs two lines, not {n}")
    order = np.empty(n, np.int64)
    permute(order, 1, key(rng))
    return order


@bench.reference
def last_place(order: Array) -> int:
    """Which of the lines the first call ends on."""
    return int(order[HOPS % len(order)])


@bench.counts
def counts() -> dict[str, float]:
    """One load is one hop."""
    return {"hops": HOPS}


@bench.memory
def memory(n: int, layout: str, device: Cpu) -> int:
    """What the pages take."""
    return n * apart(layout, device)


def follow(device: Cpu, order: Array, lines: Array, layout: str) -> Work:
    """The work of following a ring through `lines` in this order, on pages of the layout."""
    pages = "4K" if layout == LAYOUTS[0] else "huge"

    def build(_rank: int) -> Buffer:
        buffer = device.buffer((int(lines[-1]) + 1) * LINE, pages=pages)
        write_ring(buffer, lines[order])
        return buffer

    buffer = device.crew(1).each(build)[0]
    if pages == "huge" and buffer.pages != pages:
        found = buffer.pages
        buffer.close()
        raise Skip("needs_huge_pages", f"the system gave {found} pages where huge ones were asked for")
    work = walk(device, buffer, lines[order], chase, close=buffer.close)
    ended = work.output or work.call
    return replace(work, output=lambda: int(np.searchsorted(lines, ended())))


@bench.variant("packed")
def packed(device: Cpu, order: Array, layout: str) -> Work:
    """The lines side by side, on a 64th of the pages or less."""
    return follow(device, order, np.arange(len(order)), layout)


@bench.variant("spread")
def spread(device: Cpu, order: Array, layout: str) -> Work:
    """A line on each page, or in each 4 KiB of huge pages."""
    return follow(device, order, places(len(order), apart(layout, device)), layout)


# --- what it says -----------------------------------------------------------------------------------------------------

FREE, FREE_S = 0.1, 0.2e-9  # of a hop, and seconds: what is no more costs nothing
SAME = 2.0  # times the cost of a TLB's second level: what is more is a walk
HOST_HUGE, HOST_SMALL = 0.3, 0.7  # of what 4 KiB pages cost: up to here, from here


@dataclass(frozen=True)
class Cost:
    """What translation adds to a hop through n lines, in seconds, and the two records that say so."""

    n: int
    seconds: float
    records: tuple[Record, Record]

    @property
    def free(self) -> bool:
        """Whether it adds nothing that could be told."""
        return self.seconds <= max(FREE_S, FREE * hop(self.records[1]))


def hop(record: Record) -> float:
    """Seconds of a hop."""
    return estimate(record.samples).value / record.counts["hops"]


def costs(results: Results, layout: str) -> list[Cost]:
    """What was measured of a layout, by rising n."""
    found = []
    for n in sorted({int(one.params["n"]) for one in results.records if one.params["layout"] == layout}):
        pair = [results.find(variant, n=n, layout=layout) for variant in ("spread", "packed")]
        if pair[0] is not None and pair[1] is not None:
            found.append(Cost(n, hop(pair[0]) - hop(pair[1]), (pair[0], pair[1])))
    return found


def levels(found: Sequence[Cost]) -> tuple[list[Cost], list[Cost], list[Cost]]:
    """The costs that are none, those of a TLB's second level, and those of walks."""
    first = next((i for i, one in enumerate(found) if not one.free), len(found))
    second = found[min(first + 1, len(found) - 1)].seconds if first < len(found) else 0.0
    last = next((i for i in range(first, len(found)) if found[i].seconds > SAME * second), len(found))
    return list(found[:first]), list(found[first:last]), list(found[last:])


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The reach of the TLB and the cost of a walk on small and on huge pages; whose pages a TLB's entry covers."""
    for layout, name in ((LAYOUTS[0], "4 KiB pages"), (LAYOUTS[2], "huge pages")):
        found = costs(results, layout)
        none, second, walks = levels(found)
        told = [f"costs nothing at {_range(none)} pages"] if none else []
        if second:
            costs_of = dict.fromkeys(text.seconds(one.seconds) for one in (second[0], second[-1]))
            told.append(f"{' to '.join(costs_of)} at {_range(second)}")
        told += [f"{text.seconds(one.seconds)} at {text.count(one.n)}" for one in (walks[1:2] or walks[:1])]
        if len(walks) > 2:
            told.append(f"{text.seconds(walks[-1].seconds)} at {text.count(walks[-1].n)}")
        if len(found) > 1 and told:
            used = [record for one in found for record in one.records]
            edges = [
                f"{what} {text.count(nearer[-1].n)} and {text.count(further[0].n)}"
                for what, nearer, further in (
                    ("the cost begins between", none, second or walks), ("walks begin between", second, walks)
                )
                if nearer and further
            ]  # fmt: skip
            said = f"Translation of {name} (1 thread) {listed(told)}"
            yield marked(said + (f": {listed(edges)}" if edges else ""), *used)
    yield from _covered(costs(results, LAYOUTS[0]), costs(results, LAYOUTS[1]))


def _range(costs: Sequence[Cost]) -> str:
    """`20 to 40`: the sizes that were measured; nothing is said of those between two."""
    return " to ".join(dict.fromkeys(text.count(one.n) for one in (costs[0], costs[-1])))


def _covered(small: Sequence[Cost], inside: Sequence[Cost]) -> Iterator[str]:
    """Whether an entry of the TLB covers a huge page, by the n at which its second level serves small pages."""
    beside = {one.n: one for one in inside}
    costly = [one for one in levels(small)[1] if one.n in beside]
    if not costly:
        return
    mine = costly[min(1, len(costly) - 1)]
    other = beside[mine.n]
    share = statistics.median(beside[one.n].seconds / one.seconds for one in costly)
    said = (
        f"Lines in each 4 KiB of huge pages cost {text.seconds(max(0.0, other.seconds))} at {text.count(mine.n)} "
        f"({text.size(mine.n * SMALL)}), where small pages cost {text.seconds(mine.seconds)}"
    )
    if share <= HOST_HUGE:
        said += ": an entry of the TLB covers a huge page, so that the host's pages are huge where there is a host"
    elif share >= HOST_SMALL:
        said += ": an entry of the TLB covers less than a huge page, so that the pages of a host below are small"
    yield marked(said, *(record for one in costly for record in (*one.records, *beside[one.n].records)))
