"""Every made-up machine is read as what it is: its card, its levels, its sizes, its CPUs, and what disturbs there."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from hwbench.bench import Skip, Sweep, Threads
from hwbench.cli.machine import _facts
from hwbench.devices.cpu import CpuDevice
from hwbench.host import disturbances, machine, macos, system, windows
from hwbench.host.system import Host
from hwbench.host.topology import Sources
from hwbench.record import text
from hwbench.record.model import LEVELS
from made_up.machines import MACHINES, Made

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="names of made-up files have colons")


def read(made: Made, root: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """The host by the made-up files and functions."""
    monkeypatch.setattr(sys, "platform", made.platform)
    if made.platform == "linux":
        ask = made.processor
        sources = Sources(made.libc.get, lambda cpus: {cpu: ask(cpu) for cpu in cpus} if ask else {})
        return system.linux_host(root, made.mask, sources)
    import cpuinfo

    monkeypatch.setattr(macos, "sysctl", lambda: made.sysctl)
    monkeypatch.setattr(windows, "logical_processors", lambda: made.windows)
    monkeypatch.setattr(windows, "own_group", lambda: 0)
    monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda self: list(made.mask), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=2**34, available=2**34))
    monkeypatch.setattr(cpuinfo, "get_cpu_info", lambda: {"brand_raw": "A CPU"})
    monkeypatch.setattr(disturbances, "_load_elsewhere", lambda found: 0.0)
    monkeypatch.setattr(disturbances, "_battery_elsewhere", lambda: None)
    return system.read_host(root)


def sizes(device: CpuDevice) -> str:
    """What each label stands for, `no L3` where there is none."""

    def one(label: str) -> str:
        try:
            return f"{label} {text.size(device.size(label))}"
        except Skip:
            return f"no {label}"

    return ", ".join(map(one, LEVELS))


@pytest.mark.parametrize("made", MACHINES, ids=lambda made: made.name)
def test_a_machine_is_read_as_what_it_is(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is refused, nothing vanishes, and what is strange is said."""
    host = read(made, made.write(tmp_path), monkeypatch)
    described = machine.describe("box", tmp_path, host)
    card = dict(_facts(described, ""))
    assert {name: card[name].partition(", x86_64")[0] for name in made.card} == made.card
    told = {one.name: one.state for one in disturbances.find(described, tmp_path)}
    assert set(told) == set(made.told)
    assert [name for name, part in made.told.items() if part not in told[name]] == []
    assert list(host.order) == list(made.order)
    device = CpuDevice(host, tmp_path, measuring=False)
    monkeypatch.setattr(device._choices, "recall", lambda name: None)
    assert sizes(device) == made.sizes
    assert device.spread(Threads()) == list(made.threads)
    assert device.spread(Sweep(4096, "L1", 1))[0] == "4KiB"
