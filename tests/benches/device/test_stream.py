"""Bandwidth on the device: what is told of HBM, L2, narrow accesses and CuPy."""

from __future__ import annotations

import numpy as np
import pytest

from doubles import gpu_on_cpu
from hwbench.benches.device import stream
from made_up.gpu_records import said, streamed, suspect


def test_streams_tell_memory_cache_and_python():
    """Memory's rate first; then the two largest of what L2 gives, CuPy takes and narrow accesses cost."""
    records = [
        streamed("bytes16", "copy", "HBM", 2**30, 3e12),
        streamed("bytes4", "copy", "HBM", 2**30, 2.5e12),
        streamed("cupy", "copy", "HBM", 2**30, 2.9e12),
        streamed("bytes16", "triad", "HBM", 2**30, 3e12),
        streamed("cupy", "triad", "HBM", 2**30, 1e12),
        streamed("bytes16", "read", "HBM", 2**30, 3.2e12),
        streamed("bytes16", "write", "HBM", 2**30, 3.3e12),
        streamed("cupy", "write", "HBM", 2**30, 3.3e12),
        streamed("bytes16", "copy", "8MiB", 2**23, 6e12),
    ]
    assert said(stream.bench, *records) == [
        "GPU memory bandwidth with 16-byte accesses: copy 3000 GB/s (2997–3003), triad 3000 GB/s (2997–3003), read "
        "3200 GB/s (3197–3203) and write 3300 GB/s (3297–3303).",
        "CuPy against these kernels: copy 1.034× slower (1.033–1.036), triad 3.000× slower (2.996–3.005) (two passes) "
        "and write no difference (0.999–1.001).",
        "Data within the L2 of 50 MiB against memory: copy 6000 GB/s at 8 MiB, 2.000× faster (1.998–2.002).",
    ]


def test_one_kernel_and_what_narrow_accesses_cost_it():
    """Without CuPy and L2 narrow accesses are told; nothing without memory's own record."""
    wide, narrow = streamed("bytes16", "read", "HBM", 2**30, 3e12), streamed("bytes4", "read", "HBM", 2**30, 2e12)
    assert said(stream.bench, wide, narrow) == [
        "GPU memory bandwidth with 16-byte accesses: read 3000 GB/s (2997–3003).",
        "4-byte accesses against 16-byte ones: read 1.500× slower (1.498–1.502).",
    ]
    assert said(stream.bench, narrow, streamed("bytes16", "copy", "8MiB", 2**23, 6e12)) == []


def test_memory_has_one_value_a_kernel_that_of_its_fastest_accesses():
    """4-byte accesses copy faster than 16-byte ones: theirs is the headline figure, and the sentence says so."""
    copies = [streamed(name, "copy", "HBM", 2**30, rate) for name, rate in (("bytes16", 3e12), ("bytes4", 3.2e12))]
    first, *_ = said(stream.bench, *copies, streamed("bytes16", "triad", "HBM", 2**30, 3e12))
    assert first == (
        "GPU memory bandwidth: copy 3200 GB/s (3197–3203) with 4-byte accesses and triad 3000 GB/s (2997–3003) with "
        "16-byte accesses."
    )


def test_disturbed_bandwidth_is_marked():
    """The rate, and what is set against it."""
    wide, other = streamed("bytes16", "copy", "HBM", 2**30, 3e12), streamed("bytes16", "triad", "HBM", 2**30, 3e12)
    narrow = streamed("bytes4", "copy", "HBM", 2**30, 2e12)
    memory, ratio = said(stream.bench, suspect(wide), other, narrow)
    assert "copy 3000 GB/s (2997–3003) (suspect: the GPU was held back by its power limit) and triad" in memory
    assert ratio.endswith(" (suspect: the GPU was held back by its power limit).")


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
