"""Caches and cores by the processor's own instruction, from registers of known processors and from this one."""

from __future__ import annotations

import os
import platform
import sys

import pytest

from hwbench.host import cpuid
from hwbench.host.cpuid import Processor, StatedCache

ZERO = (0, 0, 0, 0)
X86 = sys.platform == "linux" and platform.machine() == "x86_64"


def cache(kind: int, level: int, sharers: int, ways: int, sets: int) -> tuple[int, int, int, int]:
    return (kind | level << 5 | (sharers - 1) << 14, 63 | (ways - 1) << 22, sets - 1, 0)


ICE_LAKE = {
    (0, 0): (27, 0, 0, 0),
    (1, 0): (0, 5 << 24, 0, 0),
    (4, 0): cache(1, 1, 2, 12, 64), (4, 1): cache(2, 1, 2, 8, 64), (4, 2): cache(3, 2, 2, 20, 1024),
    (4, 3): cache(3, 3, 64, 12, 65536),
    (11, 0): (1, 2, 0x100, 5), (11, 1): (6, 64, 0x201, 5),
    (0x80000000, 0): (0x80000008, 0, 0, 0),
}  # fmt: skip
ZEN = {
    (0, 0): (16, 0, 0, 0),
    (1, 0): (0, 3 << 24, 0, 0),
    (0x80000000, 0): (0x80000023, 0, 0, 0), (0x80000001, 0): (0, 0, 1 << 22, 0),
    (0x8000001D, 0): cache(1, 1, 2, 8, 64), (0x8000001D, 1): cache(2, 1, 2, 8, 64),
    (0x8000001D, 2): cache(3, 2, 2, 8, 1024), (0x8000001D, 3): cache(3, 3, 16, 16, 32768),
}  # fmt: skip


def answers(registers: dict[tuple[int, int], tuple[int, int, int, int]]) -> cpuid.Registers:
    return lambda leaf, sub: registers.get((leaf, sub), ZERO)


def test_an_intel_processor() -> None:
    """Leaf 4 has the caches, leaf 11 the numbers; an instruction cache is none."""
    found = cpuid.processor(answers(ICE_LAKE))
    assert found.caches == (
        StatedCache(1, 48 * 2**10, 64, 1),
        StatedCache(2, 1280 * 2**10, 64, 1),
        StatedCache(3, 48 * 2**20, 64, 6),
    )
    assert (found.number, found.core) == (5, (0, 2))


def test_an_amd_processor() -> None:
    """A leaf of AMD's own has the caches; without leaf 11 the number is that of leaf 1, a core to itself."""
    found = cpuid.processor(answers(ZEN))
    assert found.caches == (
        StatedCache(1, 32 * 2**10, 64, 1),
        StatedCache(2, 512 * 2**10, 64, 1),
        StatedCache(3, 32 * 2**20, 64, 4),
    )
    assert found == Processor(3, 0, 0, found.caches)


def test_a_processor_that_says_nothing() -> None:
    """Emulators may answer with zeros, or have a cache at every subleaf: neither hangs."""
    assert cpuid.processor(answers({})) == Processor(0, 0, 0, ())
    endless = cpuid.processor(lambda leaf, _sub: cache(3, 2, 1, 8, 64) if leaf == 4 else (4, 0, 0, 0))
    assert len(endless.caches) == cpuid.MOST


def test_a_mask_that_is_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two CPUs give one number, L1 and L2 are for each and L3 for all; where pinning is refused, too."""
    shifts = [0, 0, 32]
    monkeypatch.setattr(os, "sched_setaffinity", lambda _pid, _mask: None, raising=False)
    found = cpuid.processors([4, 7], answers(ICE_LAKE))
    assert {cpu: one.number for cpu, one in found.items()} == {4: 4, 7: 7}
    assert [one.shift for one in found[4].caches] == shifts

    def refuse(_pid: int, _mask: set[int]) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setaffinity", refuse)
    assert [one.shift for one in cpuid.processors([4, 7], answers(ICE_LAKE))[7].caches] == shifts


@pytest.mark.skipif(not X86, reason="asks this x86 processor")
def test_this_processor() -> None:
    """The real instruction tells each allowed CPU from the others, and caches as the kernel does; our mask is kept."""
    before = os.sched_getaffinity(0)
    found = cpuid.processors(sorted(before))
    assert set(found) == before == os.sched_getaffinity(0)
    assert all(one.caches[0].level == 1 and one.caches[0].bytes >= 8192 for one in found.values())


@pytest.mark.parametrize("machine", ["aarch64", "arm64", "ppc64le"])
def test_other_processors_have_no_such_instruction(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    """It is never made there."""
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert cpuid.instruction.__wrapped__() is None


def test_an_llvm_that_cannot_make_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An old llvmlite without a parser of assembly is no error."""
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")

    def missing() -> cpuid.Registers:
        raise AttributeError

    monkeypatch.setattr(cpuid, "_compiled", missing)
    assert cpuid.instruction.__wrapped__() is None
    monkeypatch.setattr(cpuid, "instruction", lambda: None)
    assert cpuid.processors([0]) == {}
