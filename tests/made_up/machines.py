"""Made-up machines as compact data: what their files and functions say, and what is expected of reading them.

`Made` has a machine's card, what the size labels stand for, thread counts, the order of CPUs and what disturbs
measuring there. A new one is a line of blocks of cores, the files that make it strange, and what is expected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hwbench.host import windows as api
from hwbench.host.cpuid import Processor, StatedCache

from . import windows
from .trees import CPU, THP, stat

K, M = 2**10, 2**20
Files = dict[str, str]


@dataclass(frozen=True)
class Block:
    """Cores of one kind in a package: caches as (level, size, how many cores share one)."""

    cores: int
    caches: Sequence[tuple[int, str, int]] = ()
    threads: int = 1
    capacity: int | None = None


@dataclass(frozen=True)
class Made:
    """A machine, and what is expected of it.

    `blocks` are those of each of the `packages`. `sizes` are the bytes of each label as text, `no` where it is skipped;
    `told` has a part of each disturbance's state by name, and there are no others.
    """

    name: str
    card: Mapping[str, str]
    sizes: str
    told: Mapping[str, str]
    threads: Sequence[int]
    order: Sequence[int]
    blocks: Sequence[Block] = ()
    packages: int = 1
    allowed: Sequence[int] | None = None
    files: Files = field(default_factory=dict)
    hidden: Sequence[str] = ()
    libc: Mapping[str, int] = field(default_factory=dict)
    processor: Callable[[int], Processor] | None = None
    platform: str = "linux"
    sysctl: str = ""
    windows: bytes = b""

    def write(self, root: Path) -> Path:
        """Its files below a directory, without those whose path has a word of `hidden`."""
        files = {**_sysfs(self.blocks, self.packages), **_common(self), **self.files}
        folders: dict[tuple[str, ...], str] = {}
        whole: dict[str, Files] = {}
        for name, text in files.items():
            if not any(word in name for word in self.hidden):
                folder, _, file = name.rpartition("/")
                whole.setdefault(folder, {})[file] = text
        for folder, inside in whole.items():
            here = root / folder
            if (known := folders.setdefault(tuple(inside.items()), folder)) == folder or "/index" not in folder:
                here.mkdir(parents=True, exist_ok=True)
                for file, text in inside.items():
                    (here / file).write_bytes(text.encode() + b"\n")
            else:  # a cache that another CPU has, too: thousands of files less
                here.parent.mkdir(parents=True, exist_ok=True)
                here.symlink_to(root / known)
        return root

    @property
    def mask(self) -> Sequence[int]:
        """The CPUs of the affinity mask."""
        return self.allowed if self.allowed is not None else range(_count(self.blocks, self.packages))


def _count(blocks: Sequence[Block], packages: int) -> int:
    return packages * sum(block.cores * block.threads for block in blocks)


def _sysfs(blocks: Sequence[Block], packages: int) -> Files:
    """Topology and caches; CPUs are numbered core by core, siblings side by side."""
    files: Files = {}
    first = 0
    for package in range(packages):
        last = first + _count(blocks, 1) - 1
        core = 0
        for block in blocks:
            for cpu in range(first, first + block.cores * block.threads):
                at = (cpu - first) // block.threads
                here = f"{CPU}/cpu{cpu}"
                files |= {
                    f"{here}/topology/physical_package_id": str(package), f"{here}/topology/core_id": str(core + at),
                }  # fmt: skip
                if block.capacity is not None:
                    files[f"{here}/cpu_capacity"] = str(block.capacity)
                for index, (level, size, sharers) in enumerate(block.caches):
                    begin = first + at // sharers * sharers * block.threads if sharers else last + 1 - _count(blocks, 1)
                    end = min(begin + sharers * block.threads - 1 if sharers else last, last)
                    base = f"{here}/cache/index{index}"
                    sharing = f"{begin}-{end}" if end > begin else str(begin)
                    files |= {
                        f"{base}/level": str(level), f"{base}/type": "Data" if level == 1 else "Unified",
                        f"{base}/size": size, f"{base}/shared_cpu_list": sharing,
                    }  # fmt: skip
            first += block.cores * block.threads
            core += block.cores
    return files | ({f"{CPU}/online": f"0-{first - 1}" if first > 1 else "0"} if first else {})


def _common(made: Made) -> Files:
    """What an ordinary, quiet machine with 16 GiB has beside."""
    if made.platform != "linux":
        return {}
    return {
        THP: "always [madvise] never",
        "proc/cpuinfo": "model name\t: A CPU\nflags\t: fpu avx2 fma",
        "proc/meminfo": "MemTotal: 16777216 kB\nMemAvailable: 15728640 kB",
        "proc/stat": stat(range(_count(made.blocks, made.packages))),
        "proc/loadavg": "0.00 0 0 1/9 9",
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/cgroup.procs": "",
    }


def _arm(*parts: str) -> str:
    return "\n\n".join(f"Features\t: fp asimd\nCPU implementer\t: 0x41\nCPU part\t: {part}" for part in parts)


def _mount(place: str, kind: str, source: str) -> str:
    return f"9 1 0:2 {place} {place} rw - {kind} {source} rw"


HYPERVISOR = "model name\t: A CPU\nflags\t: fpu avx2 hypervisor"
ZEN = ((1, "32K", 1), (2, "512K", 1), (3, "32M", 8))
ZEN_LIBC = {"LEVEL1_DCACHE_SIZE": 32 * K, "LEVEL2_CACHE_SIZE": 512 * K, "LEVEL3_CACHE_SIZE": 32 * M}
ZEN_LEVELS = (StatedCache(1, 32 * K, 64, 0), StatedCache(2, 512 * K, 64, 0), StatedCache(3, 32 * M, 64, 4))
ZEN_SIZES = "L1 16 KiB, L2 256 KiB, L3 16 MiB, DRAM 128 MiB"
ZEN_CARD = "L1 32 KiB (lines of 64 B, shared by 1), L2 512 KiB (lines of 64 B, shared by 1), L3 32 MiB (lines of 64 B, "


def _zen(cpu: int) -> Processor:
    return Processor(cpu, 0, 5, ZEN_LEVELS)


MACHINES = (
    Made(
        "phone with three kinds of cores",
        blocks=(
            Block(4, ((1, "32K", 1), (2, "128K", 1), (3, "8M", 0)), capacity=300),
            Block(3, ((1, "64K", 1), (2, "512K", 1), (3, "8M", 0)), capacity=900),
            Block(1, ((1, "64K", 1), (2, "1M", 1), (3, "8M", 0)), capacity=1024),
        ),
        files={
            THP: "always madvise [never]",
            "proc/cpuinfo": _arm("0xd05", "0xd41"),
            "sys/class/power_supply/battery/type": "Battery", "sys/class/power_supply/battery/status": "Discharging",
            **{f"{CPU}/cpu{cpu}/cpufreq/scaling_governor": "schedutil" for cpu in range(8)},
        },
        card={
            "CPU": "Cortex-A55 + Cortex-A78", "CPUs": "8 cores, 8 logical, 8 allowed",
            "caches": "L1 64 KiB (lines of 64 B, shared by 1), L1 32 KiB (lines of 64 B, shared by 1), "
            "L2 1 MiB (lines of 64 B, shared by 1), L2 512 KiB (lines of 64 B, shared by 1), "
            "L2 128 KiB (lines of 64 B, shared by 1), L3 8 MiB (lines of 64 B, shared by 8)",
        },
        sizes="L1 32 KiB, L2 512 KiB, L3 4 MiB, DRAM 64 MiB",
        threads=(1, 2, 4, 8), order=(7, 4, 5, 6, 0, 1, 2, 3),
        told={"battery": "discharging", "governor": "schedutil on 8 of 8", "huge pages": "never",
              "unlike cores": "3 kinds"},
    ),
    Made(
        "two sockets of 192 cores with sub-NUMA clustering",
        blocks=(Block(192, ((1, "32K", 1), (2, "4M", 4), (3, "504M", 0))),), packages=2,
        files={
            "proc/meminfo": "MemTotal: 2147483648 kB\nMemAvailable: 2147483648 kB",
            **{f"sys/devices/system/node/node{n}/cpulist": f"{64 * n}-{64 * n + 63}" for n in range(6)},
        },
        card={
            "CPUs": "384 cores, 384 logical, 384 allowed", "NUMA nodes": "6",
            "memory": "2 TiB, transparent huge pages: madvise",
            "caches": "L1 32 KiB (lines of 64 B, shared by 1), L2 4 MiB (lines of 64 B, shared by 4), "
            "L3 504 MiB (lines of 64 B, shared by 192)",
        },
        sizes="L1 16 KiB, L2 2 MiB, L3 252 MiB, DRAM 3.94 GiB",
        threads=(1, 2, 4, 8, 16, 32, 64, 128, 256, 384), order=range(384),
        told={"NUMA": "192-255; 256-319; 320-383); sub-NUMA clustering: several share an L3 of 504 MiB"},
    ),
    Made(
        "cpuset with holes on a machine of 96 CPUs",
        blocks=(Block(24, ((1, "32K", 1), (2, "512K", 1), (3, "32M", 8)), threads=2),), packages=2,
        allowed=(4, 5, 70, 71, 80, 95),
        card={"CPUs": "48 cores, 96 logical, 6 allowed", "caches": "L1 32 KiB (lines of 64 B, shared by 2), "
              "L2 512 KiB (lines of 64 B, shared by 2), L3 32 MiB (lines of 64 B, shared by 16)"},
        sizes="L1 16 KiB, L2 256 KiB, L3 16 MiB, DRAM 384 MiB",
        threads=(1, 2, 4, 6), order=(4, 70, 80, 95, 5, 71),
        told={"affinity": "6 of 96 CPUs may be used (4-5,70-71,80,95)", "SMT": "2 threads per core"},
    ),
    Made(
        "desktop with performance and efficiency cores and no capacities",
        blocks=(
            Block(4, ((1, "32K", 1), (2, "4M", 4), (3, "36M", 0))),
            Block(2, ((1, "48K", 1), (2, "2M", 1), (3, "36M", 0)), threads=2),
        ),
        files={"sys/devices/cpu_core/cpus": "4-7", "sys/devices/cpu_atom/cpus": "0-3"},
        libc={"LEVEL1_DCACHE_SIZE": 48 * K, "LEVEL2_CACHE_SIZE": 2 * M, "LEVEL3_CACHE_SIZE": 36 * M},
        card={"CPUs": "6 cores, 8 logical, 8 allowed", "caches": "L1 48 KiB (lines of 64 B, shared by 2), "
              "L1 32 KiB (lines of 64 B, shared by 1), L2 2 MiB (lines of 64 B, shared by 2), "
              "L2 4 MiB (lines of 64 B, shared by 4), L3 36 MiB (lines of 64 B, shared by 8)"},
        sizes="L1 24 KiB, L2 1 MiB, L3 18 MiB, DRAM 144 MiB",
        threads=(1, 2, 4, 8), order=(4, 6, 0, 1, 2, 3, 5, 7),
        told={"SMT": "2 threads", "unlike cores": "performance and efficiency cores"},
    ),
    Made(
        "container of LXCFS that numbers its CPUs anew",
        blocks=(Block(8, ZEN),), allowed=(5, 6), libc=ZEN_LIBC, processor=_zen,
        files={f"{CPU}/online": "0-1", "proc/stat": stat(range(2)),
               "proc/self/mountinfo": _mount("/proc/stat", "fuse.lxcfs", "lxcfs")},
        card={"CPUs": "8 cores, 8 logical, 2 allowed", "caches": ZEN_CARD + "shared by 8)", "virtual": "LXC"},
        sizes=ZEN_SIZES, threads=(1, 2), order=(5, 6),
        told={"affinity": "2 of 8 CPUs", "unseen neighbours": "made up by lxcfs",
              "topology": "online lists 0-1 and not 5-6", "container": ""},
    ),
    Made(
        "sandbox of gVisor",
        blocks=(Block(4, ZEN),), hidden=("/topology/", "/cache/"), libc=ZEN_LIBC,
        files={"proc/stat": "cpu  0 0 0 0 0 0 0 0 0 0\n" + "\n".join(f"cpu{n} 0 0 0 0 0 0 0 0 0 0" for n in range(4)),
               "proc/version": "Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016"},
        card={"CPUs": "4 cores, 4 logical, 4 allowed", "caches": ZEN_CARD + "shared by 4)", "virtual": "gVisor"},
        sizes=ZEN_SIZES, threads=(1, 2, 4), order=(0, 1, 2, 3),
        told={"pinning": "gVisor accepts affinity masks", "unseen neighbours": "/proc/stat counts nothing",
              "topology": "L1: sysfs has none, cpuid has none, sysconf has 32 KiB; sysconf is believed"},
    ),
    Made(
        "container of Sysbox that hides the nearer caches",
        blocks=(Block(4, ZEN),), hidden=("index0", "index1"), allowed=(2, 3), libc=ZEN_LIBC, processor=_zen,
        files={f"{CPU}/online": "0-1", "proc/self/mountinfo": _mount("/proc/uptime", "fuse", "sysboxfs")},
        card={"CPUs": "4 cores, 4 logical, 2 allowed", "caches": ZEN_CARD + "shared by 4)", "virtual": "Sysbox"},
        sizes=ZEN_SIZES, threads=(1, 2), order=(2, 3),
        told={"affinity": "2 of 4 CPUs", "container": "",
              "topology": "L2: sysfs has none, cpuid has 512 KiB, sysconf has"},
    ),
    Made(
        "guest whose L2 nobody tells",
        blocks=(Block(2, ((1, "32K", 1), (3, "32M", 0))),), files={"proc/cpuinfo": HYPERVISOR},
        card={"CPUs": "2 cores, 2 logical, 2 allowed", "virtual": "a hypervisor"},
        sizes="L1 16 KiB, no L2, no L3, DRAM 128 MiB", threads=(1, 2), order=(0, 1),
        told={"virtualisation": "0% of the CPUs' time has been stolen"},
    ),
    Made(
        "WSL",
        blocks=(Block(4, ((1, "48K", 1), (2, "1280K", 1), (3, "18M", 0)), threads=2),),
        files={
            "proc/cpuinfo": HYPERVISOR, "proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2",
            "sys/devices/system/clocksource/clocksource0/available_clocksource": "hyperv_clocksource_tsc_page acpi_pm",
            "sys/devices/system/clocksource/clocksource0/current_clocksource": "hyperv_clocksource_tsc_page",
        },
        card={"CPUs": "4 cores, 8 logical, 8 allowed", "virtual": "Hyper-V, WSL",
              "system": "Linux, Linux 5.15.153.1-microsoft-standard-WSL2"},
        sizes="L1 24 KiB, L2 640 KiB, L3 9 MiB, DRAM 72 MiB",
        threads=(1, 2, 4, 8), order=(0, 2, 4, 6, 1, 3, 5, 7),
        told={"SMT": "2 threads", "virtualisation": "Hyper-V, WSL"},
    ),
    Made(
        "Raspberry Pi 4",
        blocks=(Block(4, ((1, "32K", 1), (2, "1024K", 4))),),
        files={
            "proc/cpuinfo": _arm(*["0xd08"] * 4), "proc/meminfo": "MemTotal: 3884000 kB\nMemAvailable: 3400000 kB",
            **{f"{CPU}/cpu{cpu}/cpufreq/scaling_governor": "ondemand" for cpu in range(4)},
        },
        card={"CPU": "Cortex-A72", "CPUs": "4 cores, 4 logical, 4 allowed", "virtual": "no",
              "caches": "L1 32 KiB (lines of 64 B, shared by 1), L2 1 MiB (lines of 64 B, shared by 4)"},
        sizes="L1 16 KiB, L2 512 KiB, no L3, DRAM 64 MiB", threads=(1, 2, 4), order=(0, 1, 2, 3),
        told={"governor": "ondemand on 4 of 4"},
    ),
    Made(
        "Raspberry Pi whose device tree has no sizes",
        blocks=(Block(4, ((1, "", 1), (2, "", 4))),),
        files={"proc/cpuinfo": _arm(*["0xd03"] * 4), "proc/meminfo": "MemTotal: 884000 kB\nMemAvailable: 700000 kB"},
        card={"caches": "not reported"},
        sizes="no L1, no L2, no L3, no DRAM", threads=(1, 2, 4), order=(0, 1, 2, 3),
        told={"caches": "does not report them"},
    ),
    Made(
        "guest of one CPU whose /proc is unreadable",
        blocks=(Block(1, ((1, "32K", 1), (2, "1M", 1))),), hidden=("proc/stat", "proc/meminfo", "proc/loadavg"),
        files={"proc/cpuinfo": HYPERVISOR, "sys/fs/cgroup/memory.high": str(2**30), "sys/fs/cgroup/memory.max": "max",
               "sys/fs/cgroup/memory.current": str(2**29)},
        card={"CPUs": "1 cores, 1 logical, 1 allowed", "memory": "1 GiB, transparent huge pages: madvise"},
        sizes="L1 16 KiB, L2 512 KiB, no L3, DRAM 64 MiB", threads=(1,), order=(0,),
        told={"unseen neighbours": "/proc/stat cannot be read",
              "virtualisation": "how much of the CPUs' time is stolen is not known"},
    ),
    Made(
        "server with memory bound to one of two nodes",
        blocks=(Block(2, ZEN),), packages=2,
        files={
            "sys/devices/system/node/node0/cpulist": "0-1", "sys/devices/system/node/node1/cpulist": "2-3",
            "sys/devices/system/node/node1/meminfo": "Node 1 MemFree: 204800 kB",
            "proc/self/numa_maps": "7f0000000000 bind:1 file=/usr/bin/python3 mapped=1",
        },
        card={"NUMA nodes": "2", "memory": "16 GiB, transparent huge pages: madvise"},
        sizes="L1 16 KiB, L2 256 KiB, L3 16 MiB, no DRAM", threads=(1, 2, 4), order=(0, 1, 2, 3),
        told={"NUMA": "2 nodes", "bound memory": "NUMA node 1 alone"},
    ),
    Made(
        "Apple M2 Pro",
        platform="darwin",
        sysctl="machdep.cpu.brand_string: Apple M2 Pro\nhw.nperflevels: 2\nhw.cachelinesize: 128\n"
        "hw.perflevel0.logicalcpu: 6\nhw.perflevel0.physicalcpu: 6\nhw.perflevel0.l1dcachesize: 131072\n"
        "hw.perflevel0.l2cachesize: 16777216\nhw.perflevel0.cpusperl2: 3\n"
        "hw.perflevel1.logicalcpu: 4\nhw.perflevel1.physicalcpu: 4\nhw.perflevel1.l1dcachesize: 65536\n"
        "hw.perflevel1.l2cachesize: 4194304\nhw.perflevel1.cpusperl2: 4\nhw.l1dcachesize: 65536",
        card={"CPU": "Apple M2 Pro", "CPUs": "10 cores, 10 logical, 10 allowed",
              "caches": "L1 128 KiB (lines of 128 B, shared by 1), L1 64 KiB (lines of 128 B, shared by 1), "
              "L2 16 MiB (lines of 128 B, shared by 3), L2 4 MiB (lines of 128 B, shared by 4)"},
        sizes="L1 64 KiB, L2 8 MiB, no L3, DRAM 144 MiB", threads=(1, 2, 4, 8, 10), order=range(10),
        told={"pinning": "cannot be pinned"},
    ),
    Made(
        "Windows on 128 CPUs in two groups",
        platform="win32", allowed=range(64),
        windows=windows.answer(
            *(windows.package({group: 2**64 - 1}) for group in (0, 1)),
            *(windows.core(0, {group: 0b11 << at}) for group in (0, 1) for at in range(0, 64, 2)),
            *(windows.cache(level, size, {group: 0b11 << at}, kind) for group in (0, 1) for at in range(0, 64, 2)
              for level, size, kind in ((1, 48 * K, 2), (1, 32 * K, api.INSTRUCTION), (2, 2 * M, 0))),
            *(windows.cache(3, 60 * M, {group: 2**64 - 1}) for group in (0, 1)),
        ),
        card={"CPUs": "64 cores, 128 logical, 64 allowed", "caches": "L1 48 KiB (lines of 64 B, shared by 2), "
              "L2 2 MiB (lines of 64 B, shared by 2), L3 60 MiB (lines of 64 B, shared by 64)"},
        sizes="L1 24 KiB, L2 1 MiB, L3 30 MiB, DRAM 240 MiB",
        threads=(1, 2, 4, 8, 16, 32, 64), order=(*range(0, 64, 2), *range(1, 64, 2)),
        told={"affinity": "64 of 128 CPUs", "SMT": "2 threads", "pinning": "cannot be pinned"},
    ),
)  # fmt: skip
