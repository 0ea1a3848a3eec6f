"""What macOS says of its cores and caches."""

from __future__ import annotations

import pytest

from hwbench.host import macos
from hwbench.host.topology import SharedCache, Topology


def test_a_shared_l2_is_one_cache_for_its_cluster() -> None:
    """Without performance levels by name the first one's sizes count, before the machine's mean."""
    text = (
        "hw.cachelinesize: 128\nhw.l1dcachesize: 65536\nhw.l2cachesize: 4194304\n"
        "hw.perflevel0.l1dcachesize: 131072\nhw.perflevel0.l2cachesize: 16777216\nhw.perflevel0.cpusperl2: 4"
    )
    found = macos.topology(text, 8)
    assert [cache for cache in found.caches if cache.level == 2] == [
        SharedCache(2, 2**24, 128, (0, 1, 2, 3)), SharedCache(2, 2**24, 128, (4, 5, 6, 7))
    ]  # fmt: skip
    assert {cache.bytes for cache in found.caches if cache.level == 1} == {131072}


def test_two_kinds_of_cores() -> None:
    """Efficiency cores follow the performance cores, slower and with caches of their own."""
    text = (
        "hw.nperflevels: 2\nhw.cachelinesize: 128\n"
        "hw.perflevel0.logicalcpu: 4\nhw.perflevel0.physicalcpu: 4\nhw.perflevel0.l1dcachesize: 131072\n"
        "hw.perflevel1.logicalcpu: 2\nhw.perflevel1.physicalcpu: 2\nhw.perflevel1.l1dcachesize: 65536"
    )
    found = macos.topology(text, 6)
    assert found.capacity == {0: 2, 1: 2, 2: 2, 3: 2, 4: 1, 5: 1}
    assert [cache.bytes // 1024 for cache in found.caches] == [128] * 4 + [64] * 2
    assert found.caches[-1].cpus == (5,)


def test_siblings_of_an_intel_mac() -> None:
    """Two threads of a core share its L1; all share L3."""
    text = "hw.logicalcpu: 4\nhw.physicalcpu: 2\nhw.l1dcachesize: 32768\nhw.l3cachesize: 8388608"
    found = macos.topology(text, 4)
    assert found.cores == {0: (0, 0), 1: (0, 0), 2: (0, 1), 3: (0, 1)}
    assert [cache.cpus for cache in found.caches] == [(0, 1), (2, 3), (0, 1, 2, 3)]


def test_no_sysctl(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its text there are CPUs and no caches; without the program there is no text."""
    assert macos.topology("", 2) == Topology((0, 1), {0: (0, 0), 1: (0, 1)})

    def missing(*_given: object, **_more: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr(macos.subprocess, "run", missing)
    assert macos.sysctl() == ""
