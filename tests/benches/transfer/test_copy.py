"""Copies on a made-up GPU of a scripted clock: what is in a figure, and what is not."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from doubles.fake_cupy import FakeGpu, FakeNvml, install

pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++, which .ci/run installs")

KERNEL = 2e-6  # seconds, less than a launch takes


@pytest.fixture
def gpu():
    return FakeGpu({"move16": KERNEL})


@pytest.fixture
def nvml(gpu):
    made = FakeNvml()
    made.busy = []  # entries that were still queued when the clock was read
    made.values["clock"][1] = lambda: made.busy.append(len(gpu.pending)) or 1755
    return made


@pytest.fixture
def managed(gpu, nvml, monkeypatch, tmp_path):
    """The work of a copy of managed memory, by its direction."""
    install(monkeypatch, gpu, nvml)
    from hwbench.benches.transfer import copy
    from hwbench.devices import gpu as module

    device = module.GpuDevice(0, root=tmp_path)
    monkeypatch.setattr(copy.time, "perf_counter", lambda: gpu.now)

    def made(direction):
        data = np.arange(4096, dtype=np.uint8)
        work = copy.raw(device, data, direction, "managed", 4096)
        work.call()
        return device, work

    return made


def test_launching_is_no_part_of_what_managed_memory_takes(managed, gpu):
    """Each launch takes the host 3 µs and the kernel 2: of ten calls only ten times the 2 are told."""
    _, work = managed("h2d")
    gpu.log.clear()
    assert work.timer(10) == pytest.approx(10 * KERNEL)
    assert [name for name, *_ in gpu.log if name in ("gate", "move16")] == ["gate", "move16"] * 10
    assert work.facts["timed_by"] == "events"


def test_the_kernel_that_managed_memory_is_read_by_is_loaded_before_the_gate_closes(managed, gpu):
    """What is loaded at its first launch would wait behind the gate for ever."""
    managed("h2d")
    first = [name for name, *_ in gpu.log]
    assert first.index("move16") < first.index("gate")


@pytest.mark.parametrize("direction", ["h2d", "d2h"])
def test_gauges_are_read_while_managed_memory_moves(managed, nvml, direction):
    """Once a round, with the kernel still queued, for the whole round's gauges."""
    device, work = managed(direction)
    nvml.busy.clear()
    for _ in range(3):
        device.counters()
        work.timer(4)
        assert device.gauges()["gpu_clock_hz"] == 1755e6
    assert len(nvml.busy) == 3
    assert min(nvml.busy) >= 1
