"""Memory in bytes: how much there is, and how much may still be taken within cgroup and NUMA policy."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from .cgroups import memory_limit
from .pseudo_files import ROOT, cpu_list, read_text


def total(root: Path = ROOT) -> int:
    """All memory of the machine, or of the cgroup where that has less; 0 where neither is told."""
    limit = memory_limit(root)
    known = [_meminfo(root).get("MemTotal") or _pages(root, "SC_PHYS_PAGES"), limit[0] if limit else None]
    return min((size for size in known if size), default=0)


def free(root: Path = ROOT, nodes: Collection[int] = ()) -> int:
    """What may still be taken: of the machine, of the cgroup, and of the NUMA `nodes` that memory is bound to."""
    limit = memory_limit(root)
    rows = _meminfo(root)
    available = rows.get("MemAvailable", _reclaimable(rows)) if rows else _pages(root, "SC_AVPHYS_PAGES")
    known = [available, limit[1] if limit else None]
    if nodes:
        known.append(sum(_reclaimable(_meminfo(root, node)) for node in nodes))
    return min((size for size in known if size is not None), default=0)


def bound(root: Path = ROOT) -> tuple[int, ...]:
    """The NUMA nodes that memory is bound to, by `numactl --membind` or a cpuset; () where all may be used."""
    there = {int(path.name[4:]) for path in (root / "sys/devices/system/node").glob("node[0-9]*")}
    allowed = re.search(r"^Mems_allowed_list:\s*(\S+)", read_text(root / "proc/self/status") or "", re.MULTILINE)
    nodes = there & set(cpu_list(allowed[1])) if allowed else there
    if policy := re.match(r"\S+ bind\S*?:([\d,-]+) ", _beginning(root / "proc/self/numa_maps")):
        nodes = nodes & set(cpu_list(policy[1]))
    return tuple(sorted(nodes)) if nodes != there else ()


def _beginning(path: Path) -> str:
    """The first mappings of `numa_maps`: the kernel walks the pages of each that is read."""
    try:
        with path.open(errors="replace") as file:
            return file.read(4096)
    except OSError:
        return ""


def _meminfo(root: Path, node: int | None = None) -> dict[str, int]:
    """The sizes of `/proc/meminfo`, or of a node, by name in bytes."""
    file = "proc/meminfo" if node is None else f"sys/devices/system/node/node{node}/meminfo"
    rows = re.findall(r"^(?:Node \d+ )?([\w()]+):\s+(\d+) kB", read_text(root / file) or "", re.MULTILINE)
    return {name: int(size) * 1024 for name, size in rows}


def _reclaimable(rows: dict[str, int]) -> int:
    """About what kernels from 3.14 on call `MemAvailable`, which nodes do not have."""
    return sum(rows.get(name, 0) for name in ("MemFree", "Inactive(file)", "SReclaimable"))


def _pages(root: Path, name: str) -> int | None:
    """The same by the C library, which asks the kernel and no file; None on a made-up machine."""
    try:
        pages, size = os.sysconf(name), os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return None
    return pages * size if root == ROOT and pages > 0 else None
