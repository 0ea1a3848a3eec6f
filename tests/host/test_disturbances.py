"""What disturbs measuring, told from made-up machines: each disturbance with the figures it bends and the remedy."""

from __future__ import annotations

import calendar
import sys
from pathlib import Path

import pytest

from hwbench.host import disturbances, machine
from hwbench.host.system import linux_host
from hwbench.record.model import Disturbance
from made_up import trees

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names of made-up files have colons")


@pytest.fixture(autouse=True)
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


def troubles(root: Path, cpus: int) -> dict[str, Disturbance]:
    described = machine.describe("box", root, linux_host(root, range(cpus)))
    return {one.name: one for one in disturbances.find(described, root)}


def test_disturbances_of_bare_metal(tmp_path: Path) -> None:
    """Each setting that bends figures is told, the worst first, with what to do about it."""
    found = troubles(trees.intel(tmp_path), 8)
    assert set(found) == {
        "SMT", "NUMA", "NUMA balancing", "governor", "turbo", "huge pages", "swap", "busy neighbours"
    }  # fmt: skip
    assert found["governor"].severity == "note"
    assert "powersave on 8 of 8 CPUs (intel_pstate)" in found["governor"].state
    assert "1 GiB" in found["swap"].state
    assert "3.50" in found["busy neighbours"].state
    assert found["turbo"].remedy.endswith("echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo")
    assert all(one.state and one.affects and one.remedy for one in found.values())


def test_a_quiet_machine_has_none(tmp_path: Path) -> None:
    """With everything set as it should be nothing is told."""
    root = trees.intel(tmp_path)
    quiet = {f"{trees.CPU}/cpu{cpu}/cpufreq/scaling_governor": "performance" for cpu in range(8)}
    quiet |= {
        f"{trees.CPU}/intel_pstate/no_turbo": "1", trees.THP: "always [madvise] never",
        "proc/loadavg": "0.01 0 0 1/9 9", "proc/meminfo": "MemTotal: 9000000 kB", "proc/sys/kernel/numa_balancing": "0",
    }  # fmt: skip
    trees.write(root, quiet)
    assert set(troubles(root, 8)) == {"SMT", "NUMA"}


@pytest.mark.parametrize(
    ("governor", "driver", "severity"),
    [
        ("ondemand", "acpi-cpufreq", "warning"),
        ("powersave", "acpi-cpufreq", "warning"),
        ("powersave", "amd-pstate-epp", "note"),
    ],
)
def test_governors(tmp_path: Path, governor: str, driver: str, severity: str) -> None:
    """A governor that keeps the clock low is a warning; powersave of a pstate driver, which does not, a note."""
    root = trees.intel(tmp_path)
    trees.write(root, {f"{trees.CPU}/cpu{cpu}/cpufreq/scaling_governor": governor for cpu in range(8)})
    trees.write(root, {f"{trees.CPU}/cpu{cpu}/cpufreq/scaling_driver": driver for cpu in range(8)})
    assert troubles(root, 8)["governor"].severity == severity


def test_a_mask_smaller_than_the_machine(tmp_path: Path) -> None:
    """CPUs kept from us are told as ranges."""
    root = trees.intel(tmp_path)
    found = machine.describe("box", root, linux_host(root, [0, 1, 5]))
    told = {one.name: one for one in disturbances.find(found, root)}
    assert told["affinity"].state == "3 of 8 CPUs may be used (0-1,5)"


@pytest.mark.parametrize(
    ("name", "files", "state", "affects"),
    [
        ("governor", {f"{trees.CPU}/cpu{i}/cpufreq/scaling_governor": "ondemand" for i in range(8)}, "ondemand on 8",
         "first samples of short calls"),
        ("turbo", {f"{trees.CPU}/intel_pstate/no_turbo": "0"}, "on", "figures of one thread"),
        ("SMT", {}, "2 threads per core", "share execution ports, L1 and L2"),
        ("huge pages", {trees.THP: "always madvise [never]"}, "never", "cases on huge pages are skipped"),
        ("huge pages", {trees.THP: "[always] madvise never"}, "always", "latency varies by 10–30%"),
        ("virtualisation", {"proc/cpuinfo": "flags : fpu hypervisor", "proc/stat": "cpu 500 0 0 450 0 0 0 50 0 0"},
         "5.0% of the CPUs' time has been stolen", "last-level cache"),
        ("busy neighbours", {"proc/loadavg": "3.5 2 1 4/500 1"}, "3.50 threads", "memory bandwidth"),
        ("swap", {"proc/meminfo": "MemTotal: 9 kB\nSwapTotal: 2097152 kB\nSwapFree: 1048576 kB"}, "1 GiB in use",
         "read back from disk"),
        ("NUMA balancing", {"proc/sys/kernel/numa_balancing": "1"}, "on", "memory figures jump"),
        ("NUMA", {}, "2 nodes", "prange"),
        ("CPU quota", {"sys/fs/cgroup/user.slice/session.scope/cpu.max": "150000 100000"}, "1.5 of 8 CPUs",
         "stopped in the middle of samples"),
        ("clock source", {"sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet"}, "hpet",
         "calls that are timed singly"),
        ("heat", {f"{trees.CPU}/cpu3/thermal_throttle/core_throttle_count": "12"}, "12 times", "floating-point peaks"),
    ],
)  # fmt: skip
def test_each_is_told_with_what_it_does_to_which_figure(
    tmp_path: Path, name: str, files: dict[str, str], state: str, affects: str
) -> None:
    """How it stands, the figures it bends, and a remedy: for everything that may stand wrong on a machine."""
    root = trees.write(trees.intel(tmp_path), files)
    one = troubles(root, 8)[name]
    assert state in one.state
    assert affects in one.affects
    assert one.remedy


@pytest.mark.parametrize(
    ("status", "mounts", "state", "remedy"),
    [
        ("Seccomp:\t2\nCapEff:\t00000000a80425fb\n", "sysfs /sys sysfs ro,nosuid 0 0\n",
         ["processes", "perf_event_open", "mbind", "below /sys"],
         "--pid host --cap-add PERFMON --cap-add SYS_NICE)"),
        ("Seccomp:\t2\nCapEff:\t0000004000000000\n", "sysfs /sys sysfs rw 0 0\n", ["processes", "mbind"],
         "--pid host --cap-add SYS_NICE)"),
        ("Seccomp:\t0\nCapEff:\t000001ffffffffff\n", "", ["processes"], "Podman: --pid host)"),
        ("", "", ["processes"], "Podman: --pid host)"),
    ],
)  # fmt: skip
def test_what_a_container_hides(tmp_path: Path, status: str, mounts: str, state: list[str], remedy: str) -> None:
    """By what holds it: the filter of system calls, capabilities, mounts. Nothing of it on bare metal."""
    root = trees.intel(tmp_path)
    trees.write(root, {"proc/self/status": status, "proc/mounts": mounts})
    assert "container" not in troubles(root, 8)
    trees.write(root, {".dockerenv": ""})
    told = troubles(root, 8)["container"]
    assert told.state.startswith("Docker keeps from this process: ")
    assert len(told.state.split("; ")) == len(state)
    assert all(one in told.state for one in state)
    assert told.remedy.endswith(remedy)
    assert told.severity == "note"


def test_a_clock_that_is_read_without_a_call_is_none(tmp_path: Path) -> None:
    """tsc and kvm-clock are read inside the process, and a core that was never too hot is no trouble."""
    root = trees.intel(tmp_path)
    for source in ("tsc", "kvm-clock"):
        trees.write(root, {"sys/devices/system/clocksource/clocksource0/current_clocksource": source})
        trees.write(root, {f"{trees.CPU}/cpu0/thermal_throttle/core_throttle_count": "0"})
        assert not {"clock source", "heat"} & set(troubles(root, 8))


def test_nothing_is_written(tmp_path: Path) -> None:
    """Looking changes no file of the machine."""
    root = trees.intel(tmp_path)
    before = {path: path.read_text() for path in root.rglob("*") if path.is_file()}
    troubles(root, 8)
    assert {path: path.read_text() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(("year", "told"), [(1970, "1970-01-01"), (2023, "2023-01-01"), (2027, "")])
def test_a_clock_that_stands_before_hwbench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, year: int, told: str
) -> None:
    """Boards without a clock begin at 1970, and the newest run would be an old one; later clocks are no matter."""
    monkeypatch.setattr(disturbances.time, "time", lambda: calendar.timegm((year, 1, 1, 0, 0, 0)))
    found = troubles(trees.intel(tmp_path), 8)
    assert ("date" in found) == bool(told)
    if told:
        assert found["date"].state == f"the clock says {told}"


def test_an_interface_that_is_refused_is_no_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """psutil may be denied what it asks for: the load and the battery are then not known."""
    import psutil

    def refuse(*_given: object, **_more: object) -> None:
        raise psutil.AccessDenied(1)

    described = machine.describe("box", tmp_path, linux_host(tmp_path, [0]))
    monkeypatch.setattr(psutil, "sensors_battery", refuse, raising=False)
    monkeypatch.setattr(psutil, "cpu_percent", refuse)
    monkeypatch.delattr(disturbances.os, "getloadavg", raising=False)
    assert disturbances._battery_elsewhere() is None
    assert disturbances._load_elsewhere(described) is None
