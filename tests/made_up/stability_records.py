"""Made-up records of the stability benches, and what tests read of the sections made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from hwbench.record.model import Cache, Cpu, Machine, Memory, Record, Run
from hwbench.report.sections import Block, Section

MACHINE = Machine(
    name="box",
    cpu=Cpu(model="CPU", arch="x86_64", logical=2, physical=2, caches=[Cache(1, 32768, 64, 1)]),
    memory=Memory(total=2**34),
)


def chain(
    factor: float, dtype: str, init: str, *, activation: str = "identity", remedy: str = "plain", safe: int = 100,
    seconds: float = 2e-4, variant: str = "numba", device: str = "cpu", **facts: Any,
) -> Record:  # fmt: skip
    """A network whose layers stretch a gradient by `factor`, which loses it behind `safe` layers."""
    norms = [round(k * math.log10(factor), 5) for k in range(101)]
    for k in range(safe + 1, 101):
        norms[k] = None
    found = {
        "layers": 100,
        "width": 128,
        "log10_norms": norms,
        "log10_forward": norms,
        "safe_depth": safe,
        "overflow": None,
        "underflow": None,
        "dead": None,
        "forward_overflow": None,
        "forward_underflow": None,
        "forward_dead": None,
        "trouble": None if safe == 100 else "overflow" if factor > 1 else "underflow",
        "proper_depth": min(safe, 17),
        "smallest_normal": 2.0**-14,
        "largest": 65504.0,
    }
    if safe < 100:
        found["overflow" if factor > 1 else "dead"] = safe + 1
        found["underflow"] = None if factor > 1 else safe + 1
    return Record(
        bench="stability.gradients",
        version=1,
        variant=variant,
        device=device,
        params={"activation": activation, "init": init, "dtype": dtype, "remedy": remedy},
        status="ok",
        loops=1,
        samples=[seconds] * 10,
        counts={"bytes": 1e6, "flops": 1e6},
        facts=found | facts,
    )


def variance(
    init: str, activation: str = "identity", shape: str = "square", variant: str = "numpy", rate: float = 0.5
) -> Record:
    """Variances that change by `rate` a layer, measured 1% above the closed form."""
    values = [rate**t for t in range(21)]
    return Record(
        bench="stability.initialization",
        version=1,
        variant=variant,
        device="cpu",
        params={"init": init, "activation": activation, "shape": shape, "dtype": "f4"},
        status="ok",
        loops=1,
        samples=[1e-3] * 10,
        counts={"flops": 1e6},
        facts={
            "forward": [v * 1.01 for v in values],
            "expected_forward": values,
            "backward": values[::-1],
            "expected_backward": values[::-1],
            "weight_variance": 0.0078,
            "gamma": 0.0078125,
            "largest_weight": 0.1531,
        },
    )


def activation(name: str = "sigmoid", dtype: str = "f4", **facts: Any) -> Record:
    """An activation with the sigmoid's coefficients."""
    return Record(
        bench="stability.activations",
        version=1,
        variant="numpy",
        device="cpu",
        params={"activation": name, "dtype": dtype, "n": 4096},
        status="ok",
        loops=1,
        samples=[1e-5] * 10,
        counts={"items": 4096},
        facts={
            "taylor": [0.5, 0.25, -1e-9, -0.0208334],
            "taylor_expected": [0.5, 0.25, 0.0, -1 / 48],
            "taylor_tolerance": [1e-5] * 4,
            "steps": [0.125, 0.25, 0.5, 1.0],
            "cubic_errors": [0.0, 2e-6, 6e-5, 1.8e-3],
            "largest_error_eps": 1.0,
        }
        | facts,
    )


def networks() -> list[Record]:
    """One network in three types and with a remedy, and three activations."""
    return [
        chain(1.5, "f2", "orthogonal-1.5", safe=24, seconds=1e-4),
        chain(1.5, "f4", "orthogonal-1.5"),
        chain(1.5, "f8", "orthogonal-1.5", seconds=4e-4),
        chain(1.5, "f8", "orthogonal-1.5", seconds=9e-4, variant="numpy"),
        chain(1.0, "f2", "orthogonal-1.5", remedy="normalised", seconds=1.3e-4),
        *(chain(0.5, "f2", "he", activation=name, safe=12) for name in ("relu", "sigmoid", "tanh")),
    ]


def on_gpu() -> list[Record]:
    """The plain network in three types on a GPU, 50 µs a layer whatever the type."""
    return [
        chain(1.5, dtype, "orthogonal-1.5", safe=safe, seconds=5e-3, variant="cupy", device="gpu:0")
        for dtype, safe in (("f2", 24), ("f4", 100), ("f8", 100))
    ]


def run_of(records: Sequence[Record], name: str = "box") -> Run:
    """A run of these records on a machine of this name."""
    return Run(
        id=f"{name}-1",
        started="2026-01-01T00:00:00Z",
        machine=msgspec.structs.replace(MACHINE, name=name),
        records=records,
    )


def block(section: Section, title: str) -> Block:
    """The block with this title or caption."""
    return next(
        block for block in section.blocks if title in (getattr(block, "title", ""), getattr(block, "caption", ""))
    )


def data_of(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """The data of a chart, colours by their names again."""
    rows = [row for rows in spec["datasets"].values() for row in rows]
    return [row | ({"kind": spec["usermeta"].get(row["kind"])} if "kind" in row else {}) for row in rows]
