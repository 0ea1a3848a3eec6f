"""Memory of a GPU and of the host beside it: every kind can be copied from, and what cannot be had is a skip."""

from __future__ import annotations

import numpy as np
import pytest

from hwbench.bench import Skip


@pytest.fixture
def device(gpu_device):
    """The device on the made-up GPU."""
    return gpu_device


@pytest.mark.parametrize("kind", ["pageable", "pinned", "registered", "mapped", "managed"])
def test_every_kind_of_host_memory_can_be_copied_from(device, gpu, kind):
    """Each buffer has as many bytes as asked for; what is copied from it arrives; closing gives it back."""
    buffer = device.host(kind, 8192)
    buffer.array.view(np.int64)[:] = np.arange(1024)
    there = device.empty(1024, np.int64)
    device.copier(there, buffer, 8192)()
    device.synchronize()
    assert device.get(there).tolist() == list(range(1024))
    assert gpu.ran("copy")[-1][3] == device.stream.ptr
    if kind in ("pageable", "pinned"):
        with pytest.raises(Skip, match=f"cannot reach {kind}"):
            _ = buffer.device_ptr
    else:
        assert buffer.device_ptr == buffer.ptr
    assert gpu.registered == ([buffer.ptr] if kind == "registered" else [])
    buffer.close()
    assert gpu.registered == []


def test_memory_that_is_not_to_be_had_is_a_skip(device, gpu):
    """Never more managed memory than is free; attributes that the card lacks; a kind that does not exist."""
    gpu.free = 4096
    with pytest.raises(Skip, match=r"8 KiB of managed memory; the GPU has 4 KiB free"):
        device.host("managed", 8192)
    gpu.attributes[89] = 0
    with pytest.raises(Skip, match="the CPU may not touch managed memory while the GPU works"):
        device.host("managed", 16)
    gpu.attributes |= {83: 0, 91: 0, 99: 0}
    with pytest.raises(Skip, match="no managed memory"):
        device.host("managed", 16)
    with pytest.raises(Skip, match="cannot register"):
        device.host("registered", 4096)
    gpu.attributes[99] = 1
    with pytest.raises(Skip, match="cannot reach registered"):
        _ = device.host("registered", 4096).device_ptr
    with pytest.raises(ValueError, match="'texture' is no kind of host memory; there are pageable, pinned"):
        device.host("texture", 1)


def test_memory_that_others_have_taken_meanwhile_is_a_skip_with_the_numbers(device, gpu, monkeypatch):
    """On the device and on the host; other errors stay what they are."""
    import sys

    cuda = sys.modules["cupy"].cuda

    def full(size, flags=0):
        raise cuda.runtime.CUDARuntimeError(full.status, "cudaErrorMemoryAllocation: out of memory")

    full.status = 2
    monkeypatch.setattr(cuda, "Memory", full)
    monkeypatch.setattr(cuda, "PinnedMemory", full)
    gpu.free = 4096
    with pytest.raises(Skip, match="8 KiB were refused; the GPU has 4 KiB free"):
        device.empty(1024, "f8")
    with pytest.raises(Skip, match="1 MiB were refused"):
        device.host("pinned", 2**20)
    full.status = 700
    with pytest.raises(RuntimeError, match="cudaErrorMemoryAllocation"):
        device.empty(1024)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "u1"])
def test_random_data_is_finite_and_not_the_same_everywhere(device, dtype):
    """Zeros would compress; floats lie in [0.5, 1.5); one seed gives one array; tiles repeat."""
    from hwbench.devices.gpu_memory import TILE

    made = device.get(device.random(TILE + 5, dtype, np.random.default_rng(7)))
    again = device.get(device.random((5, 1), dtype, np.random.default_rng(7)))
    assert made.dtype == np.dtype(dtype)
    assert np.array_equal(made[TILE:], made[:5])
    assert np.array_equal(again[:, 0], made[:5])
    assert len(np.unique(made[:4096])) > 100
    if made.dtype.kind == "f":
        assert made.min() >= 0.5
        assert made.max() <= 1.5


def test_bfloat16_is_held_as_its_two_bytes(device):
    """CuPy need not know the type that the kernel names."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    made = device.get(device.random(64, ml_dtypes.bfloat16, np.random.default_rng(0)))
    assert made.dtype == np.uint16
    floats = made.view(ml_dtypes.bfloat16).astype(float)
    assert floats.min() >= 0.5
    assert floats.max() <= 1.5
