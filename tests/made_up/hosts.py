"""Made-up hosts."""

from __future__ import annotations

from typing import Any

from hwbench.host.system import Host, SharedCache


def machine(l3: int | None = 32 * 2**20, cpus: int = 8, **kwargs: Any) -> Host:
    """48 KiB and 2 MiB for each CPU, one L3 for all."""
    caches = [SharedCache(1, 48 * 2**10, 64, (cpu,)) for cpu in range(cpus)]
    caches += [SharedCache(2, 2 * 2**20, 64, (cpu,)) for cpu in range(cpus)]
    caches += [SharedCache(3, l3, 64, tuple(range(cpus)))] if l3 else []
    return Host(allowed=tuple(range(cpus)), caches=tuple(caches), huge_policy="madvise", **kwargs)
