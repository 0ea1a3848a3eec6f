"""Occupancy: the threads that saturate the GPU."""

from __future__ import annotations

from hwbench.benches.device import occupancy
from made_up.gpu_records import record, said


def test_occupancy_tells_the_threads_that_saturate():
    """Where the rate grows with the threads up to 10⁴, more are needed with one chain than with four."""
    rows = [
        record("device.occupancy", "kernel", {"work": "fma", "threads": threads, "chains": chains},
               threads * chains / min(1e4, threads * chains), counts={"flops": threads * chains},
               facts={"resident": 270336})
        for threads in (32, 128, 512, 2048, 8192, 32768) for chains in (1, 4)
    ]  # fmt: skip
    text, single = said(occupancy.bench, *rows)
    assert text.startswith(
        "To compute at 90% of the best rate takes 15\u202f200 threads with one chain each, 3810 with 4;"
    )
    assert text.endswith("the card holds 270\u202f000 at a time.")
    assert single == "A single warp gets 0.32% of what all together do when they compute."
