"""What is read from the operating system: topology, caches, limits, running totals."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from hwbench.host import system
from hwbench.host.system import Host, SharedCache, linux_host
from made_up import trees


@pytest.mark.parametrize(
    ("text", "cpus"), [("0-3,8", (0, 1, 2, 3, 8)), ("5", (5,)), ("", ()), (None, ()), ("0, 2-3", (0, 2, 3))]
)
def test_cpu_list(text: str | None, cpus: tuple[int, ...]) -> None:
    """The kernel's lists of CPUs are ranges and single numbers."""
    assert system.cpu_list(text) == cpus


@pytest.mark.parametrize(
    ("text", "size"), [("32K", 32768), ("260M", 260 * 2**20), ("64", 64), ("x", None), (None, None)]
)
def test_size_of(text: str | None, size: int | None) -> None:
    """Cache sizes carry K or M; anything else is no size."""
    assert system.size_of(text) == size


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


@pytest.mark.parametrize("version", [1, 2])
def test_memory_limit_of_a_container(tmp_path: Path, version: int) -> None:
    """Free below the limit is what is not used, and file cache that may be dropped."""
    root = trees.container(tmp_path, version)
    assert system.memory_limit(root) == (4 * 2**30, 4 * 2**30 - 2**30 + 2**29)


@pytest.mark.parametrize("version", [1, 2])
def test_throttling_of_a_container(tmp_path: Path, version: int) -> None:
    """Throttled time reads as seconds from µs (version 2) and ns (version 1)."""
    [file] = system.throttle_files(trees.container(tmp_path, version))
    assert system.throttled_seconds(system.read_text(file)) == 2.5


@pytest.mark.parametrize(("quota", "usable"), [(None, 8), (0.5, 1), (1.99, 1), (3.0, 3), (100.0, 8)])
def test_usable(quota: float | None, usable: int) -> None:
    """Usable are the whole CPUs of the quota, at least one and at most the mask."""
    assert Host(allowed=tuple(range(8)), quota=quota).usable == usable


def test_the_tightest_ancestor_limits(tmp_path: Path) -> None:
    """A limit of a parent group holds too, and `max` is none."""
    root = trees.intel(tmp_path)
    assert system.cpu_quota(root) is None
    trees.write(root, {"sys/fs/cgroup/user.slice/cpu.max": "400000 100000"})
    assert system.cpu_quota(root) == 4.0


def test_no_limit_in_version_1(tmp_path: Path) -> None:
    """-1 and a number next to 2⁶³ mean that nothing limits."""
    root = trees.container(tmp_path, 1)
    trees.write(root, {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
                       "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"})  # fmt: skip
    assert system.cpu_quota(root) is None
    assert system.memory_limit(root) is None


def test_a_path_out_of_the_namespace_is_not_followed(tmp_path: Path) -> None:
    """A group above the namespace's root (`/../..`) reads the mount itself, never a path outside it."""
    root = trees.container(tmp_path, 2)
    trees.write(root, {"proc/self/cgroup": "0::/../../other", "sys/cpu.max": "50000 100000"})
    assert system.cpu_quota(root) == 1.5


def test_nothing_is_known_of_an_empty_tree(tmp_path: Path) -> None:
    """A system without sysfs gives a host that knows its mask and nothing else."""
    host = linux_host(tmp_path, [0, 1])
    assert (host.allowed, host.caches, host.quota, host.huge_policy) == ((0, 1), (), None, None)
    assert host.order == (0, 1)


def test_busy_and_steal() -> None:
    """Only the wanted CPUs count: user, nice, system and interrupts as busy, idle and waiting not."""
    text = "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 3 100 50 4 5 7 0 0\ncpu1 10 0 0 100 0 0 0 1 0 0\nintr cpu2 1"
    assert system.busy_and_steal(text, [0], 1.0) == (15, 7)
    assert system.busy_and_steal(text, [0, 1], 0.5) == (12.5, 4)
    assert system.busy_and_steal(text, [2], 1.0) == (0, 0)


def test_macos_caches() -> None:
    """sysctl's performance level goes before the machine's mean; a shared L2 is one cache for its cluster."""
    text = (
        "hw.cachelinesize: 128\nhw.l1dcachesize: 65536\nhw.l2cachesize: 4194304\n"
        "hw.perflevel0.l1dcachesize: 131072\nhw.perflevel0.l2cachesize: 16777216\nhw.perflevel0.cpusperl2: 4"
    )
    caches = system.sysctl_caches(text, (0, 1, 2, 3, 4, 5, 6, 7))
    assert [cache for cache in caches if cache.level == 2] == [
        SharedCache(2, 2**24, 128, (0, 1, 2, 3)), SharedCache(2, 2**24, 128, (4, 5, 6, 7))
    ]  # fmt: skip
    assert {cache.bytes for cache in caches if cache.level == 1} == {131072}
    assert system.sysctl_caches("", (0,)) == ()


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_hosts_too(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    """Where there is no sysfs the host comes from what the system has, without a crash."""
    import cpuinfo
    import psutil

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(system, "sysctl", lambda: "hw.l1dcachesize: 65536")
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
