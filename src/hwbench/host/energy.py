"""Counters of energy: RAPL's, through `powercap` or through perf's `power` events.

A processor with RAPL adds up the energy of each package (cores, caches, memory controller) and on servers that of the
memory chips (`dram`). Linux shows the sums as files of `/sys/class/powercap`, in microjoules, which wrap around at a
stated value; since 2020 root alone may read them. perf has the same counters as events of the whole system, where
`perf_event_paranoid` allows them. Guests usually have neither.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .pseudo_files import ROOT, cpu_list, number, read_text

POWERCAP = "sys/class/powercap"
POWER = "sys/bus/event_source/devices/power"
ZONE = re.compile(r"intel-rapl:\d+")  # a package, or on some laptops the whole platform (`psys`)
EVENTS = {"energy-pkg": "package", "energy-ram": "dram"}
_CALL = {"x86_64": 298, "aarch64": 241, "arm64": 241, "riscv64": 241}  # the system call perf_event_open


@dataclass
class Domain:
    """A part of the machine with a counter of its own: `package-0`, `dram`.

    `read` gives joules since some moment; `wraps` is the value at which they begin again at 0, None where they do not.
    """

    name: str
    read: Callable[[], float]
    wraps: float | None = None
    _last: float | None = field(default=None, repr=False)
    _sum: float = field(default=0.0, repr=False)

    def joules(self) -> float:
        """Joules since the first look, by way of every wrap-around that was looked at in time."""
        now = self.read()
        if self._last is not None:
            grown = now - self._last
            self._sum += grown if grown >= 0 or self.wraps is None else grown + self.wraps
        self._last = now
        return self._sum


@dataclass
class Energy:
    """The domains that can be read, and how. `close` gives back what reading needs."""

    domains: list[Domain]
    source: str
    close: Callable[[], None] = lambda: None

    def joules(self) -> dict[str, float]:
        """Joules of each domain since the first look."""
        return {domain.name: domain.joules() for domain in self.domains}


def found(root: Path = ROOT) -> Energy | str:
    """What can be read here, or in one line why nothing can."""
    if sys.platform != "linux":
        return "counters of energy are read on Linux only"
    zones = _zones(root)
    readable = [domain for domain in map(_domain, zones) if domain is not None]
    if readable:
        return Energy(readable, "powercap")
    events = _events(root)
    if isinstance(events, Energy):
        return events
    if zones:
        return "the counters of energy (RAPL) may be read by root alone: chmod o+r /sys/class/powercap/*/energy_uj"
    return events or "this machine shows no counter of energy (RAPL); virtual machines usually have none"


def _zones(root: Path) -> list[Path]:
    """The packages, and the memory of each: of subzones of a package the others are parts of its own count."""
    with suppress(OSError):
        every = sorted((root / POWERCAP).iterdir())
        packages = [zone for zone in every if ZONE.fullmatch(zone.name)]
        packages = [zone for zone in packages if _label(zone).startswith("package")] or packages
        chips = [zone for zone in every if zone.name.count(":") == 2 and _label(zone) == "dram"]
        return packages + chips
    return []


def _label(zone: Path) -> str:
    return read_text(zone / "name") or zone.name


def _domain(zone: Path) -> Domain | None:
    """A zone that can be read."""
    if number(zone / "energy_uj") is None:
        return None
    most = number(zone / "max_energy_range_uj")
    label = _label(zone)
    name = label if label != "dram" else f"dram-{zone.name.split(':')[1]}"

    def read() -> float:
        value = number(zone / "energy_uj")
        if value is None:
            raise OSError(f"the counter of energy {label} cannot be read any more")
        return value * 1e-6

    return Domain(name, read, most * 1e-6 if most else None)


def _events(root: Path) -> Energy | str:
    """The events of perf for each package; in one line why they cannot be counted, "" where there are none."""
    kind = number(root / POWER / "type")
    if kind is None:
        return ""
    domains: list[Domain] = []
    files: list[int] = []

    def close() -> None:
        while files:
            os.close(files.pop())

    for event, name in EVENTS.items():
        code = re.fullmatch(r"event=(0x[0-9a-f]{1,8})", read_text(root / POWER / "events" / event) or "")
        scale = _decimal(read_text(root / POWER / "events" / f"{event}.scale"))
        if code is None or scale is None:
            continue
        for place, cpu in enumerate(cpu_list(read_text(root / POWER / "cpumask"))):
            try:
                file = _opened(kind, int(code[1], 16), cpu)
            except OSError as error:
                close()
                return f"perf refuses its counters of energy ({error.strerror}): sysctl kernel.perf_event_paranoid=0"
            files.append(file)
            domains.append(Domain(f"{name}-{place}", _reader(file, scale)))
    return Energy(domains, "perf", close) if domains else ""


def _reader(file: int, scale: float) -> Callable[[], float]:
    return lambda: struct.unpack("Q", os.read(file, 8))[0] * scale


def _decimal(text: str | None) -> float | None:
    with suppress(ValueError):
        return float(text or "")
    return None


def _opened(kind: int, event: int, cpu: int) -> int:
    """A file that counts an event on a CPU, for all processes."""
    call = _CALL.get(platform.machine())
    if call is None:
        raise OSError(0, "this processor's system calls are not known")
    attributes = struct.pack("IIQ", kind, 112, event).ljust(112, b"\0")
    library = ctypes.CDLL(None, use_errno=True)
    arguments = [ctypes.c_long(value) for value in (-1, cpu, -1, 8)]  # no process, this CPU, no group, close-on-exec
    file = int(library.syscall(ctypes.c_long(call), attributes, *arguments))
    if file < 0:
        number_ = ctypes.get_errno()
        raise OSError(number_, os.strerror(number_))
    return file
