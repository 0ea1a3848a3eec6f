"""The sides of a comparison: cases from runs, asv's results or pytest-benchmark's files.

Each case of a side has one or several measurements (runs, processes). Several show the run-to-run noise, which the
samples of one run cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..record.estimate import median_error
from ..record.model import BenchInfo, Machine, Scalar
from ..record.units import format_bytes
from .machines import alike, gib

# `identity`'s names for the keys of asv, pytest-benchmark and hwbench's plugin for asv.
NAMES = {
    "cpu": "CPU", "num_cpu": "CPUs allowed", "ram": "memory", "quota": "CPU quota", "gpu": "GPU",
    "huge_pages": "huge pages",
}  # fmt: skip
Key = tuple[str, str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Measurement:
    """One measurement of a case: the median in seconds (or asv's unit), its standard error, and why it is suspect."""

    median: float
    error: float
    suspect: str = ""


@dataclass(frozen=True)
class Entry:
    """One case of a side. `unfit` says why it cannot be compared; `earlier` are its medians in earlier runs."""

    bench: str
    variant: str
    device: str
    params: Mapping[str, Scalar]
    version: str = ""
    counts: Mapping[str, float] = field(default_factory=dict)
    measurements: Sequence[Measurement] = ()
    unfit: str = ""
    earlier: Sequence[float] = ()
    higher: bool = False

    @property
    def key(self) -> Key:
        """The identity of the case on both sides; values as text, since asv has no other type."""
        return (
            self.bench, self.variant, self.device,
            tuple(sorted((axis, str(value)) for axis, value in self.params.items())),
        )  # fmt: skip


@dataclass
class Side:
    """A name, the machine and its identity, the cases, the environment, and what the benches declare."""

    name: str
    machine: str
    identity: Mapping[str, str]
    entries: Sequence[Entry]
    environment: Mapping[str, str] = field(default_factory=dict)
    kind: str = "run"
    benches: Mapping[str, BenchInfo] = field(default_factory=dict)


def measurement_of(samples: Sequence[float], suspect: str = "") -> Measurement:
    """A measurement from raw samples."""
    return Measurement(float(np.median(samples)), median_error(samples), suspect)


def identity(machine: Machine) -> dict[str, str]:
    """What times depend on in a machine: a renamed machine keeps it, a resized one does not."""
    cpu = machine.cpu
    caches = sorted({(cache.level, cache.bytes) for cache in cpu.caches})
    return {
        "CPU": cpu.model,
        "CPUs allowed": str(len(cpu.allowed)),
        "CPU quota": str(cpu.quota),
        "caches": ", ".join(f"L{level} {format_bytes(size)}" for level, size in caches) or "unknown",
        "memory": gib(machine.memory.total),
        "huge pages": str(machine.memory.huge_pages),
        "GPU": ", ".join(gpu.name for gpu in machine.gpus) or "none",
    }


def machine_differences(base: Machine, new: Machine) -> list[str]:
    """How two machines differ in what times depend on."""
    return identity_differences(identity(base), identity(new))


def identity_differences(base: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """`CPU quota: None in base, 1.5 in new` for each key that both sides state differently."""
    return [
        f"{key}: {base[key]} in base, {new[key]} in new"
        for key in base
        if key in new and not alike(base[key], new[key])
    ]


def normalize_machine_keys(identity: Mapping[str, str]) -> dict[str, str]:
    """Rename asv's and pytest-benchmark's keys to hwbench's; a key already in hwbench's form wins.

    `num_cpu` means the allowed CPUs only where hwbench's plugin wrote it (then there are `caches`, too): the tools
    themselves count all CPUs.
    """
    names = NAMES if "caches" in identity else {key: word for key, word in NAMES.items() if key != "num_cpu"}
    renamed = {names[key]: value for key, value in identity.items() if key in names}
    return renamed | {key: value for key, value in identity.items() if key not in names}


def differing(base: Side, new: Side) -> list[str]:
    """How the machines of two sides differ; by name where they state nothing in common."""
    if set(base.identity) & set(new.identity):
        return identity_differences(base.identity, new.identity)
    return [] if base.machine == new.machine else [f"name: {base.machine} in base, {new.machine} in new"]
