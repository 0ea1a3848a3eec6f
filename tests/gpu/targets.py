"""What was reached beside what others reach, for the end of a session on a GPU: a line for each target.

The figures of others are nvbandwidth's, BabelStream's, cuBLAS's and published chases', by the card's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwbench.analysis import limits
from hwbench.analysis.measures import completed
from hwbench.record.estimate import Estimate
from hwbench.record.model import Record, Run

TOLD: list[str] = []  # lines of this session, beside those of its run
NEAR = 0.15  # cycles may differ by so much: which half of L2 a line lies in, where in memory a page
LAUNCH_S = 3e-6  # queued, one after the other, from nvcc's loop on an H200
FMA_SHARE = 0.95
COPY_B_S = 50e9  # of the 63 GB/s of PCIe 5 x16
HOPPER = {"bf16": 0.9 * 798e12, "units": 128, "cycles": {"L1": 34, "L2": 265, "HBM": 650}}  # units: float32, an SM
# By the whole name: a GH200, an H200 NVL or a slice of a card (MIG) is another one.
# `kept`: of a bf16 product after half a minute, what healthy cards in public use sustain.
REACHED: dict[str, dict[str, Any]] = {
    "NVIDIA H100 80GB HBM3": {"copy": 3.0e12, "kept": 680e12} | HOPPER,
    "NVIDIA H200": {"copy": 4.3e12, "kept": 660e12} | HOPPER,
}
BOOST_HZ = 1.98e9  # at which the cycles were counted  # fmt: skip
CHASES = {"L1": ("l1", "16KiB"), "L2": ("l2", "16KiB"), "HBM": ("l2", "HBM")}  # variant and size of device.latency


@dataclass(frozen=True)
class Target:
    """What was reached of what is wanted, in `unit`; `kind` is `least`, `most` or `near`."""

    what: str
    reached: float | None
    wanted: float
    unit: str
    kind: str = "least"

    @property
    def met(self) -> bool:
        """Whether the target was reached; not where nothing was measured."""
        if self.reached is None:
            return False
        if self.kind == "near":
            return abs(self.reached / self.wanted - 1) <= NEAR
        return self.reached >= self.wanted if self.kind == "least" else self.reached <= self.wanted

    @property
    def line(self) -> str:
        """`reached      device copy: 3.05 TB/s, at least 3 TB/s`."""
        words = {"least": "at least", "most": "at most", "near": "near"}[self.kind]
        here = "not measured" if self.reached is None else f"{self.reached:.3g} {self.unit}"
        return f"{said(self.met)}  {self.what}: {here}, {words} {self.wanted:.3g} {self.unit}"


def tell(what: str, ratio: Estimate, wanted: float) -> None:
    """A line of this session for a ratio with its interval; reached where its middle is."""
    bounds = f"{ratio.value:.3f} ({ratio.low:.3f}–{ratio.high:.3f})"
    TOLD.append(f"{said(ratio.value >= wanted)}  {what}: {bounds}, at least {wanted:g}")


def said(met: bool) -> str:
    """How a line begins."""
    return "reached    " if met else "NOT REACHED"


def targets(run: Run) -> Iterator[Target]:
    """The targets of a run's first GPU; of a card that nobody told of, what its link and any card should do."""
    card = run.machine.gpus[0] if run.machine.gpus else None
    known = REACHED.get(card.name, {}) if card else {}
    best = {
        (x.kind, x.level, x.dtype): x.value
        for x in limits.measured(run.records, completed(run, {}).benches)
        if x.device != "cpu"
    }
    if "copy" in known:
        yield Target("device copy", _scaled(best.get(("gpu copy", "HBM", "")), 1e-12), known["copy"] * 1e-12, "TB/s")
    if card and card.pcie and (card.pcie.get("max_generation"), card.pcie.get("max_width")) == (5, 16):
        for way in ("h2d", "d2h"):
            reached = _scaled(best.get((way, "", "")), 1e-9)
            yield Target(f"pinned {way} over PCIe 5 x16", reached, COPY_B_S * 1e-9, "GB/s")
    queued = _seconds(run, "device.launch", "queued")
    yield Target("a queued launch", _scaled(queued, 1e6), LAUNCH_S * 1e6, "µs", "most")
    if "units" in known and card and card.sm:
        yield from _peak(run, card.sm * known["units"])
    if "bf16" in known:
        reached = _scaled(best.get(("gpu matmul", "", "bf16")), 1e-12)
        yield Target("bf16 product of matrices", reached, known["bf16"] * 1e-12, "TFLOP/s")
    held = _find(run, "device.clock", "load", work="product")
    if "kept" in known and held is not None and held.facts.get("sustained_call_s"):
        reached = held.counts["flops"] / float(held.facts["sustained_call_s"]) * 1e-12
        yield Target("bf16 product after 30 s", reached, known["kept"] * 1e-12, "TFLOP/s")
    for level, cycles in known.get("cycles", {}).items():
        variant, size = CHASES[level]
        found = _find(run, "device.latency", variant, size=size)
        reached = found.facts.get("cycles_per_hop") if found else None
        yield Target(f"a load from {level}", reached, cycles, "cycles", "near")
        each = float(np.median(found.samples)) / found.counts["hops"] * 1e9 if found else None
        yield Target(f"a load from {level} in time", each, cycles / BOOST_HZ * 1e9, "ns", "near")


def _peak(run: Run, units: int) -> Iterator[Target]:
    """Multiply-adds in float32 against units x 2 x the clock while they ran, by their own stamps."""
    records = [r for r in run.records if r.bench == "device.peak" and r.timed and r.params["dtype"] == "f4"]
    if not records:
        return
    best = max(records, key=lambda r: r.counts["flops"] / min(r.samples))
    clock = [x for x in best.telemetry.get("gpu_sm_clock_hz") or best.telemetry.get("gpu_clock_hz", ()) if x]
    if clock:
        roof = units * 2 * float(np.median(clock))
        rate = best.counts["flops"] / min(best.samples)
        yield Target(f"float32 multiply-adds of {roof * 1e-12:.3g} TFLOP/s", rate / roof, FMA_SHARE, "of the roof")


def _find(run: Run, bench: str, variant: str, **params: object) -> Record | None:
    return next(
        (
            r for r in run.records
            if (r.bench, r.variant) == (bench, variant) and r.timed and params.items() <= r.params.items()
        ),
        None,
    )  # fmt: skip


def _seconds(run: Run, bench: str, variant: str) -> float | None:
    """The median of one call of what a bench counts."""
    found = _find(run, bench, variant)
    return float(np.median(found.samples)) / found.counts["calls"] if found else None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
