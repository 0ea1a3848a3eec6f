"""Made-up records of the lecture's applications, for their views, and what tests read of the sections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
import numpy as np

from hwbench.benches.systolic import matmul
from hwbench.record.model import Cpu, Machine, Memory, Policy, Record, Run
from hwbench.report.sections import Section

B = TypeVar("B")

ODD = [None, "x", -1, 0, [], {}, [None], [[1]], {"a": 1}, 1e308, True]  # what a file may hold in place of a fact


def run_of(*records: Record) -> Run:
    """A run of these records."""
    machine = Machine(name="m", cpu=Cpu(model="x", arch="x86_64", logical=2, physical=2), memory=Memory(total=1 << 30))
    return Run(id="m-1", started="2026-01-01T00:00:00Z", machine=machine, policy=Policy(), records=list(records))


def record(
    bench: str, variant: str, params: Mapping[str, Any], seconds: float, counts: Mapping[str, float] | None = None,
    facts: Mapping[str, Any] | None = None, status: str = "ok", device: str = "cpu",
) -> Record:  # fmt: skip
    """A record of ten samples of so many seconds; facts as a file holds them."""
    plain = json.loads(msgspec.json.encode(facts or {}, enc_hook=lambda value: value.tolist()))
    return Record(
        bench=bench, version=1, variant=variant, device=device, params=dict(params), status=status, loops=1,
        samples=[seconds] * 10, counts=dict(counts or {}), facts=plain,
    )  # fmt: skip


def simulated(array: str, shape: str, variant: str = "weight-stationary") -> Record:
    """A record with the facts of a real simulation and made-up seconds."""
    values = {"array": array, "shape": shape, "rng": np.random.default_rng(0)}
    work = matmul.bench.build(variant, values, matmul.bench.make_inputs(values))
    return record("systolic.matmul", variant, {"array": array, "shape": shape}, 1e-3, {"flops": 1.0}, work.facts)


def convolutions() -> list[Record]:
    """NumPy takes 1 µs a tap and overlap-add 100 µs: they cross at 100 taps."""
    return [
        record("dsp.convolution", name, {"n": 9999, "taps": taps, "dtype": "f8"}, seconds, {"flops": 2.0 * taps * 9999})
        for taps in (10, 40, 160, 640) for name, seconds in (("numpy", taps * 1e-6), ("oaconvolve", 1e-4))
    ]  # fmt: skip


def house(batch: int, dtype: str = "f4", variant: str = "numpy", seconds: float = 0.01, **facts: Any) -> Record:
    """An epoch of the house-prices network."""
    whole = {
        "fold_rmse": [0.12, 0.14], "rmse": 0.13, "curve": [0.3, 0.2, 0.13], "steps": 9,
        "phases_s": {"gather": 1e-3, "forward": 3e-3, "backward": 4e-3, "update": 2e-3},
    }  # fmt: skip
    params = {"data": "ames", "batch": batch, "dtype": dtype, "optimizer": "adam"}
    device = "gpu:0" if variant.startswith("cupy") else "cpu"
    return record("workload.house_prices", variant, params, seconds, {"flops": 1.0}, whole | facts, device=device)


def gpu_houses() -> list[Record]:
    """An epoch of 100 ms, of which the GPU works 10; with each batch sent it takes 150."""
    return [
        house(16, seconds=0.05),
        house(16, variant="cupy", seconds=0.1, busy_s=0.01),
        house(16, variant="cupy-copies", seconds=0.15,
              phases_s={"gather": 1e-3, "send": 4e-3, "forward": 1e-3, "backward": 1e-3, "update": 3e-3}),
    ]  # fmt: skip


def on_gpu(bench: str, variant: str, params: Mapping[str, Any], seconds: float, **more: Any) -> Record:
    """A record of gpu:0, whose data lie in its memory of 50 MiB of L2."""
    facts = {"footprint": 2**30, "l2_bytes": 50 * 2**20} | more.pop("facts", {})
    return record(bench, variant, params, seconds, facts=facts, device="gpu:0", **more)


def blocks(section: Section, kind: type[B]) -> list[B]:
    """The blocks of a kind."""
    return [block for block in section.blocks if isinstance(block, kind)]
