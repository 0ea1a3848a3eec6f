"""What this machine is, and what disturbs measuring on it. Settings are read, never changed.

On Linux everything comes from files below `root` (sysfs, procfs, cgroups), which takes milliseconds and lets tests hand
in made-up machines; elsewhere from sysctl, psutil and py-cpuinfo, which say less.
"""

from __future__ import annotations

import os
import platform
import re
import socket
import sys
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

from .devices import host as system
from .devices.host import ROOT, Host, cpu_list, number, read
from .model import Cache, Cpu, Machine, Memory
from .quantity import format_bytes

# The features that decide how fast arithmetic can be; what else a CPU lists says nothing about these benches.
ISA = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "neon", "fp16", "bf16", "i8mm", "sve", "sve2", "sme",
)  # fmt: skip
ALIASES = {"asimd": "neon", "asimdhp": "fp16", "avx1_0": "avx", "sse4.2": "sse4_2", "avx1.0": "avx", "advsimd": "neon"}
# Arm's CPUs name themselves by number: linux/arch/arm64/include/asm/cputype.h.
ARM_PARTS = {
    (0x41, 0xD03): "Cortex-A53", (0x41, 0xD05): "Cortex-A55", (0x41, 0xD08): "Cortex-A72", (0x41, 0xD0B): "Cortex-A76",
    (0x41, 0xD0C): "Neoverse-N1", (0x41, 0xD40): "Neoverse-V1", (0x41, 0xD41): "Cortex-A78", (0x41, 0xD44): "Cortex-X1",
    (0x41, 0xD46): "Cortex-A510", (0x41, 0xD47): "Cortex-A710", (0x41, 0xD48): "Cortex-X2",
    (0x41, 0xD49): "Neoverse-N2", (0x41, 0xD4F): "Neoverse-V2", (0xC0, 0xAC3): "Ampere-1",
}  # fmt: skip
HYPERVISORS = (
    ("amazon ec2", "Amazon EC2"), ("google", "Google Compute Engine"), ("vmware", "VMware"),
    ("virtualbox", "VirtualBox"), ("innotek", "VirtualBox"), ("parallels", "Parallels"), ("hyperv", "Hyper-V"),
    ("virtual machine", "Hyper-V"), ("firecracker", "Firecracker"), ("qemu", "QEMU"), ("kvm", "KVM"), ("xen", "Xen"),
)  # fmt: skip
# Device names on Windows, which cannot be directories there even with a suffix.
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))}
# Hostnames that say nothing: defaults, and the twelve hex digits that a container gets.
NAMELESS = re.compile(r"(localhost.*|localdomain|vm|debian|ubuntu|[0-9a-f]{12}|)", re.IGNORECASE)

# CuPy and what it compiles with, by CUDA generation.
GPU_PACKAGES = {
    "cupy": ("cupy-cuda13x", "cupy-cuda12x", "cupy"),
    "nvrtc": ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"),
    "nvml": ("nvidia-ml-py",),
}

Severity = Literal["note", "warning"]


class Disturbance(msgspec.Struct, frozen=True):
    """Something that bends figures: how it stands now, which figures it bends and how, and what one can do.

    A `warning` makes figures wrong or unrepeatable; a `note` is to be known when reading them.
    """

    name: str
    state: str
    affects: str
    remedy: str
    severity: Severity = "warning"


# --- what it is -------------------------------------------------------------------------------------------------------


def describe(name: str | None = None, root: Path = ROOT, host: Host | None = None) -> Machine:
    """Describe this machine, called `name` (else after its hostname, or its CPU where that says nothing).

    `root` and `host` are for made-up machines; without them the real one is read.
    """
    host = system.read_host(root) if host is None else host
    linux = sys.platform == "linux"
    cpu = _linux_cpu(root, host) if linux else _other_cpu(host)
    return Machine(
        name=safe_name(name if name is not None else default_name(cpu)),
        cpu=cpu,
        memory=Memory(total=_linux_memory(root) if linux else _other_memory(), huge_pages=host.huge_policy),
        numa=_numa(root) if linux else [],
        virtual=virtual(root) if linux else None,
        os=_linux_name(root) if linux else platform.platform(),
    )


def safe_name(text: str) -> str:
    """`text` as a name that is a directory anywhere: letters, digits, `.`, `_`, `-`, 64 at most; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"-*[^A-Za-z0-9._-]+-*", "-", plain)[:64].strip(".-_ ")
    if not name:
        return "machine"
    return f"{name}-machine"[:64] if name.partition(".")[0].lower() in RESERVED else name


def default_name(cpu: Cpu) -> str:
    """The hostname up to its first dot; the CPU's model and count where it is a default or a container's number."""
    hostname = socket.gethostname().partition(".")[0]
    if not NAMELESS.fullmatch(hostname):
        return hostname
    model = re.sub(r"\((R|TM|C)\)|\b(CPU|Processor)\b|@.*", " ", cpu.model, flags=re.IGNORECASE)
    return f"{'-'.join(model.lower().split())}-{len(cpu.allowed) or cpu.logical}cpu"


def _caches(host: Host) -> list[Cache]:
    """Each kind of cache once; a machine has many alike."""
    kinds = {(cache.level, cache.bytes, cache.line, len(cache.cpus)): None for cache in host.caches}
    return [Cache(*kind) for kind in sorted(kinds)]


def _linux_cpu(root: Path, host: Host) -> Cpu:
    text = read(root / "proc/cpuinfo") or ""
    logical = len(host.online) or len(host.allowed)
    cores = {host.cores.get(cpu, (-1, cpu)) for cpu in host.online}
    siblings = [sum(host.cores.get(other) == core for other in host.online) for core in cores]
    return Cpu(
        model=cpu_model(text),
        arch=platform.machine(),
        isa=isa(text),
        logical=logical,
        physical=len(cores) or logical,
        smt=max(1, max(siblings, default=1)),
        allowed=list(host.allowed),
        quota=host.quota,
        caches=_caches(host),
    )


def cpu_model(cpuinfo: str) -> str:
    """The processor's name in the text of `/proc/cpuinfo`; several, joined by +, where cores differ."""
    fields = [(key.strip(), value.strip()) for key, _, value in (row.partition(":") for row in cpuinfo.splitlines())]
    for wanted in ("model name", "cpu model", "cpu"):  # x86; MIPS, LoongArch; POWER
        if names := [value for key, value in fields if key.lower() == wanted and value]:
            return " + ".join(dict.fromkeys(names))
    maker = next((int(value, 16) for key, value in fields if key == "CPU implementer"), None)
    parts = dict.fromkeys(int(value, 16) for key, value in fields if key == "CPU part")
    if maker is not None and parts:
        return " + ".join(ARM_PARTS.get((maker, part), f"Arm CPU {maker:#x}:{part:#x}") for part in parts)
    return platform.processor() or f"unknown {platform.machine()} CPU"


def isa(text: str) -> list[str]:
    """The features of ISA that a text of flags names: `/proc/cpuinfo`, or what sysctl and py-cpuinfo list."""
    words = {ALIASES.get(word, word) for word in re.findall(r"[a-z0-9_.]+", text.lower())}
    return [feature for feature in ISA if feature in words]


def _linux_memory(root: Path) -> int:
    total = re.search(r"^MemTotal:\s+(\d+) kB", read(root / "proc/meminfo") or "", re.MULTILINE)
    limit = system.memory_limit(root)
    sizes = [int(total[1]) * 1024] if total else []
    return min([*sizes, *([limit[0]] if limit else [])], default=0)


def _numa(root: Path) -> list[list[int]]:
    nodes = (root / "sys/devices/system/node").glob("node[0-9]*")
    found = (list(cpu_list(read(node / "cpulist"))) for node in sorted(nodes, key=lambda node: int(node.name[4:])))
    return [cpus for cpus in found if cpus]  # memory-only nodes have none


def _linux_name(root: Path) -> str:
    release = re.search(r'^PRETTY_NAME="?(.*?)"?$', read(root / "etc/os-release") or "", re.MULTILINE)
    kernel = read(root / "proc/sys/kernel/osrelease") or platform.release()
    return f"{release[1] if release else 'Linux'}, Linux {kernel}"


def virtual(root: Path = ROOT) -> str | None:
    """The hypervisor and the container this runs in, as far as they show; None on bare metal."""
    found = [name for name in (_hypervisor(root), _container(root)) if name]
    return ", ".join(found) or None


def _hypervisor(root: Path) -> str | None:
    dmi = root / "sys/class/dmi/id"
    told = [
        *(read(dmi / name) for name in ("sys_vendor", "product_name", "board_vendor")),
        read(root / "sys/hypervisor/type"),
        read(root / "proc/device-tree/hypervisor/compatible"),
        read(root / "sys/devices/system/clocksource/clocksource0/available_clocksource"),  # kvm-clock
    ]
    text = " ".join(part for part in told if part).lower()
    flagged = re.search(r"^flags\b.*\bhypervisor\b", read(root / "proc/cpuinfo") or "", re.MULTILINE)
    # A bare-metal Google or EC2 host says so in DMI, but its CPUs have no hypervisor flag; Arm has no such flag.
    x86 = re.search(r"^flags\b", read(root / "proc/cpuinfo") or "", re.MULTILINE)
    if x86 and not flagged:
        return None
    return next((name for sign, name in HYPERVISORS if sign in text), "a hypervisor" if flagged else None)


def _container(root: Path) -> str | None:
    if (root / ".dockerenv").exists():
        return "Docker"
    if (root / "run/.containerenv").exists():
        return "Podman"
    groups = read(root / "proc/self/cgroup") or ""
    for sign, name in (("kubepods", "Kubernetes"), ("docker", "Docker"), ("lxc", "LXC")):
        if sign in groups:
            return name
    return "WSL" if "microsoft" in (read(root / "proc/sys/kernel/osrelease") or "").lower() else None


def _other_cpu(host: Host) -> Cpu:
    """The CPU on macOS (sysctl) and Windows (py-cpuinfo, which takes a second)."""
    import psutil

    if sys.platform == "darwin":
        text = system.sysctl()
        brand = re.search(r"^machdep\.cpu\.brand_string: (.+)$", text, re.MULTILINE)
        model = brand[1] if brand else platform.processor()
        features = re.findall(r"^machdep\.cpu\.\w*features: (.+)$", text, re.MULTILINE)
        features += re.findall(r"^hw\.optional\.(?:arm\.FEAT_|neon|AdvSIMD)?(\w*): 1$", text, re.MULTILINE)
        if platform.machine() == "arm64":
            features.append("neon")  # every 64-bit Arm CPU has it
    else:
        import cpuinfo

        info = cpuinfo.get_cpu_info()
        model, features = info.get("brand_raw") or platform.processor(), info.get("flags", [])
    logical = len(host.online)
    physical = psutil.cpu_count(logical=False) or logical
    return Cpu(
        model=model or f"unknown {platform.machine()} CPU",
        arch=platform.machine(),
        isa=isa(" ".join(features)),
        logical=logical,
        physical=physical,
        smt=max(1, logical // physical),
        allowed=list(host.allowed),
        caches=_caches(host),
    )


def _other_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().total)


def software() -> dict[str, Any]:
    """The versions that figures depend on, and which BLAS and which threading layer of Numba do the work.

    Imports NumPy and Numba, and starts Numba's pool: its layer is not known before.
    """
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, Any] = {"python": f"{platform.python_version()} ({platform.python_implementation()})"}
    for package in ("numpy", "scipy", "numba", "llvmlite"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    for name, distributions in GPU_PACKAGES.items():  # absent where nothing is installed for GPUs
        for package in distributions:
            with suppress(PackageNotFoundError):
                found.setdefault(name, f"{version(package)} ({package})")
    found["blas"] = _blas()
    import numba

    found["numba_threads"] = numba.get_num_threads()
    found["threading_layer"] = numba.threading_layer()  # type: ignore[attr-defined,unused-ignore]
    found["os"] = f"{platform.system()} {platform.release()}"
    return found


def _blas() -> str | None:
    """`openblas 0.3.31 (SkylakeX, pthreads, 2 threads)`."""
    import numpy as np
    import threadpoolctl

    for pool in threadpoolctl.threadpool_info():
        if pool.get("user_api") == "blas":
            how = [pool.get("architecture"), pool.get("threading_layer"), f"{pool.get('num_threads')} threads"]
            return f"{pool.get('internal_api')} {pool.get('version')} ({', '.join(word for word in how if word)})"
    # Accelerate is no library that threadpoolctl knows
    built = np.show_config(mode="dicts") or {}
    return (built.get("Build Dependencies") or {}).get("blas", {}).get("name")


# --- what disturbs ----------------------------------------------------------------------------------------------------


def disturbances(machine: Machine, root: Path = ROOT) -> list[Disturbance]:
    """What will bend figures on this machine now, warnings first."""
    found: list[Disturbance | None] = [_quota(machine), _affinity(machine), _smt(machine), _nodes(machine)]
    if sys.platform == "linux":
        found += [
            _neighbours(machine, _load(root)), _governor(machine, root), _turbo(root), _huge_pages(machine),
            _swap(root), _virtual(machine, root), _numa_balancing(machine, root), _battery(root),
            _unlike_cores(machine, root),
        ]  # fmt: skip
    else:
        found += [_neighbours(machine, _load_elsewhere(machine)), _no_pinning(), _battery_elsewhere()]
    found.append(_unknown_caches(machine))
    there = [one for one in found if one is not None]
    return sorted(there, key=lambda one: one.severity != "warning")


def _ranges(cpus: Iterable[int]) -> str:
    """(0, 1, 2, 8) as `0-2,8`."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and runs[-1][-1] == cpu - 1:
            runs[-1].append(cpu)
        else:
            runs.append([cpu])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _quota(machine: Machine) -> Disturbance | None:
    quota = machine.cpu.quota
    if quota is None or quota >= len(machine.cpu.allowed):
        return None
    return Disturbance(
        "CPU quota",
        f"the cgroup grants {quota:g} of {len(machine.cpu.allowed)} CPUs",
        "more threads than that are stopped in the middle of samples; thread counts end at the whole CPUs granted",
        "start the container without a quota (Docker: --cpuset-cpus, no --cpus; Kubernetes: whole CPUs, static policy)",
    )


def _affinity(machine: Machine) -> Disturbance | None:
    cpu = machine.cpu
    if not cpu.allowed or len(cpu.allowed) >= cpu.logical:
        return None
    return Disturbance(
        "affinity",
        f"{len(cpu.allowed)} of {cpu.logical} CPUs may be used ({_ranges(cpu.allowed)})",
        "figures for all threads are of these CPUs, not of the machine; who has the others shares caches and memory",
        "start without taskset, or in a container without --cpuset-cpus, to measure the whole machine",
        "note",
    )


def _smt(machine: Machine) -> Disturbance | None:
    if machine.cpu.smt < 2:
        return None
    return Disturbance(
        "SMT",
        f"{machine.cpu.smt} threads a core",
        "threads beyond the cores share ports, L1 and L2 with a sibling: little is gained there; anybody's work on a "
        "sibling slows ours without showing as load on our CPU",
        "keep the machine idle; to measure cores alone: echo off | sudo tee /sys/devices/system/cpu/smt/control",
        "note",
    )


def _nodes(machine: Machine) -> Disturbance | None:
    if len(machine.numa) < 2:
        return None
    nodes = "; ".join(_ranges(cpus) for cpus in machine.numa)
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
        return float((read(root / "proc/loadavg") or "").split()[0])
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
        f"{load:.2f} threads were runnable on average over the last minute, on {len(machine.cpu.allowed)} CPUs",
        "everything with more than one thread, and memory bandwidth with any; such rounds become suspect",
        "stop other work (top shows it) and wait a minute",
    )


def _governor(machine: Machine, root: Path) -> Disturbance | None:
    base = root / "sys/devices/system/cpu"
    governors = {cpu: read(base / f"cpu{cpu}/cpufreq/scaling_governor") for cpu in machine.cpu.allowed}
    slow = {cpu: name for cpu, name in governors.items() if name not in (None, "performance")}
    if not slow:
        return None
    names = " and ".join(sorted({name for name in slow.values() if name}))
    driver = read(base / f"cpu{next(iter(slow))}/cpufreq/scaling_driver") or ""
    # intel_pstate and amd-pstate-epp call "powersave" what reaches the full clock under load, only a little later
    own = "pstate" in driver and set(slow.values()) == {"powersave"}
    return Disturbance(
        "governor",
        f"{names} on {len(slow)} of {len(governors)} CPUs" + (f" ({driver})" if driver else ""),
        "the clock rises only under load and after a while: latency, and the first samples of short calls, read slow",
        "sudo cpupower frequency-set -g performance",
        "note" if own else "warning",
    )


def _turbo(root: Path) -> Disturbance | None:
    base = root / "sys/devices/system/cpu"
    for switch, on, off in ((base / "intel_pstate/no_turbo", 0, 1), (base / "cpufreq/boost", 1, 0)):
        if number(switch) == on:
            path = f"/{switch.relative_to(root)}"
            return Disturbance(
                "turbo",
                "on",
                "the clock depends on temperature, on vector width and on how many cores work: one thread's figures "
                "are no measure for all, and a warm machine reads lower",
                f"leave it on to know the best; for runs that are to agree: echo {off} | sudo tee {path}",
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
            "arrays lie on huge pages as the kernel happens to find them: latency varies by 10–30% from run to run",
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
    hypervisor = _hypervisor(root)
    stolen = steal_share(read(root / "proc/stat") or "")
    if hypervisor is None and stolen < 0.001:
        return None
    return Disturbance(
        "virtualisation",
        f"{machine.virtual or 'a virtual machine'}; {stolen:.1%} of the CPUs' time was stolen since boot",
        "strangers share the last-level cache, memory bandwidth and turbo; reported caches may be larger than what is "
        "there; steal stretches samples, and such rounds become suspect",
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
    values = dict(re.findall(r"^(\w+):\s+(\d+) kB", read(root / "proc/meminfo") or "", re.MULTILINE))
    used = (int(values.get("SwapTotal", 0)) - int(values.get("SwapFree", 0))) * 1024
    if used < 2**26:  # some 10 MiB of idle pages lie there on any machine that has been up for a while
        return None
    return Disturbance(
        "swap",
        f"{format_bytes(used)} in use",
        "memory is or was short: pages of ours may be read back from disk inside a sample",
        "end what takes the memory, then: sudo swapoff -a && sudo swapon -a",
    )


def _numa_balancing(machine: Machine, root: Path) -> Disturbance | None:
    if len(machine.numa) < 2 or not number(root / "proc/sys/kernel/numa_balancing"):
        return None
    return Disturbance(
        "NUMA balancing",
        "on",
        "the kernel unmaps pages to see who uses them and moves them between nodes: faults and jumps in memory figures",
        "sudo sysctl kernel.numa_balancing=0",
    )


def _battery(root: Path) -> Disturbance | None:
    supplies = sorted((root / "sys/class/power_supply").glob("*"))
    told = [[read(supply / what) for what in ("type", "status", "scope")] for supply in supplies]
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
        "firmware limits power and clock: everything reads slower, and slower the longer it runs",
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
        "work shared out evenly takes as long as on the slowest core; an unpinned thread reads as the core it is on",
        "taskset -c with the CPUs of one kind (lscpu --all --extended shows them)",
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
        "size labels L1, L2 and L3 stand for nothing here, and such cases are skipped",
        "give sizes in bytes: --param size=16KiB",
    )
