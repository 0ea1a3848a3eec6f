"""Counters of energy on made-up machines: packages and memory, wrap-around, and in one line why there is none."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from hwbench.host import energy
from hwbench.host.energy import POWER, POWERCAP, Domain, Energy, found
from made_up import trees

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what is read is Linux's")
SERVER = {
    "intel-rapl/enabled": "1",
    "intel-rapl:0/name": "package-0", "intel-rapl:0/energy_uj": "1000000", "intel-rapl:0/max_energy_range_uj": "262143",
    "intel-rapl:0:0/name": "core", "intel-rapl:0:0/energy_uj": "5",
    "intel-rapl:0:1/name": "dram", "intel-rapl:0:1/energy_uj": "3000000",
    "intel-rapl:1/name": "package-1", "intel-rapl:1/energy_uj": "9",
    "intel-rapl:2/name": "psys", "intel-rapl:2/energy_uj": "7",
}  # fmt: skip


def machine(root: Path, files: dict[str, str]) -> Path:
    return trees.write(root, {f"{POWERCAP}/{name}": text for name, text in files.items()})


@LINUX
def test_packages_and_their_memory_are_counted_once(tmp_path: Path) -> None:
    """Cores are part of their package, and the platform holds the packages."""
    made = found(machine(tmp_path, SERVER))
    assert isinstance(made, Energy)
    assert made.source == "powercap"
    assert made.joules() == {"package-0": 0.0, "package-1": 0.0, "dram-0": 0.0}
    machine(tmp_path, {"intel-rapl:0:1/energy_uj": "3500000", "intel-rapl:1/energy_uj": "2000009"})
    assert made.joules() == {"package-0": 0.0, "package-1": 2.0, "dram-0": pytest.approx(0.5)}


@LINUX
def test_a_laptop_with_the_platform_alone_has_that(tmp_path: Path) -> None:
    made = found(machine(tmp_path, {"intel-rapl:0/name": "psys", "intel-rapl:0/energy_uj": "7"}))
    assert isinstance(made, Energy)
    assert [one.name for one in made.domains] == ["psys"]


def test_a_counter_that_wraps_goes_on() -> None:
    """It begins again at 0 after its largest value; each look adds what has grown since the one before."""
    values = iter([90.0, 95.0, 5.0, 20.0, 10.0])
    counter = Domain("package-0", lambda: next(values), wraps=100.0)
    assert [counter.joules() for _ in range(5)] == [0.0, 5.0, 15.0, 30.0, 120.0]


@LINUX
def test_files_of_root_alone_are_named_with_the_remedy(tmp_path: Path) -> None:
    """As they are since 2020; a directory stands for a file that cannot be read, since tests may run as root."""
    root = machine(tmp_path, {"intel-rapl:0/name": "package-0", "intel-rapl:0/energy_uj/no": "file"})
    said = found(root)
    assert isinstance(said, str)
    assert "may be read by root alone: chmod o+r" in said


@LINUX
def test_a_guest_has_none(tmp_path: Path) -> None:
    assert found(tmp_path) == "this machine shows no counter of energy (RAPL); virtual machines usually have none"


@LINUX
def test_a_counter_that_goes_away_is_an_error(tmp_path: Path) -> None:
    made = found(machine(tmp_path, SERVER))
    assert isinstance(made, Energy)
    (tmp_path / POWERCAP / "intel-rapl:1/energy_uj").unlink()
    with pytest.raises(OSError, match="package-1 cannot be read any more"):
        made.joules()


PERF = {
    "type": "23", "cpumask": "0,8", "events/energy-pkg": "event=0x02", "events/energy-pkg.scale": "2.5e-1",
    "events/energy-cores": "event=0x01", "events/energy-ram": "event=0x03", "events/energy-ram.scale": "none",
}  # fmt: skip


@LINUX
def test_perf_is_asked_where_powercap_has_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event a package, scaled as it says; one without a scale is left out. Closing gives the files back."""
    count = tmp_path / "count"
    opened: list[tuple[int, int, int]] = []

    def opening(kind: int, event: int, cpu: int) -> int:
        import os

        opened.append((kind, event, cpu))
        return os.open(count, os.O_RDONLY)

    monkeypatch.setattr(energy, "_opened", opening)
    count.write_bytes(struct.pack("Q", 100) + struct.pack("Q", 108))
    made = found(trees.write(tmp_path, {f"{POWER}/{name}": text for name, text in PERF.items()}))
    assert isinstance(made, Energy)
    assert made.source == "perf"
    assert opened == [(23, 2, 0), (23, 2, 8)]
    assert made.joules() == {"package-0": 0.0, "package-1": 0.0}
    assert made.joules() == {"package-0": 2.0, "package-1": 2.0}
    made.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        made.joules()


@LINUX
def test_perfs_refusal_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call itself refuses an event that cannot be."""
    root = trees.write(tmp_path, {f"{POWER}/{name}": text for name, text in PERF.items()} | {f"{POWER}/type": "99999"})
    said = found(root)
    assert isinstance(said, str)
    assert said.startswith("perf refuses its counters of energy (")
    monkeypatch.setattr(energy, "_CALL", {})
    assert "system calls are not known" in str(found(root))


def test_other_systems_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert found() == "counters of energy are read on Linux only"
