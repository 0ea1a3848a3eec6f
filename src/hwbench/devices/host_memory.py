"""Memory for measuring: page-aligned, untouched, on pages of a known size.

Huge pages change the latency of memory by 10 to 33%, and whether a program gets them depends on a setting of the
operating system. So the memory is aligned, the page size requested (`madvise`), and the outcome read from `smaps` after
the memory was touched.
"""

from __future__ import annotations

import contextlib
import mmap
import re
import sys
from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path

import numpy as np

from ..bench import Skip
from ..host import nodes

SMAPS = Path("/proc/self/smaps")
SEEN = 64  # pages of a buffer of which the node is asked
_HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ")


class Region:
    """At least `nbytes` of anonymous, untouched memory from a page on, advised to lie on `pages`.

    Attributes
    ----------
    bytes
        All of it, `np.uint8`.
    """

    def __init__(self, nbytes: int, pages: str = "4K", huge_bytes: int = 2**21) -> None:
        self.pages = pages
        self._map: mmap.mmap | None = None
        linux = sys.platform == "linux"
        if pages == "huge" and not linux:
            raise Skip("needs_huge_pages", "huge pages on request are known on Linux only")
        align = huge_bytes if pages == "huge" else mmap.PAGESIZE
        # Whole pages to the end, so that the tail can be huge as well.
        length = -(-nbytes // align) * align
        whole: np.ndarray
        if linux:
            # Private: Python's default, shared, would be shmem, which has a huge page policy of its own.
            self._map = mmap.mmap(-1, length + align, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            whole = np.frombuffer(self._map, dtype=np.uint8)
        else:
            whole = np.empty(length + align, dtype=np.uint8)
        start = -whole.ctypes.data % align
        if self._map is not None:
            advice = mmap.MADV_HUGEPAGE if pages == "huge" else mmap.MADV_NOHUGEPAGE
            # A kernel without transparent huge pages knows neither advice, and has only small pages.
            with contextlib.suppress(OSError):
                self._map.madvise(advice, start, length)
        self.bytes: np.ndarray = whole[start : start + length]

    def close(self) -> None:
        """Give the memory back; where views of it are still held, it goes with the last of them."""
        self.bytes = np.empty(0, dtype=np.uint8)
        if self._map is not None:
            with contextlib.suppress(BufferError):
                self._map.close()
            self._map = None


class Pool:
    """Large regions that were given back, kept for the next buffer of as many bytes on the same pages.

    A page costs a fault when it is first touched, and in a guest perhaps one of the host's, too: 2 GiB took 5.5 s the
    first time and 0.3 s while the guest still had them, but a guest may return unused memory within seconds. A bench of
    memory asks for as much with each of its variants. A region is lent only to threads as `near` to it (the device
    defines near), since pages stay with the thread that touched them first.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Hashable], list[Region]] = {}

    @property
    def idle(self) -> int:
        """Bytes that are not lent."""
        return sum(_length(region) for kept in self._kept.values() for region in kept)

    def borrow(self, nbytes: int, pages: str, near: Hashable) -> Region | None:
        """The smallest region of at least `nbytes`; where there is none, None, and those too small are closed."""
        kept = self._kept.get((pages, near), [])
        fitting = [region for region in kept if _length(region) >= nbytes]
        if not fitting:
            while kept:
                kept.pop().close()
            return None
        smallest = min(fitting, key=_length)
        kept.remove(smallest)
        return smallest

    def give_back(self, region: Region, near: Hashable, limit: int) -> None:
        """Keep a region, then close the smallest, which fit the fewest, until at most `limit` bytes are idle."""
        self._kept.setdefault((region.pages, near), []).append(region)
        while self.idle > limit:
            kept = min(filter(None, self._kept.values()), key=lambda regions: min(map(_length, regions)))
            smallest = min(kept, key=_length)
            kept.remove(smallest)
            smallest.close()

    def clear(self) -> None:
        """Close all that is idle."""
        for kept in self._kept.values():
            while kept:
                kept.pop().close()


def _length(region: Region) -> int:
    return region.bytes.nbytes


class Buffer:
    """`nbytes` of a region from `offset` on, until it is closed.

    Attributes
    ----------
    array
        View of the bytes, `np.uint8`.
    address
        Address of the first byte: a multiple of the page size (2 MiB for huge pages) plus `offset`.
    """

    def __init__(
        self, region: Region, nbytes: int, offset: int = 0, give_back: Callable[[Region], None] = Region.close
    ) -> None:
        self._region: Region | None = region
        self._give_back = give_back
        self.array: np.ndarray = region.bytes[offset : offset + nbytes]
        self.address: int = self.array.ctypes.data

    @property
    def huge_share(self) -> float | None:
        """The share of the touched memory that lies on huge pages; None where the system does not tell."""
        try:
            with SMAPS.open(encoding="utf-8", errors="replace") as file:
                return huge_share(file, self.address, self.array.nbytes)
        except OSError:
            return None

    @property
    def pages(self) -> str:
        """What the touched memory lies on: `huge`, `mixed`, a small page's size (`4K`, `16K`), or `default`."""
        share = self.huge_share
        if share is None:
            return "default"
        small = f"{mmap.PAGESIZE // 1024}K"
        return "huge" if share >= 0.95 else "mixed" if share > 0.05 else small

    @property
    def nodes(self) -> Mapping[int, int]:
        """How many of some pages, evenly spread, lie on each NUMA node; {} where the kernel does not tell."""
        steps = range(0, self.array.nbytes, max(mmap.PAGESIZE, self.array.nbytes // SEEN))
        return nodes.of_pages([self.address + step for step in steps])

    def close(self) -> None:
        """Give the memory back; a view that is still held must not be used."""
        self.array = np.empty(0, dtype=np.uint8)
        if self._region is not None:
            self._give_back(self._region)
            self._region = None


def huge_share(smaps: Iterable[str], address: int, nbytes: int) -> float | None:
    """The share of resident memory on huge pages in the mappings that hold the given bytes, from the lines of `smaps`.

    Mappings rise; none is read beyond these, since the kernel walks the pages of each. It may report neighbouring
    mappings of one kind as one, so the share is the mapping's, not the byte's.
    """
    resident = huge = 0
    inside = False
    for line in smaps:
        if not line[0].isupper() and (head := _HEAD.match(line)):  # names of fields begin with a capital letter
            if int(head[1], 16) >= address + nbytes:
                break
            inside = int(head[1], 16) < address + nbytes and address < int(head[2], 16)
        elif inside and line.startswith("Rss:"):
            resident += int(line.split()[1])
        elif inside and line.startswith("AnonHugePages:"):
            huge += int(line.split()[1])
    return huge / resident if resident else None
