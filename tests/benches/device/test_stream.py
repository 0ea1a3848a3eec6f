"""Bandwidth on the device: what is told of HBM, L2, narrow accesses and CuPy."""

from __future__ import annotations

import numpy as np
import pytest

from doubles import gpu_on_cpu
from hwbench.benches.device import stream
from made_up.gpu_records import said, streamed


def test_streams_tell_memory_cache_and_python():
    """HBM's rate, what narrow accesses cost, CuPy's share, and the L2."""
    records = [
        streamed("bytes16", "copy", "HBM", 2**30, 3e12),
        streamed("bytes4", "copy", "HBM", 2**30, 2.5e12),
        streamed("cupy", "copy", "HBM", 2**30, 2.9e12),
        streamed("bytes16", "triad", "HBM", 2**30, 3e12),
        streamed("cupy", "triad", "HBM", 2**30, 1.5e12),
        streamed("bytes16", "read", "HBM", 2**30, 3.2e12),
        streamed("bytes16", "write", "HBM", 2**30, 3.3e12),
        streamed("cupy", "write", "HBM", 2**30, 3.3e12),
        streamed("bytes16", "copy", "8MiB", 2**23, 6e12),
    ]
    assert said(stream.bench, *records) == [
        "On the device a kernel copies 3000 GB/s. The lecture's Titan X Pascal: 480 GB/s.",
        "With accesses of 4 bytes instead of 16 the copy takes 1.20× as long.",
        "CuPy's copy, which is the runtime's, takes 1.03× as long as the kernel.",
        "What fits the L2 of 50 MiB is 2.00× as fast: the copy reaches 6000 GB/s at 8 MiB.",
        "On the device a kernel runs the triad at 3000 GB/s.",
        "CuPy's triad takes 2.00× as long as the kernel, of which its two passes over the arrays explain 5/3.",
        "On the device a kernel only reads 3200 GB/s.",
        "On the device a kernel only writes 3300 GB/s.",
        "The runtime's memset takes 1.00× as long as the kernel.",
    ]


@pytest.fixture
def device(monkeypatch, tmp_path):
    """A made-up GPU with 2 SMs and 1 MiB of L2, whose kernels compute; 5 MiB are HBM's, 6 MiB are timed."""
    if lacking := gpu_on_cpu.on_cpu.lacking():
        pytest.skip(lacking)
    gpu_on_cpu.shrink(monkeypatch)
    return gpu_on_cpu.computing_gpu(monkeypatch, tmp_path)


@pytest.mark.parametrize("variant", ["bytes16", "bytes4", "cupy"])
@pytest.mark.parametrize("kernel", ["copy", "triad", "read", "write"])
def test_memory_is_timed_on_longer_arrays_than_are_checked(device, kernel, variant):
    """Counts and footprint are those of the timed launch; the answer is that of the arrays of the label."""
    if (kernel, variant) == ("read", "cupy"):
        return
    size = device.resolve({"size": "HBM"})["size"]
    longer = device.bandwidth_size(size)
    assert longer > size
    tiles = [device.put(one) for one in stream.tiles(np.random.default_rng(1), size, kernel)]
    work = stream.bench.variants[variant].build(device, *tiles, size, kernel)
    timed = 4 * stream.elements(longer, kernel) * stream.ARRAYS[kernel]
    assert work.facts["footprint"] == timed == stream.counts(device, size, kernel, variant)["bytes"]
    work.call()
    assert np.size(work.output()) == (1 if kernel == "read" else stream.elements(size, kernel))
    assert work.timer(1) > 0


@pytest.mark.parametrize("kernel", ["copy", "triad", "read", "write"])
def test_what_fits_l2_keeps_all_multiprocessors_busy(device, kernel):
    """However few parts there are, as many blocks run as the device holds; passes are more than one."""
    size = 2**18
    tiles = [device.put(one) for one in stream.tiles(np.random.default_rng(1), size, kernel)]
    work = stream.bench.variants["bytes16"].build(device, *tiles, size, kernel)
    parts = 4 * stream.elements(size, kernel) // (16 * stream.ITEMS)
    assert work.facts["passes"] * parts > work.facts["blocks"]
    assert work.facts["blocks"] == device.properties.sm * device.resident("device.stream", f"{kernel}16", 256)
