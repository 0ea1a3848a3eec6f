"""What this machine is: CPU, caches, memory, NUMA, hypervisor, and the software that figures depend on.

On Linux everything comes from files below `root` (sysfs, procfs, cgroups): that takes milliseconds, and tests pass in
made-up machines. Elsewhere it comes from sysctl, psutil and py-cpuinfo, which say less.
"""

from __future__ import annotations

import platform
import re
import socket
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..record import microarchitectures
from ..record.model import Cache, Cpu, Machine, Memory
from . import affinity, cpu_numbers, interpreter, macos, memory, nodes, numba_pool, settings, system
from .numba_pool import ThreadPool
from .pseudo_files import ROOT, mounted, read_text
from .system import Host

# The features that decide how fast arithmetic can be; the other flags of a CPU do not matter to these benches.
# A feature added here makes another machine of each that has it: `record.identity` must leave it out for older runs.
ISA = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "neon", "fp16", "bf16", "i8mm", "sve", "sve2", "sme",
)  # fmt: skip
ALIASES = {"asimd": "neon", "asimdhp": "fp16", "avx1_0": "avx", "sse4.2": "sse4_2", "avx1.0": "avx", "advsimd": "neon"}
HYPERVISORS = (
    ("amazon ec2", "Amazon EC2"), ("google", "Google Compute Engine"), ("vmware", "VMware"),
    ("virtualbox", "VirtualBox"), ("innotek", "VirtualBox"), ("parallels", "Parallels"), ("hyperv", "Hyper-V"),
    ("virtual machine", "Hyper-V"), ("firecracker", "Firecracker"), ("qemu", "QEMU"), ("kvm", "KVM"), ("xen", "Xen"),
)  # fmt: skip
# Device names on Windows: no directory can have one, even with a suffix.
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))}
# Hostnames that say nothing: defaults, and the twelve hex digits of a container.
NAMELESS = re.compile(r"(localhost.*|localdomain|vm|debian|ubuntu|[0-9a-f]{12}|)", re.IGNORECASE)
# What gVisor's kernel says of itself: older ones pretend to be a Linux that was built at this moment.
GVISOR = re.compile(r"gvisor|#1 SMP Sun Jan 10 15:06:54 PST 2016", re.IGNORECASE)

# CuPy and what it compiles with, by CUDA generation.
GPU_PACKAGES = {
    "cupy": ("cupy-cuda13x", "cupy-cuda12x", "cupy-rocm-7-0", "cupy"),
    "nvrtc": ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"),
    "nvml": ("nvidia-ml-py",),
}

# --- what it is -------------------------------------------------------------------------------------------------------


def describe(name: str | None = None, root: Path = ROOT, host: Host | None = None) -> Machine:
    """Describe this machine, called `name`; else by its hostname, or by its CPU where the hostname is a default.

    `root` and `host` are for made-up machines; without them the real one is read.
    """
    host = system.read_host(root) if host is None else host
    linux = sys.platform == "linux"
    cpu = _linux_cpu(root, host) if linux else _other_cpu(host)
    return Machine(
        name=safe_name(name if name is not None else default_name(cpu)),
        cpu=cpu,
        memory=Memory(total=memory.total(root) if linux else _other_memory(), huge_pages=host.huge_policy),
        numa=_numa(root) if linux else [],
        virtual=virtual(root) if linux else None,
        os=_linux_name(root) if linux else platform.platform(),
        settings=settings.settings(root, host.allowed) if linux else {},
        topology=[note[: settings.LONGEST] for note in host.notes],
    )


def safe_name(text: str) -> str:
    """`text` as a directory name on any system: at most 64 letters, digits, `.`, `_`, `-`; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = re.sub(r"-*[^A-Za-z0-9._-]+-*", "-", plain)[:64].strip(".-_ ")
    if not name:
        return "machine"
    return f"{name}-machine"[:64] if name.partition(".")[0].lower() in RESERVED else name


def default_name(cpu: Cpu) -> str:
    """The hostname up to its first dot; the CPU's name and count where that is a default or a container's number."""
    hostname = socket.gethostname().partition(".")[0]
    if not NAMELESS.fullmatch(hostname):
        return hostname
    return microarchitectures.machine_name(cpu)


def _caches(host: Host) -> list[Cache]:
    """Each kind of cache once, by level, and of a level first that of the CPUs which threads get first."""
    rank = {cpu: place for place, cpu in enumerate(host.order)}
    kinds: dict[tuple[int, int, int, int], int] = {}
    for cache in host.caches:
        kind = (cache.level, cache.bytes, cache.line, len(cache.cpus))
        first = min(rank.get(cpu, len(rank)) for cpu in cache.cpus)
        kinds[kind] = min(first, kinds.get(kind, first))
    return [Cache(*kind) for kind in sorted(kinds, key=lambda kind: (kind[0], kinds[kind], kind))]


def _linux_cpu(root: Path, host: Host) -> Cpu:
    text = read_text(root / "proc/cpuinfo") or ""
    logical, physical, smt = _counts(host)
    return cpu_numbers.numbered(Cpu(
        model=cpu_model(text),
        arch=platform.machine(),
        isa=isa(text),
        logical=logical,
        physical=physical,
        smt=smt,
        allowed=list(host.allowed),
        quota=host.quota,
        caches=_caches(host),
    ), cpu_numbers.of_cpuinfo(text))  # fmt: skip


def _counts(host: Host) -> tuple[int, int, int]:
    """Logical CPUs, cores, and threads of a core."""
    cores = Counter(host.cores.get(cpu, (-1, cpu)) for cpu in host.online or host.allowed)
    return cores.total(), len(cores), max(cores.values(), default=1)


def cpu_model(cpuinfo: str) -> str:
    """The processor's name in the text of `/proc/cpuinfo`; names joined by + where cores differ."""
    fields = [(key.strip(), value.strip()) for key, _, value in (row.partition(":") for row in cpuinfo.splitlines())]
    for wanted in ("model name", "cpu model", "cpu"):  # x86; MIPS, LoongArch; POWER
        if names := [value for key, value in fields if key.lower() == wanted and value]:
            return " + ".join(dict.fromkeys(names))
    maker = next((int(value, 16) for key, value in fields if key == "CPU implementer"), None)
    parts = dict.fromkeys(int(value, 16) for key, value in fields if key == "CPU part")
    if maker is not None and parts:
        return " + ".join(
            microarchitectures.ARM_PARTS.get((maker, part), f"Arm CPU {maker:#x}:{part:#x}") for part in parts
        )
    return platform.processor() or f"unknown {platform.machine()} CPU"


def isa(text: str) -> list[str]:
    """The features of ISA among the flags of a text: `/proc/cpuinfo`, or what sysctl and py-cpuinfo list."""
    words = {ALIASES.get(word, word) for word in re.findall(r"[a-z0-9_.]+", text.lower())}
    return [feature for feature in ISA if feature in words]


def _numa(root: Path) -> list[list[int]]:
    return [list(cpus) for cpus in nodes.read(root).values() if cpus]  # memory-only nodes have none


def _linux_name(root: Path) -> str:
    release = re.search(r'^PRETTY_NAME="?(.*?)"?$', read_text(root / "etc/os-release") or "", re.MULTILINE)
    kernel = read_text(root / "proc/sys/kernel/osrelease") or platform.release()
    return f"{release[1] if release else 'Linux'}, Linux {kernel}"


def virtual(root: Path = ROOT) -> str | None:
    """The hypervisor and the container, where they can be detected; None on bare metal."""
    found = [name for name in (hypervisor(root), container(root)) if name]
    return ", ".join(found) or None


def hypervisor(root: Path) -> str | None:
    """The hypervisor this runs under; None on bare metal."""
    dmi = root / "sys/class/dmi/id"
    told = [
        *(read_text(dmi / name) for name in ("sys_vendor", "product_name", "board_vendor")),
        read_text(root / "sys/hypervisor/type"),
        read_text(root / "proc/device-tree/hypervisor/compatible"),
        read_text(root / "sys/devices/system/clocksource/clocksource0/available_clocksource"),  # kvm-clock
    ]
    text = " ".join(part for part in told if part).lower()
    flagged = re.search(r"^flags\b.*\bhypervisor\b", read_text(root / "proc/cpuinfo") or "", re.MULTILINE)
    # DMI of a bare-metal Google or EC2 host names the vendor too, but its x86 CPUs lack the hypervisor flag.
    x86 = re.search(r"^flags\b", read_text(root / "proc/cpuinfo") or "", re.MULTILINE)
    if x86 and not flagged:
        return None
    return next((name for sign, name in HYPERVISORS if sign in text), "a hypervisor" if flagged else None)


def container(root: Path) -> str | None:
    """The kind of container that this process is in; None outside of one, or where it cannot be told."""
    if (root / ".dockerenv").exists():
        return "Docker"
    if (root / "run/.containerenv").exists():
        return "Podman"
    groups = read_text(root / "proc/self/cgroup") or ""
    for sign, name in (("kubepods", "Kubernetes"), ("docker", "Docker"), ("lxc", "LXC")):
        if sign in groups:
            return name
    for place in ("/proc/stat", "/proc/uptime"):
        kind, source = mounted(root, place) or ("", "")
        if kind.startswith("fuse"):
            return {"lxcfs": "LXC", "sysboxfs": "Sysbox"}.get(source, source)
    if GVISOR.search(read_text(root / "proc/version") or ""):
        return "gVisor"
    return "WSL" if "microsoft" in (read_text(root / "proc/sys/kernel/osrelease") or "").lower() else None


def _other_cpu(host: Host) -> Cpu:
    """The CPU on macOS (sysctl) and Windows (py-cpuinfo, which takes a second)."""
    if sys.platform == "darwin":
        text = macos.sysctl()
        numbers = cpu_numbers.of_sysctl(text)
        brand = re.search(r"^machdep\.cpu\.brand_string: (.+)$", text, re.MULTILINE)
        model = brand[1] if brand else platform.processor()
        features = re.findall(r"^machdep\.cpu\.\w*features: (.+)$", text, re.MULTILINE)
        features += re.findall(r"^hw\.optional\.(?:arm\.FEAT_|neon|AdvSIMD)?(\w*): 1$", text, re.MULTILINE)
        if platform.machine() == "arm64":
            features.append("neon")  # every 64-bit Arm CPU has it
    else:
        import cpuinfo

        info = cpuinfo.get_cpu_info()
        numbers = cpu_numbers.of_py_cpuinfo(info)
        model, features = info.get("brand_raw") or platform.processor(), info.get("flags", [])
    logical, physical, smt = _counts(host)
    return cpu_numbers.numbered(Cpu(
        model=model or f"unknown {platform.machine()} CPU",
        arch=platform.machine(),
        isa=isa(" ".join(features)),
        logical=logical,
        physical=physical,
        smt=smt,
        allowed=list(host.allowed),
        caches=_caches(host),
    ), numbers)  # fmt: skip


def _other_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().total)


def software(pool: Callable[[], ThreadPool] = numba_pool.started) -> dict[str, str | int | None]:
    """The versions that figures depend on, the BLAS, and Numba's threads. Imports NumPy.

    The calling thread keeps its CPUs, whatever OpenMP is told to bind.
    """
    from importlib.metadata import PackageNotFoundError, version

    found: dict[str, str | int | None] = {"python": f"{platform.python_version()} ({platform.python_implementation()})"}
    found["gil"] = interpreter.gil()
    for package in ("numpy", "scipy", "numba", "llvmlite"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    for name, distributions in GPU_PACKAGES.items():  # absent where nothing is installed for GPUs
        for package in distributions:
            with suppress(PackageNotFoundError):
                found.setdefault(name, f"{version(package)} ({package})")
    with affinity.kept():
        found["blas"] = _blas()
        threads = pool()
    found["numba_threads"], found["threading_layer"] = threads.threads, threads.layer
    found["os"] = f"{platform.system()} {platform.release()}"
    return found


def _blas() -> str | None:
    """NumPy's: `openblas 0.3.31 (SkylakeX, pthreads, 2 threads)`."""
    import numpy as np
    import threadpoolctl

    pools = [pool for pool in threadpoolctl.threadpool_info() if pool.get("user_api") == "blas"]
    if pools:
        # SciPy brings another one, and their order depends on what was imported first.
        pool = min(pools, key=lambda pool: "numpy" not in Path(pool.get("filepath", "")).parent.name)
        how = [pool.get("architecture"), pool.get("threading_layer"), f"{pool.get('num_threads')} threads"]
        return f"{pool.get('internal_api')} {pool.get('version')} ({', '.join(word for word in how if word)})"
    # threadpoolctl does not know Accelerate.
    built = np.show_config(mode="dicts") or {}
    return (built.get("Build Dependencies") or {}).get("blas", {}).get("name")
