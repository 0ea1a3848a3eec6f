"""Copies on a made-up GPU of a scripted clock: what is in a figure, and what is not."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from msgspec.structs import replace

from doubles.fake_cupy import FakeGpu, FakeNvml, install
from hwbench.benches.transfer import copy
from hwbench.record.model import Gpu
from made_up.gpu_records import copies, said, suspect

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


def test_transfers_tell_latency_bandwidth_and_the_remedy():
    """A link of 8 µs and 50 GB/s is told as such, with the half-bandwidth size and how Python gets what it lacks."""
    records = [
        *copies("raw", "h2d", "pinned", 8e-6, 50e9),
        *copies("raw", "both", "pinned", 8e-6, 40e9),
        *copies("cupy", "h2d", "pageable", 20e-6, 10e9),
        *copies("raw", "h2d", "mapped", 5e-6, 25e9),
    ]
    assert said(copy.copy_bench, *records) == [
        "Copies of pinned memory reach 49.9 GB/s to the GPU and 79.9 GB/s in both directions at once.",
        "An ordinary array of 256 MiB sent by cupy.asarray: 9.99 GB/s, 4.996× slower than pinned memory (4.991–5.001); "
        "keep the array in pinned memory (cupyx.empty_pinned) and send it by set().",
        "A copy to the GPU costs 8.000 µs (7.989–8.008) before its first byte; from 391 KiB on it reaches "
        "half of the link's bandwidth or more.",
    ]


def test_other_memory_is_told_where_it_is_the_slowest():
    """Without enough sizes for a latency two kinds have room; one direction is no list, three are."""
    pinned = copies("raw", "h2d", "pinned", 8e-6, 50e9)[-1:]
    mapped, managed = (copies("raw", "h2d", memory, 5e-6, 25e9)[-1:] for memory in ("mapped", "managed"))
    fetched = copies("cupy", "d2h", "pageable", 2e-5, 49e9)[-1:]
    assert said(copy.copy_bench, *pinned) == ["Copies of pinned memory reach 49.9 GB/s to the GPU."]
    _, one, other = said(copy.copy_bench, *pinned, *mapped, *managed)
    assert one.startswith("Mapped host memory, read by the GPU: 25.0 GB/s, 1.998× slower than pinned memory (")
    assert other.startswith("Managed host memory, read by the GPU: 25.0 GB/s, 1.998× slower than pinned memory (")
    ways = [copies("raw", way, "pinned", 8e-6, 50e9)[-1] for way in ("h2d", "d2h", "both")]
    first, python = said(copy.copy_bench, *ways, *fetched)
    assert "to the GPU, 49.9 GB/s from the GPU and 99.9 GB/s in both directions at once" in first
    assert python.endswith(" than pinned memory (1.022–1.023).")  # 2% are no reason to change a program
    assert python.startswith("An ordinary array of 256 MiB fetched by get(): 48.8 GB/s, 1.02")
    assert said(copy.copy_bench, *fetched) == []


@pytest.mark.parametrize(
    ("had", "said_so"),
    [((5, 16), ""), ((3, 16), "PCIe 3 x16 under load, where card and slot can have 5 x16"),
     ((5, 8), "PCIe 5 x8 under load, where card and slot can have 5 x16"), ((0, 0), "")],
)  # fmt: skip
def test_a_link_below_what_it_could_be_is_a_finding(had, said_so):
    """By the most that was read during the largest pinned copies; where the driver tells nothing there is none."""
    telemetry = {"gpu_pcie_gen": [1.0, float(had[0])], "gpu_pcie_width": [float(had[1])] * 2}
    rows = [replace(one, telemetry=telemetry) for one in copies("raw", "h2d", "pinned", 8e-6, 50e9)]
    card = Gpu(name="H100", pcie={"max_generation": 5, "max_width": 16})
    told = said(copy.copy_bench, *rows, *copies("cupy", "h2d", "pageable", 2e-5, 10e9), gpus=[card])
    assert len(told) <= 3
    assert sum("The link runs at" in line for line in told) == bool(said_so)
    assert said_so in " ".join(told)


def test_disturbed_copies_are_marked():
    """Every sentence that a suspect record is in."""
    rows = [*copies("raw", "h2d", "pinned", 8e-6, 50e9), *copies("cupy", "h2d", "pageable", 20e-6, 10e9)]
    told = said(copy.copy_bench, *(suspect(one, "steal") for one in rows))
    assert len(told) == 3
    assert all(line.count("(suspect: the hypervisor gave the CPU to other guests (steal))") == 1 for line in told)
