"""What is read from the operating system: CPUs, caches, limits."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hwbench.host import macos, system, windows
from hwbench.host.system import Host, linux_host
from made_up import trees


def test_threads_take_a_core_each_before_siblings(tmp_path: Path) -> None:
    """With SMT the first threads get a physical core each, and siblings come last."""
    assert linux_host(trees.intel(tmp_path), range(8)).order == (0, 1, 2, 3, 4, 5, 6, 7)
    adjacent = Host(allowed=(0, 1, 2, 3), cores={0: (0, 0), 1: (0, 0), 2: (0, 1), 3: (0, 1)})
    assert adjacent.order == (0, 2, 1, 3)


def test_large_cores_come_first(tmp_path: Path) -> None:
    """On big.LITTLE one thread is put on a large core."""
    assert linux_host(trees.arm(tmp_path), range(6)).order == (4, 5, 0, 1, 2, 3)


def test_shares_of_a_cache(tmp_path: Path) -> None:
    """A level is divided by the active CPUs that share it, not by all that could."""
    host = linux_host(trees.intel(tmp_path), range(8))
    assert host.share(1, [0]) == 48 * 2**10
    assert host.share(1, [0, 4]) == 24 * 2**10
    assert host.share(3, [0, 1, 2]) == 15 * 2**20
    assert host.share(4, [0]) is None
    assert host.levels() == (1, 2, 3)


def test_last_level_is_summed_over_what_may_be_used(tmp_path: Path) -> None:
    """Both sockets' last-level caches count, unless the mask keeps us on one of them."""
    root = trees.intel(tmp_path)
    assert linux_host(root, range(8)).last_level_total() == 60 * 2**20
    assert linux_host(root, [0, 1]).last_level_total() == 30 * 2**20
    assert Host(allowed=(0,)).last_level_total() is None


@pytest.mark.parametrize("version", [1, 2])
def test_a_container_of_one_and_a_half_cpus(tmp_path: Path, version: int) -> None:
    """A quota of 1.5 CPUs on 64 is one usable thread, in either version of cgroups."""
    host = linux_host(trees.container(tmp_path, version), range(64))
    assert host.quota == 1.5
    assert host.usable == 1
    assert len(host.allowed) == 64


@pytest.mark.parametrize(("quota", "usable"), [(None, 8), (0.5, 1), (1.99, 1), (3.0, 3), (100.0, 8)])
def test_usable(quota: float | None, usable: int) -> None:
    """Usable are the whole CPUs of the quota, at least one and at most the mask."""
    assert Host(allowed=tuple(range(8)), quota=quota).usable == usable


def test_nothing_is_known_of_an_empty_tree(tmp_path: Path) -> None:
    """A system without sysfs gives a host that knows its mask and nothing else."""
    host = linux_host(tmp_path, [0, 1])
    assert (host.allowed, host.caches, host.quota, host.huge_policy) == ((0, 1), (), None, None)
    assert host.order == (0, 1)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_hosts_too(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """Where there is no sysfs the host comes from what the system has, without a crash."""
    import cpuinfo
    import psutil

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(macos, "sysctl", lambda: "hw.l1dcachesize: 65536\nhw.physicalcpu: 4")
    monkeypatch.setattr(windows, "logical_processors", lambda: b"")
    monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: 8 if logical else 4)
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda self: [0, 1, 2], raising=False)
    monkeypatch.setattr(cpuinfo, "get_cpu_info", lambda: {"l1_data_cache_size": 65536, "l2_cache_size": "1 MiB"})
    host = system.read_host()
    assert host.usable == (3 if platform == "win32" else 8)
    assert host.share(1, [0]) == 65536
    assert host.share(2, [0]) is None
    assert host.order[:2] == (0, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's own files")
def test_this_host() -> None:
    """The real machine's mask is the process's, and its caches grow with their level."""
    host = system.read_host()
    assert set(host.allowed) == os.sched_getaffinity(0)
    sizes = [host.share(level, host.order[:1]) or 0 for level in host.levels()]
    assert sizes == sorted(sizes)
