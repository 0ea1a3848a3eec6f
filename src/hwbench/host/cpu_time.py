"""How the CPUs spend their time, by `/proc/stat`, and why that is not known where a container makes it up."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from .pseudo_files import mounted, ranges, read_text

TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
STEAL = 7  # which number of a line


def busy_steal_idle(text: str, cpus: Iterable[int], tick_s: float = TICK_S) -> tuple[float, float, float]:
    """Busy, stolen and idle seconds of the CPUs, from the text of `/proc/stat`.

    The kernel counts in ticks of 10 ms: a short round may read 0, or a tick too many.
    """
    wanted = {f"cpu{cpu}" for cpu in cpus}
    busy = steal = idle = 0
    for line in text.splitlines():
        if not line.startswith("cpu"):
            break  # the CPU lines come first; the interrupt line after them is long
        name, *fields = line.split()
        if name in wanted:
            user, nice, system, unused, waiting, irq, softirq, *more = map(int, fields)
            busy += user + nice + system + irq + softirq
            idle += unused + waiting
            steal += more[0] if more else 0
    return busy * tick_s, steal * tick_s, idle * tick_s


def unusable(root: Path, cpus: Iterable[int]) -> str:
    """Why `/proc/stat` does not tell how busy these CPUs are; "" where it does."""
    if (mount := mounted(root, "/proc/stat")) is not None and mount[0].startswith("fuse"):
        return f"/proc/stat is made up by {mount[1]}: it counts this container alone, and numbers its CPUs anew"
    text = read_text(root / "proc/stat")
    if not text:
        return "/proc/stat cannot be read" if text is None else "/proc/stat is empty"
    lines = _lines(text)
    if missing := [cpu for cpu in cpus if f"cpu{cpu}" not in lines]:
        return f"/proc/stat has no line for CPU {ranges(missing)}"
    if not any(any(lines[f"cpu{cpu}"]) for cpu in cpus):
        return "/proc/stat counts nothing"
    return ""


def steal_share(root: Path) -> float | None:
    """The share of all CPUs' time since boot that a hypervisor gave to others; None where it is not known."""
    if (mount := mounted(root, "/proc/stat")) is not None and mount[0].startswith("fuse"):
        return None
    fields = _lines(read_text(root / "proc/stat") or "").get("cpu", [])[: STEAL + 1]
    whole = sum(fields)
    return fields[STEAL] / whole if len(fields) > STEAL and whole else None


def _lines(text: str) -> dict[str, list[int]]:
    """The numbers of each line of CPUs by its name; a line that holds anything else counts as missing."""
    rows = (line.split() for line in text.splitlines() if line.startswith("cpu"))
    return {name: [int(field) for field in fields] for name, *fields in rows if all(map(str.isdecimal, fields))}
