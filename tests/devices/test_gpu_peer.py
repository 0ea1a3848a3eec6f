"""Another GPU: who reaches whose memory, and copies between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from doubles.fake_cupy import FakeGpu, FakeNvml, install
from hwbench.bench import Skip


def made(monkeypatch: Any, count: int = 2, index: int = 0, **more: Any) -> tuple[FakeGpu, Any]:
    gpu = FakeGpu(count=count)
    for name, value in more.items():
        setattr(gpu, name, value)
    install(monkeypatch, gpu, FakeNvml())
    from hwbench.devices.gpu import GpuDevice

    return gpu, GpuDevice(index)


def test_peers_are_counted_from_the_own_gpu_round_the_end(monkeypatch):
    """Of three GPUs the next of the last one is the first."""
    _, device = made(monkeypatch, count=3, index=2)
    assert [device.peer(further).name for further in (1, 2)] == ["gpu:0", "gpu:1"]
    with pytest.raises(Skip, match="3 GPUs are visible, so a GPU lies at most 2 after another, not 3"):
        device.peer(3)


def test_one_gpu_alone_has_no_peer(monkeypatch):
    """That is what the machine lacks, whatever number is asked for."""
    _, device = made(monkeypatch, count=1)
    for further in (1, 7):
        with pytest.raises(Skip, match="needs a second GPU"):
            device.peer(further)


def test_access_is_asked_for_once_by_the_gpu_that_copies(monkeypatch):
    """A second time CUDA says that it is there already; other errors are errors."""
    gpu, device = made(monkeypatch)
    device.peer(1).reached()
    assert device.peer(1).direct
    assert gpu.enabled == {(0, 1)}
    error = RuntimeError("cudaErrorInvalidDevice")
    monkeypatch.setattr(device._runtime, "deviceEnablePeerAccess", lambda _index: (_ for _ in ()).throw(error))
    with pytest.raises(RuntimeError, match="InvalidDevice"):
        device.peer(1)


def test_gpus_that_do_not_reach_each_other_still_copy(monkeypatch):
    """Only kernels cannot; nothing is asked for."""
    gpu, device = made(monkeypatch, peers=False)
    other = device.peer(1)
    assert not other.direct
    assert gpu.enabled == set()
    with pytest.raises(Skip, match="kernels of gpu:0 cannot reach the memory of gpu:1"):
        other.reached()
    here, there = device.put(np.arange(8)), other.put(np.zeros(8, np.int64))
    other.copier(there, here, 64, here=False, stream=device.stream)()
    np.testing.assert_array_equal(other.get(there), np.arange(8))


def test_a_copy_names_both_gpus(monkeypatch):
    """There and back, on the stream that was given; memory is allocated on the GPU whose it is."""
    gpu, device = made(monkeypatch)
    other, allocated = device.peer(1), []
    whole = device._allocated
    monkeypatch.setattr(other, "_allocate", lambda *given: (allocated.append(gpu.current), whole(*given))[1])
    here, there = device.put(np.zeros(8)), other.put(np.ones(8))
    [stream] = device.streams(1)
    other.copier(here, there, 64, here=True, stream=stream)()
    other.copier(there, here, 64, here=False, stream=stream)()
    assert (device.get(here) == 1).all()
    assert [(name, ran) for name, _, _, ran in gpu.log if name.startswith("copy ")] == [
        ("copy 1 to 0", stream.ptr), ("copy 0 to 1", stream.ptr)
    ]  # fmt: skip
    assert (allocated, gpu.current) == ([1], 0)


def test_memory_that_is_refused_there_is_a_reason(monkeypatch):
    """Both GPUs may be used by others."""
    _, device = made(monkeypatch)
    other = device.peer(1)
    refuse = type("OutOfMemory", (Exception,), {"status": 2})
    monkeypatch.setattr("hwbench.devices.gpu.memory.allocate", lambda *_: (_ for _ in ()).throw(refuse()))
    with pytest.raises(Skip, match="64 B were refused"):
        other.put(np.zeros(8))


def test_pages_are_moved_to_the_gpu_and_to_the_host(monkeypatch):
    """By the number of the GPU, and by -1."""
    gpu, device = made(monkeypatch, index=1)
    pages = device.host("managed", 4096)
    device.prefetcher(pages)()
    device.prefetcher(pages, to_host=True)()
    device.synchronize()
    assert [name for name, *_ in gpu.log if name.startswith("prefetch")] == ["prefetch to 1", "prefetch to -1"]
