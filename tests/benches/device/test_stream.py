"""Bandwidth on the device: what is told of HBM, L2, narrow accesses and CuPy."""

from __future__ import annotations

from hwbench.benches.device import stream
from made_up.gpu_records import said, streamed


def test_streams_tell_memory_cache_and_python():
    """HBM's rate, what narrow accesses cost, CuPy's share, and the L2."""
    records = [
        streamed("bytes16", "copy", "HBM", 2**30, 3e12),
        streamed("bytes4", "copy", "HBM", 2**30, 2.5e12),
        streamed("cupy", "copy", "HBM", 2**30, 2.9e12),
        streamed("bytes16", "copy", "8MiB", 2**23, 6e12),
    ]
    assert said(stream.bench, *records) == [
        "On the device a kernel copies 3000 GB/s. The lecture's Titan X Pascal: 480 GB/s.",
        "With accesses of 4 bytes instead of 16 the copy takes 1.2× as long (1.2–1.2).",
        "CuPy's copy takes 1.03× as long as the kernel.",
        "What fits the L2 of 50 MiB is 2× as fast: the copy reaches 6000 GB/s at 8 MiB.",
    ]
