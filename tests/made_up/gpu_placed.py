"""A made-up run of the roofs of a GPU."""

from __future__ import annotations

from typing import Any

from doubles.scripted import run_of
from hwbench.placing.gpu_roofs import GpuRoofs
from hwbench.record.model import Record, Run
from made_up.declared import DECLARED
from made_up.gpu_records import L2, record, streamed

HBM = {"copy": 2.9e12, "triad": 2.8e12, "read": 3.0e12, "write": 2.7e12}  # L2 is twice as fast
PEAKS = {"f4": 50e12, "f8": 25e12, "f2": 100e12}


def _records() -> list[Record]:
    made = []
    for kernel, rate in HBM.items():
        for variant, part in (("bytes16", 1.0), ("cupy", 0.9)):
            for size, footprint, times in (("L2", L2 // 2, 2.0), ("HBM", 16 * L2, 1.0)):
                one = streamed(variant, kernel, size, footprint, 1.0)
                made.append(_exactly(one, footprint / (rate * part * times)))
    made += [
        _exactly(record("device.peak", "fma", {"dtype": dtype, "chains": 8}, 1.0, counts={"flops": rate * 1e-3}), 1e-3)
        for dtype, rate in PEAKS.items()
    ]
    return made


def _exactly(one: Record, seconds: float) -> Record:
    one.samples[:] = [seconds] * 5
    return one


def gpu_run(**more: Any) -> Run:
    """Bandwidths of L2 and of memory by the GPU's own kernels and CuPy's, and peaks."""
    return run_of(*more.pop("records", _records()), **{"benches": DECLARED, **more})


def made_roofs() -> GpuRoofs:
    """Those roofs."""
    return GpuRoofs(gpu_run(), "gpu:0", {})
