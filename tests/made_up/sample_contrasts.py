"""Made-up records of the contrasts that have a picture of their own, for the sample run: from closed forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hwbench.record.model import Scalar

Row = tuple[str, str, dict[str, Scalar], float, dict[str, float], dict[str, Any]]
CPUS = 4


def contrast_rows() -> Iterator[Row]:
    """Strides with lines of 64 bytes fetched in pairs, blocks, reductions with their errors, the price of a prange."""
    yield from _strides()
    yield from _blocks()
    yield from _reductions()
    yield from _layers()


def _strides() -> Iterator[Row]:
    for size, nanoseconds, line in (("L2", 0.125, 64), ("DRAM", 0.5, 128)):
        for stride in (1, 2, 4, 8, 16, 32, 64, 128):
            step, items = 8 * stride, 1e5
            for variant in ("numba", "numpy") if size == "DRAM" and stride in (1, 8, 64) else ("numba",):
                seconds = items * nanoseconds * 1e-9 * min(step, line) / 8 + (1e-6 if variant == "numpy" else 0.0)
                yield (
                    "access.stride", variant, {"size": size, "stride": stride}, seconds,
                    {"items": items, "bytes": 8 * items}, {"stride_bytes": step, "footprint": 2**27},
                )  # fmt: skip


def _blocks() -> Iterator[Row]:
    for work, n, times in (
        ("transpose", 3064, (0.019, 0.019, 0.015)),
        ("transpose", 3072, (0.071, 0.068, 0.014)),
        ("matmul", 408, (0.1, 0.012, 0.006)),
    ):
        counts = {"bytes": 16.0 * n * n, "items": float(n * n)} if work == "transpose" else {"flops": 2.0 * n**3}
        for variant, seconds in zip(("naive", "loop-order", "blocked"), times, strict=True):
            yield "access.blocking", variant, {"work": work, "n": n}, seconds, counts, {"footprint": 16 * n * n}


def _reductions() -> Iterator[Row]:
    for dtype, n, ways in (
        ("f8", 10**5, {"loop": (90.0, 8e-15), "builtin": (6.0, 8e-15), "numpy": (0.3, 0.0), "numba": (0.9, 8e-15)}),
        ("f4", 4 * 10**6, {"numpy": (0.2, 2e-9), "numba": (0.9, 2e-5), "numba-fastmath": (0.1, 6e-8)}),
    ):
        for variant, (nanoseconds, error) in ways.items():
            yield (
                "vectorize.reduction", variant, {"operation": "sum", "dtype": dtype, "n": n}, n * nanoseconds * 1e-9,
                {"items": float(n), "flops": float(n), "calls": 1.0}, {"relative_error": error, "footprint": 8 * n},
            )  # fmt: skip


def _layers() -> Iterator[Row]:
    for variant, call, each in (
        ("serial", 2e-7, 2e-10),
        ("workqueue", 2e-5, 2e-10 / CPUS),
        ("omp", 4e-6, 2e-10 / CPUS),
    ):
        for n in (100, 1000, 10**4, 10**5, 10**6):
            yield (
                "parallel.overhead", variant, {"n": n}, call + n * each,
                {"calls": 1.0, "items": float(n), "bytes": 24.0 * n}, {"threads": 1 if variant == "serial" else CPUS},
            )  # fmt: skip
