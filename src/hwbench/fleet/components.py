"""What each quantity speaks of, and what a fault of each component does to all of them.

A *part* is hardware whose speed differs from machine to machine as one: its quantities rise and fall together.
A *component* is what can be at fault. Its pattern is the share of a slow-down that each quantity suffers, by regular
expressions over the names of quantities; the first that matches counts, others do not move. A GPU has its own
components, by its device.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOISE = "noise"  # the part of what is said of spread, not of level
BETWEEN, WITHIN = "spread between runs", "spread within runs"
OTHER = "other"
UNKNOWN = "unknown"
DEVICE = re.compile(r"(.*)@((?!cpu)[a-z]+:\d+)")
PINNED = re.compile(r"\bcpu=(\d+)\b")

# The first expression that matches gives the part.
PARTS = (
    ("core", r"clock\.|peak\.|matmul\."),
    ("calls", r"call\.|mispredict|loop_over_numpy"),
    ("L1", r"l1\."),
    ("L2", r"l2\."),
    ("L3", r"l3\.|core_to_core"),
    ("memory", r"dram\.|prange\.triad|column_over_row"),
    ("threads", r"prange\."),
)
GPU_PARTS = (
    ("core", r"peak\.|tensor\.|launch|l1\."),
    ("cache", r"l2\."),
    ("memory", r"hbm\."),
    ("link", r"h2d\.|d2h\.|both\."),
)


@dataclass(frozen=True)
class Component:
    """What can be at fault: its name, its pattern, and what to look at."""

    name: str
    pattern: Sequence[tuple[str, float]]
    look_at: str
    frequent: float = 1.0  # how often it is at fault, relative to others

    def share(self, quantity: str) -> float:
        """The share of a slow-down of this component that the quantity suffers."""
        return next((share for words, share in self.pattern if re.match(words, quantity)), 0.0)


RARE = 0.2  # what is mostly seen otherwise: without SMT the hardware has another name, and Python is part of the setup
RATE = r"\.(read|write|copy|triad)"
CPU_COMPONENTS = (
    Component(
        "memory channel",
        ((rf"dram{RATE}\.all", 1.0), (rf"dram{RATE}\.one", 0.4), (r"dram\.latency", 0.1), (r"prange\.triad", 0.6)),
        "memory modules that are missing, slow or in the wrong slots (dmidecode -t memory)",
    ),
    Component(
        "huge pages",
        (
            (r"dram\.latency", 1.0),
            (r"l3\.latency", 0.5),
            (r"column_over_row", 0.5),
            (rf"dram{RATE}\.one", 0.25),
            (rf"dram{RATE}\.all", 0.1),
            (rf"l3{RATE}\.one", 0.1),
        ),
        "/sys/kernel/mm/transparent_hugepage/enabled, and fragmented memory",
    ),
    Component(
        "clock",
        (
            (r"clock\.|peak\.|matmul\.|l1\.|l2\.|call\.|mispredict", 1.0),
            (r"l3\.", 0.6),
            (r"core_to_core", 0.5),
            (r"dram\.latency", 0.1),
        ),
        "cooling, the governor, a cap on power or frequency: the clock is low on one core too",
    ),
    Component(
        "power cap",
        ((r"(clock|peak|matmul)\..*\ball", 1.0), (r"l[12]\..*\ball", 0.6), (r"prange\.compute", 0.8)),
        "the power limit and cooling: only all cores together are slow",
    ),
    Component(
        "one core",
        (
            (r"(l[12]|clock|peak)\..*\ball", 1.0),
            (r"matmul\..*\ball", 0.6),
            (r"l3\..*\ball", 0.6),
            (r"core_to_core", 0.5),
            (r"prange\.compute", 1.0),
        ),
        "the clock of each core (taskset -c N hwbench run --preset quick), and programs pinned there",
    ),
    Component(
        "L3 cache",
        ((r"l3\.", 1.0), (r"core_to_core", 0.4), (r"dram\.", 0.1)),
        "the clock of the interconnect, cache partitions (resctrl), and neighbours in the same cache",
    ),
    Component(
        "SMT",
        ((r"prange\.compute", 1.0), (r"prange\.triad", 0.3), (r"call\.|l1\.latency", 0.0)),
        "/sys/devices/system/cpu/smt/control",
        RARE,
    ),
    Component(
        "Python",
        ((r"call\.", 1.0), (r"mispredict", 0.3)),
        "another build of Python or its packages, and tools that trace it",
        RARE,
    ),
    Component(
        "noisy neighbour",
        ((re.escape(BETWEEN), 1.0), (re.escape(WITHIN), 1.0)),
        "steal, other programs, and other machines on the same host: figures vary, their best are right",
    ),
)
GPU_COMPONENTS = (
    Component(
        "link",
        ((r"(h2d|d2h|both)\.pinned", 1.0), (r"(h2d|d2h|both)\.pageable", 0.4)),
        "width and generation of the PCIe link (nvidia-smi -q, lspci -vv), risers and slots",
    ),
    Component(
        "clock",
        ((r"peak\.|tensor\.|l1\.latency", 1.0), (r"l2\.", 0.7), (r"launch", 0.3), (r"hbm\.", 0.1)),
        "its power limit, its temperature, and reasons to throttle (nvidia-smi -q -d PERFORMANCE)",
    ),
    Component(
        "memory",
        ((rf"hbm{RATE}", 1.0), (r"hbm\.latency", 0.2), (r"tensor\.", 0.05)),
        "memory errors and retired pages (nvidia-smi -q -d ECC,ROW_REMAPPER), its memory clock",
    ),
)


def part(quantity: str) -> str:
    """The part that a quantity speaks of: `L2`, `gpu:0 memory`; `other` where none is known."""
    if quantity in (BETWEEN, WITHIN):
        return f"{NOISE}: {quantity}"  # each is a part of its own
    device = DEVICE.fullmatch(quantity)
    name, known = (device[1], GPU_PARTS) if device else (quantity, PARTS)
    found = next((label for label, words in known if re.match(words, name)), None)
    if found is None:
        return f"{OTHER}: {quantity}"  # what is unknown is not taken to move with anything else
    return f"{device[2]} {found}" if device else found


def components(quantities: Iterable[str]) -> dict[str, tuple[Component, NDArray[np.float64]]]:
    """The components that these quantities can tell, with their patterns over them; a bad core by its pinned cases."""
    names = list(quantities)
    devices = [DEVICE.fullmatch(name) for name in names]
    found: dict[str, tuple[Component, NDArray[np.float64]]] = {}
    for one in CPU_COMPONENTS:
        shares = [0.0 if device else one.share(name) for name, device in zip(names, devices, strict=True)]
        found[one.name] = one, np.array(shares)
    for place in sorted({device[2] for device in devices if device}, key=_numbered):
        for one in GPU_COMPONENTS:
            shares = [one.share(device[1]) if device and device[2] == place else 0.0 for device in devices]
            found[f"{place} {one.name}"] = one, np.array(shares)
    pinned = [PINNED.search(name) for name in names]
    for cpu in sorted({int(one[1]) for one in pinned if one}):
        shares = [float(one is not None and int(one[1]) == cpu) for one in pinned]
        found[f"core {cpu}"] = next(one for one in CPU_COMPONENTS if one.name == "one core"), np.array(shares)
    return {name: (one, shares) for name, (one, shares) in found.items() if shares.any()}


def _numbered(device: str) -> tuple[str, int]:
    kind, _, number = device.partition(":")
    return kind, int(number)


def look_at(name: str) -> str:
    """What to look at where a component of this name is at fault."""
    device, _, rest = name.partition(" ")
    if ":" in device:
        return next((one.look_at for one in GPU_COMPONENTS if one.name == rest), "")
    name = "one core" if re.fullmatch(r"core \d+", name) else name
    return next((one.look_at for one in CPU_COMPONENTS if one.name == name), "")
