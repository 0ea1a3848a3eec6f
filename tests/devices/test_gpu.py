"""The GPU device on a made-up GPU: the gate, streams, the L2 flush, kinds of memory, labels, telemetry.

What a real one does beside (cubins, argument marshalling, true times) is for the tests that need it.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from doubles.fake_cupy import install
from hwbench.bench import CUDA_SOURCES, Skip, Sweep
from hwbench.devices import gpu_gate as gates
from hwbench.kernels import cuda, rocm


@pytest.fixture
def device(gpu_device):
    """The device on the made-up GPU."""
    return gpu_device


def launcher(device, name="copy16", **more):
    return device.launcher("stream", name, 132, 256, (np.uint64(1),), **more)


# --- kernels ----------------------------------------------------------------------------------------------------------


def test_modules_are_compiled_once_with_the_fixed_options(device):
    """The tests without a GPU compile the same text with the same options."""
    module = device.module("stream")
    assert module is device.module("stream")
    assert module.options == cuda.OPTIONS
    assert device.attributes("stream", "copy16")["local_bytes"] == 0
    assert device.resident("stream", "copy16", 256) == 4


def test_a_bench_of_one_s_own_has_its_source_beside_it(device, gpu, tmp_path, monkeypatch):
    """In a file of its name; where there is none, the file is named."""
    file = tmp_path / "mine.cu"
    monkeypatch.setitem(CUDA_SOURCES, "mine.x", file)
    with pytest.raises(ValueError, match=r"no kernels of 'mine\.x' in mine\.cu"):
        device.module("mine.x")
    file.write_text('extern "C" __global__ void copy16();')
    assert device.module("mine.x") is device.module("mine.x")


def test_a_cupy_for_rocm_gets_the_prelude_and_its_wavefront(device, gpu, monkeypatch):
    """The same kernels behind the prelude; those in PTX are skipped with the reason."""
    monkeypatch.setattr(device._runtime, "is_hip", True, raising=False)
    monkeypatch.setattr(device, "properties", dataclasses.replace(device.properties, warp=64))
    module = device.module("device.stream")
    assert (module.code, module.options) == (rocm.source("device.stream"), ("-std=c++17", "-DWARP=64"))
    with pytest.raises(Skip, match=r"^device\.tensor is for NVIDIA's GPUs alone: its kernels are PTX"):
        device.module("device.tensor")


def test_what_the_card_lacks_is_a_skip(device, gpu):
    """More shared memory than a block may have, and launches that need all blocks at once."""
    with pytest.raises(Skip, match=r"needs 300 KiB of shared memory a block; this GPU has 227 KiB"):
        launcher(device, shared=300 * 1024)
    gpu.attributes[95] = 0
    with pytest.raises(Skip, match="wait for each other"):
        launcher(device, cooperative=True)


# --- memory -----------------------------------------------------------------------------------------------------------


def test_host_memory_is_taken_near_the_gpu_and_the_affinity_put_back(gpu, nvml, monkeypatch, tmp_path):
    """On the CPUs that sysfs calls local while it is allocated; on all of them before and after."""
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system has no affinity")
    mine = os.sched_getaffinity(0)
    near = max(mine)
    folder = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    folder.mkdir(parents=True)
    (folder / "local_cpulist").write_text(f"{near}\n")
    (folder / "numa_node").write_text("1\n")
    install(monkeypatch, gpu, nvml)
    from hwbench.devices import gpu as module

    device = module.GpuDevice(0, root=tmp_path)
    assert device.properties.numa_node == 1
    seen = []
    monkeypatch.setattr(module.memory, "of_cuda", lambda kind, nbytes: seen.append(os.sched_getaffinity(0)))
    device.host("pinned", 4096)
    assert seen == [{near}]
    assert os.sched_getaffinity(0) == mine
    device.host_timed(lambda: seen.append(os.sched_getaffinity(0))).timer(1)
    assert seen[1] == {near}
    assert os.sched_getaffinity(0) == mine


def test_inputs_are_placed_where_the_builder_wants_them(device):
    """Copies on the device, other values as they are; or the very host arrays."""
    host = (np.arange(3.0), "n", 5)
    there = device.place(host, "device")
    assert type(there[0]).__module__ == "doubles.fake_cupy"
    assert device.get(there[0]).tolist() == [0, 1, 2]
    assert there[1:] == ("n", 5)
    assert device.place(host, "host") is host


def test_free_memory_is_the_scarcer_of_device_and_host(device, gpu):
    """CuPy's pools are emptied before, that of pinned memory too; inputs are made on the host."""
    gpu.free = 12345
    assert device.free_memory() == 12345
    assert (gpu.freed_pool, gpu.freed_pinned) == (1, 1)
    gpu.free = 2**60
    assert device.free_memory() < 2**60


# --- axis values ------------------------------------------------------------------------------------------------------


def test_size_labels_are_the_gpus_own(device, gpu, monkeypatch):
    """Half of L2; sixteen times L2 and at least 512 MiB for certain memory; named apart from a CPU's."""
    monkeypatch.setattr(type(device._cpu), "free_memory", lambda self: 2**40)
    assert device.resolve({"size": "L2"})["size"] == 25 * 2**20
    assert device.resolve({"size": "HBM"})["size"] == 16 * 50 * 2**20
    assert device.resolve({"size": "1MiB", "dtype": "f4"}) == {"size": 2**20, "dtype": np.dtype("f4")}
    assert device.sizes == {"gpu:0/L2": 25 * 2**20, "gpu:0/HBM": 800 * 2**20}
    with pytest.raises(Skip, match="a GPU has no L3; its levels are L2, HBM"):
        device.resolve({"size": "L3"})


def test_bandwidth_of_memory_is_timed_on_more_than_is_checked(device, gpu, monkeypatch):
    """4 GiB, or a sixth of what may be taken, asked for once; other sizes, and HBM's that is more, stay."""
    monkeypatch.setattr(type(device._cpu), "free_memory", lambda self: 2**40)
    hbm = device.resolve({"size": "HBM"})["size"]
    assert device.bandwidth_size(2**20) == 2**20
    assert device.bandwidth_size(hbm) == 4 * 2**30
    gpu.free = 2**30
    assert device.bandwidth_size(hbm) == 4 * 2**30, "the same for all variants, whose arrays fill the memory"
    device._timed_size = None
    gpu.free = 10 * 2**30
    assert device.bandwidth_size(hbm) == 2**30
    device._timed_size = None
    gpu.free = 2**30
    assert device.bandwidth_size(hbm) == hbm


def test_device_memory_that_is_not_free_is_a_skip_with_the_numbers(device, gpu):
    """60% of what is free may be taken."""
    gpu.free = 600 * 2**20
    with pytest.raises(Skip, match=r"HBM takes 800 MiB \(16 times L2, at least 512 MiB\); 60% of the 600 MiB free"):
        device.resolve({"size": "HBM"})


def test_sweeps_end_at_the_gpus_levels(device):
    """From the first size to the label's or a quantity; a CPU's sweep is none of its."""
    assert device.spread(Sweep(2**23, "L2", 1, on="gpu")) == ["8MiB", "16MiB"]
    assert device.spread(Sweep(64, "256B", 1, on="gpu")) == ["64B", "128B", "256B"]
    with pytest.raises(TypeError, match="no axis value"):
        device.spread(Sweep(4096, "DRAM"))


# --- telemetry --------------------------------------------------------------------------------------------------------


def test_settling_ends_when_the_clock_stays(device, gpu, nvml):
    """The clock climbs for four readings, then stays: load for five more, and no longer."""
    climbing = iter([300, 900, 1400, 1800])
    nvml.values["clock"][1] = lambda: next(climbing, 1980)
    device.settle(60.0)
    assert len(gpu.ran("burn")) == 9


def test_the_card_is_described_for_the_run_file(device):
    """Name, bytes, multiprocessors, versions, and the link that card and slot can have."""
    about = device.describe()
    assert (about.name, about.sm, about.memory) == ("NVIDIA H100 80GB HBM3", 132, 80 * 2**30)
    assert (about.driver, about.cuda) == ("580.65.06", "13.2")
    assert about.pcie == {
        "address": "0000:01:00.0", "generation": 5, "width": 16, "max_generation": 5, "max_width": 16
    }  # fmt: skip
    assert device.properties.capability == (9, 0)
    assert device.properties.numa_node is None


def test_a_card_is_known_by_its_uuid_and_what_it_is_set_to(device, gpu, nvml):
    """Two H100 of one name at 350 and 700 W are told apart, whatever number CUDA_VISIBLE_DEVICES gives them."""
    about = device.describe()
    assert about.uuid == "GPU-00000102-0304-0506-0708-090a0b0c0d0e"
    assert about.versions == {"driver_cuda": "13.0", "nvrtc": "13.0"}
    assert about.state == {
        "power_limit_w": 700.0, "power_default_w": 700.0, "ecc": True, "mig": False, "compute_mode": "default",
        "virtual": "none", "persistence": True, "clock_locked": False, "processes": 0, "vbios": "96.00.74.00.01",
    }  # fmt: skip
    nvml.values |= {"power_limit": 350_000, "ecc": None, "mig": [1, 1], "mode": 3, "virtual": 2, "throttle": 0x2,
                    "processes": ["this", "another"]}  # fmt: skip
    told = device.describe().state
    assert "ecc" not in told
    assert (told["power_limit_w"], told["mig"], told["clock_locked"], told["processes"]) == (350.0, True, True, 1)
    assert (told["compute_mode"], told["virtual"]) == ("exclusive process", "vGPU")


# --- the real CuPy ----------------------------------------------------------------------------------------------------


def names_used() -> set[str]:
    """Every dotted name below `cupy` that the device's modules write, `self._runtime` being `cupy.cuda.runtime`."""
    folder = Path(gates.__file__).parent
    found = set()
    for file in ("gpu.py", "gpu_memory.py"):
        for node in ast.walk(ast.parse((folder / file).read_text())):
            if isinstance(node, ast.Attribute):
                text = ast.unparse(node).replace("self._runtime.", "cupy.cuda.runtime.")
                if text.startswith("cupy.") and "(" not in text:
                    found.add(text)
    return found


@pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="needs CuPy (tox -e gpu)")
def test_the_real_cupy_has_every_name_that_the_device_uses():
    """The made-up one has them because the test was written so; this says that the real one has them too."""
    import cupy

    used = names_used()
    assert len(used) > 20
    for name in sorted(used):
        found = cupy
        for part in name.split(".")[1:]:
            found = getattr(found, part)
