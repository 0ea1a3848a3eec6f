"""The OpenCL device: what it refuses and why, and on a machine with a driver that its kernels and copies are right."""

from __future__ import annotations

import types

import msgspec
import numpy as np
import pytest

from doubles.opencl import SMALL, opencl_device
from hwbench.bench import Skip, Sweep
from hwbench.devices import opencl
from hwbench.host.opencl_probe import Found, describe
from hwbench.kernels import opencl as sources


class OpenClError(Exception):
    """pyopencl's error, with the code of cl.h."""

    def __init__(self, code, said=""):
        super().__init__(said)
        self.code = code


def without_a_driver(**about):
    """A device of which only what its driver tells is there."""
    device = object.__new__(opencl.OpenClDevice)
    device.about = Found(
        place=(0, 0), name="gfx", platform="AMD", type="GPU", units=4, memory=2**32, largest=2**30, cache=2**22,
        group=1024, **about,
    )  # fmt: skip
    device.name, device._sizes = "opencl:1", {}
    device._cpu = types.SimpleNamespace(free_memory=lambda: 2**40)
    device.cl = types.SimpleNamespace(Error=OpenClError)
    return device


def test_sizes_come_from_the_devices_own_limits():
    """Half of its cache; sixteen times the cache and a MiB, or half a GiB; bandwidth on what a buffer may hold."""
    device = without_a_driver()
    assert device.resolve({"size": "L2", "dtype": "f4"}) == {"size": 2**21, "dtype": np.dtype("f4")}
    assert device.size("HBM") == 6 * 2**32 // 60 // 4096 * 4096  # a sixth of six tenths: the device is small
    assert device.sizes == {"opencl:1/L2": 2**21, "opencl:1/HBM": device.size("HBM")}
    assert device.bandwidth_size(2**20) == 2**20
    assert device.bandwidth_size(device.size("HBM")) == device.size("HBM")
    assert device.spread(Sweep(2**20, "L2", 1, on="gpu")) == ["1MiB", "2MiB"]
    shared = without_a_driver(unified=True)
    assert shared.bandwidth_size(shared.size("HBM")) == shared.size("HBM")


def test_levels_and_types_that_it_lacks_are_skips():
    """One line each: a level of CPUs, a cache that the driver does not tell, doubles and halves."""
    device = without_a_driver(doubles=True)
    with pytest.raises(Skip, match="an OpenCL device has no L3; its levels are L2, HBM"):
        device.resolve({"size": "L3"})
    with pytest.raises(Skip, match=r"needs halves .cl_khr_fp16., which gfx lacks"):
        device.needs("f2")
    device.needs("f8")
    device.needs("i8")
    device.about = msgspec.structs.replace(device.about, cache=0)
    with pytest.raises(Skip, match="the driver of gfx tells no cache"):
        device.size("L2")


def test_a_cpu_has_groups_of_one_work_item_and_native_vectors():
    """A GPU has groups of 256, or as many as it takes, and makes vectors of work-items."""
    gpu, cpu = without_a_driver(), without_a_driver(widths={"f4": 16, "f8": 8})
    cpu.about = msgspec.structs.replace(cpu.about, type="CPU")
    assert (gpu.group, gpu.groups, gpu.width("f4")) == (256, 32, 1)
    assert (cpu.group, cpu.groups, cpu.width("f4"), cpu.width("f8"), cpu.width("f2")) == (1, 256, 16, 8, 1)


@pytest.mark.parametrize(
    ("allowed", "before", "after"), [((0, 1), None, "1"), ((0, 1), "0", "0"), ((0, 2), None, None)]
)
def test_pocl_pins_its_threads_where_it_may(monkeypatch, allowed, before, after):
    """Not where the user says otherwise, nor where a CPU of the first is not allowed."""
    monkeypatch.setenv("POCL_AFFINITY", before or "")
    if before is None:
        monkeypatch.delenv("POCL_AFFINITY")
    opencl.pin(2, allowed)
    assert opencl.os.environ.get("POCL_AFFINITY") == after


def test_memory_that_is_refused_is_a_skip_with_the_numbers():
    """Other errors stay errors."""
    device = without_a_driver()
    said = "8 GiB were refused; the device has 4 GiB, 1 GiB at most in a buffer"
    with pytest.raises(Skip, match=said), device._enough(2**33):
        raise OpenClError(-61)
    with pytest.raises(OpenClError), device._enough(1):
        raise OpenClError(-11)


def test_a_device_that_is_gone_is_lost():
    """Whatever the error became on its way; another error ends nothing."""
    device = without_a_driver()
    later = ValueError("later")
    later.__cause__ = OpenClError(-2, "DEVICE_NOT_AVAILABLE\nmore")
    assert device.lost(later) == "DEVICE_NOT_AVAILABLE"
    assert device.lost(OpenClError(-5)) == ""


def test_a_run_file_tells_what_it_is():
    """Its name, with a word that it is this CPU, and what it lacks."""
    told = describe(Found(place=(0, 0), name="pthread", platform="PoCL", type="CPU", version="OpenCL 3.0"))
    assert told.name == "pthread (this CPU)"
    lacks = ["doubles", "halves", "sub-groups", "unified memory"]
    assert told.state == {"type": "CPU", "this_cpu": True, "lacks": lacks}
    assert told.versions == {"platform": "PoCL", "opencl": "OpenCL 3.0"}


# --- with a driver ----------------------------------------------------------------------------------------------------


def test_copies_there_and_back_are_exact():
    """Arrays, tiles over and over, one value, and memory that the driver allocates."""
    device = opencl_device()
    host = np.arange(10, dtype=np.float32)
    there = device.put(host)
    assert (there.get() == host).all()
    assert (device.repeated(there, 25).get() == np.resize(host, 25)).all()
    assert (device.filled(7, np.uint32(9)).get() == 9).all()
    there.set(host[::-1])
    out = np.empty_like(host)
    assert (there.get(out=out) == host[::-1]).all()
    with device.host_buffer(64) as (buffer, mapped):
        mapped[:] = np.arange(64)
        assert device.cl.mem_flags.ALLOC_HOST_PTR & buffer.flags
    assert device.empty(0).get().size == 0
    assert (device.place((host, 3), "device")[0].get() == host).all()
    assert device.place((host,), "host") == (host,)


def test_a_build_that_fails_is_one_line_with_the_compilers_own(monkeypatch):
    """And more than a device has is refused with the numbers."""
    device = opencl_device()
    monkeypatch.setattr(sources, "source", lambda topic: "kernel void wrong(global int* to) { to[0] = nothing_such; }")
    with pytest.raises(RuntimeError, match=r"does not build device.wrong: its compiler says: .*nothing_such") as caught:
        device.launcher("device.wrong", "wrong", 1, 1)
    assert "\n" not in str(caught.value)
    with pytest.raises(Skip, match="were refused; the device has"):
        device.empty(2**50)


def test_a_device_settles_and_counts():
    """It is busy for a moment at most; telemetry is the host's."""
    device = opencl_device()
    device.settle(0.001)
    assert device.quiet()
    assert device.counters()["wall_s"] > 0
    assert device.gauges() == {}
    assert device.sizes == {f"opencl:0/{label}": size for label, size in SMALL.items()}
