"""Made-up records of GPU benches, and what a bench says of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from hwbench.analysis.findings import BenchResults
from hwbench.record.model import Cpu, Gpu, Machine, Memory, Record, Run
from hwbench.record.reasons import because
from made_up.declared import DECLARED

GPU = "gpu:0"


L2 = 50 * 2**20


def record(bench: str, variant: str, params: Mapping[str, Any], seconds: float, **more: Any) -> Record:
    """A record with ten samples around `seconds`, in an order of its own, so that no ratio is free of noise."""
    order = np.random.default_rng(zlib.crc32(f"{variant} {params}".encode())).permutation(10)
    samples = [seconds * (1 + 0.001 * (int(i) % 3 - 1)) for i in order]
    given: dict[str, Any] = {"device": GPU, "version": 1, "status": "ok", "loops": 1, "samples": samples} | more
    return Record(bench=bench, variant=variant, params=dict(params), **given)


def said(bench: Any, *records: Record, gpus: Sequence[Gpu] = ()) -> list[str]:
    """What the bench says of these records, on a machine with these GPUs."""
    box = Machine(
        name="box",
        cpu=Cpu(model="Made Up", arch="x86_64", logical=4, physical=4),
        memory=Memory(total=2**34),
        gpus=list(gpus),
    )
    run = Run(id="box-1", started="2026-01-01T00:00:00Z", machine=box, benches=DECLARED, records=list(records))
    return list(bench.hooks["finding"](BenchResults(bench, run)))


def copies(variant: str, direction: str, memory: str, latency: float, bandwidth: float) -> list[Record]:
    sizes = {"64KiB": 2**16, "1MiB": 2**20, "16MiB": 2**24, "256MiB": 2**28}
    ways = 1 + (direction == "both")
    return [
        record("transfer.copy", variant, {"direction": direction, "memory": memory, "size": label},
               latency + size / bandwidth, counts={"bytes": ways * size, "calls": 1})
        for label, size in sizes.items()
    ]  # fmt: skip


def chases(near: float, half: float) -> list[Record]:
    """Loads from L1, from L2 in a small ring and in one of half of it, and from memory."""
    return [
        record("device.latency", variant, {"size": size}, 8192 * seconds, counts={"hops": 8192})
        for variant, size, seconds in (("l1", "16KiB", 20e-9), ("l2", "16KiB", near), ("l2", "L2", half),
                                       ("l2", "HBM", 600e-9))
    ]  # fmt: skip


def streamed(variant: str, kernel: str, size: str, footprint: int, rate: float, **more: Any) -> Record:
    facts = {"footprint": footprint, "l2_bytes": L2}
    counts = {"bytes": float(footprint)}
    return record("device.stream", variant, {"kernel": kernel, "size": size}, footprint / rate, counts=counts,
                  facts=facts, **more)  # fmt: skip


def suspect(record: Record, code: str = "gpu_power_cap") -> Record:
    """The record, as disturbed."""
    return replace(record, status="suspect", reasons=[because(code)])


def spread(record: Record, by: float = 0.01) -> Record:
    """The record with nine samples around its median, in an order of its own."""
    order = np.random.default_rng(zlib.crc32(f"{record.variant} {record.params}".encode())).permutation(9)
    middle = float(np.median(record.samples))
    return replace(record, samples=[middle * (1 + by * (int(i) % 3 - 1)) for i in order])
