"""The sides of a comparison: cases from runs, asv's results or pytest-benchmark's files.

Each case of a side has one or several measurements (runs, processes). Several show the run-to-run noise, which the
samples of one run cannot.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..record.estimate import median_error
from ..record.identity import differing as fields_differing
from ..record.identity import hardware, level_name
from ..record.microarchitectures import akin
from ..record.model import BenchInfo, Machine, Run, Scalar

# `identity`'s names for the keys of asv, pytest-benchmark and hwbench's plugin for asv.
NAMES = {
    "cpu": "CPU", "num_cpu": "CPUs allowed", "ram": "memory", "quota": "CPU quota", "gpu": "GPU",
    "huge_pages": "huge pages", "cpu_family": "CPU family",
}  # fmt: skip
CACHE = re.compile(r"L(\d) ([^,]+)")
FAILED = ("failed", "error", "wrong")  # what a benchmark that breaks is called, by asv and by hwbench
Key = tuple[str, str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Measurement:
    """One measurement of a case: the median in seconds (or asv's unit), its standard error, and why it is suspect.

    `stats` are other figures of its samples, which may not be kept: min, quartile and mean.
    """

    median: float
    error: float
    suspect: str = ""
    samples: Sequence[float] = ()
    stats: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One case of a side. `earlier` are its medians in other runs, oldest first.

    `unfit` is the status of one that cannot be compared, `why` the reason. Values are in `unit`; more is better where
    `higher`, which is only assumed where not `sure`. `trend` are its values over the commits up to this one.
    """

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
    why: str = ""
    unit: str = "s"
    sure: bool = True
    trend: Sequence[float] = ()

    @property
    def failed(self) -> bool:
        """Whether the case was tried and gave no right answer."""
        return self.unfit in FAILED

    @property
    def value(self) -> float | None:
        """The middle of its measurements: the geometric mean, or the mean where not all are positive."""
        values = [one.median for one in self.measurements]
        if len(values) < 2:
            return values[0] if values else None
        if min(values) > 0:
            return math.exp(math.fsum(map(math.log, values)) / len(values))
        return math.fsum(values) / len(values)

    @property
    def key(self) -> Key:
        """The identity of the case on both sides; values as text, since asv has no other type."""
        return (
            self.bench, self.variant, self.device,
            tuple(sorted((axis, str(value)) for axis, value in self.params.items())),
        )  # fmt: skip


@dataclass
class Side:
    """A name, the machine and its identity, the cases, the environment, what the benches declare, and the runs."""

    name: str
    machine: str
    identity: Mapping[str, str]
    entries: Sequence[Entry]
    environment: Mapping[str, str] = field(default_factory=dict)
    kind: str = "run"
    benches: Mapping[str, BenchInfo] = field(default_factory=dict)
    runs: Sequence[Run] = ()
    skipped: Sequence[str] = ()  # a line for each file that could not be read


def measurement_of(samples: Sequence[float], suspect: str = "") -> Measurement:
    """A measurement from raw samples."""
    return Measurement(float(np.median(samples)), median_error(samples), suspect, samples)


def identity(machine: Machine) -> dict[str, str]:
    """What times depend on in a machine: its hardware, and the policy of huge pages."""
    return {**hardware(machine).fields, "huge pages": str(machine.memory.huge_pages)}


def machine_differences(base: Machine, new: Machine) -> list[str]:
    """How two machines differ in what times depend on."""
    return identity_differences(identity(base), identity(new))


def identity_differences(base: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """`CPU quota none against 1.5` for each key that both sides state differently."""
    return fields_differing(base, new, ("base", "new"))


def normalize_machine_keys(identity: Mapping[str, str]) -> dict[str, str]:
    """Rename asv's and pytest-benchmark's keys to hwbench's; a key already in hwbench's form wins.

    `num_cpu` means the allowed CPUs only where hwbench's plugin wrote it (then there are `caches`, too): the tools
    themselves count all CPUs.
    """
    names = NAMES if "caches" in identity else {key: word for key, word in NAMES.items() if key != "num_cpu"}
    renamed = {names[key]: value for key, value in identity.items() if key in names}
    renamed |= {key: value for key, value in identity.items() if key not in names}
    renamed = _caches(renamed.pop("caches", "")) | renamed
    if renamed.get("GPU") == "none":  # a run on CPUs alone does not look for GPUs
        del renamed["GPU"]
    return renamed


def _caches(text: str) -> dict[str, str]:
    """`L1 32 KiB, L2 1 MiB` by level."""
    found: dict[str, str] = {}
    for level, size in CACHE.findall(text):
        name = level_name(int(level))
        found[name] = f"{found[name]} + {size}" if name in found else size
    return found


def differing(base: Side, new: Side) -> list[str]:
    """How the machines of two sides differ; by name where they state nothing in common."""
    if set(base.identity) & set(new.identity):
        return identity_differences(base.identity, new.identity)
    return [] if akin(base.machine, new.machine) else [f"name: {base.machine} in base, {new.machine} in new"]
