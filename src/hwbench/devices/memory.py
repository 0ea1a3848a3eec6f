"""Memory for measuring: page-aligned, untouched, on pages of a known size.

Huge pages change the latency of memory by a tenth to a third, and the kernel's default decides silently. So the wish is
stated (`madvise`), the memory aligned for it, and what came of it is read back from `smaps` once it was touched.
"""

from __future__ import annotations

import contextlib
import mmap
import re
import sys
from pathlib import Path

import numpy as np

from ..bench import Skip

SMAPS = Path("/proc/self/smaps")
_HEAD = re.compile(r"([0-9a-f]+)-([0-9a-f]+) ")


class Buffer:
    """`nbytes` of anonymous memory that nobody has touched yet; the thread that writes it first is near it.

    Attributes
    ----------
    array
        View of the bytes, `np.uint8`.
    address
        Address of the first byte: a multiple of the page size (2 MiB for huge pages) plus `offset`.
    """

    def __init__(self, nbytes: int, pages: str = "4K", offset: int = 0, huge_bytes: int = 2**21) -> None:
        if nbytes < 1 or offset < 0:
            raise ValueError(f"a buffer of {nbytes} bytes at offset {offset} cannot be")
        self.wanted = pages
        self._map: mmap.mmap | None = None
        linux = sys.platform == "linux"
        if pages == "huge" and not linux:
            raise Skip("huge pages on request are known on Linux only")
        align = huge_bytes if pages == "huge" else mmap.PAGESIZE
        # Whole pages to the end, so that the tail of the buffer can be huge as well.
        length = -(-(offset + nbytes) // align) * align
        whole: np.ndarray
        if linux:
            # Private: Python's default, shared, would be shmem, which has huge pages of its own policy.
            self._map = mmap.mmap(-1, length + align, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            whole = np.frombuffer(self._map, dtype=np.uint8)
        else:
            whole = np.empty(length + align, dtype=np.uint8)
        start = -whole.ctypes.data % align
        if self._map is not None:
            advice = mmap.MADV_HUGEPAGE if pages == "huge" else mmap.MADV_NOHUGEPAGE
            # A kernel without transparent huge pages knows neither word, and has only small ones.
            with contextlib.suppress(OSError):
                self._map.madvise(advice, start, length)
        self.array: np.ndarray = whole[start + offset : start + offset + nbytes]
        self.address: int = self.array.ctypes.data

    @property
    def huge_share(self) -> float | None:
        """The share of the touched memory that lies on huge pages; None where the system does not tell."""
        try:
            return huge_share(SMAPS.read_text(), self.address, self.array.nbytes)
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

    def close(self) -> None:
        """Give the memory back; where views of it are still held, it goes with the last of them."""
        self.array = np.empty(0, dtype=np.uint8)
        if self._map is not None:
            with contextlib.suppress(BufferError):
                self._map.close()
            self._map = None


def huge_share(smaps: str, address: int, nbytes: int) -> float | None:
    """The share of resident memory on huge pages in the mappings of `smaps` that hold the given bytes.

    The kernel may report neighbours of like kind as one mapping, so this is of the mapping, not of the byte.
    """
    resident = huge = 0
    inside = False
    for line in smaps.splitlines():
        if head := _HEAD.match(line):
            inside = int(head[1], 16) < address + nbytes and address < int(head[2], 16)
        elif inside and line.startswith("Rss:"):
            resident += int(line.split()[1])
        elif inside and line.startswith("AnonHugePages:"):
            huge += int(line.split()[1])
    return huge / resident if resident else None
