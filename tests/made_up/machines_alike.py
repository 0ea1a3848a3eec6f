"""A made-up fleet: machines of one hardware with faults that are planted where a test wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hwbench.fleet.components import components, part
from hwbench.fleet.cube import Group, Rows

QUANTITIES = (
    "call.numpy", "call.python", "clock.all", "clock.one", "core_to_core", "dram.copy.all", "dram.latency",
    "dram.read.all", "dram.read.one", "dram.triad.all", "h2d.pinned@gpu:0", "d2h.pinned@gpu:0", "both.pinned@gpu:0",
    "l1.latency", "l1.read.all", "l1.read.one", "l2.latency", "l2.read.all", "l2.read.one", "l3.latency", "l3.read.all",
    "l3.read.one", "matmul.f8.all", "peak.f8.all", "peak.f8.one", "prange.compute",
)  # fmt: skip
BENCHES = {"dram": "stream.load", "clock": "clock.frequency", "peak": "peak.fma", "l3": "stream.load"}
DAY = 86_400.0


def alike(
    machines: int = 240, *, faults: Mapping[int, tuple[str, float]] | None = None, runs: int = 3, spread: float = 0.01,
    noise: float = 0.004, seed: int = 1, quantities: Sequence[str] = QUANTITIES, hardware: str = "a1",
) -> Group:  # fmt: skip
    """Machines with `faults`: by place the component and the share by which it is slower (of noise: its factor)."""
    rng = np.random.default_rng(seed)
    names = sorted(quantities)
    parts = sorted({part(name) for name in names})
    number = [parts.index(part(name)) for name in names]
    level = spread * rng.standard_t(10, (machines, len(parts)))[:, number]
    level += 0.3 * spread * rng.normal(size=level.shape)
    known = components([*names, "spread between runs", "spread within runs"])
    loud = np.ones(machines)
    for place, (name, size) in (faults or {}).items():
        if name == "noisy neighbour":
            loud[place] = size
        else:
            level[place] += np.log1p(-size) * known[name][1][: len(names)]
    better = np.array([-1 if name.endswith("latency") or name.startswith(("call", "core_")) else 1 for name in names])
    scaled = noise * loud[:, None, None]
    y = 10.0 + level[:, :, None] + scaled * rng.normal(size=(*level.shape, runs))
    width = scaled * rng.lognormal(0, 0.2, y.shape) / 2
    started = np.broadcast_to(1.79e9 + DAY * np.arange(runs), (machines, runs)).copy()
    benches = [BENCHES.get(name.partition(".")[0], "vectorize.call") for name in names]
    units = ["s" if sign < 0 else "B/s" for sign in better]
    called = [f"node-{place:03d}" for place in range(machines)]
    return Group(hardware, "Some CPU", called, names, better, y, width, started, benches, units)


def rows(group: Group, order: np.ndarray | None = None) -> Rows:
    """The group as rows of the table, in the order of machine, quantity and run unless another is given."""
    m, q, r = (one.ravel() for one in np.indices(group.y.shape))
    there = np.flatnonzero(np.isfinite(group.y.ravel()))
    at = there if order is None else there[order]
    m, q, r = m[at], q[at], r[at]
    value, half = np.exp(group.better[q] * group.y[m, q, r]), np.exp(1.96 * group.width[m, q, r])
    return Rows(
        machine=np.array(group.machines)[m], hardware=[group.hardware] * len(m), better=group.better[q],
        quantity=np.array(group.quantities)[q], value=value, low=value / half, high=value * half,
        started=group.started[m, r], run=[f"{group.machines[i]}-{k}" for i, k in zip(m, r, strict=True)],
        suspect=np.zeros(len(m), dtype=bool), bench=np.array(group.benches)[q], model=[group.model] * len(m),
        unit=np.array(group.units)[q],
    )  # fmt: skip
