"""What Windows says by `GetLogicalProcessorInformationEx`: cores, their efficiency class, caches, in groups of 64 CPUs.

A CPU's number is 64 times its group plus its place in it. A process begins in one group.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator

from .topology import SharedCache, Topology

ALL, CORE, CACHE, PACKAGE = 0xFFFF, 0, 2, 3  # RelationAll; relationships
INSTRUCTION = 1  # a cache's type: unified, instruction, data, trace
GROUP = 64
MASK = struct.Struct("<QH6x")  # GROUP_AFFINITY: the CPUs of one group


def logical_processors() -> bytes:
    """What the function returns; b"" where it fails."""
    kernel32 = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    length = ctypes.c_ulong(0)
    kernel32.GetLogicalProcessorInformationEx(ALL, None, ctypes.byref(length))
    buffer = ctypes.create_string_buffer(length.value)
    done = length.value and kernel32.GetLogicalProcessorInformationEx(ALL, buffer, ctypes.byref(length))
    return buffer.raw[: length.value] if done else b""


def own_group() -> int:
    """The group in which this process began; psutil tells the places of its CPUs in that group."""
    kernel32 = ctypes.windll.kernel32  # type: ignore[attr-defined,unused-ignore]
    count, groups = ctypes.c_ushort(GROUP), (ctypes.c_ushort * GROUP)()
    kernel32.GetCurrentProcess.restype = ctypes.c_void_p
    done = kernel32.GetProcessGroupAffinity(
        ctypes.c_void_p(kernel32.GetCurrentProcess()), ctypes.byref(count), ctypes.byref(groups)
    )
    return groups[0] if done else 0


def topology(told: bytes) -> Topology:
    """The CPUs by what `logical_processors` returned."""
    cores: dict[int, tuple[int, int]] = {}
    classes: dict[int, int] = {}
    packages: dict[int, int] = {}
    caches: list[SharedCache] = []
    rows = list(_rows(told))
    for number, row in enumerate(row for kind, row in rows if kind == PACKAGE):
        packages |= dict.fromkeys(_cpus(row, 22, 24), number)
    for number, row in enumerate(row for kind, row in rows if kind == CORE):
        for cpu in _cpus(row, 22, 24):
            cores[cpu] = (packages.get(cpu, 0), number)
            classes[cpu] = row[1]
    for kind, row in rows:
        if kind == CACHE:
            level, _, line, size, how = struct.unpack_from("<BBHLL", row)
            # The count of groups came with Windows 11; before, the field is 0 and there is one.
            cpus = _cpus(row, 30, 32)
            if how != INSTRUCTION and cpus and size:
                caches.append(SharedCache(level, size, line or 64, cpus))
    kinds = set(classes.values())
    ranked = {cpu: kind + 1 for cpu, kind in classes.items()} if len(kinds) > 1 else {}
    return Topology(tuple(sorted(cores)), cores, ranked, tuple(sorted(caches, key=lambda one: (one.level, one.cpus))))


def _rows(told: bytes) -> Iterator[tuple[int, bytes]]:
    """The relationship of each row, and what follows it."""
    at = 0
    while at + 8 <= len(told):
        kind, size = struct.unpack_from("<LL", told, at)
        if size < 8:
            return
        yield kind, told[at + 8 : at + size]
        at += size


def _cpus(row: bytes, count_at: int, first: int) -> tuple[int, ...]:
    """The CPUs in the masks of a row, which says how many groups there are."""
    count = max(1, int.from_bytes(row[count_at : count_at + 2], "little"))
    cpus = []
    for k in range(count):
        mask, group = MASK.unpack_from(row, first + k * MASK.size)
        cpus += [GROUP * group + bit for bit in range(GROUP) if mask >> bit & 1]
    return tuple(cpus)


def cpuinfo_caches(cpus: tuple[int, ...]) -> tuple[SharedCache, ...]:
    """The caches that py-cpuinfo finds where the function fails: neither their number nor who shares them."""
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
