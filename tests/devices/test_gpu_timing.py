"""How work on a GPU is timed: by events behind the gate, by the host's clock, cold, and with gauges read under load."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.devices import gpu_gate, gpu_timing

KERNEL = 2e-6  # seconds, less than a launch takes


@pytest.fixture
def device(gpu_device):
    """The device on the made-up GPU."""
    return gpu_device


def launcher(device, name="copy16", **more):
    return device.launcher("stream", name, 132, 256, (np.uint64(1),), **more)


def test_launching_is_no_part_of_the_time(device, gpu):
    """Each launch takes the host 3 µs and the kernel 2: only the 2 are told."""
    work = device.timed(launcher(device))
    assert work.timer(100) == pytest.approx(100 * KERNEL)
    assert work.facts["timed_by"] == "events"
    [gate] = gpu.ran("gate")[1:]  # the first was passed to load it
    assert gate[2] >= 100 * gpu.launch_s + gate[1]  # it held until all was queued


def test_everything_runs_once_before_the_gate_closes(device, gpu):
    """What is loaded at its first launch would wait behind the gate for ever."""
    device.timed(launcher(device)).timer(1)
    first = [entry[0] for entry in gpu.log]
    assert first.index("copy16") < [i for i, name in enumerate(first) if name == "gate"][1]


def test_cold_flushes_l2_before_each_call_outside_the_clock(device, gpu):
    """Twice the L2 is written before each kernel; only kernels are timed; at most 64 calls a sample."""
    work = device.timed(launcher(device), cold=True)
    work.call()
    gpu.log.clear()
    assert work.timer(10) == pytest.approx(10 * KERNEL)
    names = [entry[0] for entry in gpu.log if entry[0] in ("memset", "copy16")]
    assert names == ["memset", "copy16"] * 10
    flushed = gpu.ran("memset")[0]
    assert (flushed[2] - flushed[1]) * gpu.memset_bytes_s == pytest.approx(2 * 50 * 2**20)
    assert (work.most, work.facts["l2"]) == (64, "flushed")


def test_what_prepares_a_sample_is_queued_once_before_it_outside_the_clock(device, gpu):
    """Behind the gate and ahead of the first event; it counts as an entry of the queue."""
    work = device.timed(launcher(device), before=launcher(device, "gather"))
    work.timer(1)
    gpu.log.clear()
    assert work.timer(10) == pytest.approx(10 * KERNEL)
    names = [entry[0] for entry in gpu.log]
    assert names == ["gate", "gather", "stamp", "record", *["copy16"] * 10, "record", "stamp", "record"]
    work.timer(5000)
    assert gpu.fullest <= gpu_gate.QUEUE


@pytest.mark.parametrize("cold", [False, True])
def test_streams_start_together_and_are_waited_for(device, gpu, cold):
    """Two streams of unlike work: the whole takes as long as the longer, and each tells its own time."""
    left, right = device.streams(2)
    fast, slow = launcher(device, stream=left), launcher(device, "gather", stream=right)

    def launch():
        fast()
        slow()

    work = device.timed(launch, streams=(left, right), launches=2, cold=cold)
    assert work.timer(8) == pytest.approx(8e-3)
    assert work.facts["stream_s"] == pytest.approx([KERNEL, 1e-3])
    main = device.stream.ptr
    assert {entry[3] for entry in gpu.ran("gather")} == {right.ptr} != {main}


def test_outputs_come_back_as_host_arrays(device):
    """A reference is compared with NumPy's arrays, whatever the work's are."""
    there = device.put(np.arange(4.0))
    work = device.timed(launcher(device), output=lambda: there)
    work.call()
    found = work.output()
    assert type(found) is np.ndarray
    assert found.tolist() == [0, 1, 2, 3]
    answered = device.timed(lambda: there)
    answered.call()
    assert answered.output().tolist() == [0, 1, 2, 3]


@pytest.fixture
def host_clock(gpu, monkeypatch):
    """The host's clock is the script's."""
    monkeypatch.setattr(gpu_timing.time, "perf_counter", lambda: gpu.now)


@pytest.mark.parametrize(("sync", "each"), [("end", 3e-6), ("each", 5e-6), ("none", 3e-6)])
def test_the_host_sees_the_launch(device, gpu, host_clock, sync, each):
    """Launches alone take 3 µs; waiting after each adds the kernel's 2; the last kernel's end is waited for."""
    work = device.host_timed(launcher(device), sync=sync)
    work.call()
    tail = KERNEL if sync == "end" else 0.0
    assert work.timer(100) == pytest.approx(100 * each + tail)
    assert work.facts["timed_by"] == "host"


def test_cold_host_calls_are_timed_one_by_one(device, gpu, host_clock, monkeypatch):
    """The caches are filled with other data between calls, which is no part of the time."""
    evicted = []
    monkeypatch.setattr(device.timing, "_evict_host", lambda: evicted.append(setattr(gpu, "now", gpu.now + 1)))
    work = device.host_timed(launcher(device), sync="each", cold=True)
    work.call()
    assert work.timer(4) == pytest.approx(4 * 5e-6)
    assert (len(evicted), work.most) == (4, 2)


def test_eviction_writes_more_than_the_caches_hold(device):
    """Twice a last-level cache, every word."""
    device.timing._evict_host()
    cached = device._cpu.host.largest_last_level() or 64 * 2**20
    assert device.timing._evicting.nbytes >= min(2 * cached, 2**28) - 8
    assert set(device.timing._evicting[:: 2**16].tolist()) == {2}


def test_eviction_is_bounded(device, monkeypatch):
    """1.5 GB before each cold copy would take minutes of a run on two sockets of 384 MiB."""
    monkeypatch.setattr(device, "last_level_cache", lambda: 384 * 2**20)
    monkeypatch.setattr(gpu_timing, "MOST_EVICTING", 2**16)
    device.timing._evict_host()
    assert device.timing._evicting.nbytes == 2**16


def test_gauges_are_read_once_a_round_while_the_gpu_works(device, gpu, nvml, monkeypatch):
    """The first sample of a round reads them with its work still queued; the round's gauges are that reading."""
    busy = []
    nvml.values["clock"][1] = lambda: busy.append(len(gpu.pending)) or 1755
    work = device.timed(launcher(device))
    work.call()
    for _ in range(3):
        device.counters()
        work.timer(10)
        work.timer(10)
        told = device.gauges()
    assert len(busy) == 3
    assert min(busy) >= 10
    assert told["gpu_clock_hz"] == 1755e6
    assert told["gpu_clock_limit_hz"] == 1980e6
    assert (told["gpu_pcie_gen"], told["gpu_pcie_width"]) == (5, 16)
    assert told["gpu_power_w"] == 350
    assert told["gpu_temperature_c"] == 55


def test_the_clock_is_that_of_the_samples_of_a_round(device, gpu, nvml):
    """By stamps around them, whatever the driver last read; short samples, and another SM's cycles, tell nothing."""
    gpu.sm_hz = 1500e6
    work = device.timed(launcher(device, "gather"))
    work.call()
    device.counters()
    work.timer(10)
    assert device.gauges()["gpu_sm_clock_hz"] == pytest.approx(1500e6, rel=1e-6)
    assert device.gauges()["gpu_clock_hz"] == 1980e6
    device.counters()
    assert "gpu_sm_clock_hz" not in device.gauges(), "a new round has no samples yet"
    device.timed(launcher(device)).timer(1)
    assert "gpu_sm_clock_hz" not in device.gauges(), "2 µs"
    device.timing._stamps["sm"] = 0, 1
    gpu.sm_hz = 0.0
    device.timing._read_clock()
    assert "gpu_sm_clock_hz" not in device.gauges()


def test_stamps_are_no_part_of_the_time(device, gpu):
    """They are queued outside the events."""
    gpu.sm_hz, gpu.kernels["stamp"] = 1e9, 1.0
    assert device.timed(launcher(device)).timer(100) == pytest.approx(100 * KERNEL)
