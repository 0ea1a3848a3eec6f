"""Energy of kinds of work, by counters that are made up; none in most guests, which one line says."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from hwbench.bench import Skip
from hwbench.benches.energy import use
from hwbench.benches.energy.use import bench
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels.cpu_features import has_fma
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread


class Counters:
    """Two domains of which each look finds 3 J and 1 J more."""

    source = "powercap"

    def __init__(self) -> None:
        self._looks = itertools.count()

    def joules(self) -> dict[str, float]:
        looks = next(self._looks)
        return {"package-0": 3.0 * looks, "dram-0": 1.0 * looks}


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> Iterator[CpuDevice]:
    """A device with counters, whose memory holds little."""
    made = CpuDevice()
    monkeypatch.setattr(made, "energy", Counters)
    monkeypatch.setattr(made, "size", lambda *_: 2**16)
    monkeypatch.setattr(use, "SLEEP_S", 0.001)
    yield made
    made.close()


def values(device: CpuDevice, work: str) -> dict[str, Any]:
    return {"work": work, "threads": 1, "device": device}


@pytest.mark.parametrize("work", ["idle", "memory", "compute"])
def test_each_work_is_done_and_counted(work: str, device: CpuDevice) -> None:
    """4 J a sample over the seconds that it took, and over what it moved or computed."""
    if work == "compute" and not has_fma():
        pytest.skip("no fused multiply-add")
    assert verdict(bench, "counted", values(device, work)) == ""
    made, _ = work_of(bench, "counted", values(device, work))
    assert made.timer is not None
    taken = made.timer(2) + made.timer(1)
    facts = made.facts
    assert 0 < facts["watts"] <= 1.01 * 8.0 / taken  # starting the threads is counted, too
    assert sum(facts["watts_of"].values()) == pytest.approx(facts["watts"])
    assert facts["watts_of"]["package-0"] == pytest.approx(3 * facts["watts_of"]["dram-0"])
    counted = bench.count(values(device, work))
    if work == "memory":
        assert facts["joules_per_byte"] == pytest.approx(8.0 / (3 * counted["bytes"]))
    assert ("joules_per_flop" in facts) is (work == "compute")
    if made.close is not None:
        made.close()


def test_work_that_is_not_done_is_wrong(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(use, "read_words", lambda *_: None)
    assert "nan" in verdict(bench, "counted", values(device, "memory"))


def test_a_machine_without_counters_says_so(tmp_path: Any) -> None:
    """Before anything is allocated; asked once."""
    here = CpuDevice()
    made = CpuDevice(here.host, tmp_path)
    for _ in range(2):
        with pytest.raises(Skip, match=r"no counter of energy|Linux only"):
            work_of(bench, "counted", values(made, "idle"))


def test_the_finding_tells_watts_and_picojoules_above_idle() -> None:
    """100 W for 1 s on 10¹² bytes are 100 pJ a byte; 40 W of these it takes idle."""
    read = reading(bench, [("counted", {"work": work}, 1.0) for work in ("idle", "memory", "compute")], {})
    facts = {"idle": {"watts": 40.0}, "memory": {"watts": 100.0}, "compute": {"watts": 140.0}}
    counts = {"idle": {"calls": 1.0}, "memory": {"bytes": 1e12}, "compute": {"flops": 1e13}}
    read.records = [
        msgspec.structs.replace(one, facts=facts[one.params["work"]], counts=counts[one.params["work"]])
        for one in read.records
    ]
    assert said(spread(read)) == [
        "The machine draws 40.0 W idle, as far as it counts.",
        "Energy at full load: a byte from memory 100 pJ (60.0 pJ above idle) and an operation 14.0 pJ (10.0 pJ above "
        "idle).",
    ]
    assert all(one.endswith(STOLEN) for one in said(doubt(spread(read))))
