"""Cores and caches of a Linux host from sources that must agree: `/sys`, the instruction `cpuid`, the C library.

Containers hide or renumber a part of `/sys`. What one source lacks comes from the next, and where two disagree a note
says which is believed and why.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..record import text
from . import cpuid
from .pseudo_files import ROOT, cpu_list, number, ranges, read_text, size_of

CPUS = "sys/devices/system/cpu"
LIBC = {1: "LEVEL1_DCACHE", 2: "LEVEL2_CACHE", 3: "LEVEL3_CACHE"}
EXACT = 2  # the last level whose size the C library knows: its L3 of an AMD is that of the whole package, or nonsense


@dataclass(frozen=True)
class SharedCache:
    """One data or unified cache, and the logical CPUs that share it."""

    level: int
    bytes: int
    line: int
    cpus: tuple[int, ...]


@dataclass(frozen=True)
class Topology:
    """CPUs, their cores (package, core), speeds where the kernel ranks them, caches, and what sources disagree on."""

    online: tuple[int, ...]
    cores: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    capacity: Mapping[int, int] = field(default_factory=dict)
    caches: tuple[SharedCache, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sources:
    """What is asked beside `/sys`: the C library's sizes by `sysconf`, and the processor. Made-up ones for tests."""

    libc: Callable[[str], int | None]
    cpuid: Callable[[Collection[int]], Mapping[int, cpuid.Processor]]


def sysconf(name: str) -> int | None:
    """A number of the C library's; None where it has no such name."""
    with suppress(ValueError, OSError):
        return os.sysconf(f"SC_{name}")
    return None


REAL = Sources(sysconf, cpuid.processors)
SILENT = Sources(lambda _: None, lambda _: {})


def read(allowed: Sequence[int], root: Path = ROOT, sources: Sources | None = None) -> Topology:
    """The topology by the files below `root`, and by the sources beside it (none for another root)."""
    asked = sources or (REAL if root == ROOT else SILENT)
    base = root / CPUS
    listed = cpu_list(read_text(base / "online")) or tuple(allowed)
    online, notes = listed, []
    if strange := set(allowed) - set(listed):
        shown = {int(path.parent.name[3:]) for path in base.glob("cpu[0-9]*/topology")}
        online = tuple(sorted({*shown, *allowed}))
        notes.append(
            f"CPUs: {CPUS}/online lists {ranges(listed)} and not {ranges(strange)}, where this process may run; the "
            "affinity mask is believed, since containers number CPUs anew in that file"
        )
    ask = functools.cache(lambda: asked.cpuid(allowed))
    cores = _sysfs_cores(base, online)
    if not any(cpu in cores for cpu in allowed):
        cores = {cpu: one.core for cpu, one in ask().items()}
    caches, more = _believed(_sysfs_caches(base, online), allowed, asked.libc, ask)
    return Topology(online, cores, _capacity(root, online), caches, (*notes, *more))


# --- what /sys says ---------------------------------------------------------------------------------------------------


def _sysfs_cores(base: Path, cpus: Iterable[int]) -> dict[int, tuple[int, int]]:
    cores = {}
    for cpu in cpus:
        here = base / f"cpu{cpu}/topology"
        if (core := number(here / "core_id")) is not None:
            cores[cpu] = (number(here / "physical_package_id") or 0, core)
    return cores


def _capacity(root: Path, cpus: Iterable[int]) -> dict[int, int]:
    """Speeds as the kernel ranks them; where it only lists Intel's kinds of cores, performance ones are faster."""
    told = {cpu: number(root / CPUS / f"cpu{cpu}/cpu_capacity") for cpu in cpus}
    if found := {cpu: speed for cpu, speed in told.items() if speed is not None}:
        return found
    kinds = [cpu_list(read_text(root / f"sys/devices/cpu_{kind}/cpus")) for kind in ("atom", "core")]
    return {cpu: speed for speed, kind in enumerate(kinds, 1) for cpu in kind} if all(kinds) else {}


def _sysfs_caches(base: Path, cpus: Iterable[int]) -> list[SharedCache]:
    found: dict[tuple[int, tuple[int, ...]], SharedCache] = {}
    for cpu in cpus:
        for index in sorted((base / f"cpu{cpu}/cache").glob("index[0-9]*")):
            level, size = number(index / "level"), size_of(read_text(index / "size"))
            if level is None or not size or read_text(index / "type") == "Instruction":
                continue
            sharers = cpu_list(read_text(index / "shared_cpu_list"))
            sharers = sharers if cpu in sharers else (cpu,)
            line = number(index / "coherency_line_size") or 64
            found.setdefault((level, sharers), SharedCache(level, size, line, sharers))
    return [found[key] for key in sorted(found)]


# --- what is believed -------------------------------------------------------------------------------------------------


def _believed(
    sysfs: list[SharedCache], allowed: Sequence[int], libc: Callable[[str], int | None],
    ask: Callable[[], Mapping[int, cpuid.Processor]],
) -> tuple[tuple[SharedCache, ...], list[str]]:  # fmt: skip
    """The caches of each level by the most trusted source that has it for all allowed CPUs, and what disagrees.

    `/sys` is trusted first: it alone says who shares a cache in every case. The processor is asked where `/sys` has a
    level for some CPUs only, or has another size than the C library.
    """
    lines = {level: libc(f"{name}_LINESIZE") or 64 for level, name in LIBC.items()}
    sizes = {level: size for level, name in LIBC.items() if (size := libc(f"{name}_SIZE"))}
    ours = _by_level([cache for cache in sysfs if set(allowed) & set(cache.cpus)])
    whole = {level for level, found in ours.items() if set(allowed) <= {cpu for one in found for cpu in one.cpus}}
    exact = {level: size for level, size in sizes.items() if level in whole and level <= EXACT}
    if whole >= {1, *ours, *sizes} and all(size in _sizes(ours[level]) for level, size in exact.items()):
        return tuple(sysfs), []
    theirs = _by_level(_cpuid_caches(ask()))
    chosen, notes = list(sysfs), []
    for level in sorted({*ours, *theirs, *sizes}):
        told = {"sysfs": _sizes(ours.get(level, ())), "cpuid": _sizes(theirs.get(level, ())),
                "sysconf": {sizes[level]} if level in sizes else set()}  # fmt: skip
        who, why = _trusted(level, told, whole=level in whole, asked=bool(theirs))
        if who == "cpuid":
            chosen = [cache for cache in chosen if cache.level != level] + theirs[level]
        elif who == "sysconf":
            sharers = [(cpu,) for cpu in allowed] if level < 3 else [tuple(allowed)]
            chosen = [cache for cache in chosen if cache.level != level]
            chosen += [SharedCache(level, sizes[level], lines[level], sharer) for sharer in sharers]
        if why:
            said = ", ".join(f"{name} has {_told(found)}" for name, found in told.items())
            notes.append(f"L{level}: {said}; {who or 'none'} is believed, {why}")
    return tuple(sorted(chosen, key=lambda cache: (cache.level, cache.cpus))), notes


def _trusted(level: int, told: Mapping[str, set[int]], *, whole: bool, asked: bool) -> tuple[str, str]:
    """Which source of a level is believed ("": there is no such level), and why where it is no matter of course."""
    mine, processor, library = told["sysfs"], told["cpuid"], told["sysconf"]
    if whole:
        if processor and processor != mine and level <= EXACT and library and library <= processor:
            return "cpuid", "since two of three say so"
        differs = (processor and processor != mine) or (level <= EXACT and library and not library <= mine)
        agree = "since two of three say so" if processor == mine else "as it says who shares a cache"
        return "sysfs", agree if differs else ""
    if processor:
        return "cpuid", "as it answers for each CPU that may be used"
    if library and not asked:
        return "sysconf", "though it does not say who shares a cache"
    return ("sysfs", "for those CPUs that it shows") if mine else ("", "since neither of the others has it")


def _cpuid_caches(processors: Mapping[int, cpuid.Processor]) -> list[SharedCache]:
    found: dict[tuple[int, int, int, int], list[int]] = {}
    for cpu, one in processors.items():
        for cache in one.caches:
            found.setdefault((cache.level, cache.bytes, cache.line, one.number >> cache.shift), []).append(cpu)
    return [SharedCache(level, size, line, tuple(cpus)) for (level, size, line, _), cpus in found.items()]


def _by_level(caches: Iterable[SharedCache]) -> dict[int, list[SharedCache]]:
    levels: dict[int, list[SharedCache]] = {}
    for cache in caches:
        levels.setdefault(cache.level, []).append(cache)
    return levels


def _sizes(caches: Iterable[SharedCache]) -> set[int]:
    return {cache.bytes for cache in caches}


def _told(sizes: Iterable[int]) -> str:
    return " or ".join(map(text.size, sorted(sizes))) or "none"
