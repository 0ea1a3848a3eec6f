"""A made-up run with a GPU, for tests of what reads its records: every figure in it is invented.

A link of 8 µs and 52 GB/s a direction, device memory of 2.9 TB/s behind an L2 of 50 MiB at 6 TB/s, 50 TFLOP/s in
float32. The names are real, so that datasheets are found; no such card was measured.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from hwbench.record.model import Gpu, Record, Run
from hwbench.record.reasons import Reason
from hwbench.record.units import parse
from made_up.sample import replace, sample_run
from made_up.sample_lecture import lecture_gpu_rows

MIB, GIB = 2**20, 2**30
L2 = 50 * MIB
SIZES = ("64B", "1KiB", "16KiB", "256KiB", "1MiB", "4MiB", "16MiB", "64MiB", "256MiB", "1GiB")
LATENCY, LINK = 8e-6, 52e9  # s, B/s: what the fit has to find again
REASON = "no NVIDIA driver on this machine; install one, or run hwbench where there is a GPU"
CARD = Gpu(name="NVIDIA H100 80GB HBM3", memory=80 * GIB, sm=132, driver="580.65", cuda="13.0")


def gpu_run(*, spread: float = 0.01, device: str = "gpu:0", suspect: bool = True) -> Run:
    """A run of the CPU and of one GPU; with `suspect` one of its records is disturbed."""
    run = sample_run()
    records = list(_records(spread, device))
    if suspect:
        records[3] = replace(records[3], status="suspect", reasons=[Reason("gpu_clock_drift", "5%")])  # type: ignore[arg-type]
    return replace(run, machine=replace(run.machine, gpus=[CARD]), records=[*run.records, *records])  # type: ignore[arg-type]


def without_gpu() -> Run:
    """A run that asked for a GPU where there is none."""
    run = sample_run()
    asked = [
        replace(record, device="gpu", status="skipped", reasons=[Reason("needs_gpu", REASON)], samples=[])
        for record in _records(0.0, "")
    ]  # type: ignore[arg-type]
    return replace(run, records=[*run.records, *asked])


def link_seconds(size: float, memory: str, variant: str) -> float:
    """Seconds of a copy: pageable memory at a fifth of the link, and CuPy with 12 µs of its own."""
    rate = {"pinned": LINK, "registered": LINK, "mapped": 0.8 * LINK, "managed": 0.1 * LINK, "pageable": 0.2 * LINK}[
        memory
    ]
    return LATENCY + (12e-6 if variant == "cupy" else 0) + (4e-6 if memory == "pageable" else 0) + size / rate


def _records(spread: float, device: str) -> Iterator[Record]:
    def made(bench: str, variant: str, params: dict, seconds: float, counts: dict, facts: dict, on: str = "") -> Record:
        rng = np.random.default_rng(zlib.crc32(f"{bench}{variant}{params}".encode()))
        samples = [float(seconds * (1 + spread * abs(x))) for x in rng.standard_normal(15)]
        return Record(
            bench=bench, version=1, variant=variant, device=on or device, params=params, status="ok", loops=1,
            samples=samples, counts=counts, facts=facts,
        )  # fmt: skip

    for direction in ("h2d", "d2h", "both"):
        both = direction == "both"
        for memory in ("pinned",) if both else ("pinned", "pageable", "registered", "mapped", "managed"):
            for variant in ("raw", "cupy") if memory in ("pinned", "pageable") and not both else ("raw",):
                for size in SIZES[3:] if both else SIZES:
                    count = parse(size)
                    yield made(
                        "transfer.copy", variant, {"direction": direction, "memory": memory, "size": size},
                        link_seconds(count, memory, variant), {"bytes": count * (1 + both), "calls": 1},
                        {"memory": memory, "footprint": count},
                    )  # fmt: skip
    for kernel, arrays, flops in (("copy", 2, 0), ("triad", 3, 2)):
        for size, footprint, rate in (("L2", L2 // 2, 6e12), ("HBM", 16 * L2, 2.9e12)):
            moved = footprint * (1.0 if arrays == 2 else 0.95)
            yield made(
                "device.stream", "bytes16", {"kernel": kernel, "size": size}, moved / rate,
                {"bytes": footprint, "flops": flops * footprint / 12}, {"footprint": footprint, "l2_bytes": L2},
            )  # fmt: skip
    for dtype, rate in (("f4", 50e12), ("f8", 25e12), ("f2", 100e12)):
        yield made("device.peak", "fma", {"dtype": dtype, "chains": 8}, 1e-3, {"flops": rate * 1e-3}, {})
    for precision, rate in (("f4", 48e12), ("tf32", 400e12), ("f16", 760e12), ("bf16", 780e12), ("f8", 55e12)):
        yield made("device.matmul", "cublas", {"precision": precision, "n": 8192}, 1e-3, {"flops": rate * 1e-3}, {})
    for variant, seconds in (("uniform", 1e-4), ("divergent", 31e-4)):
        yield made("device.divergence", variant, {"paths": 32}, seconds, {"items": 1e6}, {})
    for work, each, gpu_each, launch in (
        ("add", 4e-10, 5e-12, 6e-6), ("sum", 2e-10, 2e-12, 2e-5), ("matmul", 1.2e-9, 3e-11, 1e-5),
        ("fft", 8e-9, 3e-11, 3e-5),
    ):  # fmt: skip
        for n in (4**i for i in range(5, 12)):
            operands = {"add": 3, "sum": 1, "matmul": 3, "fft": 4}[work]
            size = 4 * n * operands
            counts = {
                "items": n,
                "bytes": size,
                "flops": n * {"add": 1, "sum": 1, "matmul": 2 * n**0.5, "fft": 50}[work],
            }
            grown = (n**0.5 / 32) if work == "matmul" else 1.0
            params = {"work": work, "n": n}
            facts = {"footprint": size, "l2_bytes": L2}
            yield made("offload.breakeven", "numpy", params, 1e-6 + each * n * grown, counts, {}, "cpu")
            yield made("offload.breakeven", "parallel", params, 2e-5 + 0.3 * each * n * grown, counts, {}, "cpu")
            yield made(
                "offload.breakeven", "cupy", params,
                3e-5 + launch + size / (0.2 * LINK) + gpu_each * n * grown, counts, facts | {"transfers": True},
            )  # fmt: skip
            yield made(
                "offload.breakeven", "resident", params, launch + gpu_each * n * grown, counts,
                facts | {"transfers": False},
            )  # fmt: skip
    for bench, variant, given, seconds, counted, told in lecture_gpu_rows(L2):
        yield made(bench, variant, given, seconds, counted, told)
