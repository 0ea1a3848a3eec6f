"""Names of CPUs by vendor, family and model: hypervisors cut a model's name down to `AMD EPYC`.

Sources: AMD's ranges in Linux, `bsp_init_amd()` in arch/x86/kernel/cpu/amd.c, Zen+ in LLVM's TargetParser/Host.cpp;
Intel's models in arch/x86/include/asm/intel-family.h, the steppings of model 0x55 in Intel's specification updates;
Arm's parts in arch/arm64/include/asm/cputype.h. archspec is no help: it finds x86 CPUs by their flags, which
hypervisors mask.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .model import Cpu

Models = Iterable[int]
AMD: dict[int, tuple[tuple[str, tuple[Models, ...]], ...]] = {
    0x17: (
        ("Zen+", ((0x08, 0x18),)),
        ("Zen", (range(0x30), range(0x50, 0x60))),
        ("Zen 2", (range(0x30, 0x50), range(0x60, 0x80), range(0x90, 0x92), range(0xA0, 0xB0))),
    ),
    0x19: (
        ("Zen 3", (range(0x10), range(0x20, 0x60))),
        ("Zen 4", (range(0x10, 0x20), range(0x60, 0xB0))),
    ),
    0x1A: (
        ("Zen 5", (range(0x30), range(0x40, 0x50), range(0x60, 0x80))),
        ("Zen 6", (range(0x50, 0x60), range(0x80, 0xB0), range(0xC0, 0xD0))),
    ),
}
# Family 6. Model 0x55 has three generations, by stepping: CASCADES.
INTEL = {
    0x1A: "Nehalem", 0x1E: "Nehalem", 0x2E: "Nehalem", 0x25: "Westmere", 0x2C: "Westmere", 0x2F: "Westmere",
    0x2A: "Sandy Bridge", 0x2D: "Sandy Bridge", 0x3A: "Ivy Bridge", 0x3E: "Ivy Bridge",
    0x3C: "Haswell", 0x3F: "Haswell", 0x45: "Haswell", 0x46: "Haswell",
    0x3D: "Broadwell", 0x47: "Broadwell", 0x4F: "Broadwell", 0x56: "Broadwell",
    0x4E: "Skylake", 0x5E: "Skylake", 0x8E: "Kaby Lake", 0x9E: "Kaby Lake", 0xA5: "Comet Lake", 0xA6: "Comet Lake",
    0x6A: "Ice Lake-SP", 0x6C: "Ice Lake-D", 0x7D: "Ice Lake", 0x7E: "Ice Lake", 0xA7: "Rocket Lake",
    0x8C: "Tiger Lake", 0x8D: "Tiger Lake", 0x97: "Alder Lake", 0x9A: "Alder Lake", 0xBE: "Alder Lake-N",
    0xB7: "Raptor Lake", 0xBA: "Raptor Lake", 0xBF: "Raptor Lake", 0xAA: "Meteor Lake", 0xAC: "Meteor Lake",
    0xB5: "Arrow Lake", 0xC5: "Arrow Lake", 0xC6: "Arrow Lake", 0xBD: "Lunar Lake", 0xCC: "Panther Lake",
    0x8F: "Sapphire Rapids", 0xCF: "Emerald Rapids", 0xAD: "Granite Rapids", 0xAE: "Granite Rapids-D",
    0xAF: "Sierra Forest", 0xDD: "Clearwater Forest", 0x57: "Knights Landing", 0x85: "Knights Mill",
}  # fmt: skip
CASCADES = ((range(5), "Skylake-SP"), (range(5, 10), "Cascade Lake"), (range(10, 16), "Cooper Lake"))
# Implementer and part: Arm, Ampere, Apple (of virtual machines on macOS; macOS itself gives the name).
ARM_PARTS = {
    (0x41, 0xD03): "Cortex-A53", (0x41, 0xD05): "Cortex-A55", (0x41, 0xD08): "Cortex-A72", (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1", (0x41, 0xD40): "Neoverse-V1", (0x41, 0xD41): "Cortex-A78", (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD46): "Cortex-A510", (0x41, 0xD47): "Cortex-A710", (0x41, 0xD48): "Cortex-X2",
    (0x41, 0xD49): "Neoverse-N2", (0x41, 0xD4F): "Neoverse-V2", (0x41, 0xD83): "Neoverse-V3",
    (0x41, 0xD8E): "Neoverse-N3", (0xC0, 0xAC3): "Ampere-1", (0xC0, 0xAC4): "Ampere-1a",
    (0x61, 0x022): "Apple M1 Icestorm", (0x61, 0x023): "Apple M1 Firestorm",
    (0x61, 0x032): "Apple M2 Blizzard", (0x61, 0x033): "Apple M2 Avalanche",
}  # fmt: skip
NOISE = re.compile(r"\((R|TM|C)\)|\b(CPU|Processor)\b|@.*", re.IGNORECASE)
BARE = {"amd", "epyc", "ryzen", "opteron", "intel", "xeon", "core", "genuine", "common", "kvm", "kvm32", "kvm64",
        "qemu", "virtual", "version"}  # fmt: skip


def generation(cpu: Cpu) -> str | None:
    """`Zen 5`, `Sapphire Rapids`: the microarchitecture by family, model and stepping; None where unknown."""
    family, model = cpu.family, cpu.model_number
    if family is None or model is None:
        return None
    if cpu.vendor == "AuthenticAMD":
        kinds = AMD.get(family, ())
        return next((name for name, ranges in kinds if any(model in models for models in ranges)), None)
    if cpu.vendor != "GenuineIntel" or family != 6:
        return None
    if model == 0x55:
        return next((name for steppings, name in CASCADES if cpu.stepping in steppings), None)
    return INTEL.get(model)


def short(model: str) -> str:
    """A model's name without trademarks and clock: `Intel Xeon` for `Intel(R) Xeon(R) Processor @ 2.80GHz`."""
    return " ".join(NOISE.sub(" ", model).split())


def bare(model: str) -> bool:
    """Whether a model's name says no more than a brand."""
    return all(word.lower() in BARE or re.fullmatch(r"[\d.]+\+?", word) for word in short(model).split())


def title(cpu: Cpu) -> str:
    """What to call a CPU: its model; with the generation where the name is bare, `AMD EPYC (Zen 5)`."""
    known = generation(cpu) if bare(cpu.model) else None
    return f"{short(cpu.model)} ({known})" if known else cpu.model


# --- names of machines ------------------------------------------------------------------------------------------------


def _word(name: str) -> str:
    """A generation as part of a machine's name: `zen5`, `sapphire-rapids`."""
    return re.sub(r"^zen-", "zen", name.lower().replace(" ", "-").replace("+", "plus"))


WORDS = {_word(name) for kinds in AMD.values() for name, _ in kinds}
WORDS |= {_word(name) for name in (*INTEL.values(), *(name for _, name in CASCADES))}
NAMED = re.compile(rf"(.+)-({'|'.join(sorted(map(re.escape, WORDS), key=len, reverse=True))})(-\d+cpu)")


def machine_name(cpu: Cpu) -> str:
    """The name of a machine without a hostname: `amd-epyc-zen5-2cpu`, or `amd-epyc-7763-64-core-2cpu`."""
    known = generation(cpu) if bare(cpu.model) else None
    words = [*short(cpu.model).lower().split(), *([_word(known)] if known else [])]
    return f"{'-'.join(words)}-{len(cpu.allowed) or cpu.logical}cpu"


def former_name(name: str) -> str | None:
    """What hwbench called such a machine before names held the generation: `amd-epyc-2cpu`; None for other names."""
    form = NAMED.fullmatch(name)
    return form[1] + form[3] if form else None


def akin(one: str, other: str) -> bool:
    """Whether two names may be of one machine: equal, or one the former of the other. The hardware decides."""
    return one == other or former_name(one) == other or one == former_name(other)
