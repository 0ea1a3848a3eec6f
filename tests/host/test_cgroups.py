"""Limits of cgroups of both versions, from made-up trees."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench.host import cgroups
from hwbench.host.pseudo_files import read_text
from made_up import trees


@pytest.mark.parametrize("version", [1, 2])
def test_memory_limit_of_a_container(tmp_path: Path, version: int) -> None:
    """Free below the limit is what is not used, and file cache that may be dropped."""
    root = trees.container(tmp_path, version)
    assert cgroups.memory_limit(root) == (4 * 2**30, 4 * 2**30 - 2**30 + 2**29)


@pytest.mark.parametrize("version", [1, 2])
def test_throttling_of_a_container(tmp_path: Path, version: int) -> None:
    """Throttled time reads as seconds from µs (version 2) and ns (version 1)."""
    [file] = cgroups.throttle_files(trees.container(tmp_path, version))
    assert cgroups.throttled_seconds(read_text(file)) == 2.5


def test_the_tightest_ancestor_limits(tmp_path: Path) -> None:
    """A limit of a parent group holds too, and `max` is none."""
    root = trees.intel(tmp_path)
    assert cgroups.cpu_quota(root) is None
    trees.write(root, {"sys/fs/cgroup/user.slice/cpu.max": "400000 100000"})
    assert cgroups.cpu_quota(root) == 4.0


def test_no_limit_in_version_1(tmp_path: Path) -> None:
    """-1 and a number next to 2⁶³ mean that nothing limits."""
    root = trees.container(tmp_path, 1)
    trees.write(root, {"sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
                       "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"})  # fmt: skip
    assert cgroups.cpu_quota(root) is None
    assert cgroups.memory_limit(root) is None


def test_a_path_out_of_the_namespace_is_not_followed(tmp_path: Path) -> None:
    """A group above the namespace's root (`/../..`) reads the mount itself, never a path outside it."""
    root = trees.container(tmp_path, 2)
    trees.write(root, {"proc/self/cgroup": "0::/../../other", "sys/cpu.max": "50000 100000"})
    assert cgroups.cpu_quota(root) == 1.5


def test_memory_high_limits_too(tmp_path: Path) -> None:
    """Beyond `memory.high` the kernel stops the process to reclaim: nothing above it is free."""
    root = trees.container(tmp_path, 2)
    trees.write(root, {"sys/fs/cgroup/memory.high": "2147483648"})
    assert cgroups.memory_limit(root) == (2 * 2**30, 2 * 2**30 - 2**30 + 2**29)
    trees.write(root, {"sys/fs/cgroup/memory.high": "max"})
    assert cgroups.memory_limit(root) == (4 * 2**30, 4 * 2**30 - 2**30 + 2**29)
