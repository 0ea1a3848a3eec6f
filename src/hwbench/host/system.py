"""What the operating system reports: CPUs, caches, limits on CPU time.

On Linux everything comes from files below `root`, so that tests pass in made-up `/proc` and `/sys` trees. Other systems
report less; what they do not report is absent here, not guessed.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from . import affinity, cgroups, macos, topology, windows
from . import nodes as numa
from .pseudo_files import ROOT, chosen, number, read_text
from .topology import SharedCache as SharedCache
from .topology import Sources, Topology


@dataclass(frozen=True)
class Host:
    """The CPUs that this process may use, and what they share.

    `allowed` is the affinity mask and `quota` the cgroup's limit in CPUs (None: no limit). `cores` gives the physical
    core (package, core) of each logical CPU, `capacity` its speed relative to the others where the kernel ranks them
    (big.LITTLE). `nodes` are the CPUs of each NUMA node by its number, {} where none are told. `huge_policy` is the
    kernel's setting of transparent huge pages, None without them. `notes` say where sources of the topology disagree,
    and which is believed.
    """

    allowed: tuple[int, ...]
    online: tuple[int, ...] = ()
    cores: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    capacity: Mapping[int, int] = field(default_factory=dict)
    quota: float | None = None
    caches: tuple[SharedCache, ...] = ()
    huge_policy: str | None = None
    huge_bytes: int = 2**21
    notes: tuple[str, ...] = ()
    nodes: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    @property
    def usable(self) -> int:
        """How many threads can run at once: the affinity mask, bounded by the whole CPUs of the quota, at least 1.

        A quota of 1.5 CPUs allows one thread: two would be throttled for a quarter of every period, within samples.
        """
        whole = len(self.allowed) if self.quota is None else max(1, math.floor(self.quota))
        return max(1, min(len(self.allowed), whole))

    @property
    def order(self) -> tuple[int, ...]:
        """The allowed CPUs in the order that threads get them: one per core, fast cores first, SMT siblings last."""
        return affinity.order(self.allowed, self.cores, self.capacity)

    def levels(self) -> tuple[int, ...]:
        """The cache levels that are known, in ascending order."""
        return tuple(sorted({cache.level for cache in self.caches}))

    def share(self, level: int, active: Iterable[int]) -> int | None:
        """Bytes of the level's cache for each of the `active` CPUs when all use it at once; None where unknown."""
        active = set(active)
        shares = [
            cache.bytes // len(active.intersection(cache.cpus))
            for cache in self.caches
            if cache.level == level and active.intersection(cache.cpus)
        ]
        return min(shares, default=None)

    def last_level_total(self) -> int | None:
        """The last-level caches that the allowed CPUs can fill, summed over sockets and chiplets."""
        levels = self.levels()
        if not levels:
            return None
        allowed = set(self.allowed)
        return sum(c.bytes for c in self.caches if c.level == levels[-1] and allowed.intersection(c.cpus)) or None

    def largest_last_level(self) -> int | None:
        """The largest of them."""
        levels = self.levels()
        return max((cache.bytes for cache in self.caches if levels and cache.level == levels[-1]), default=None)


def read_host(root: Path = ROOT) -> Host:
    """Read what this host is: from the files below `root` on Linux and from what the system offers elsewhere."""
    if sys.platform == "linux":
        return linux_host(root, allowed=sorted(os.sched_getaffinity(0)))
    if sys.platform == "win32":
        return windows_host()
    import psutil

    count = psutil.cpu_count() or 1
    found = macos.topology(macos.sysctl() if sys.platform == "darwin" else "", count)
    return _host(found.online, found)


def linux_host(root: Path, allowed: Iterable[int], sources: Sources | None = None) -> Host:
    """A Linux host from its sysfs, procfs and cgroup files below `root`; `allowed` is the affinity mask.

    `sources` are what is asked beside the files, on a made-up machine nothing.
    """
    allowed = tuple(allowed)
    huge = root / "sys/kernel/mm/transparent_hugepage"
    return _host(
        allowed,
        topology.read(allowed, root, sources),
        quota=cgroups.cpu_quota(root),
        huge_policy=chosen(read_text(huge / "enabled")),
        huge_bytes=number(huge / "hpage_pmd_size") or 2**21,
        nodes=numa.read(root),
    )


def windows_host() -> Host:
    """A Windows host; by psutil and py-cpuinfo where the system's own function fails."""
    import psutil

    found = windows.topology(windows.logical_processors())
    group = windows.GROUP * windows.own_group() if found.online else 0
    if not found.online:
        cpus = tuple(range(psutil.cpu_count() or 1))
        threads = max(1, len(cpus) // (psutil.cpu_count(logical=False) or len(cpus)))
        found = Topology(cpus, {cpu: (0, cpu // threads) for cpu in cpus}, {}, windows.cpuinfo_caches(cpus))
    allowed: tuple[int, ...] = ()
    with suppress(psutil.Error, OSError):
        allowed = tuple(group + cpu for cpu in psutil.Process().cpu_affinity())
    return _host(allowed or found.online, found)


def _host(
    allowed: tuple[int, ...], found: Topology, quota: float | None = None, huge_policy: str | None = None,
    huge_bytes: int = 2**21, nodes: Mapping[int, tuple[int, ...]] | None = None,
) -> Host:  # fmt: skip
    return Host(
        allowed, found.online, found.cores, found.capacity, quota, found.caches, huge_policy, huge_bytes, found.notes,
        nodes or {},
    )  # fmt: skip
