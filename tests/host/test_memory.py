"""How much memory there is and is free, from made-up trees."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hwbench.host import memory
from made_up import trees

KIB = 1024
NODE = "sys/devices/system/node/node{}/"
TWO_NODES = {
    NODE.format(node) + "meminfo": f"Node {node} MemTotal: 900 kB\nNode {node} MemFree: {free} kB\n"
    f"Node {node} Inactive(file): 5 kB"
    for node, free in enumerate((100, 700))
}


@pytest.mark.parametrize(
    ("files", "total", "free"),
    [
        ({"proc/meminfo": "MemTotal: 900 kB\nMemFree: 10 kB\nMemAvailable: 700 kB"}, 900, 700),
        ({"proc/meminfo": "MemTotal: 900 kB\nMemFree: 10 kB\nInactive(file): 20 kB"}, 900, 30),
        ({"proc/meminfo": ""}, 0, 0),
        ({}, 0, 0),
    ],
)
def test_what_the_system_says(tmp_path: Path, files: dict[str, str], total: int, free: int) -> None:
    """Old kernels state no MemAvailable; an empty file is no error."""
    root = trees.write(tmp_path, files)
    assert (memory.total(root), memory.free(root)) == (total * KIB, free * KIB)


@pytest.mark.parametrize("meminfo", ["", "MemTotal: 263000000 kB\nMemAvailable: 263000000 kB"])
def test_a_limit_counts_in(tmp_path: Path, meminfo: str) -> None:
    """The cgroup's limit holds, also where nothing else is known."""
    root = trees.container(tmp_path, 2)
    trees.write(root, {"proc/meminfo": meminfo})
    assert memory.total(root) == 4 * 2**30
    assert memory.free(root) == 3 * 2**30 + 2**29


@pytest.mark.parametrize(
    ("status", "maps", "nodes"),
    [
        ("Mems_allowed_list:\t0-7", "7f00 default anon=1", ()),
        ("Mems_allowed_list:\t1", "7f00 default anon=1", (1,)),
        ("", "7f00 bind:0 anon=1 dirty=1", (0,)),
        ("", "7f00 bind=static:0-1 anon=1", ()),
        ("Mems_allowed_list:\t0-1", "", ()),
    ],
)
def test_nodes_that_memory_is_bound_to(tmp_path: Path, status: str, maps: str, nodes: tuple[int, ...]) -> None:
    """By a cpuset or by numactl; a binding to all is none."""
    root = trees.write(tmp_path, TWO_NODES | {"proc/self/status": status, "proc/self/numa_maps": maps})
    assert memory.bound(root) == nodes


def test_free_on_the_bound_nodes(tmp_path: Path) -> None:
    """What is free elsewhere is of no use."""
    root = trees.write(tmp_path, TWO_NODES | {"proc/meminfo": "MemAvailable: 800 kB"})
    assert memory.free(root) == 800 * KIB
    assert memory.free(root, (0,)) == 105 * KIB


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's own files")
def test_this_machine_without_meminfo(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file is empty, as behind some containers, the system call tells the same size."""
    real = memory.total()
    monkeypatch.setattr(memory, "_meminfo", lambda *_given: {})
    assert memory.total() == pytest.approx(real, rel=0.05)
    assert 0 < memory.free() <= real
    assert memory.bound() == () or min(memory.bound()) >= 0
