"""The CPUs that pinned threads get, in order; the mask of a thread that a library binds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress


def order(allowed: Iterable[int], cores: Mapping[int, tuple[int, int]], capacity: Mapping[int, int]) -> tuple[int, ...]:
    """The allowed CPUs: one of each core first, fast cores before slow ones, SMT siblings last.

    `cores` are (package, core) and `capacity` the speed that the kernel states, by CPU; a CPU whose core is not known
    has one to itself.
    """
    taken: dict[tuple[int, int], int] = {}
    keyed = []
    for cpu in sorted(allowed):
        core = cores.get(cpu, (-1, cpu))
        sibling = taken[core] = taken.get(core, -1) + 1
        keyed.append((sibling, -capacity.get(cpu, 0), cpu))
    return tuple(cpu for *_, cpu in sorted(keyed))


@contextmanager
def kept() -> Iterator[None]:
    """Give the calling thread its affinity mask back at the end, where what runs inside has changed it.

    With OMP_PROC_BIND, OMP_PLACES or GOMP_CPU_AFFINITY an OpenMP runtime binds the thread that starts its pool to one
    CPU for good. Threads and processes started later would inherit that CPU, and this process would see it as its only
    one.
    """
    before = _mask()
    try:
        yield
    finally:
        if before is not None and _mask() != before:
            with suppress(OSError):  # the cpuset may have shrunk meanwhile
                os.sched_setaffinity(0, before)


def _mask() -> set[int] | None:
    """The calling thread's CPUs; None where the system has no masks or refuses."""
    with suppress(AttributeError, OSError):
        return os.sched_getaffinity(0)
    return None
