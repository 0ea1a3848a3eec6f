"""The gate: work is queued behind it, never more than the queue holds, and it opens whatever happens."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.devices import gpu_gate as gates

KERNEL = 2e-6  # seconds, less than a launch takes


@pytest.fixture
def device(gpu_device):
    """The device on the made-up GPU."""
    return gpu_device


def launcher(device, name="copy16", **more):
    return device.launcher("stream", name, 132, 256, (np.uint64(1),), **more)


def test_the_queue_is_never_filled_behind_the_gate(device, gpu):
    """Thousands of calls go through many gates, none with more entries than half a queue."""
    work = device.timed(launcher(device))
    assert work.timer(5000) == pytest.approx(5000 * KERNEL)
    assert len(gpu.ran("copy16")) == 5001  # and the one that loads
    assert gates.QUEUE // 2 < gpu.fullest <= gates.QUEUE
    assert gpu.ran("gate")


@pytest.mark.parametrize("cold", [False, True])
@pytest.mark.parametrize("streams", [0, 3])
@pytest.mark.parametrize("launches", [1, 7, 2000])
def test_a_call_of_many_launches_counts_as_many(device, gpu, cold, streams, launches):
    """What one call queues, and the events and waits around it, is what fills the queue."""
    others = device.streams(streams)
    few = min(launches, 200)
    one = launcher(device)

    def launch():
        for _ in range(few):
            one()

    work = device.timed(launch, cold=cold, streams=others, launches=launches)
    assert work.timer(20) == pytest.approx(20 * few * KERNEL)
    assert gpu.fullest <= gates.QUEUE


def test_a_failing_launch_opens_the_gate(device, gpu):
    """An exception leaves no stream closed behind it."""
    work = device.timed(launcher(device))
    work.call()
    with pytest.raises(ZeroDivisionError):
        device.timing.stopwatch.together(lambda: 1 / 0, 1)
    gpu.synchronize()
    assert work.timer(1) == pytest.approx(KERNEL)
    assert device.timing.stopwatch.gate.timeouts == 0


def test_a_gate_that_opened_itself_is_counted(device, gpu):
    """A host that takes longer than the limit to queue: its time is in the figure, and the counter says so."""
    work = device.timed(launcher(device))
    work.call()
    before = device.counters()["gpu_gate_timeouts"]
    assert before == 0
    gpu.launch_s = 0.4
    assert work.timer(4) > 4 * KERNEL
    assert device.counters()["gpu_gate_timeouts"] == 1


def test_without_the_gate_launches_are_timed_as_they_come(gpu, nvml, gpu_device, tmp_path):
    """No kernel waits for the host, which a blocking launch would never reach; launching is counted in, 3 µs each."""
    from hwbench.devices.gpu import GpuDevice

    open_ = GpuDevice(0, root=tmp_path, ungated="CUDA_LAUNCH_BLOCKING=1")
    work = open_.timed(launcher(open_))
    assert work.timer(100) == pytest.approx(100 * 3e-6, rel=0.02)
    assert not gpu.ran("gate")
    assert work.facts["timed_by"] == "events without the gate"
    assert work.facts["no_gate"] == "CUDA_LAUNCH_BLOCKING=1"
    assert open_.counters()["gpu_gate_timeouts"] == 0


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, ""),
        ({"CUDA_LAUNCH_BLOCKING": "0"}, ""),
        ({"CUDA_VISIBLE_DEVICES": "1"}, ""),
        ({"CUDA_LAUNCH_BLOCKING": "1"}, "CUDA_LAUNCH_BLOCKING=1"),
        ({"CUDA_INJECTION64_PATH": "/x/lib.so"}, "a profiler or debugger (CUDA_INJECTION64_PATH is set)"),
        ({"NV_NSIGHT_INJECTION_PORT_BASE": "1"}, "a profiler or debugger (NV_NSIGHT_INJECTION_PORT_BASE is set)"),
        ({"NSYS_PROFILING_SESSION_ID": "7"}, "a profiler or debugger (NSYS_PROFILING_SESSION_ID is set)"),
    ],
)
def test_what_makes_launches_wait_is_known_by_the_environment(environment, said):
    """CUDA's own switch, and what tools leave there."""
    assert gates.blocking(environment) == said


@pytest.mark.parametrize(
    ("launches", "streams", "apart", "calls"),
    [(1, 0, False, 506), (1, 2, False, 500), (100, 0, False, 5), (2000, 0, False, 1), (1, 0, True, 127),
     (1, 3, True, 39), (508, 0, True, 1)],
)  # fmt: skip
def test_as_many_calls_share_a_gate_as_leave_the_queue_unfilled(launches, streams, apart, calls):
    """Counted are launches, and the events and waits around them: once, or for each call that is timed apart."""
    assert gates.batch(launches, streams, apart) == calls
    around = 2 + 3 * streams
    entries = 4 + (calls * (launches + 1 + around) if apart else calls * launches + around)
    assert entries <= gates.QUEUE or calls == 1


class Recorded:
    """A kernel that keeps what it was launched with."""

    ptr = 1

    def __init__(self):
        self.launched = []

    def __call__(self, grid, block, args, *, stream=None, **more):
        self.launched.append((grid, block, args, stream))


def test_each_gate_has_a_ticket_of_its_own():
    """The flag admits the ticket once everything is queued; a gate that its limit opened is counted."""
    kernel, flag = Recorded(), np.full(2, 7, np.uint32)
    gate = gates.Gate(kernel, flag, limit_ns=5)
    assert flag.tolist() == [0, 0]
    for ticket in (1, 2):
        with gate.closed("stream"):
            assert flag[0] == ticket - 1, "closed"
        assert flag[0] == ticket, "open"
        gate.passed()
    assert [(int(args[1]), int(args[2]), stream) for _, _, args, stream in kernel.launched] == [
        (1, 5, "stream"), (2, 5, "stream")
    ]  # fmt: skip
    assert gate.timeouts == 0
    flag[1] = 2  # as the kernel leaves it where its limit let it pass
    gate.passed()
    assert gate.timeouts == 1
