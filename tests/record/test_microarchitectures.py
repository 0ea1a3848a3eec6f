"""CPUs by vendor, family and model, and the machines called after them."""

from __future__ import annotations

import msgspec
import pytest

from doubles.scripted import MACHINE
from hwbench.record import microarchitectures
from hwbench.record.model import Cpu

AMD, INTEL = "AuthenticAMD", "GenuineIntel"


def cpu(model: str, vendor: str, family: int | None, number: int | None, stepping: int = 0) -> Cpu:
    return msgspec.structs.replace(
        MACHINE.cpu, model=model, vendor=vendor, family=family, model_number=number, stepping=stepping, allowed=[0, 1]
    )


@pytest.mark.parametrize(
    ("vendor", "family", "model", "stepping", "name"),
    [(AMD, 23, 1, 2, "Zen"), (AMD, 23, 8, 2, "Zen+"), (AMD, 23, 0x31, 0, "Zen 2"), (AMD, 25, 1, 1, "Zen 3"),
     (AMD, 25, 17, 1, "Zen 4"), (AMD, 25, 0x61, 2, "Zen 4"), (AMD, 26, 2, 1, "Zen 5"), (AMD, 26, 0x50, 0, "Zen 6"),
     (AMD, 26, 0xFF, 0, None), (AMD, 21, 2, 0, None), (INTEL, 6, 0x55, 4, "Skylake-SP"),
     (INTEL, 6, 0x55, 7, "Cascade Lake"), (INTEL, 6, 0x55, 11, "Cooper Lake"), (INTEL, 6, 0x6A, 6, "Ice Lake-SP"),
     (INTEL, 6, 0x8F, 8, "Sapphire Rapids"), (INTEL, 6, 0xCF, 2, "Emerald Rapids"),
     (INTEL, 6, 0xAD, 1, "Granite Rapids"), (INTEL, 15, 6, 1, None), ("0x41", 8, 0xD0C, 1, None)],
)  # fmt: skip
def test_generations(vendor: str, family: int, model: int, stepping: int, name: str | None) -> None:
    """The numbers of CPUs that exist, and None for those of no table."""
    assert microarchitectures.generation(cpu("x", vendor, family, model, stepping)) == name


@pytest.mark.parametrize(
    ("one", "title", "machine"),
    [(cpu("AMD EPYC", AMD, 26, 2), "AMD EPYC (Zen 5)", "amd-epyc-zen5-2cpu"),
     (cpu("AMD EPYC Processor", AMD, 25, 17), "AMD EPYC (Zen 4)", "amd-epyc-zen4-2cpu"),
     (cpu("AMD EPYC", AMD, None, None), "AMD EPYC", "amd-epyc-2cpu"),
     (cpu("Intel(R) Xeon(R) Processor @ 2.80GHz", INTEL, 6, 0x8F), "Intel Xeon (Sapphire Rapids)",
      "intel-xeon-sapphire-rapids-2cpu"),
     (cpu("AMD EPYC 7763 64-Core Processor", AMD, 25, 1), "AMD EPYC 7763 64-Core Processor",
      "amd-epyc-7763-64-core-2cpu"),
     (cpu("Intel Xeon Processor (Skylake, IBRS)", INTEL, 6, 0x55, 4), "Intel Xeon Processor (Skylake, IBRS)",
      "intel-xeon-(skylake,-ibrs)-2cpu"),
     (cpu("Common KVM processor", INTEL, 15, 6), "Common KVM processor", "common-kvm-2cpu"),
     (cpu("QEMU Virtual CPU version 2.5+", AMD, 25, 1), "QEMU Virtual version 2.5+ (Zen 3)",
      "qemu-virtual-version-2.5+-zen3-2cpu")],
)  # fmt: skip
def test_bare_names_get_their_generation(one: Cpu, title: str, machine: str) -> None:
    """A name that says a model stays as it is, and so does that of a machine without numbers."""
    assert microarchitectures.title(one) == title
    assert microarchitectures.machine_name(one) == machine


@pytest.mark.parametrize(
    ("name", "former"),
    [("amd-epyc-zen5-2cpu", "amd-epyc-2cpu"), ("intel-xeon-sapphire-rapids-16cpu", "intel-xeon-16cpu"),
     ("intel-xeon-granite-rapids-d-2cpu", "intel-xeon-2cpu"), ("amd-epyc-zenplus-2cpu", "amd-epyc-2cpu"),
     ("amd-epyc-2cpu", None), ("zen5", None), ("my-zen5-box", None)],
)  # fmt: skip
def test_former_names(name: str, former: str | None) -> None:
    """Only a default name with a generation had another one before."""
    assert microarchitectures.former_name(name) == former


def test_names_akin() -> None:
    """A name and its former one; never two generations."""
    assert microarchitectures.akin("amd-epyc-zen5-2cpu", "amd-epyc-2cpu")
    assert microarchitectures.akin("amd-epyc-2cpu", "amd-epyc-zen5-2cpu")
    assert microarchitectures.akin("box", "box")
    assert not microarchitectures.akin("amd-epyc-zen5-2cpu", "amd-epyc-zen4-2cpu")
    assert not microarchitectures.akin("box", "fox")
