"""NUMA nodes: read from a made-up tree, and asked of the kernel for pages."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from hwbench.host import nodes


def tree(root: Path, **lists: str) -> Path:
    """A made-up sysfs with these nodes."""
    for name, cpus in lists.items():
        folder = root / nodes.NODES / name
        folder.mkdir(parents=True)
        (folder / "cpulist").write_text(cpus)
    return root


def test_nodes_by_number(tmp_path: Path) -> None:
    """In the order of numbers, nodes of memory alone among them; other folders are none."""
    made = tree(tmp_path, node10="4-5\n", node2="\n", node0="0-1,8\n", possible="0-10\n")
    assert nodes.read(made) == {0: (0, 1, 8), 2: (), 10: (4, 5)}
    assert list(nodes.read(made)) == [0, 2, 10]
    assert nodes.read(tmp_path / "nowhere") == {}


def test_pages_that_are_touched_lie_somewhere() -> None:
    """On one of this machine's nodes, where the kernel tells; nothing is asked of another system."""
    words = np.ones(2**12)
    found = nodes.of_pages([words.ctypes.data, words.ctypes.data + 4096])
    assert sum(found.values()) in (0, 2)
    assert not found or set(found) <= set(nodes.read())
    assert nodes.of_pages([]) == {}


def test_a_kernel_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may forbid the call, and another processor has another number for it."""
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: type("Refuses", (), {"syscall": staticmethod(lambda *_: -1)}))
    assert nodes.of_pages([4096]) == {}
    monkeypatch.setattr(nodes.platform, "machine", lambda: "s390x")
    assert nodes.of_pages([4096]) == {}
