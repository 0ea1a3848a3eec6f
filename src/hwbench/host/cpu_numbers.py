"""The CPU's vendor, family, model, stepping and microcode, as each system tells them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

from ..record.model import Cpu, JsonObject


@dataclass(frozen=True)
class Numbers:
    """What a system tells; None where it does not."""

    vendor: str | None = None
    family: int | None = None
    model: int | None = None
    stepping: int | None = None
    microcode: str | None = None


def numbered(cpu: Cpu, numbers: Numbers) -> Cpu:
    """The CPU with its numbers."""
    return msgspec.structs.replace(
        cpu, vendor=numbers.vendor, family=numbers.family, model_number=numbers.model, stepping=numbers.stepping,
        microcode=numbers.microcode,
    )  # fmt: skip


def of_cpuinfo(text: str) -> Numbers:
    """From Linux's `/proc/cpuinfo`: of the first CPU. On Arm: implementer, architecture, part, revision."""
    found = _fields(text)
    arm = ("CPU implementer", "CPU architecture", "CPU part", "CPU revision")
    x86 = ("vendor_id", "cpu family", "model", "stepping")
    vendor, family, model, stepping = (found.get(name) for name in (arm if arm[0] in found else x86))
    return Numbers(vendor, _number(family), _number(model), _number(stepping), found.get("microcode"))


def of_sysctl(text: str) -> Numbers:
    """From macOS's `sysctl hw machdep.cpu`: Apple's own CPUs have a family alone."""
    found = _fields(text)
    family, model, stepping, microcode = (
        found.get(f"machdep.cpu.{name}") for name in ("family", "model", "stepping", "microcode_version")
    )
    return Numbers(
        found.get("machdep.cpu.vendor") or ("Apple" if "hw.cpufamily" in found else None),
        _number(family or found.get("hw.cpufamily")), _number(model), _number(stepping), microcode,
    )  # fmt: skip


def of_py_cpuinfo(info: JsonObject) -> Numbers:
    """From py-cpuinfo, for Windows, which tells no microcode."""
    vendor = info.get("vendor_id_raw")
    family, model, stepping = (
        value if isinstance(value := info.get(name), int) else None for name in ("family", "model", "stepping")
    )
    return Numbers(vendor if isinstance(vendor, str) else None, family, model, stepping)


def _fields(text: str) -> dict[str, str]:
    """The first value by name."""
    found: dict[str, str] = {}
    for row in text.splitlines():
        name, separator, value = row.partition(":")
        if separator and value.strip():
            found.setdefault(name.strip(), value.strip())
    return found


def _number(text: str | None) -> int | None:
    """A number in decimal, or in hexadecimal with 0x; None for anything else."""
    return int(text, 0) if text and re.fullmatch(r"0x[0-9a-f]+|0|[1-9]\d*", text, re.IGNORECASE) else None
