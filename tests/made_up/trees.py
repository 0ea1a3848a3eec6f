"""Made-up machines: the files of `/proc` and `/sys` that hwbench reads, below a directory of the test's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

CPU = "sys/devices/system/cpu"
THP = "sys/kernel/mm/transparent_hugepage/enabled"


def write(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def cpus(
    count: int, core: dict[int, tuple[int, int]], caches: list[tuple[int, str, str, dict[int, str]]]
) -> dict[str, str]:
    """`core` gives (package, core) of a CPU; `caches` are (level, type, size, sharers by CPU)."""
    files = {f"{CPU}/online": f"0-{count - 1}"}
    for cpu in range(count):
        package, index = core[cpu]
        files[f"{CPU}/cpu{cpu}/topology/physical_package_id"] = str(package)
        files[f"{CPU}/cpu{cpu}/topology/core_id"] = str(index)
        for i, (level, kind, size, sharers) in enumerate(caches):
            base = f"{CPU}/cpu{cpu}/cache/index{i}"
            files |= {
                f"{base}/level": str(level), f"{base}/type": kind, f"{base}/size": size,
                f"{base}/coherency_line_size": "64", f"{base}/shared_cpu_list": sharers[cpu],
            }  # fmt: skip
    return files


def stat(cpus: Iterable[int], stolen: int = 0) -> str:
    """`/proc/stat` of CPUs that were busy for half of the time; `stolen` in thousandths."""
    one = f"500 0 0 {500 - stolen} 0 0 0 {stolen} 0 0"
    return "\n".join([f"cpu  {one}", *(f"cpu{cpu} {one}" for cpu in cpus), "intr 1 2 3"])


def intel(root: Path) -> Path:
    """Bare metal: two sockets of two cores with SMT, cores numbered first; powersave, turbo, THP always, swap, load."""
    core = {cpu: (cpu // 2 % 2, cpu % 2) for cpu in range(8)}
    pair = {cpu: f"{cpu % 4},{cpu % 4 + 4}" for cpu in range(8)}
    socket = {cpu: "0-1,4-5" if cpu % 4 < 2 else "2-3,6-7" for cpu in range(8)}
    files = cpus(8, core, [(1, "Data", "48K", pair), (1, "Instruction", "32K", pair), (2, "Unified", "2M", pair),
                           (3, "Unified", "30720K", socket)])  # fmt: skip
    files |= {f"{CPU}/cpu{cpu}/cpufreq/scaling_governor": "powersave" for cpu in range(8)}
    files |= {f"{CPU}/cpu{cpu}/cpufreq/scaling_driver": "intel_pstate" for cpu in range(8)}
    files |= {
        f"{CPU}/intel_pstate/no_turbo": "0",
        THP: "[always] madvise never",
        "sys/devices/system/node/node0/cpulist": "0-1,4-5",
        "sys/devices/system/node/node1/cpulist": "2-3,6-7",
        "sys/devices/system/node/node10/cpulist": "",
        "sys/class/dmi/id/sys_vendor": "Dell Inc.",
        "sys/class/power_supply/hidpp0/type": "Battery",
        "sys/class/power_supply/hidpp0/status": "Discharging",
        "sys/class/power_supply/hidpp0/scope": "Device",
        "proc/cpuinfo": "model name\t: Intel(R) Xeon(R) Gold 6430\nflags\t: fpu sse4_2 avx avx2 fma avx512f amx_tile\n"
        * 8,
        "proc/meminfo": "MemTotal:       65536000 kB\nSwapTotal:       2097152 kB\nSwapFree:         1048576 kB",
        "proc/stat": stat(range(8)),
        "proc/loadavg": "3.50 2.00 1.00 4/500 12345",
        "proc/self/cgroup": "0::/user.slice/session.scope",
        "proc/sys/kernel/numa_balancing": "1",
        "proc/sys/kernel/osrelease": "6.8.0",
        "etc/os-release": 'NAME="X"\nPRETTY_NAME="Debian 12"',
        "sys/fs/cgroup/cgroup.controllers": "cpu memory",
        "sys/fs/cgroup/user.slice/session.scope/cpu.max": "max 100000",
    }
    return write(root, files)


def container(root: Path, version: int) -> Path:
    """A container with 1.5 CPUs and 4 GiB on a machine with 64 CPUs; the limits stand in cgroups of `version`."""
    alone = {cpu: str(cpu) for cpu in range(64)}
    every = dict.fromkeys(range(64), "0-63")
    files = cpus(64, {cpu: (0, cpu) for cpu in range(64)}, [(1, "Data", "32K", alone), (2, "Unified", "1024K", alone),
                                                          (3, "Unified", "260M", every)])  # fmt: skip
    files |= {
        THP: "always [madvise] never",
        "proc/cpuinfo": "model name\t: AMD EPYC 9B14\nflags\t\t: fpu avx2 hypervisor\n" * 64,
        "proc/meminfo": "MemTotal:      263000000 kB",
        "proc/stat": stat(range(64), stolen=50),
        "proc/loadavg": "0.10 0.10 0.10 1/80 99",
        "sys/class/dmi/id/sys_vendor": "Google",
        "sys/class/dmi/id/product_name": "Google Compute Engine",
    }
    if version == 2:
        files |= {
            "proc/self/cgroup": "0::/",
            "sys/fs/cgroup/cgroup.procs": "",
            "sys/fs/cgroup/cpu.max": "150000 100000",
            "sys/fs/cgroup/cpu.stat": "usage_usec 5\nnr_throttled 3\nthrottled_usec 2500000",
            "sys/fs/cgroup/memory.max": "4294967296",
            "sys/fs/cgroup/memory.current": "1073741824",
            "sys/fs/cgroup/memory.stat": "anon 5\ninactive_file 536870912",
        }
    else:
        base = "sys/fs/cgroup/cpu,cpuacct"
        files |= {
            # the path is the host's: it does not exist below the container's mount
            "proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n0::/docker/abc",
            f"{base}/cpu.cfs_quota_us": "150000",
            f"{base}/cpu.cfs_period_us": "100000",
            f"{base}/cpu.stat": "nr_periods 9\nnr_throttled 3\nthrottled_time 2500000000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "4294967296",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "1073741824",
            "sys/fs/cgroup/memory/memory.stat": "cache 5\ntotal_inactive_file 536870912",
            "sys/fs/cgroup/unified/cgroup.procs": "",
            ".dockerenv": "",
        }
    return write(root, files)


def arm(root: Path) -> Path:
    """Arm big.LITTLE: CPUs 0-3 small, 4-5 large; a cluster's L2 is shared, there is no L3; on battery."""
    cluster = {cpu: "0-3" if cpu < 4 else "4-5" for cpu in range(6)}
    files = cpus(6, {cpu: (0, cpu) for cpu in range(6)}, [(1, "Data", "32K", {cpu: str(cpu) for cpu in range(6)}),
                                                         (2, "Unified", "1M", cluster)])  # fmt: skip
    files |= {f"{CPU}/cpu{cpu}/cpu_capacity": "485" if cpu < 4 else "1024" for cpu in range(6)}
    little = "Features\t: fp asimd asimdhp\nCPU implementer\t: 0x41\nCPU part\t: 0xd03\n\n"
    big = "Features\t: fp asimd asimdhp\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n\n"
    files |= {
        THP: "always madvise [never]",
        "proc/cpuinfo": little * 4 + big * 2,
        "proc/meminfo": "MemTotal:        3900000 kB",
        "proc/self/cgroup": "0::/",
        "proc/stat": stat(range(6)),
        "sys/class/power_supply/BAT0/type": "Battery",
        "sys/class/power_supply/BAT0/status": "Discharging",
    }
    return write(root, files)
