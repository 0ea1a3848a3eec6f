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

from dataclasses import replace

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels.permutation import permute
from ...protocols import Array, Buffer, Cpu
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
