"""Settings of the system that figures depend on: governor, turbo, mitigations, the kernel's command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from .pseudo_files import number, read_text

# Of the kernel's command line these are kept: others name disks, hosts and addresses, or tell services their secrets.
PARAMETERS = re.compile(
    r"(mitigations|nopti|pti|kpti|nospectre_v[12]|spectre_v2(_user)?|spectre_bhi|spec_store_bypass_disable|ssbd|l1tf|mds"
    r"|tsx(_async_abort)?|srbds|mmio_stale_data|retbleed|spec_rstack_overflow|gather_data_sampling|reg_file_data_sampling"
    r"|indirect_target_selection|tsa|vmscape|nosmt|smt|maxcpus|nr_cpus|isolcpus|nohz|nohz_full|rcu_nocbs|irqaffinity"
    r"|skew_tick|threadirqs|preempt|highres|idle|nohlt|cpuidle\.(off|governor)|(intel_idle|processor)\.max_cstate"
    r"|cpufreq\.(off|default_governor)|intel_pstate|amd_pstate|intel_epb|clocksource|tsc|hpet|nmi_watchdog|nowatchdog"
    r"|nosoftlockup|audit|numa|numa_balancing|mem|memmap|hugepages|hugepagesz|default_hugepagesz|transparent_hugepage"
    r"|hugetlb_free_vmemmap|init_on_alloc|init_on_free|page_poison|slub_debug|kasan|kfence\.sample_interval|nokaslr"
    r"|iommu|intel_iommu|amd_iommu|pcie_aspm|acpi_osi|noapic|nox2apic|clearcpuid|noxsave|split_lock_detect"
    r"|sched_\w+|psi|schedstats|swiotlb|page_reporting\.\w+|cgroup_disable|rcupdate\.\w+)"
)
SWITCHES = (("intel_pstate/no_turbo", 0), ("cpufreq/boost", 1))  # of turbo: a file, and its number where turbo is on
LONGEST = 500  # characters of a setting


def settings(root: Path, cpus: Iterable[int]) -> dict[str, str]:
    """The settings by name, as far as a Linux below `root` tells them; the governor is that of `cpus`."""
    base = root / "sys/devices/system/cpu"
    found = {
        "governor": _governor(base, cpus),
        "turbo": _turbo(base),
        "mitigations": _mitigations(base / "vulnerabilities"),
        "kernel command line": _command_line(read_text(root / "proc/cmdline") or ""),
    }
    return {name: value[:LONGEST] for name, value in found.items() if value}


def _turbo(base: Path) -> str:
    """`on`, `off`, or "" where the system does not tell."""
    states = ((number(base / switch), on) for switch, on in SWITCHES)
    return next(("on" if state == on else "off" for state, on in states if state is not None), "")


def _governor(base: Path, cpus: Iterable[int]) -> str:
    """`powersave (intel_pstate, balance_performance)`: governor, driver and energy preference, each kind once."""
    kinds: dict[str, None] = {}
    for cpu in cpus:
        folder = base / f"cpu{cpu}/cpufreq"
        if governor := read_text(folder / "scaling_governor"):
            more = [read_text(folder / name) for name in ("scaling_driver", "energy_performance_preference")]
            how = ", ".join(word for word in more if word)
            kinds[f"{governor} ({how})" if how else governor] = None
    return " and ".join(kinds)


def _mitigations(folder: Path) -> str:
    """`meltdown: PTI; mds: vulnerable`: what this CPU is affected by, and what the kernel does about it."""
    told = []
    for file in sorted(folder.glob("*")):
        state = " ".join((read_text(file) or "").removeprefix("Mitigation:").replace(";", ",").split())
        if state and state != "Not affected":
            told.append(f"{file.name}: {state}")
    return "; ".join(told)


def _command_line(text: str) -> str:
    """The parameters that change figures; of paths only the file's name. What follows `--` is for init."""
    words = text.partition(" -- ")[0].split()
    kept = (word for word in words if PARAMETERS.fullmatch(word.partition("=")[0].replace("-", "_")))
    return " ".join(re.sub(r"(?<![^=,:])/[^=,:]*/", "", word) for word in kept)
