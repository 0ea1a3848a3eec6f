"""Levels as bytes: what the size labels L1, L2, L3 and DRAM stand for on this host, for each of some threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..bench import Skip
from ..host.system import Host
from ..record import text
from . import MEMORY_SHARE

DRAM_FACTOR = 4  # × the summed last-level caches: at most a quarter of a sweep can still lie in them (STREAM's rule)
# Bytes a thread: below, a private L2 of a few MiB and the start of each pass would still show.
DRAM_LEAST = 64 * 2**20
# Last level where no cache is reported: no processor sold has more than this in front of one thread.
UNKNOWN_LAST_LEVEL = 256 * 2**20


class Levels:
    """The bytes of each label, each measured or worked out once.

    Parameters
    ----------
    host
        Caches, and the order in which a crew takes the CPUs.
    free_memory
        Bytes that may still be taken.
    probe
        `probe(reported, near)`: bytes of a last level reported so large that a thread is served, beyond `near` bytes of
        the level above; None where others fill it.
    """

    def __init__(self, host: Host, free_memory: Callable[[], int], probe: Callable[[int, int], int | None]) -> None:
        self.sizes: dict[str, int] = {}
        self._host = host
        self._free_memory = free_memory
        self._probe = probe
        self._last_level: dict[int, int | None] = {}

    def size(self, label: str, threads: int = 1) -> int:
        """Bytes for each of `threads` threads that lie in the level `label`; `Skip` with the numbers where none do."""
        if label not in self.sizes:
            # First for one thread, which policy.sizes records: where that does not fit, more threads do not either.
            self.sizes[label] = self._size(label, 1)
        return self.sizes[label] if threads == 1 else self._size(label, threads)

    def _size(self, label: str, threads: int) -> int:
        if label == "DRAM":
            return self._memory_size(threads)
        level = int(label[1:])
        active = self._host.order[:threads]
        share = self._host.share(level, active)
        if share is None:
            known = ", ".join(f"L{found}" for found in self._host.levels()) or "no cache at all"
            raise Skip("needs_level", f"this machine reports no {label} ({known})")
        if level >= 3:
            share = self._last_level_share(level, active)
        # Half of the level: the other half is for the stack, the code and what the OS touches on every tick.
        return share // 2 // 64 * 64

    def _last_level_share(self, level: int, active: Sequence[int]) -> int:
        """Bytes of a shared last level that each active thread gets; Skip where the level above would hold them."""
        first = self._host.order[:1]
        reported = self._host.share(level, first) or 0
        above = self._host.share(level - 1, first)
        if not above:  # a hypervisor or a container may hide it
            raise Skip(
                "needs_level",
                f"{text.size(reported)} of L{level} and no L{level - 1} are reported; its figures could be those of "
                f"an L{level - 1}",
            )
        if level not in self._last_level:
            self._last_level[level] = self._probe(reported, 4 * above)
        found = self._last_level[level]
        if found is None:
            raise Skip(
                "needs_level",
                f"{text.size(reported)} of L{level} are reported, but beyond {text.size(above)} of L{level - 1} the "
                "latency is that of memory: other users fill it",
            )
        # `found` is for a thread alone; the sharers of the reported cache divide it as they would divide that.
        share = found * (self._host.share(level, active) or 0) // max(reported, 1)
        if share // 2 < 2 * above:
            raise Skip(
                "needs_level",
                f"needs {text.size(4 * above)} of L{level} for each thread, half of which is measured and must be "
                f"twice L{level - 1} ({text.size(above)}); each gets {text.size(share)}",
            )
        return share

    def _memory_size(self, threads: int) -> int:
        cached = self._host.last_level_total() or UNKNOWN_LAST_LEVEL
        size = max(DRAM_LEAST, -(-DRAM_FACTOR * cached // threads // 4096) * 4096)
        free = self._free_memory()
        if size * threads > MEMORY_SHARE * free:
            raise Skip(
                "needs_memory",
                f"DRAM takes {text.size(size * threads)} ({DRAM_FACTOR} times the last-level caches of "
                f"{text.size(cached)}); {text.share(MEMORY_SHARE)} of the {text.size(free)} free may be taken",
            )
        return size
