"""Settings that figures depend on, read from made-up machines; of the kernel's command line no name of anybody's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hwbench.host.settings import LONGEST, settings
from made_up import trees

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names of made-up files have colons")
CPU = trees.CPU


def test_governor_and_turbo(tmp_path: Path) -> None:
    """Each kind of governor once, with its driver and what it prefers; turbo as the switch stands."""
    root = trees.intel(tmp_path)
    assert settings(root, range(8)) == {"governor": "powersave (intel_pstate)", "turbo": "on"}
    files = {f"{CPU}/cpu{cpu}/cpufreq/energy_performance_preference": "balance_power" for cpu in range(4)}
    trees.write(root, {**files, f"{CPU}/intel_pstate/no_turbo": "1"})
    assert settings(root, range(8)) == {
        "governor": "powersave (intel_pstate, balance_power) and powersave (intel_pstate)", "turbo": "off"
    }  # fmt: skip
    assert settings(tmp_path / "nothing", [0]) == {}


@pytest.mark.parametrize(("boost", "state"), [("1", "on"), ("0", "off"), ("", None)])
def test_turbo_of_other_drivers(tmp_path: Path, boost: str, state: str | None) -> None:
    """A switch that cannot be read is no state."""
    trees.write(tmp_path, {f"{CPU}/cpufreq/boost": boost})
    assert settings(tmp_path, [0]).get("turbo") == state


def test_mitigations_are_those_of_what_the_cpu_has(tmp_path: Path) -> None:
    """What it is not affected by is left out; what is not mitigated is named."""
    files = {"mds": "Not affected", "meltdown": "Mitigation: PTI", "spectre_v2": "Mitigation: Retpolines; IBPB: on",
             "tsa": "Vulnerable: No microcode"}  # fmt: skip
    trees.write(tmp_path, {f"{CPU}/vulnerabilities/{name}": state for name, state in files.items()})
    assert settings(tmp_path, [0])["mitigations"] == (
        "meltdown: PTI; spectre_v2: Retpolines, IBPB: on; tsa: Vulnerable: No microcode"
    )


def test_of_the_command_line_only_what_changes_figures_is_kept(tmp_path: Path) -> None:
    """No disk, host, address or token: a run file is shown to others."""
    line = (
        "BOOT_IMAGE=/boot/vmlinuz root=UUID=1234 ip=10.0.0.7 mitigations=off isolcpus=managed_irq,1-7:2/4 nosmt "
        "intel_idle.max_cstate=1 mem=/home/me/8G systemd.hostname=secret transparent-hugepage=never -- --token nohz=off"
    )
    trees.write(tmp_path, {"proc/cmdline": line})
    assert settings(tmp_path, [0])["kernel command line"] == (
        "mitigations=off isolcpus=managed_irq,1-7:2/4 nosmt intel_idle.max_cstate=1 mem=8G transparent-hugepage=never"
    )
    trees.write(tmp_path, {"proc/cmdline": "nosmt " * 500})
    assert len(settings(tmp_path, [0])["kernel command line"]) == LONGEST
