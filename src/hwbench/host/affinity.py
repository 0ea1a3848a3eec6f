"""The CPUs that pinned threads get, in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


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
