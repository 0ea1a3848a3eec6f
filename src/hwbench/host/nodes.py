"""NUMA nodes: which CPUs each has, and on which of them pages of this process lie."""

from __future__ import annotations

import ctypes
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from .pseudo_files import ROOT, cpu_list, read_text

NODES = "sys/devices/system/node"
MOVE_PAGES = {"x86_64": 279, "aarch64": 239}  # numbers of the system call that tells, and here moves nothing


def read(root: Path = ROOT) -> dict[int, tuple[int, ...]]:
    """The CPUs of each node by its number; () for a node of memory alone."""
    found = (root / NODES).glob("node[0-9]*")
    return {int(node.name[4:]): cpu_list(read_text(node / "cpulist")) for node in sorted(found, key=_number)}


def _number(node: Path) -> int:
    return int(node.name[4:])


def of_pages(addresses: Sequence[int]) -> Mapping[int, int]:
    """How many of the pages at these addresses lie on each node; {} where the kernel does not tell.

    Containers may refuse the call, and pages that nothing has touched lie nowhere.
    """
    number = MOVE_PAGES.get(platform.machine())
    if platform.system() != "Linux" or number is None or not addresses:
        return {}
    places = (ctypes.c_void_p * len(addresses))(*addresses)
    status = (ctypes.c_int * len(addresses))(*[-1] * len(addresses))
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(ctypes.c_long(number), 0, ctypes.c_ulong(len(addresses)), places, None, status, 0) != 0:
        return {}
    return Counter(node for node in status if node >= 0)
