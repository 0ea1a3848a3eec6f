"""The cases that give some headline quantities of a CPU: what a check measures, and the roofs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from .. import catalog
from ..analysis.bars import MEASURED
from ..analysis.headline import CPU_RATES
from ..bench import Bench
from ..devices import Device
from ..devices.selection import spread
from ..measurement.cases import Group, groups
from ..measurement.engine import Engine
from ..measurement.planning import Request
from ..record import units
from ..record.model import LEVELS, Case, Policy, Record

POLICY = Policy(preset="check", min_sample_s=0.002, case_s=0.08, warmup_s=0.05, max_rounds=40, precision=0.02)
FOLDER = "checks"
SLOWER = ("numba", "numpy", "scalar")  # variants that reach no limit
MEMORY_ONLY = ("simd-nt", "simd-streams")  # and those that are faster only where memory is the limit


def request(out: Path, machine: str | None, names: Collection[str] = MEASURED) -> Request:
    """The request for the cases of these headline quantities; the run is kept apart from those of `hwbench run`."""
    kinds = {CPU_RATES[name].measures for name in names}
    benches = [name for name, bench in catalog.benches().items() if bench.measures in kinds]

    def only(bench: Bench, case: Case) -> bool:
        return any(_gives(name, bench, case) for name in names)

    return Request(select=benches, preset="labels", out=out, machine=machine, only=only, policy=POLICY, folder=FOLDER)


def _gives(name: str, bench: Bench, case: Case) -> bool:
    """Whether a case may give the quantity."""
    rate = CPU_RATES[name]
    if bench.measures != rate.measures or any(case.params.get(axis) != value for axis, value in rate.params.items()):
        return False
    inner = case.params.get("size", LEVELS[-1]) != LEVELS[-1]
    return case.variant not in SLOWER and not (inner and case.variant in MEMORY_ONLY)


def measure(devices: Mapping[str, Device], sizes: Sequence[int], kinds: Collection[str], most: int) -> list[Record]:
    """Records of these kernels at sizes in bytes a thread, on one thread and on all, of stores through the caches.

    On all threads up to `most` bytes a thread, which are served by memory.
    """
    if not sizes:
        return []
    engine = Engine(devices, POLICY)
    chosen = groups(
        [bench for bench in catalog.benches().values() if bench.measures in kinds], preset="labels",
        params={"size": [f"{size}B" for size in sizes]}, variants=["simd"],
        devices={name: device.kind for name, device in devices.items()}, spread=spread(devices),
    )  # fmt: skip
    within = {units.exact(size) for size in sizes if size <= most}
    kept = [
        [one for one in group.cases if one.params["threads"] == 1 or one.params["size"] in within] for group in chosen
    ]
    pairs = zip(chosen, kept, strict=True)
    return [record for group, cases in pairs if cases for record in engine.measure(Group(group.bench, tuple(cases)))]
