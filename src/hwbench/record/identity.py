"""What a machine is, at two levels: `hardware` groups machines, `setup` adds all else that figures depend on.

Both are read from a run as stored. What a file does not state has no field: two machines differ only in what both
state, so files of before a field go on with those that have it. A `digest` is the key of a cache; whether two machines
are one is for `differences` to say, which allows for the memory that kernels reserve.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from . import microarchitectures, text
from .model import Cache, JsonObject, Machine, Run

GIB = re.compile(r"(\d{1,9}(?:\.\d{1,9})?) GiB")
RESERVED = 0.03  # of the memory: how much a kernel reserves differs between versions
STEPS = 8  # of a digest's memory within a power of two: an eighth is more than any kernel reserves
CALLED = ("the first", "the second")  # of two machines, where who asks has no better names
# Fields that list things, and what separates these.
SETS = {"instructions": " ", "variables": "; ", "mitigations": "; ", "kernel command line": " "}
SETTINGS = ("governor", "turbo", "mitigations", "kernel command line")
FAMILY, GENERATION = "CPU family", "CPU generation"
VERSIONS = ("numpy", "scipy", "numba", "llvmlite", "blas", "threading_layer", "numba_threads", "cupy", "nvrtc")


@dataclass(frozen=True)
class Identity:
    """Fields by name, as text to be read: `L1d` 32 KiB."""

    fields: Mapping[str, str]

    @property
    def digest(self) -> str:
        """16 hex digits. Memory counts up to the next eighth of a power of two, so that every kernel gives one size."""
        steady = sorted((name, _steady(value)) for name, value in self.fields.items())
        return hashlib.sha256(json.dumps(steady).encode()).hexdigest()[:16]


def hardware(machine: Machine) -> Identity:
    """What groups machines: a renamed machine keeps it, a resized one does not.

    GPUs count only where the machine lists some: a run on CPUs alone does not look for them.
    """
    cpu = machine.cpu
    number = cpu.model_number
    family = f"{cpu.vendor or 'unknown vendor'} {cpu.family}/{number}" if cpu.family is not None else None
    memory = " + ".join(gib(gpu.memory) for gpu in machine.gpus if gpu.memory)
    return _identity({
        "CPU": cpu.model,
        FAMILY: family,
        GENERATION: microarchitectures.generation(cpu),
        "instructions": SETS["instructions"].join(cpu.isa),
        "cores": cpu.physical,
        "logical CPUs": cpu.logical,
        "CPUs allowed": len(cpu.allowed) or None,
        "CPU quota": "none" if cpu.quota is None else f"{cpu.quota:g}",
        **caches(cpu.caches),
        "memory": gib(machine.memory.total) if machine.memory.total else None,
        "NUMA nodes": len(machine.numa) or None,
        "GPU": ", ".join(gpu.name for gpu in machine.gpus),
        "GPU memory": memory,
    })  # fmt: skip


def setup(run: Run) -> Identity:
    """What a run's figures depend on, but for the programs beside it: the key of what is cached."""
    return setup_of(run.machine, run.software, run.variables)


def setup_of(machine: Machine, software: JsonObject, variables: Mapping[str, str] | None = None) -> Identity:
    """`setup` before there is a run. Variables are unknown where None, and none are set where empty."""
    python = re.match(r"(\d+\.\d+)\S*( \(\w+\))?", str(software.get("python") or ""))
    kernel = software.get("os") or machine.os.rpartition(", ")[2]
    named = None if variables is None else (f"{name}={value}" for name, value in sorted(variables.items()))
    return _identity({
        **hardware(machine).fields,
        "microcode": machine.cpu.microcode,
        "hypervisor or container": machine.virtual or "none",
        "huge pages": str(machine.memory.huge_pages),
        "kernel": kernel,
        **{name: machine.settings.get(name) for name in SETTINGS},
        "python": "".join(filter(None, python.groups())) if python else None,
        **{name.replace("_", " "): software.get(name) for name in VERSIONS},
        "GPU driver": ", ".join(filter(None, (gpu.driver for gpu in machine.gpus))),
        "CUDA": ", ".join(filter(None, (gpu.cuda for gpu in machine.gpus))),
        "OpenCL": ", ".join(f"{one.name} {one.driver or ''}".strip() for one in machine.opencl),
        "GPU UUID": ", ".join(gpu.uuid for gpu in machine.gpus if gpu.uuid),
        **_cards(machine),
        "variables": None if named is None else SETS["variables"].join(named) or "none",
    })  # fmt: skip


def differences(one: Identity, other: Identity, called: Sequence[str] = CALLED) -> list[str]:
    """`L1d 32 KiB against 48 KiB` for each field that both state differently, with what the two are called in lists."""
    return differing(one.fields, other.fields, called)


def differing(one: Mapping[str, str], other: Mapping[str, str], called: Sequence[str] = CALLED) -> list[str]:
    """The same for fields from elsewhere, such as those that asv keeps."""
    names = [name for name in one if name in other and not alike(one[name], other[name])]
    return [
        _against(name, one[name], other[name], called) for name in names if name != FAMILY or GENERATION not in names
    ]


def alike(one: str, other: str) -> bool:
    """Whether two values are equal: up to spaces and case, memory up to what a kernel reserves."""
    sizes = GIB.fullmatch(one), GIB.fullmatch(other)
    if sizes[0] and sizes[1]:
        small, large = sorted(float(size[1]) for size in sizes if size)
        return large - small <= RESERVED * large
    return one.lower().split() == other.lower().split()


def gib(nbytes: float) -> str:
    """A size of memory as an identity states it: `15.5 GiB`."""
    return f"{float(f'{nbytes / 2**30:.3g}'):g} GiB"


def caches(found: Iterable[Cache]) -> dict[str, str]:
    """The size of each level and the logical CPUs that share one; of all kinds where cores differ."""
    sizes: dict[int, set[int]] = {}
    sharers: dict[int, set[int]] = {}
    for cache in found:
        sizes.setdefault(cache.level, set()).add(cache.bytes)
        sharers.setdefault(cache.level, set()).add(cache.shared_by)
    order = sorted(sizes)
    whole = {level_name(level): " + ".join(map(text.size, sorted(sizes[level]))) for level in order}
    return whole | {f"L{level} shared by": " + ".join(map(str, sorted(sharers[level]))) for level in order}


def level_name(level: int) -> str:
    """`L1d`, for instructions have an L1 of their own; `L2`."""
    return "L1d" if level == 1 else f"L{level}"


def _identity(fields: Mapping[str, str | int | float | None]) -> Identity:
    return Identity({name: str(value) for name, value in fields.items() if value not in (None, "")})


def _cards(machine: Machine) -> dict[str, str]:
    """What GPUs are compiled for and set to: two cards of one name differ by their power limits."""
    versions = [gpu.versions or {} for gpu in machine.gpus]
    states = [gpu.state or {} for gpu in machine.gpus]
    told: dict[str, list[object]] = {
        "NVRTC": [one.get("nvrtc") for one in versions],
        "cuBLAS": [one.get("cublas") for one in versions],
        "GPU power limit": [f"{one['power_limit_w']:g} W" for one in states if "power_limit_w" in one],
        "GPU ECC": ["on" if one["ecc"] else "off" for one in states if "ecc" in one],
        "GPU MIG": ["on" if one["mig"] else "off" for one in states if "mig" in one],
    }
    return {name: ", ".join(str(value) for value in values if value) for name, values in told.items()}


def _against(name: str, one: str, other: str, called: Sequence[str]) -> str:
    """`L1d 32 KiB against 48 KiB`; of a list what one alone has, `instructions: only the second has avx512_fp16`."""
    separator = SETS.get(name)
    if separator is None:
        return f"{name} {one} against {other}"
    sides = [[part for part in text.split(separator) if part != "none"] for text in (one, other)]
    only = [separator.join(part for part in mine if part not in theirs) for mine, theirs in (sides, reversed(sides))]
    said = (f"only {who} has {parts}" for who, parts in zip(called, only, strict=True) if parts)
    return f"{name}: {', '.join(said) or 'in another order'}"


def _steady(value: str) -> str:
    """A value as a digest has it: each size of memory as that of the modules, or of the guest, that it is part of."""

    def nominal(size: re.Match[str]) -> str:
        amount = float(size[1])
        if not 0 < amount < math.inf:
            return size[0]
        step = 2.0 ** (math.ceil(math.log2(amount)) - 1) / STEPS
        return f"{math.ceil(amount / step) * step:g} GiB"

    return GIB.sub(nominal, value)
