"""Sustained load: what is read meanwhile, boost, settled load and dips of made-up minutes, and what is told."""

from __future__ import annotations

import itertools

import pytest

from hwbench.benches.sustain import cpu
from hwbench.benches.sustain.cpu import Reading
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import cpu_features
from inspection.answers import reading, verdict, work_of
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


class Quota(Machine):
    """A CPU that stops a process after 25 ms of work in each 50 ms."""

    hz = 4e9

    def timer(self, loops):
        began = self.at
        for _ in range(loops):
            self.at += 25e-6
            if self.at % 0.05 > 0.025:
                self.at += 0.05 - self.at % 0.05
        return self.at - began


def test_the_load_goes_on_for_as_long_as_it_is_to():
    """In steps of a quarter of a second, each with the clock after it, and someone hears of each."""
    machine, heard = Machine(), []
    found = cpu.under_load(machine.timer, machine.clock, 6, told=heard.append, now=lambda: machine.at)
    assert found[-1].at_s >= 6 > found[-2].at_s
    assert [one.at_s for one in found] == heard
    steps = [calls for calls in machine.calls[1:] if calls != cpu.CLEAR_CALLS]
    assert (steps[:4], steps[-1]) == ([31, 124, 250, 250], 200)
    assert found[0].call_s == pytest.approx(1e-3)
    assert found[-1].clear_s == pytest.approx(1.25e-3)
    assert (found[0].clock_hz, found[-1].clock_hz) == (4e9, 3.2e9)


def test_steps_keep_their_length_where_a_quota_takes_the_time():
    """Milliseconds fit between its stops, and say nothing of how long a step takes."""
    machine = Quota()
    found = cpu.under_load(machine.timer, machine.clock, 6, now=lambda: machine.at)
    lengths = [later.at_s - earlier.at_s for earlier, later in itertools.pairwise(found)]
    assert max(lengths) < 1.2 * cpu.STEP_S
    assert sum(one.at_s <= cpu.BOOST_S for one in found) >= 4
    facts = cpu.summed_up(found)
    assert facts["load_taken"] == pytest.approx(0.5, abs=0.05)
    assert (facts["dip_count"], facts["settled_call_s"]) == (0, pytest.approx(50e-6, rel=0.05))


def minute(rate=lambda at: 1.0, clock=lambda at: 1.0, seconds=60, taken=0.0):
    """Readings four times a second: shares of 1 ms a call and of 4 GHz, and the share that something else takes."""
    return [
        Reading(at / 4, 1e-3 / rate(at / 4), 4e9 * clock(at / 4), 1e-3 * (1 - taken) / clock(at / 4))
        for at in range(1, 4 * seconds + 1)
    ]


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


def test_samples_are_steps_and_the_counters_of_the_load_are_facts():
    """The rate of a case is that of whole steps; what a quota took before them is judged, too."""
    assert cpu.growth({"wall_s": 1.0, "steal_s": 2.0}, {"wall_s": 61.0, "throttled_s": 3.0}) == {"wall_s": 60.0}
    if not cpu_features.has_fma():
        pytest.skip("this CPU has no fused multiply-add")
    device = CpuDevice()
    try:
        work, _ = work_of(cpu.bench, "load", {"device": device, "seconds": 0.01})
    finally:
        device.close()
    assert work.least_s == cpu.STEP_S
    assert work.facts["load_telemetry"]["wall_s"] > 0


def told(readings, sampled=1e-3, **facts):
    read = reading(cpu.bench, [("load", {"seconds": 60}, sampled)], {"flops": 200e6})
    read.records[0].facts.update({**cpu.summed_up(readings), "seconds": 60, "threads": 8, **facts})
    return read


def test_findings_tell_what_is_kept_and_what_interrupts():
    """Share, rate and clock of the settled load; dips with the deepest, and whose fault they are not."""
    assert said(told(minute(falling, falling), 1.25e-3)) == [
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
    assert said(told(minute(taken=0.5), 1.1e-3))[1] == (
        "Something else took 50% of the time throughout: without interruption the CPU does 400 GFLOP/s at this clock."
    )
    assert all(one.endswith(STOLEN) for one in said(doubt(read)))
    assert said(reading(cpu.bench, [], {})) == []
