"""Events behind a gate: what is timed, what is not, and drivers whose events lie."""

from __future__ import annotations

import types

import numpy as np
import pytest

from doubles.opencl import opencl_device
from hwbench.devices import opencl_timing
from hwbench.devices.opencl_timing import OpenClTiming
from hwbench.record import text


class Made:
    """A queue with a clock of its own: a command takes a millisecond, and events tell `truth` times its time."""

    def __init__(self, truth=1.0, spent=0.001):
        self.now, self.truth, self.spent = 0.0, truth, spent
        self.log, self.waiting = [], []
        self.context = None
        status = types.SimpleNamespace(COMPLETE=0)
        self.cl = types.SimpleNamespace(
            UserEvent=lambda context: types.SimpleNamespace(set_status=lambda code: self.log.append("gate")),
            enqueue_marker=lambda queue, wait_for=(): self._queued("marker", 0.0), command_execution_status=status,
        )  # fmt: skip
        self.queue = self

    def _queued(self, name, seconds):
        self.log.append(name)
        event = types.SimpleNamespace(profile=types.SimpleNamespace(start=0, end=0), wait=self.finish)
        self.waiting.append((event, seconds))
        return event

    def launch(self):
        """Enqueue one command."""
        return self._queued("launch", self.spent)

    def launcher(self, topic, kernel, groups, group, args):
        """The device's own load, or nothing."""
        return lambda: self._queued(kernel, 0.006 if kernel == "spin" else 0.0)

    def empty(self, shape, dtype):
        """No array."""

    def plain_queue(self):
        """The same queue."""
        return self

    def flush(self):
        """Nothing starts before the gate."""
        self.log.append("flush")

    def finish(self):
        """Everything queued runs, one after the other."""
        for event, seconds in self.waiting:
            event.profile.start = round(1e9 * self.now * self.truth)
            self.now += seconds
            event.profile.end = round(1e9 * self.now * self.truth)
        self.waiting.clear()


@pytest.fixture
def made(monkeypatch):
    """Makes a queue whose clock the module reads as the host's."""

    def make(**how):
        device = Made(**how)
        monkeypatch.setattr(opencl_timing.time, "perf_counter", lambda: device.now)
        return device

    return make


def test_work_is_timed_by_events_that_agree_with_the_host(made):
    """Three calls of a millisecond, queued before the gate opens; what goes before them is outside of their time."""
    device = made()
    timing = OpenClTiming(device, profiling=True, beside=False)
    work = timing.timed(device.launch, before=lambda: device._queued("before", 1.0), facts={"x": 1})
    assert work.facts == {"timed_by": "events", "x": 1, "event_overhead_s": 0.0}
    device.log.clear()
    assert work.timer(3) == pytest.approx(0.003)
    assert device.log == ["marker", "before", "marker", "launch", "launch", "launch", "flush", "gate"]
    longer = timing.timed(device.launch)
    longer.timer(6)
    assert longer.facts["events_of_host"] == 1.0


def test_a_call_of_several_commands_is_timed_from_its_first_to_its_last(made):
    """And no more of them are queued behind the gate than the limit."""
    device = made()
    timing = OpenClTiming(device, profiling=True, beside=True)

    def call():
        ends = [device.launch() for _ in range(100)]
        return ends[0], ends[-1]

    work = timing.timed(call, launches=100)
    assert (work.facts["timed_by"], work.facts["this_cpu"]) == ("events of this CPU", True)
    device.log.clear()
    assert work.timer(3) == pytest.approx(0.3)
    assert device.log.count("gate") == 2


@pytest.mark.parametrize("truth", [0.25, 4.0, 0.0])
def test_events_that_lie_are_replaced_by_the_hosts_clock_and_said(made, truth):
    """Ticks that are no nanoseconds, or no times at all."""
    device = made(truth=truth)
    work = OpenClTiming(device, profiling=True, beside=False).timed(device.launch)
    assert work.facts["timed_by"] == "host"
    assert work.facts["events_refused"] == f"events tell {text.share(truth)} of the time that the host sees"
    assert work.timer(3) == pytest.approx(0.003)


def test_events_are_refused_only_where_they_contradict_the_host_again(made):
    """Other processes that hold the CPU through five tries make events look short once; a liar does so each time."""
    device = made(truth=0.25)
    timing = OpenClTiming(device, profiling=True, beside=False)
    waits = iter([None] * opencl_timing.TRIES)
    gated = timing.behind_the_gate

    def later(*args):
        device.truth = 0.25 if next(waits, 1) is None else 1.0
        return gated(*args)

    timing.behind_the_gate = later
    assert timing.refused == ""
    assert timing.agreement == pytest.approx([1.0] * opencl_timing.TRIES)


def test_a_driver_without_profiling_is_timed_by_the_host(made):
    """No event is asked for its times."""
    device = made()
    work = OpenClTiming(device, profiling=False, beside=False).timed(device.launch)
    assert work.facts["events_refused"] == "the driver has no profiling"
    assert work.timer(2) == pytest.approx(0.002)


def test_the_gate_opens_where_enqueueing_fails(made):
    """Or the queue would wait for ever."""
    device = made()
    timing = OpenClTiming(device, profiling=True, beside=False)
    with pytest.raises(ZeroDivisionError):
        timing.behind_the_gate(lambda: 1 / 0, 1)
    assert device.log[-1] == "gate"


def test_the_hosts_own_time_holds_what_a_call_does(made):
    """With a wait at the end of a sample or none."""
    device = made()
    timing = OpenClTiming(device, profiling=True, beside=False)
    assert timing.time(timing.host_timed(device.launch), 4) == pytest.approx(0.004)
    assert timing.time(timing.host_timed(device.launch, wait=False), 4) == 0.0
    assert timing.time(types.SimpleNamespace(timer=None, call=device.launch), 2) == pytest.approx(0.002)


def test_a_drivers_events_are_nanoseconds_and_a_gate_holds_its_queue():
    """On a machine with a driver: both clocks tell of one load, and profiling costs little."""
    device = opencl_device()
    assert device.timing.agreement
    assert device.timing.overhead < 0.01
    to = device.filled(1, np.uint32(1))
    work = device.timed(device.launcher("opencl_clock", "spin", 1, 1, (to, np.uint32(100))))
    assert work.timer(300) > 0
