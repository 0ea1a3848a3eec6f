"""What tests of devices share: this machine's CPUs, and a made-up GPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from doubles.fake_cupy import FakeGpu, FakeNvml, install
from hwbench.devices.cpu import CpuDevice
from hwbench.kernels import cuda
from made_up import trees

KERNEL = 2e-6  # seconds, less than a launch takes


@pytest.fixture(scope="module")
def here() -> Iterator[CpuDevice]:
    """The CPUs of this machine."""
    made = CpuDevice()
    yield made
    made.close()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> FakeGpu:
    """A made-up H100 whose kernel `copy16` takes 2 µs; its source needs no compiling."""
    made = FakeGpu({"copy16": KERNEL, "slow": 0.5, "gather": 1e-3})
    real = cuda.source
    kernels = 'extern "C" __global__ void copy16(); void slow(); void gather();'
    monkeypatch.setattr(cuda, "source", lambda topic, file=None: kernels if topic == "stream" else real(topic, file))
    return made


@pytest.fixture
def nvml() -> FakeNvml:
    """What the made-up driver tells."""
    return FakeNvml()


@pytest.fixture
def gpu_device(gpu: FakeGpu, nvml: FakeNvml, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """hwbench's device on the made-up GPU."""
    install(monkeypatch, gpu, nvml)
    from hwbench.devices.gpu import GpuDevice

    trees.write(tmp_path, {"proc/meminfo": "MemAvailable: 67108864 kB"})
    return GpuDevice(0, root=tmp_path)
