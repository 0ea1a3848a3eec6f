"""What the operating system reports: CPUs, caches, limits on CPU time and memory, running totals.

On Linux everything comes from files below `root`, so that tests pass in made-up `/proc` and `/sys` trees. Other systems
report less; what they do not report is absent here, not guessed.
"""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import affinity

ROOT = Path("/")
TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
# cgroup v1 writes "no limit" as the largest multiple of a page below 2⁶³.
UNLIMITED = 2**62


@dataclass(frozen=True)
class SharedCache:
    """One data or unified cache, and the logical CPUs that share it."""

    level: int
    bytes: int
    line: int
    cpus: tuple[int, ...]


@dataclass(frozen=True)
class Host:
    """The CPUs that this process may use, and what they share.

    `allowed` is the affinity mask and `quota` the cgroup's limit in CPUs (None: no limit). `cores` gives the physical
    core (package, core) of each logical CPU, `capacity` its speed relative to the others where the kernel ranks them
    (big.LITTLE). `huge_policy` is the kernel's setting of transparent huge pages, None without them.
    """

    allowed: tuple[int, ...]
    online: tuple[int, ...] = ()
    cores: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    capacity: Mapping[int, int] = field(default_factory=dict)
    quota: float | None = None
    caches: tuple[SharedCache, ...] = ()
    huge_policy: str | None = None
    huge_bytes: int = 2**21

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


def read_host(root: Path = ROOT) -> Host:
    """Read what this host is: from the files below `root` on Linux and from what the system offers elsewhere."""
    if sys.platform == "linux":
        return linux_host(root, allowed=sorted(os.sched_getaffinity(0)))
    import psutil

    count = psutil.cpu_count() or 1
    cpus = tuple(range(count))
    allowed = cpus
    if sys.platform == "win32":
        allowed = tuple(psutil.Process().cpu_affinity())
    physical = psutil.cpu_count(logical=False) or count
    threads_per_core = max(1, count // physical)
    cores = {cpu: (0, cpu // threads_per_core) for cpu in cpus}
    caches = sysctl_caches(sysctl(), cpus) if sys.platform == "darwin" else cpuinfo_caches(cpus)
    return Host(allowed=allowed, online=cpus, cores=cores, caches=caches)


# --- Linux ------------------------------------------------------------------------------------------------------------


def read_text(path: Path) -> str | None:
    """The stripped text of a small file; None where it is missing or unreadable."""
    try:
        return path.read_text(errors="replace").strip("\0 \n")
    except OSError:
        return None


def number(path: Path) -> int | None:
    """The whole number in a file; None where it is missing or holds something else ("max")."""
    try:
        return int(read_text(path) or "")
    except ValueError:
        return None


def cpu_list(text: str | None) -> tuple[int, ...]:
    """`0-3,8` as (0, 1, 2, 3, 8)."""
    cpus: list[int] = []
    for part in (text or "").split(","):
        first, _, last = part.strip().partition("-")
        if first:
            cpus += range(int(first), int(last or first) + 1)
    return tuple(cpus)


def size_of(text: str | None) -> int | None:
    """`1024K` as sysfs writes it, in bytes."""
    form = re.fullmatch(r"(\d+)([KMG]?)", text or "")
    return int(form[1]) * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[form[2]] if form else None


def chosen(text: str | None) -> str | None:
    """`always [madvise] never` as `madvise`."""
    form = re.search(r"\[(.+?)\]", text or "")
    return form[1] if form else None


def linux_host(root: Path, allowed: Iterable[int]) -> Host:
    """A Linux host from its sysfs, procfs and cgroup files below `root`; `allowed` is the affinity mask."""
    allowed = tuple(allowed)
    base = root / "sys/devices/system/cpu"
    online = cpu_list(read_text(base / "online")) or allowed
    cores: dict[int, tuple[int, int]] = {}
    capacity: dict[int, int] = {}
    caches: dict[tuple[int, tuple[int, ...]], SharedCache] = {}
    for cpu in online:
        here = base / f"cpu{cpu}"
        package, core = number(here / "topology/physical_package_id"), number(here / "topology/core_id")
        if core is not None:
            cores[cpu] = (package or 0, core)
        if (speed := number(here / "cpu_capacity")) is not None:
            capacity[cpu] = speed
        for cache in _sysfs_caches(here / "cache", cpu):
            caches.setdefault((cache.level, cache.cpus), cache)
    huge = root / "sys/kernel/mm/transparent_hugepage"
    return Host(
        allowed=allowed,
        online=online,
        cores=cores,
        capacity=capacity,
        quota=cpu_quota(root),
        caches=tuple(caches[key] for key in sorted(caches)) or _libc_caches(root, online),
        huge_policy=chosen(read_text(huge / "enabled")),
        huge_bytes=number(huge / "hpage_pmd_size") or 2**21,
    )


def _sysfs_caches(folder: Path, cpu: int) -> Iterable[SharedCache]:
    for index in sorted(folder.glob("index[0-9]*")):
        level, size = number(index / "level"), size_of(read_text(index / "size"))
        if level is None or not size or read_text(index / "type") == "Instruction":
            continue
        line = number(index / "coherency_line_size") or 64
        yield SharedCache(level, size, line, cpu_list(read_text(index / "shared_cpu_list")) or (cpu,))


def _libc_caches(root: Path, cpus: tuple[int, ...]) -> tuple[SharedCache, ...]:
    """Caches by glibc's sysconf, where sysfs has none. Sharing is unknown: L1 and L2 count as private."""
    if root != ROOT:
        return ()
    caches = []
    for level, name in ((1, "LEVEL1_DCACHE"), (2, "LEVEL2_CACHE"), (3, "LEVEL3_CACHE")):
        try:
            size, line = (os.sysconf(f"SC_{name}_{what}") for what in ("SIZE", "LINESIZE"))
        except (ValueError, OSError):
            continue
        if size > 0:
            sharers = ((cpu,) for cpu in cpus) if level < 3 else (cpus,)
            caches += [SharedCache(level, size, line or 64, sharer) for sharer in sharers]
    return tuple(caches)


# --- cgroups: limits that neither the affinity mask nor the size of memory shows --------------------------------------


def cgroup_folders(root: Path, controller: str) -> tuple[list[Path], bool]:
    """The folders whose limits apply to this process, leaf first, and whether they are of version 2.

    The limits of all ancestors apply. In a container the path in /proc/self/cgroup may be the host's, which does not
    exist under the mount: then the mount itself is the container's group. Hybrid systems keep version 1 controllers
    beside a version 2 tree without limits; version 1 wins where it has the controller.
    """
    mounts = root / "sys/fs/cgroup"
    found: list[Path] = []
    for row in (read_text(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = row.partition(":")
        names, _, path = rest.partition(":")
        if names and controller in names.split(","):
            for mount in (mounts / names, mounts / controller):
                if mount.is_dir():
                    return _ancestors(mount, path), False
        if not names:
            for mount in (mounts, mounts / "unified"):
                if (mount / "cgroup.procs").exists() or (mount / "cgroup.controllers").exists():
                    found = _ancestors(mount, path)
                    break
    return found, True


def _ancestors(mount: Path, path: str) -> list[Path]:
    parts = [part for part in path.split("/") if part]
    if ".." in parts:
        parts = []
    folders = [mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]
    return [folder for folder in folders if folder.is_dir()]


def cpu_quota(root: Path = ROOT) -> float | None:
    """The CPU quota of the cgroups, in CPUs: the tightest on the way up; None without one."""
    folders, second = cgroup_folders(root, "cpu")
    quotas = []
    for folder in folders:
        if second:
            granted, _, period = (read_text(folder / "cpu.max") or "max").partition(" ")
        else:
            granted, period = (str(number(folder / f"cpu.cfs_{what}_us") or -1) for what in ("quota", "period"))
        if granted.isdigit() and period.isdigit() and int(period):
            quotas.append(int(granted) / int(period))
    return min(quotas, default=None)


def memory_limit(root: Path = ROOT) -> tuple[int, int] | None:
    """The tightest memory limit of the cgroups and what is free below it, in bytes; None without a limit.

    Inactive file cache counts as free: the kernel reclaims it before it refuses memory.
    """
    folders, second = cgroup_folders(root, "memory")
    limit_file, used_file, cache_name = (
        ("memory.max", "memory.current", "inactive_file")
        if second
        else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    )
    found = []
    for folder in folders:
        limit, used = number(folder / limit_file), number(folder / used_file)
        if limit is not None and used is not None and limit < UNLIMITED:
            cached = keyed_numbers(read_text(folder / "memory.stat")).get(cache_name, 0)
            found.append((max(0, limit - used + min(cached, used)), limit))
    return (min(limit for _, limit in found), min(free for free, _ in found)) if found else None


def throttle_files(root: Path = ROOT) -> list[Path]:
    """The `cpu.stat` files that count how long this process's groups were throttled by their quota."""
    folders, _ = cgroup_folders(root, "cpu")
    return [folder / "cpu.stat" for folder in folders if "throttled" in (read_text(folder / "cpu.stat") or "")]


def throttled_seconds(text: str | None) -> float | None:
    """Seconds of throttling in the text of a `cpu.stat` of version 2 (µs) or 1 (ns); None where it has none."""
    numbers = keyed_numbers(text)
    if "throttled_usec" in numbers:
        return numbers["throttled_usec"] * 1e-6
    if "throttled_time" in numbers:
        return numbers["throttled_time"] * 1e-9
    return None


def keyed_numbers(text: str | None) -> dict[str, int]:
    """The lines of the form `name number`."""
    pairs = (line.split() for line in (text or "").splitlines())
    return {pair[0]: int(pair[1]) for pair in pairs if len(pair) == 2 and pair[1].isdigit()}


def busy_and_steal(text: str, cpus: Iterable[int], tick_s: float = TICK_S) -> tuple[float, float]:
    """Busy and stolen seconds of the CPUs, from the text of `/proc/stat`.

    The kernel counts in ticks of 10 ms: a short round may read 0, or a tick too many.
    """
    wanted = {f"cpu{cpu}" for cpu in cpus}
    busy = steal = 0
    for line in text.splitlines():
        if not line.startswith("cpu"):
            break  # the CPU lines come first; the interrupt line after them is long
        name, *fields = line.split()
        if name in wanted:
            user, nice, system, _idle, _iowait, irq, softirq, *more = map(int, fields)
            busy += user + nice + system + irq + softirq
            steal += more[0] if more else 0
    return busy * tick_s, steal * tick_s


# --- other systems ----------------------------------------------------------------------------------------------------


def sysctl() -> str:
    """MacOS's `sysctl hw machdep.cpu` as `name: value` lines; empty where there is no sysctl."""
    try:
        command = ["/usr/sbin/sysctl", "hw", "machdep.cpu"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""


def sysctl_caches(text: str, cpus: tuple[int, ...]) -> tuple[SharedCache, ...]:
    """The caches in macOS's `sysctl hw`: of the performance cores, where there are several kinds."""
    values = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)

    def value(*names: str) -> int:
        return next((int(values[name]) for name in names if values.get(name, "").isdigit()), 0)

    line = value("hw.cachelinesize") or 64
    caches = []
    for level, kind in ((1, "l1d"), (2, "l2"), (3, "l3")):
        size = value(f"hw.perflevel0.{kind}cachesize", f"hw.{kind}cachesize")
        sharers = value(f"hw.perflevel0.cpusperl{level}") or (len(cpus) if level == 3 else 1)
        if size:
            groups = [cpus[i : i + sharers] for i in range(0, len(cpus), sharers)]
            caches += [SharedCache(level, size, line, group) for group in groups]
    return tuple(caches)


def cpuinfo_caches(cpus: tuple[int, ...]) -> tuple[SharedCache, ...]:
    """The caches that py-cpuinfo finds, for Windows: neither their number nor who shares them."""
    import cpuinfo  # takes a second

    info = cpuinfo.get_cpu_info()
    line = info.get("l2_cache_line_size")
    line = line if isinstance(line, int) and line >= 16 else 64
    caches = []
    for level, name in ((1, "l1_data_cache_size"), (2, "l2_cache_size"), (3, "l3_cache_size")):
        size = info.get(name)
        if isinstance(size, int) and size > 0:
            sharers = ((cpu,) for cpu in cpus) if level < 3 else (cpus,)
            caches += [SharedCache(level, size, line, sharer) for sharer in sharers]
    return tuple(caches)
