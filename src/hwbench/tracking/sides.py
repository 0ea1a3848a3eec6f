"""What `compare` sets against each other: cases read from runs, asv's results or pytest-benchmark's files.

A side is one or several measurements of the same thing (blocks: runs, processes). Several blocks show by how much
figures differ from run to run, which the samples of one run cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..record.estimate import median_error
from ..record.model import Machine, Scalar
from ..record.units import format_bytes
from .machines import alike, gib

# What asv and pytest-benchmark, and our plugin for asv, call what `identity` tells.
WORDS = {
    "cpu": "CPU", "num_cpu": "CPUs allowed", "ram": "memory", "quota": "CPU quota", "gpu": "GPU",
    "huge_pages": "huge pages",
}  # fmt: skip
Key = tuple[str, str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Block:
    """One measurement of a case: the median in seconds (or asv's unit), its standard error, and how it was found."""

    median: float
    error: float
    suspect: str = ""


@dataclass(frozen=True)
class Entry:
    """One case of a side. `unfit` says why there is nothing to compare; `earlier` are its medians in earlier runs."""

    bench: str
    variant: str
    device: str
    params: Mapping[str, Scalar]
    version: str = ""
    counts: Mapping[str, float] = field(default_factory=dict)
    blocks: Sequence[Block] = ()
    unfit: str = ""
    earlier: Sequence[float] = ()
    higher: bool = False

    @property
    def key(self) -> Key:
        """What the same case of the other side has too; values as text, since asv knows no other."""
        return (
            self.bench, self.variant, self.device,
            tuple(sorted((axis, str(value)) for axis, value in self.params.items())),
        )  # fmt: skip


@dataclass
class Side:
    """A name to call it, the machine and what that is, the environment, and the cases."""

    name: str
    machine: str
    identity: Mapping[str, str]
    entries: Sequence[Entry]
    environment: Mapping[str, str] = field(default_factory=dict)
    kind: str = "run"


def measurement_of(samples: Sequence[float], suspect: str = "") -> Block:
    """A block from raw samples."""
    return Block(float(np.median(samples)), median_error(samples), suspect)


def identity(machine: Machine) -> dict[str, str]:
    """What a machine is, as far as times depend on it: a renamed machine keeps it, a resized one does not."""
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


def unlike(base: Machine, new: Machine) -> list[str]:
    """In what two machines differ that times depend on: what a reader of the verdicts must know."""
    return identity_differences(identity(base), identity(new))


def identity_differences(base: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """`CPU quota: None in base, 1.5 in new` for each thing that both sides state and that differs."""
    return [
        f"{key}: {base[key]} in base, {new[key]} in new"
        for key in base
        if key in new and not alike(base[key], new[key])
    ]


def normalize_machine_keys(identity: Mapping[str, str]) -> dict[str, str]:
    """What asv or pytest-benchmark states of a machine, by the names that `identity` has for it.

    CPUs are those that may be used only where our plugin told asv so: what the tools count by themselves are all. What
    our suite states beside them in our words already is the better word.
    """
    ours = WORDS if "caches" in identity else {key: word for key, word in WORDS.items() if key != "num_cpu"}
    theirs = {ours[key]: value for key, value in identity.items() if key in ours}
    return theirs | {key: value for key, value in identity.items() if key not in ours}


def differing(base: Side, new: Side) -> list[str]:
    """In what the machines of two sides differ; by name where they state nothing in common."""
    if set(base.identity) & set(new.identity):
        return identity_differences(base.identity, new.identity)
    return [] if base.machine == new.machine else [f"name: {base.machine} in base, {new.machine} in new"]
