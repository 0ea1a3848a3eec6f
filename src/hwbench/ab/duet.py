"""Duets: both sides at once on two like CPUs, so that what disturbs one disturbs the other, too.

Bulej et al. (Duet benchmarking, ICPE 2020) found intervals of ratios 2.3 to 12.5 times as narrow in clouds, 5 times on
average. It needs two CPUs of the same kind and one for whatever else runs, a command that keeps one CPU busy, and no
limit that both would share.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..host import affinity, cgroups, topology
from ..host.pseudo_files import ROOT
from ..record import text

THREADED = 1.15  # CPU seconds a second, beyond which a process keeps more than one CPU busy
SLOWED = 1.1  # times at once over times alone, beyond which the two share a limit


@dataclass(frozen=True)
class Pair:
    """Two like CPUs, or why there are none (`why`), or why they serve only where a duet is asked for (`unless`)."""

    cpus: tuple[int, ...] = ()
    why: str = ""
    unless: str = ""


def pair(root: Path = ROOT, allowed: Sequence[int] | None = None) -> Pair:
    """Two cores that this process may use, of the same speed and caches; shared last-level caches are no obstacle."""
    if allowed is None:
        if not hasattr(os, "sched_getaffinity"):
            return Pair(why="this system pins no process to a CPU")
        allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        return Pair(why="there is one CPU")
    quota = cgroups.cpu_quota(root)
    if quota is not None and quota < 2:
        return Pair(why=f"a quota allows {quota:g} CPUs, and two processes would stop each other")
    found = topology.read(allowed, root)
    cpus = affinity.order(allowed, found.cores, found.capacity)
    kinds: dict[tuple[object, ...], list[int]] = {}
    cores: set[tuple[int, int]] = set()
    for cpu in cpus:
        core = found.cores.get(cpu, (-1, cpu))
        if core in cores:
            continue
        cores.add(core)
        own = tuple(sorted((one.level, one.bytes) for one in found.caches if cpu in one.cpus))
        kinds.setdefault((core[0], found.capacity.get(cpu), own), []).append(cpu)
    if len(cores) < 2:
        return Pair(why="the CPUs are threads of one core")
    like = next((mine for mine in kinds.values() if len(mine) > 1), [])
    if not like:
        return Pair(why="no two CPUs are alike in speed and caches")
    if len(cores) == 2:
        # A pinned process cannot make way: whatever else runs would delay one side alone.
        return Pair(tuple(like), unless="there are two CPUs, and none would be left for whatever else runs")
    # Not the first where there is a choice: it serves most interrupts.
    return Pair(tuple(like[1:3] if len(like) > 2 else like[:2]))


def refused(seconds: float, cpu: float) -> str:
    """Why a command that took so many seconds of wall clock and CPU is no part of a duet; "" where it may be."""
    busy = cpu / seconds if seconds else 0.0
    return f"the command keeps {text.amount(busy)} CPUs busy" if busy > THREADED else ""


def slowed(times: float) -> str:
    """Why a duet does not pay where cases take so many times as long beside the other side; "" where it does."""
    if times <= SLOWED:
        return ""
    return f"at once, both sides take {text.share(times - 1)} longer: they share memory, a cache or the package's power"
