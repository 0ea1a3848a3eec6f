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
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from ..record import inherited, text
from ..record.model import Disturbance, JsonObject, Machine
from . import cpu_time, gpu_state, interpreter, memory, openmp, settings
from .machine import container, hypervisor
from .pseudo_files import ROOT, cpu_list, number, ranges, read_text

# What Docker's seccomp filter refuses, the capability that lifts it, and the bits of capabilities that do.
REFUSED = (
    ("hardware counters (perf_event_open)", "PERFMON", (21, 38)),
    ("on which NUMA node pages lie (mbind, move_pages)", "SYS_NICE", (23,)),
)
# Seconds since 1970 at the start of 2024, when there was no hwbench yet.
FIRST = 1_704_067_200


def here(
    machine: Machine, software: JsonObject, variables: Mapping[str, str], places: openmp.Places | None = None
) -> list[Disturbance]:
    """What will disturb measuring in this process, warnings first: what it has inherited, and what the machine is like.

    `software` is `machine.software()`; `places` are those to which OpenMP binds Numba's pool, by default as it stands.
    """
    cpus = len(machine.cpu.allowed) or machine.cpu.logical
    threads = int(software.get("numba_threads") or 1)
    own = [
        *inherited.disturbances(variables, cpus, gpus=bool(machine.gpus)),
        *interpreter.watched(),
        *openmp.bound(openmp.places() if places is None else places, threads, variables, machine.cpu.allowed),
    ]
    return _ranked([*own, *find(machine), *gpu_state.disturbances(machine.gpus)])


def find(machine: Machine, root: Path = ROOT) -> list[Disturbance]:
    """What will disturb measuring on this machine now, warnings first."""
    found: list[Disturbance | None] = [_quota(machine), _affinity(machine), _smt(machine), _nodes(machine)]
    if sys.platform == "linux":
        found += [
            _neighbours(machine, _load(root)), _governor(machine, root), _turbo(root), _huge_pages(machine),
            _swap(root), _virtual(machine, root), _hidden(root), _numa_balancing(machine, root), _battery(root),
            _unlike_cores(machine, root), _clock_source(root), _overheated(machine, root), _unseen(machine, root),
            _bound(root), _masks_ignored(machine),
        ]  # fmt: skip
    else:
        found += [_neighbours(machine, _load_elsewhere(machine)), _no_pinning(), _battery_elsewhere()]
    found += [_unknown_caches(machine), _topology(machine), _date(time.time())]
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
    last = max((cache.level for cache in machine.cpu.caches), default=0)
    largest = max(
        (cache for cache in machine.cpu.caches if cache.level == last), key=lambda one: one.bytes, default=None
    )
    state = f"{len(machine.numa)} nodes (CPUs {nodes})"
    if largest is not None and last >= 3 and largest.shared_by > len(machine.numa[0]):
        state += (
            f"; sub-NUMA clustering: several share an L{last} of {text.size(largest.bytes)}, of which each has a part"
        )
    return Disturbance(
        "NUMA",
        state,
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
    import psutil

    with suppress(psutil.Error, OSError):
        if hasattr(os, "getloadavg"):
            return os.getloadavg()[0]
        return float(psutil.cpu_percent(interval=0.1)) / 100 * machine.cpu.logical
    return None


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
    stolen = cpu_time.steal_share(root)
    if found is None and (stolen or 0) < 0.001:
        return None
    told = "how much of the CPUs' time is stolen is not known"
    if stolen is not None:
        told = f"{text.share(stolen)} of the CPUs' time has been stolen since boot"
    return Disturbance(
        "virtualisation",
        f"{machine.virtual or 'a virtual machine'}; {told}",
        "other guests share the last-level cache, memory bandwidth and turbo; reported caches may be larger than this "
        "guest's part; steal lengthens samples, and such rounds become suspect",
        "a dedicated host or bare-metal instance; else repeat at another hour and compare",
        "warning" if (stolen or 0) >= 0.01 else "note",
    )


def _hidden(root: Path) -> Disturbance | None:
    """What a container keeps from this process, by its namespaces, seccomp's filter, capabilities and mounts."""
    kind = container(root)
    if kind is None or kind in ("WSL", "gVisor"):
        return None
    status = dict(re.findall(r"^(\w+):\s*(\S+)$", read_text(root / "proc/self/status") or "", re.MULTILINE))
    held = int(status["CapEff"], 16) if re.fullmatch(r"[0-9a-f]{1,16}", status.get("CapEff", "")) else 0
    hidden, lifts = ["the names of the host's other processes"], ["--pid host"]
    if status.get("Seccomp") == "2":
        for what, capability, bits in REFUSED:
            if not held & sum(1 << bit for bit in bits):
                hidden.append(what)
                lifts.append(f"--cap-add {capability}")
    settled = re.search(r"^\S+ /sys sysfs \S*\bro\b", read_text(root / "proc/mounts") or "", re.MULTILINE)
    if settled:
        hidden.append("switches below /sys, which remedies here name (change them on the host)")
    return Disturbance(
        "container",
        f"{kind} keeps from this process: {'; '.join(hidden)}",
        "figures are the host's; who disturbs a sample has no name, and what is refused is missing from the run",
        f"measure on the host, or let the container see them (Docker, Podman: {' '.join(lifts)})",
        "note",
    )


def _unseen(machine: Machine, root: Path) -> Disturbance | None:
    why = cpu_time.unusable(root, machine.cpu.allowed)
    if not why:
        return None
    return Disturbance(
        "unseen neighbours",
        why,
        "what other processes and the hypervisor take is not known: no case becomes suspect for it",
        "measure outside of the container, or look at top on the host meanwhile",
        "note",
    )


def _bound(root: Path) -> Disturbance | None:
    nodes = memory.bound(root)
    if not nodes:
        return None
    return Disturbance(
        "bound memory",
        f"memory may come from NUMA node {ranges(nodes)} alone (numactl --membind, or a cpuset)",
        "memory figures are those of these nodes, from afar for CPUs of others; sizes in DRAM must fit into them",
        "start without the binding to measure the whole machine",
        "note",
    )


def _masks_ignored(machine: Machine) -> Disturbance | None:
    if "gVisor" not in (machine.virtual or ""):
        return None
    return Disturbance(
        "pinning",
        "gVisor accepts affinity masks and does not apply them",
        "threads may share a core or move: figures for several threads are lower and spread wider",
        "keep the machine idle; measure outside of gVisor (runc) where the machine's limits matter",
        "note",
    )


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

    with suppress(psutil.Error, OSError):
        battery = psutil.sensors_battery() if hasattr(psutil, "sensors_battery") else None
        return _on_battery() if battery is not None and battery.power_plugged is False else None
    return None


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
    cores = [cpu_list(read_text(root / f"sys/devices/cpu_{kind}/cpus")) for kind in ("core", "atom")]
    hybrid = all(set(machine.cpu.allowed) & set(cpus) for cpus in cores)
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


def _topology(machine: Machine) -> Disturbance | None:
    if not machine.topology:
        return None
    return Disturbance(
        "topology",
        "; ".join(machine.topology),
        "the labels L1, L2 and L3 stand for the sizes that are believed, and each thread for a core by them",
        "compare with lscpu --caches on the host; sizes in bytes (--param size=16KiB) do not depend on it",
        "note",
    )


def _date(now: float) -> Disturbance | None:
    if now >= FIRST:
        return None
    return Disturbance(
        "date",
        f"the clock says {time.strftime('%Y-%m-%d', time.gmtime(now))}",
        "show, report and compare take an earlier run for the newest one",
        "set the clock (timedatectl set-ntp true; without a network: date -s)",
    )
