"""What macOS says by `sysctl`: cores by performance level, and their caches.

It numbers no CPUs and pins no threads. CPUs are numbered here, those of the fastest level first.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from .topology import SharedCache, Topology


def sysctl() -> str:
    """MacOS's `sysctl hw machdep.cpu` as `name: value` lines; empty where there is no sysctl."""
    try:
        command = ["/usr/sbin/sysctl", "hw", "machdep.cpu"]
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=False).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""


def topology(text: str, count: int) -> Topology:
    """The CPUs by the text of `sysctl`; `count` of them where it has no performance levels."""
    values = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)

    def value(*names: str) -> int:
        return next((int(values[name]) for name in names if values.get(name, "").isdigit()), 0)

    kinds = [f"hw.perflevel{level}." for level in range(value("hw.nperflevels"))] or ["hw.perflevel0."]
    logical = [value(f"{kind}logicalcpu") for kind in kinds]
    if not all(logical):
        kinds, logical = kinds[:1], [value("hw.logicalcpu") or count]
    cores: dict[int, tuple[int, int]] = {}
    capacity: dict[int, int] = {}
    caches: list[SharedCache] = []
    for rank, (kind, many) in enumerate(zip(kinds, logical, strict=True)):
        cpus = range(len(cores), len(cores) + many)
        physical = value(f"{kind}physicalcpu", "hw.physicalcpu") or many
        threads = max(1, many // physical)
        cores |= {cpu: (0, cpus[0] + (cpu - cpus[0]) // threads) for cpu in cpus}
        capacity |= dict.fromkeys(cpus, len(kinds) - rank)
        for level, name in ((1, "l1d"), (2, "l2"), (3, "l3")):
            size = value(f"{kind}{name}cachesize", f"hw.{name}cachesize")
            sharers = value(f"{kind}cpusperl{level}") or (many if level == 3 else threads)
            if size:
                caches += _groups(level, size, value("hw.cachelinesize") or 64, cpus, sharers)
    return Topology(tuple(cores), cores, capacity if len(kinds) > 1 else {}, tuple(caches))


def _groups(level: int, size: int, line: int, cpus: range, sharers: int) -> Iterator[SharedCache]:
    for first in range(0, len(cpus), sharers):
        yield SharedCache(level, size, line, tuple(cpus[first : first + sharers]))
