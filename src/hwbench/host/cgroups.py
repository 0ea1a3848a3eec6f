"""Limits of the cgroups, which neither the affinity mask nor the size of memory shows."""

from __future__ import annotations

from pathlib import Path

from .pseudo_files import ROOT, keyed_numbers, number, read_text

# cgroup v1 writes "no limit" as the largest multiple of a page below 2⁶³.
UNLIMITED = 2**62


def cgroup_folders(root: Path, controller: str) -> tuple[list[Path], bool]:
    """The folders whose limits apply to this process, leaf first, and whether they are of version 2.

    The limits of all ancestors apply. In a container the path in /proc/self/cgroup may be the host's, which does not
    exist under the mount: then the mount itself is the container's group. Hybrid systems keep version 1 controllers
    beside a version 2 tree without limits; version 1 wins where it has the controller.
    """
    mounts = root / "sys/fs/cgroup"
    found: list[Path] = []
    for row in (read_text(root / "proc/self/cgroup") or "").splitlines():
        _, _, rest = row.partition(":")
        names, _, path = rest.partition(":")
        if names and controller in names.split(","):
            for mount in (mounts / names, mounts / controller):
                if mount.is_dir():
                    return _ancestors(mount, path), False
        if not names:
            for mount in (mounts, mounts / "unified"):
                if (mount / "cgroup.procs").exists() or (mount / "cgroup.controllers").exists():
                    found = _ancestors(mount, path)
                    break
    return found, True


def _ancestors(mount: Path, path: str) -> list[Path]:
    parts = [part for part in path.split("/") if part]
    if ".." in parts:
        parts = []
    folders = [mount.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]
    return [folder for folder in folders if folder.is_dir()]


def cpu_quota(root: Path = ROOT) -> float | None:
    """The CPU quota of the cgroups, in CPUs: the tightest on the way up; None without one."""
    folders, second = cgroup_folders(root, "cpu")
    quotas = []
    for folder in folders:
        if second:
            granted, _, period = (read_text(folder / "cpu.max") or "max").partition(" ")
        else:
            granted, period = (str(number(folder / f"cpu.cfs_{what}_us") or -1) for what in ("quota", "period"))
        if granted.isdigit() and period.isdigit() and int(period):
            quotas.append(int(granted) / int(period))
    return min(quotas, default=None)


def memory_limit(root: Path = ROOT) -> tuple[int, int] | None:
    """The tightest memory limit of the cgroups and what is free below it, in bytes; None without a limit.

    Inactive file cache counts as free: the kernel reclaims it before it refuses memory. `memory.high` is a limit, too:
    beyond it the kernel stops the process to reclaim.
    """
    folders, second = cgroup_folders(root, "memory")
    limit_files, used_file, cache_name = (
        (("memory.max", "memory.high"), "memory.current", "inactive_file")
        if second
        else (("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file")
    )
    found = []
    for folder in folders:
        limit = min((known for file in limit_files if (known := number(folder / file)) is not None), default=UNLIMITED)
        used = number(folder / used_file)
        if used is not None and limit < UNLIMITED:
            cached = keyed_numbers(read_text(folder / "memory.stat")).get(cache_name, 0)
            found.append((max(0, limit - used + min(cached, used)), limit))
    return (min(limit for _, limit in found), min(free for free, _ in found)) if found else None


def throttle_files(root: Path = ROOT) -> list[Path]:
    """The `cpu.stat` files that count how long this process's groups were throttled by their quota."""
    folders, _ = cgroup_folders(root, "cpu")
    return [folder / "cpu.stat" for folder in folders if "throttled" in (read_text(folder / "cpu.stat") or "")]


def throttled_seconds(text: str | None) -> float | None:
    """Seconds of throttling in the text of a `cpu.stat` of version 2 (µs) or 1 (ns); None where it has none."""
    numbers = keyed_numbers(text)
    if "throttled_usec" in numbers:
        return numbers["throttled_usec"] * 1e-6
    if "throttled_time" in numbers:
        return numbers["throttled_time"] * 1e-9
    return None
