"""What will disturb measuring on this machine and in this process: which figures it affects and how, and the remedy.

On Linux everything is read from files below `root` (sysfs, procfs), so that tests can pass in made-up machines. Other
systems are read through psutil, which reports less. What did disturb a run is in its telemetry, judged by
`record.interference` and `analysis.run_quality`.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..record import inherited, text
from ..record.model import Disturbance, JsonObject, Machine
from . import interpreter, openmp, settings
from .affinity import ranges
from .machine import hypervisor
from .system import ROOT, number, read_text


def here(machine: Machine, software: JsonObject, variables: Mapping[str, str]) -> list[Disturbance]:
    """What will disturb measuring in this process, warnings first: what it has inherited, and what the machine is like.

    `software` is `machine.software()`, after which Numba's pool stands.
    """
    cpus = len(machine.cpu.allowed) or machine.cpu.logical
    own = [
        *inherited.disturbances(variables, cpus),
        *interpreter.watched(),
        *openmp.bound(openmp.places(), int(software.get("numba_threads") or 1), variables, machine.cpu.allowed),
    ]
    return _ranked([*own, *find(machine)])


def find(machine: Machine, root: Path = ROOT) -> list[Disturbance]:
    """What will disturb measuring on this machine now, warnings first."""
    found: list[Disturbance | None] = [_quota(machine), _affinity(machine), _smt(machine), _nodes(machine)]
    if sys.platform == "linux":
        found += [
            _neighbours(machine, _load(root)), _governor(machine, root), _turbo(root), _huge_pages(machine),
            _swap(root), _virtual(machine, root), _numa_balancing(machine, root), _battery(root),
            _unlike_cores(machine, root), _clock_source(root), _overheated(machine, root),
        ]  # fmt: skip
    else:
        found += [_neighbours(machine, _load_elsewhere(machine)), _no_pinning(), _battery_elsewhere()]
    found.append(_unknown_caches(machine))
    return _ranked(one for one in found if one is not None)


def _ranked(found: Iterable[Disturbance]) -> list[Disturbance]:
    return sorted(found, key=lambda one: one.severity != "warning")


def _quota(machine: Machine) -> Disturbance | None:
    quota = machine.cpu.quota
    if quota is None or quota >= len(machine.cpu.allowed):
        return None
    return Disturbance(
        "CPU quota",
        f"the cgroup grants {quota:g} of {len(machine.cpu.allowed)} CPUs",
        "more threads than that are stopped in the middle of samples; hwbench uses at most the whole CPUs granted",
        "start the container without a quota (Docker: --cpuset-cpus, no --cpus; Kubernetes: whole CPUs, static policy)",
    )


def _affinity(machine: Machine) -> Disturbance | None:
    cpu = machine.cpu
    if not cpu.allowed or len(cpu.allowed) >= cpu.logical:
        return None
    return Disturbance(
        "affinity",
        f"{len(cpu.allowed)} of {cpu.logical} CPUs may be used ({ranges(cpu.allowed)})",
        "figures for all threads are those of these CPUs, not of the machine; users of the others share caches and "
        "memory",
        "start without taskset, or in a container without --cpuset-cpus, to measure the whole machine",
        "note",
    )


def _smt(machine: Machine) -> Disturbance | None:
    if machine.cpu.smt < 2:
        return None
    return Disturbance(
        "SMT",
        f"{machine.cpu.smt} threads per core",
        "more threads than cores share execution ports, L1 and L2, and gain little; work on a sibling thread slows a "
        "bench without showing as load on its CPU",
        "keep the machine idle; to measure cores alone: echo off | sudo tee /sys/devices/system/cpu/smt/control",
        "note",
    )


def _nodes(machine: Machine) -> Disturbance | None:
    if len(machine.numa) < 2:
        return None
    nodes = "; ".join(ranges(cpus) for cpus in machine.numa)
    return Disturbance(
        "NUMA",
        f"{len(machine.numa)} nodes (CPUs {nodes})",
        "NumPy and prange read memory where it was first touched, often on another node; pinned crews touch their own",
        "numactl --cpunodebind=0 --membind=0 hwbench run, to measure one node",
        "note",
    )


def _load(root: Path) -> float | None:
    """Runnable threads over the last minute."""
    try:
        return float((read_text(root / "proc/loadavg") or "").split()[0])
    except (IndexError, ValueError):
        return None


def _load_elsewhere(machine: Machine) -> float | None:
    if hasattr(os, "getloadavg"):
        return os.getloadavg()[0]
    import psutil

    return float(psutil.cpu_percent(interval=0.1)) / 100 * machine.cpu.logical


def _neighbours(machine: Machine, load: float | None) -> Disturbance | None:
    if load is None or load < 0.5:
        return None
    return Disturbance(
        "busy neighbours",
        f"{text.amount(load)} threads were runnable on average over the last minute, on {len(machine.cpu.allowed)} "
        "CPUs",
        "work on several threads, and memory bandwidth on any number, is slower; such rounds become suspect",
        "stop other work (top shows it) and wait a minute",
    )


def _governor(machine: Machine, root: Path) -> Disturbance | None:
    base = root / "sys/devices/system/cpu"
    governors = {cpu: read_text(base / f"cpu{cpu}/cpufreq/scaling_governor") for cpu in machine.cpu.allowed}
    slow = {cpu: name for cpu, name in governors.items() if name not in (None, "performance")}
    if not slow:
        return None
    names = " and ".join(sorted({name for name in slow.values() if name}))
    driver = read_text(base / f"cpu{next(iter(slow))}/cpufreq/scaling_driver") or ""
    # "powersave" of intel_pstate and amd-pstate-epp reaches the full clock under load, only a little later.
    own = "pstate" in driver and set(slow.values()) == {"powersave"}
    return Disturbance(
        "governor",
        f"{names} on {len(slow)} of {len(governors)} CPUs" + (f" ({driver})" if driver else ""),
        "the clock rises only after a while under load: latencies and the first samples of short calls are too slow",
        "sudo cpupower frequency-set -g performance",
        "note" if own else "warning",
    )


def _turbo(root: Path) -> Disturbance | None:
    base = "sys/devices/system/cpu"
    for switch, on in settings.SWITCHES:
        if number(root / base / switch) == on:
            return Disturbance(
                "turbo",
                "on",
                "the clock depends on temperature, on vector width and on how many cores work: figures of one thread "
                "do not predict those of all, and a warm machine is slower",
                f"leave it on for the best figures; for repeatable ones: echo {1 - on} | sudo tee /{base}/{switch}",
                "note",
            )
    return None


def _huge_pages(machine: Machine) -> Disturbance | None:
    policy = machine.memory.huge_pages
    switch = "/sys/kernel/mm/transparent_hugepage/enabled"
    if policy == "always":
        return Disturbance(
            "huge pages",
            "transparent huge pages: always",
            "whether an array gets huge pages depends on what is free: latency varies by 10–30% from run to run",
            f"echo madvise | sudo tee {switch}",
            "note",
        )
    if policy in (None, "never"):
        return Disturbance(
            "huge pages",
            "transparent huge pages: never" if policy else "the kernel has no transparent huge pages",
            "cases on huge pages are skipped; the last-level cache is probed through small pages, which blurs its size",
            f"echo madvise | sudo tee {switch}" if policy else "a kernel with CONFIG_TRANSPARENT_HUGEPAGE",
            "note",
        )
    return None


def _virtual(machine: Machine, root: Path) -> Disturbance | None:
    found = hypervisor(root)
    stolen = steal_share(read_text(root / "proc/stat") or "")
    if found is None and stolen < 0.001:
        return None
    return Disturbance(
        "virtualisation",
        f"{machine.virtual or 'a virtual machine'}; {text.share(stolen)} of the CPUs' time has been stolen since boot",
        "other guests share the last-level cache, memory bandwidth and turbo; reported caches may be larger than this "
        "guest's part; steal lengthens samples, and such rounds become suspect",
        "a dedicated host or bare-metal instance; else repeat at another hour and compare",
        "warning" if stolen >= 0.01 else "note",
    )


def steal_share(stat: str) -> float:
    """The share of all CPUs' time since boot that a hypervisor gave to others, from the text of `/proc/stat`."""
    first = stat.partition("\n")[0].split()
    fields = [int(word) for word in first[1:9]] if first[:1] == ["cpu"] else []
    total = sum(fields)
    return fields[7] / total if len(fields) == 8 and total else 0.0


def _swap(root: Path) -> Disturbance | None:
    values = dict(re.findall(r"^(\w+):\s+(\d+) kB", read_text(root / "proc/meminfo") or "", re.MULTILINE))
    used = (int(values.get("SwapTotal", 0)) - int(values.get("SwapFree", 0))) * 1024
    if used < 2**26:  # some 10 MiB of idle pages are normal after a while
        return None
    return Disturbance(
        "swap",
        f"{text.size(used)} in use",
        "memory is or was short: pages may be read back from disk during a sample",
        "stop what uses the memory, then: sudo swapoff -a && sudo swapon -a",
    )


def _numa_balancing(machine: Machine, root: Path) -> Disturbance | None:
    if len(machine.numa) < 2 or not number(root / "proc/sys/kernel/numa_balancing"):
        return None
    return Disturbance(
        "NUMA balancing",
        "on",
        "the kernel unmaps pages to see which CPUs use them, and moves them between nodes: memory figures jump",
        "sudo sysctl kernel.numa_balancing=0",
    )


def _battery(root: Path) -> Disturbance | None:
    supplies = sorted((root / "sys/class/power_supply").glob("*"))
    told = [[read_text(supply / what) for what in ("type", "status", "scope")] for supply in supplies]
    # scope "Device" is a mouse or a headset
    discharging = any(one[:2] == ["Battery", "Discharging"] and one[2] != "Device" for one in told)
    return _on_battery() if discharging else None


def _battery_elsewhere() -> Disturbance | None:
    import psutil

    battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
    return _on_battery() if battery is not None and battery.power_plugged is False else None


def _on_battery() -> Disturbance:
    return Disturbance(
        "battery",
        "discharging",
        "firmware limits power and clock: everything is slower, the more so the longer it runs",
        "plug in the power supply",
    )


def _unlike_cores(machine: Machine, root: Path) -> Disturbance | None:
    base = root / "sys/devices/system/cpu"
    speeds = [number(base / f"cpu{cpu}/cpu_capacity") for cpu in machine.cpu.allowed]
    kinds = {speed for speed in speeds if speed is not None}
    hybrid = (root / "sys/devices/cpu_atom").exists() and (root / "sys/devices/cpu_core").exists()
    if len(kinds) < 2 and not hybrid:
        return None
    return Disturbance(
        "unlike cores",
        f"{len(kinds)} kinds" if len(kinds) > 1 else "performance and efficiency cores",
        "equal parts take as long as on the slowest core; an unpinned thread is as fast as the core it runs on",
        "taskset -c with the CPUs of one kind (lscpu --all --extended shows them)",
        "note",
    )


def _clock_source(root: Path) -> Disturbance | None:
    source = read_text(root / "sys/devices/system/clocksource/clocksource0/current_clocksource")
    if source in (None, "tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "timebase"):
        return None  # read in some 20 ns in user space
    return Disturbance(
        "clock source",
        f"{source}, which takes a system call to read",
        "a reading takes a microsecond or more instead of 20 ns: calls that are timed singly seem longer, samples of "
        "many calls do not",
        "boot with clocksource=tsc where dmesg does not say that it is unstable",
        "note",
    )


def _overheated(machine: Machine, root: Path) -> Disturbance | None:
    base = root / "sys/devices/system/cpu"
    times = [number(base / f"cpu{cpu}/thermal_throttle/core_throttle_count") or 0 for cpu in machine.cpu.allowed]
    if not any(times):
        return None
    return Disturbance(
        "heat",
        f"a core was slowed down {max(times)} times since boot because it was too hot",
        "floating-point peaks and all work on all threads get slower the longer they run, and clocks drift",
        "clean the fans, cool the room; measure with pauses, or with turbo off",
        "note",
    )


def _no_pinning() -> Disturbance:
    return Disturbance(
        "pinning",
        f"threads cannot be pinned on {platform.system()} from here",
        "threads may share a core or move: figures for several threads are lower and spread wider",
        "keep the machine idle; measure on Linux where the machine's limits matter",
        "note",
    )


def _unknown_caches(machine: Machine) -> Disturbance | None:
    if machine.cpu.caches:
        return None
    return Disturbance(
        "caches",
        "the system does not report them",
        "the size labels L1, L2 and L3 have no meaning here, so cases with them are skipped",
        "give sizes in bytes: --param size=16KiB",
    )
