"""Sustained load: what is read meanwhile, boost, settled load and dips of made-up minutes, and what is told."""

from __future__ import annotations

import pytest

from hwbench.benches.sustain import cpu
from hwbench.benches.sustain.cpu import Reading
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import cpu_features
from inspection.answers import reading, verdict
from inspection.told import STOLEN, doubt, said


class Machine:
    """A CPU whose call takes 1 ms at 4 GHz in its first two seconds, and 1.25 ms at 3.2 GHz later."""

    def __init__(self):
        self.at, self.calls = 0.0, []

    @property
    def hz(self):
        return 4e9 if self.at < 2 else 3.2e9

    def timer(self, loops):
        self.calls.append(loops)
        self.at += loops * 4e6 / self.hz
        return loops * 4e6 / self.hz

    def clock(self):
        self.at += 0.002
        return self.hz


def test_the_load_goes_on_for_as_long_as_it_is_to():
    """In steps of a quarter of a second, each with the clock after it, and someone hears of each."""
    machine, heard = Machine(), []
    found = cpu.under_load(machine.timer, machine.clock, 6, told=heard.append, now=lambda: machine.at)
    assert found[-1].at_s >= 6 > found[-2].at_s
    assert [one.at_s for one in found] == heard
    assert {*machine.calls[5:]} == {250}
    assert found[0].call_s == pytest.approx(1e-3)
    assert (found[0].clock_hz, found[-1].clock_hz) == (4e9, 3.2e9)


def minute(rate=lambda at: 1.0, clock=lambda at: 1.0, seconds=60):
    """Readings four times a second: shares of 1 ms a call and of 4 GHz."""
    return [Reading(at / 4, 1e-3 / rate(at / 4), 4e9 * clock(at / 4)) for at in range(1, 4 * seconds + 1)]


def falling(at):
    return 1.0 if at <= 28 else 0.8


def test_boost_and_settled_load_are_apart():
    """28 s of a turbo budget, then what is kept up; a single slow step does not put off that the load has settled."""
    facts = cpu.summed_up(minute(falling, falling))
    assert facts["boost_call_s"] == pytest.approx(1e-3)
    assert facts["settled_call_s"] == pytest.approx(1.25e-3)
    assert (facts["boost_clock_hz"], facts["settled_clock_hz"]) == (4e9, 3.2e9)
    assert facts["settled_after_s"] == pytest.approx(28, abs=0.6)
    assert (facts["dip_count"], facts["dips"]) == (0, [])
    assert len(facts["at_s"]) == len(facts["call_s"]) == len(facts["clock_hz"]) == 240
    assert cpu.summed_up(minute(lambda at: 0.5 if at == 30 else 1.0))["settled_after_s"] == 0
    assert len(cpu.summed_up(minute(seconds=600))["at_s"]) <= cpu.KEPT


def test_dips_tell_when_how_long_how_deep_and_whether_the_clock_stayed():
    """Steps in a row are one dip; 4% below are none."""
    rates = {20.0: 0.6, 20.25: 0.5, 40.0: 0.9, 50.0: 0.96}
    found = cpu.summed_up(minute(lambda at: rates.get(at, 1.0), lambda at: 0.7 if at == 40 else 1.0))
    assert (found["dip_count"], found["dip_s"]) == (2, pytest.approx(0.75))
    assert found["dips"] == [[20.0, 0.5, 0.5, 1.0], [40.0, 0.25, 0.9, 0.7]]
    assert cpu.dips(minute(lambda at: 0.5 if at <= 0.5 else 1.0), 1e-3, 4e9)[0] == (0.25, 0.5, 0.5, 1.0)


@pytest.mark.parametrize("text", ["0", "x", "3601", "-5", "1.5", ""])
def test_no_length_of_time_is_refused(text):
    """A whole number of seconds up to an hour."""
    with pytest.raises(ValueError, match="is no whole number from 1 to 3600"):
        cpu.seconds_of(text)
    assert cpu.seconds_of("60") == 60


def test_the_load_gives_the_answer_of_its_multiply_adds(monkeypatch):
    """A tenth of a second on all CPUs; its progress is told, and the facts have the readings."""
    if not cpu_features.has_fma():
        pytest.skip("this CPU has no fused multiply-add")
    monkeypatch.setattr(cpu, "STEP_S", 0.02)
    device, heard = CpuDevice(), []
    monkeypatch.setattr(device, "busy", heard.append)
    try:
        assert verdict(cpu.bench, "load", {"device": device, "seconds": 0.05}) == ""
    finally:
        device.close()
    assert heard[0] == "full load, 0 of 0.05 s"


def told(readings, **facts):
    read = reading(cpu.bench, [("load", {"seconds": 60}, 1e-3)], {"flops": 200e6})
    read.records[0].facts.update({**cpu.summed_up(readings), "seconds": 60, "threads": 8, **facts})
    return read


def test_findings_tell_what_is_kept_and_what_interrupts():
    """Share, rate and clock of the settled load; dips with the deepest, and whose fault they are not."""
    assert said(told(minute(falling, falling))) == [
        "Under 60.0 s of full load on 8 threads the CPU keeps 80% of its first second's rate: 160 GFLOP/s in float64 "
        "at 3.20 GHz (first second: 4.00 GHz), settled after 28.0 s.",
        "No step of it fell more than 5.0% below the settled rate.",
    ]
    read = told(minute(lambda at: 0.5 if at == 20 else 0.9 if at == 40 else 1.0, lambda at: 0.8 if at == 40 else 1.0))
    assert said(read)[0].endswith("settled from the start.")
    assert said(read)[1] == (
        "2 dips of more than 5.0% below the settled rate, 500 ms in all and the deepest to 50% at 20.0 s; in 1 of them "
        "the clock stayed, so something took CPU time."
    )
    assert all(one.endswith(STOLEN) for one in said(doubt(read)))
    assert said(reading(cpu.bench, [], {})) == []
