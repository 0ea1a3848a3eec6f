"""A plugin of asv's that has every run state what the machine is: `"plugins": [".hwbench.tracking.asv_machine"]`.

asv takes a machine's facts from `~/.asv-machine.json`, where they stay as they were once given: a machine that got
other CPUs, or a container another quota, would go on under the old ones. asv copies them into each result file, where
`asv_results` finds them again, and so they travel with the results. Whenever asv loads them, what hwbench finds is put
in their place.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec

from ..record.model import Machine
from .sides import identity

LONGEST = 120.0  # seconds


def facts(machine: Machine) -> dict[str, str]:
    """A machine as asv states one: its own words where it has some (memory in kB), ours for the rest."""
    found = identity(machine)
    return {
        "cpu": found["CPU"], "num_cpu": found["CPUs allowed"], "ram": str(machine.memory.total // 1024),
        "caches": found["caches"], "quota": found["CPU quota"], "gpu": found["GPU"], "huge_pages": found["huge pages"],
    }  # fmt: skip


def here() -> dict[str, str]:
    """What this machine is, by a process of its own: looking for GPUs holds on to them, and asv goes on for hours."""
    done = subprocess.run(
        [sys.executable, "-m", "hwbench", "machine", "--json"], capture_output=True, timeout=LONGEST, check=True,
    )  # fmt: skip
    return facts(msgspec.convert(msgspec.json.decode(done.stdout)["machine"], Machine))


def setup() -> None:
    """Called by asv, which has no hook for machines: what it loads is amended."""
    from asv.console import log
    from asv.machine import Machine as Known

    if hasattr(Known, "hwbench"):  # asv may load a plugin twice
        return
    load = Known.load

    def amended(*arguments: Any, **named: Any) -> Any:
        known = load(*arguments, **named)
        try:
            known.__dict__.update(here())
        except (OSError, KeyError, msgspec.MsgspecError, subprocess.SubprocessError) as error:
            log.warning(f"hwbench cannot tell what this machine is, and the facts are those once given: {error}")
        return known

    Known.load, Known.hwbench = staticmethod(amended), True
