"""A plugin for asv that states what the machine is in every result: `"plugins": [".hwbench.tracking.asv_machine"]`.

asv copies a machine's facts from `~/.asv-machine.json` into each result file, where `readers.asv` finds them. That file
never changes, so a machine with new CPUs or a container with a new quota would keep its old facts. The plugin replaces
them with what hwbench finds whenever asv loads them.
"""

from __future__ import annotations

import subprocess
import sys

import msgspec

from ..record import text
from ..record.model import Machine
from .sides import identity

LONGEST = 120.0  # seconds


def facts(machine: Machine) -> dict[str, str]:
    """A machine by asv's keys where it has some (memory in kB), else by hwbench's."""
    found = identity(machine)
    caches = sorted({(cache.level, cache.bytes) for cache in machine.cpu.caches})
    stated = {
        "cpu": found["CPU"], "num_cpu": str(len(machine.cpu.allowed)), "ram": str(machine.memory.total // 1024),
        "caches": ", ".join(f"L{level} {text.size(size)}" for level, size in caches) or "unknown",
        "quota": found["CPU quota"], "gpu": found.get("GPU", "none"), "huge_pages": found["huge pages"],
        "cpu_family": found.get("CPU family", ""),
    }  # fmt: skip
    return {key: value for key, value in stated.items() if value}


def here() -> dict[str, str]:
    """The facts of this machine, from a child process: looking for GPUs keeps them open, and asv runs for hours."""
    done = subprocess.run(
        [sys.executable, "-m", "hwbench", "machine", "--json"], capture_output=True, timeout=LONGEST, check=True,
    )  # fmt: skip
    return facts(msgspec.convert(msgspec.json.decode(done.stdout)["machine"], Machine))


def setup() -> None:
    """Called by asv, which has no hook for machines: patch what loads them."""
    from asv.console import log
    from asv.machine import Machine as Known

    if hasattr(Known, "hwbench"):  # asv may load a plugin twice
        return
    load = Known.load

    def amended(*arguments: str, **named: bool) -> Known:
        known = load(*arguments, **named)
        try:
            known.__dict__.update(here())
        except (OSError, KeyError, msgspec.MsgspecError, subprocess.SubprocessError) as error:
            log.warning(f"hwbench cannot tell what this machine is, and the facts are those once given: {error}")
        return known

    Known.load, Known.hwbench = staticmethod(amended), True
