"""The CPU's numbers as Linux, macOS and Windows tell them."""

from __future__ import annotations

from doubles.scripted import MACHINE
from hwbench.host.cpu_numbers import Numbers, numbered, of_cpuinfo, of_py_cpuinfo, of_sysctl

X86 = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC
stepping\t: 1
microcode\t: 0x1000065

processor\t: 1
model\t\t: 99
"""
ARM = """processor\t: 0
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0c
CPU revision\t: 1
"""


def test_linux() -> None:
    """The first CPU's, `model` and not `model name`; Arm's parts; nothing from a text that has none."""
    assert of_cpuinfo(X86) == Numbers("AuthenticAMD", 25, 1, 1, "0x1000065")
    assert of_cpuinfo(ARM) == Numbers("0x41", 8, 0xD0C, 1, None)
    assert of_cpuinfo("cpu: POWER9\nmodel: nine\n") == Numbers()


def test_macos() -> None:
    """Intel's CPUs by their numbers, Apple's by their family alone."""
    intel = (
        "machdep.cpu.vendor: GenuineIntel\nmachdep.cpu.family: 6\nmachdep.cpu.model: 158\nmachdep.cpu.stepping: 10\n"
    )
    assert of_sysctl(intel + "machdep.cpu.microcode_version: 248\n") == Numbers("GenuineIntel", 6, 158, 10, "248")
    assert of_sysctl("hw.cpufamily: 458787763\n") == Numbers("Apple", 458787763)
    assert of_sysctl("") == Numbers()


def test_windows() -> None:
    """What py-cpuinfo found, and None where it has something else."""
    told = {"vendor_id_raw": "GenuineIntel", "family": 6, "model": 143, "stepping": 8}
    assert of_py_cpuinfo(told) == Numbers("GenuineIntel", 6, 143, 8)
    assert of_py_cpuinfo({"family": "6"}) == Numbers()


def test_a_cpu_with_its_numbers() -> None:
    """The other fields stay."""
    cpu = numbered(MACHINE.cpu, Numbers("AuthenticAMD", 25, 1, 1, "0x1"))
    assert (cpu.vendor, cpu.family, cpu.model_number, cpu.stepping, cpu.microcode) == ("AuthenticAMD", 25, 1, 1, "0x1")
    assert cpu.model == MACHINE.cpu.model
