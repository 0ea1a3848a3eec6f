"""The file system and the disk under a file, by made-up tables of Linux."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hwbench.benches.io import _disk

MOUNTS = "22 1 0:21 / /proc rw - proc proc rw\n27 1 {place} / / rw shared:1 - {kind} {source} rw\n"


@pytest.mark.parametrize(
    ("kind", "source", "block", "told"),
    [
        ("ext4", "/dev/vda", "devices/pci0/virtio3/block/vda", {"file_system": "ext4", "disk": "virtual"}),
        ("xfs", "/dev/sda", "devices/pci0/ata1/block/sda", {"file_system": "xfs", "disk": "rotating"}),
        ("btrfs", "/dev/nvme0n1p2", "devices/pci0/nvme/nvme0/nvme0n1/p2", {"file_system": "btrfs", "disk": "NVMe"}),
        ("tmpfs", "tmpfs", "", {"file_system": "tmpfs", "disk": "memory"}),
        ("nfs4", "host:/export", "", {"file_system": "nfs4", "disk": "network"}),
        ("overlay", "overlay", "", {"file_system": "overlay"}),
    ],
)
def test_the_types_are_told(kind: str, source: str, block: str, told: dict[str, str], tmp_path: Path) -> None:
    """By the numbers of the device, or where these are no disk's, as those of btrfs, by its name."""
    file = os.open(tmp_path, os.O_RDONLY)
    try:
        device = os.fstat(file).st_dev
        place = f"{os.major(device)}:{os.minor(device)}"
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/self/mountinfo").write_text(MOUNTS.format(place=place, kind=kind, source=source))
        if block:
            queue = tmp_path / "sys" / block / "queue"
            queue.mkdir(parents=True)
            (queue / "rotational").write_text("1\n")
            name = "class/block/" + Path(source).name if kind == "btrfs" else "dev/block/" + place
            link = tmp_path / "sys" / name
            link.parent.mkdir(parents=True)
            link.symlink_to(tmp_path / "sys" / block)
        assert _disk.about(file, tmp_path) == told
        assert _disk.about(file, tmp_path / "absent") == {}
    finally:
        os.close(file)
