"""What a file lies on: the type of its file system and the kind of its disk, as Linux tells; nothing elsewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path("/")
MEMORY = ("tmpfs", "ramfs", "devtmpfs", "hugetlbfs")
NETWORK = ("nfs", "nfs4", "cifs", "smb3", "ceph", "lustre", "9p", "virtiofs")
BUSES = (("/nvme", "NVMe"), ("/virtio", "virtual"), ("/vbd-", "virtual"), ("/vmbus", "virtual"))  # in a path of sysfs


def about(file: int, root: Path = ROOT) -> dict[str, str]:
    """Facts of an open file: `file_system`, such as ext4, and `disk`: NVMe, solid state, rotating, virtual, memory."""
    device = os.fstat(file).st_dev
    place = f"{os.major(device)}:{os.minor(device)}"
    kind = source = ""
    for line in _read(root / "proc/self/mountinfo").splitlines():
        mount, _, type_and_source = line.partition(" - ")
        if mount.split()[2:3] == [place]:
            kind, source = [*type_and_source.split()[:2], "", ""][:2]
    disk = _disk(root, place, source)
    if not disk:
        disk = "memory" if kind in MEMORY else "network" if kind in NETWORK else ""
    return {name: value for name, value in (("file_system", kind), ("disk", disk)) if value}


def _disk(root: Path, place: str, source: str) -> str:
    """The kind of the block device with these numbers, else of the one that is named as the source; "" for none."""
    found = root / "sys/dev/block" / place
    if not found.exists():
        if not re.fullmatch(r"/dev/[\w/.-]+", source):
            return ""
        found = root / "sys/class/block" / Path(source).name
    path = found.resolve()
    for sign, kind in BUSES:
        if sign in str(path):
            return kind
    for queue in (path / "queue", path.parent / "queue"):  # of a partition, that of its disk
        if rotates := _read(queue / "rotational").strip():
            return "solid state" if rotates == "0" else "rotating"
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
