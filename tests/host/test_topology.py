"""Which source of the topology is believed, and what is said where sources disagree."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import pytest

from hwbench.host import topology
from hwbench.host.cpuid import Processor, StatedCache
from hwbench.host.topology import SharedCache, Sources, Topology
from made_up import trees

K, M = 2**10, 2**20
LIBC = {"LEVEL1_DCACHE_SIZE": 32 * K, "LEVEL2_CACHE_SIZE": 512 * K, "LEVEL3_CACHE_SIZE": 32 * M}
ZEN = (StatedCache(1, 32 * K, 64, 0), StatedCache(2, 512 * K, 64, 0), StatedCache(3, 32 * M, 64, 4))


def sources(libc: Mapping[str, int] | None = None, caches: tuple[StatedCache, ...] = ()) -> Sources:
    """A C library with these sizes, and a processor with these caches whose CPUs are cores."""

    def ask(cpus: Collection[int]) -> Mapping[int, Processor]:
        return {cpu: Processor(cpu, 0, 5, caches) for cpu in cpus} if caches else {}

    return Sources((libc or {}).get, ask)


def tree(root: Path, levels: tuple[int, ...] = (1, 2, 3), cpus: int = 2, l1: str = "32K", online: str = "") -> Path:
    """`/sys` with these levels."""
    sizes = {1: l1, 2: "512K", 3: "32M"}
    own, every = {cpu: str(cpu) for cpu in range(cpus)}, dict.fromkeys(range(cpus), f"0-{cpus - 1}")
    caches = [(level, "Unified", sizes[level], own if level < 3 else every) for level in levels]
    files = trees.cpus(cpus, {cpu: (0, cpu) for cpu in range(cpus)}, caches)
    return trees.write(root, files | ({f"{trees.CPU}/online": online} if online else {}))


def sizes(found: Topology) -> dict[int, set[int]]:
    levels = {cache.level for cache in found.caches}
    return {level: {cache.bytes for cache in found.caches if cache.level == level} for level in sorted(levels)}


def test_sources_that_agree_are_believed_without_a_word(tmp_path: Path) -> None:
    """The processor is not even asked."""
    asked: list[Collection[int]] = []
    libc = LIBC | {"LEVEL3_CACHE_SIZE": 256 * M}  # of an AMD that is nonsense
    found = topology.read([0, 1], tree(tmp_path), Sources(libc.get, lambda cpus: asked.append(cpus) or {}))
    assert sizes(found) == {1: {32 * K}, 2: {512 * K}, 3: {32 * M}}
    assert not found.notes
    assert not asked


def test_a_container_that_numbers_cpus_anew(tmp_path: Path) -> None:
    """LXCFS lists CPU 0 where the mask has CPU 1: caches are those of the mask, and it is said."""
    found = topology.read([1], tree(tmp_path, online="0"), sources(LIBC))
    assert found.online == (0, 1)
    assert {cache.level for cache in found.caches if 1 in cache.cpus} == {1, 2, 3}
    assert found.cores[1] == (0, 1)
    [note] = found.notes
    assert "online lists 0 and not 1" in note
    assert "the affinity mask is believed" in note


@pytest.mark.parametrize("levels", [(), (3,), (2, 3)])
def test_what_sysfs_hides_the_processor_tells(tmp_path: Path, levels: tuple[int, ...]) -> None:
    """Each level that is hidden is taken from the processor, and said."""
    found = topology.read([0, 1], tree(tmp_path, levels), sources(LIBC, ZEN))
    assert sizes(found) == {1: {32 * K}, 2: {512 * K}, 3: {32 * M}}
    assert [cache.cpus for cache in found.caches if cache.level == 3] == [(0, 1)]
    assert [note[:2] for note in found.notes] == [f"L{level}" for level in (1, 2, 3) if level not in levels]
    assert "L1: sysfs has none, cpuid has 32 KiB, sysconf has 32 KiB; cpuid is believed" in found.notes[0]


def test_without_the_processor_the_c_library_is_better_than_nothing(tmp_path: Path) -> None:
    """It knows sizes; L1 and L2 count as private, the last level as shared by all."""
    found = topology.read([0, 1], tmp_path, sources(LIBC))
    assert found.caches == (
        SharedCache(1, 32 * K, 64, (0,)), SharedCache(1, 32 * K, 64, (1,)), SharedCache(2, 512 * K, 64, (0,)),
        SharedCache(2, 512 * K, 64, (1,)), SharedCache(3, 32 * M, 64, (0, 1)),
    )  # fmt: skip
    assert all("sysconf is believed, though it does not say who shares a cache" in note for note in found.notes)


@pytest.mark.parametrize(
    ("l1", "caches", "believed", "why"),
    [
        ("64K", ZEN, 32 * K, "cpuid is believed, since two of three say so"),
        ("64K", (), 64 * K, "sysfs is believed, as it says who shares a cache"),
        ("64K", (StatedCache(1, 64 * K, 64, 0), *ZEN[1:]), 64 * K, "sysfs is believed, since two of three say so"),
        ("64K", (StatedCache(1, 48 * K, 64, 0), *ZEN[1:]), 64 * K, "sysfs is believed, as it says who shares a cache"),
    ],
)
def test_sizes_that_differ(tmp_path: Path, l1: str, caches: tuple[StatedCache, ...], believed: int, why: str) -> None:
    """Two of three are believed, else `/sys`; what each says stands in the note."""
    found = topology.read([0, 1], tree(tmp_path, l1=l1), sources(LIBC, caches))
    assert sizes(found)[1] == {believed}
    [note] = found.notes
    assert "sysfs has 64 KiB" in note
    assert why in note


def test_a_level_that_the_c_library_alone_knows_is_none(tmp_path: Path) -> None:
    """On AMD's processors its L3 may be there where the processor has none."""
    found = topology.read([0, 1], tree(tmp_path, (1, 2)), sources(LIBC, ZEN[:2]))
    assert sizes(found) == {1: {32 * K}, 2: {512 * K}}
    assert "L3: sysfs has none, cpuid has none, sysconf has 32 MiB; none is believed" in found.notes[0]


def test_unlike_cores_have_more_than_one_size(tmp_path: Path) -> None:
    """The C library's size is that of the core that asked it: any of the sizes agrees."""
    root = tree(tmp_path, cpus=4)
    trees.write(root, {f"{trees.CPU}/cpu{cpu}/cache/index0/size": "48K" for cpu in (0, 1)})
    assert not topology.read(range(4), root, sources(LIBC)).notes


def test_cores_without_sysfs(tmp_path: Path) -> None:
    """Siblings and packages come from the processor's numbers."""

    def ask(cpus: Collection[int]) -> Mapping[int, Processor]:
        return {cpu: Processor(cpu, 1, 2, ()) for cpu in cpus}

    assert topology.read(range(8), tmp_path, Sources({}.get, ask)).cores == {
        cpu: (cpu // 4, cpu // 2) for cpu in range(8)
    }


def test_kinds_of_cores_without_capacities(tmp_path: Path) -> None:
    """Where the kernel lists Intel's kinds alone, performance cores are the faster ones, however they are numbered."""
    root = tree(tmp_path, cpus=4)
    trees.write(root, {"sys/devices/cpu_core/cpus": "0,3", "sys/devices/cpu_atom/cpus": "1-2"})
    assert topology.read(range(4), root).capacity == {0: 2, 1: 1, 2: 1, 3: 2}


def test_sharers_in_another_numbering_do_not_count(tmp_path: Path) -> None:
    """A list of sharers without the CPU itself is somebody else's."""
    root = tree(tmp_path, (1,), cpus=1)
    trees.write(root, {f"{trees.CPU}/cpu0/cache/index0/shared_cpu_list": "5"})
    assert topology.read([0], root).caches == (SharedCache(1, 32 * K, 64, (0,)),)


def test_this_machine() -> None:
    """The C library answers a name that it has, and None for another."""
    assert topology.sysconf("NO_SUCH_NAME") is None
