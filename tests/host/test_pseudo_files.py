"""The forms in which the kernel writes things."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench.host import pseudo_files
from made_up import trees


@pytest.mark.parametrize(
    ("text", "cpus"), [("0-3,8", (0, 1, 2, 3, 8)), ("5", (5,)), ("", ()), (None, ()), ("0, 2-3", (0, 2, 3))]
)
def test_cpu_list(text: str | None, cpus: tuple[int, ...]) -> None:
    """The kernel's lists of CPUs are ranges and single numbers."""
    assert pseudo_files.cpu_list(text) == cpus


@pytest.mark.parametrize(
    ("text", "size"), [("32K", 32768), ("260M", 260 * 2**20), ("64", 64), ("x", None), (None, None)]
)
def test_size_of(text: str | None, size: int | None) -> None:
    """Cache sizes carry K or M; anything else is no size."""
    assert pseudo_files.size_of(text) == size


def test_ranges() -> None:
    """The other way round: CPUs as the kernel writes them."""
    assert pseudo_files.ranges((8, 0, 1, 2)) == "0-2,8"
    assert pseudo_files.ranges(()) == ""


def test_a_mount_on_a_file(tmp_path: Path) -> None:
    """What covers a file: the last mount on that place itself, and no line that is cut off."""
    rows = "1 2 0:1 / / rw - ext4 /dev/sda rw\n3 1 0:2 /proc/stat /proc/stat rw shared:1 - fuse.lxcfs lxcfs rw\n4 1 0:3"
    root = trees.write(tmp_path, {"proc/self/mountinfo": rows})
    assert pseudo_files.mounted(root, "/proc/stat") == ("fuse.lxcfs", "lxcfs")
    assert pseudo_files.mounted(root, "/proc") is None
    assert pseudo_files.mounted(tmp_path / "nowhere", "/proc/stat") is None
