"""Made-up roofs of a machine, and counts of functions below them."""

from __future__ import annotations

from typing import Any

import msgspec

from doubles.scripted import MACHINE, record, run_of
from hwbench.counting import Counts, Range, Temporary
from hwbench.placing import costs
from hwbench.placing.roofs import COSTS, Roofs
from hwbench.record.estimate import Estimate
from hwbench.record.model import BenchInfo, Cache, Policy, Record, Run

KIB, MIB = 2**10, 2**20
SIZES = {"L1": 16 * KIB, "L2": 512 * KIB, "L3": 8 * MIB, "DRAM": 128 * MIB}
# B/s of one thread and of both, by kernel and level; memory by ordinary stores, and by non-temporal ones.
ONE = {"L1": 200e9, "L2": 100e9, "L3": 50e9, "DRAM": 20e9}
BOTH = {"L1": 400e9, "L2": 200e9, "L3": 80e9, "DRAM": 28e9}
KINDS = {"load": 1.0, "store": 0.8, "copy": 1.1, "triad": 1.2}
ORDINARY = {"load": 1.0, "store": 0.5, "copy": 0.66, "triad": 0.75}  # of the best, from memory
PEAKS = {("f8", 1): 50e9, ("f8", 2): 100e9, ("f4", 1): 100e9, ("f4", 2): 200e9}
INFO = {
    **{f"stream.{kind}": BenchInfo("How fast?", "simd", kind, kind, variants=["simd", "simd-nt"]) for kind in KINDS},
    "peak.fma": BenchInfo("How many?", "256", "fma", "fma", variants=["256"]),
    **{name: BenchInfo("What does it cost?", "cost", variants=["cost"]) for name in COSTS},
}


def _made(rate: float, count: str, **more: Any) -> Record:
    return record(more.pop("variant", "simd"), (1.0, 1.0, 1.0), counts={count: rate}, **more)


def roof_run(**more: Any) -> Run:
    """A run of every roof of a machine with two CPUs, and of the costs."""
    records = []
    for kind, factor in KINDS.items():
        for threads, rates in ((1, ONE), (2, BOTH)):
            for level, rate in rates.items():
                at = {
                    "bench": f"stream.{kind}", "facts": {"threads": threads, "footprint": SIZES[level]},
                    "params": {"size": level, "dtype": "f8", "threads": 1 if threads == 1 else "all", "pages": "4K"},
                }  # fmt: skip
                if level == "DRAM" and kind != "load":
                    records.append(_made(rate * factor, "bytes", variant="simd-nt", **at))
                    records.append(_made(rate * ORDINARY[kind], "bytes", **at))
                else:
                    records.append(_made(rate * factor, "bytes", **at))
    for (dtype, threads), rate in PEAKS.items():
        where = {"dtype": dtype, "threads": 1 if threads == 1 else "all", "chains": "best"}
        records.append(_made(rate, "flops", variant="256", bench="peak.fma", params=where, facts={"threads": threads}))
    for name, seconds, spent in (
        (costs.FORK, 1e-5, {"calls": 1.0}), (costs.CALL, 1e-6, {"calls": 1.0}), (costs.FRESH, 1.0, {"bytes": 1e9}),
        (costs.PASS, 1.0, {"bytes": 90e9}),
    ):  # fmt: skip
        records.append(record("cost", (seconds,) * 3, bench=name, counts=spent))
    caches = [
        Cache(level=1, bytes=32 * KIB, line=64, shared_by=1), Cache(level=2, bytes=MIB, line=64, shared_by=1),
        Cache(level=3, bytes=32 * MIB, line=64, shared_by=2),
    ]  # fmt: skip
    cpu = msgspec.structs.replace(MACHINE.cpu, caches=caches)
    given = {
        "benches": INFO,
        "policy": Policy(sizes=SIZES),
        "machine": msgspec.structs.replace(MACHINE, cpu=cpu),
    } | more
    return run_of(*given.pop("records", records), **given)


def roofs() -> Roofs:
    """Those roofs."""
    return Roofs(roof_run(), {})


def counts(compulsory: int = 24_000, **more: Any) -> Counts:
    """Counts of a call, of c = a + b unless told otherwise."""
    known: dict[str, Any] = {
        "kind": "numpy", "compulsory": compulsory, "footprint": compulsory,
        "issued": Range(compulsory, compulsory), "flops": Range(compulsory / 24, compulsory / 24), "moved": None,
        "moved_note": "no counters here", "unknown": (), "temporaries": (), "strides": (), "parallel": False,
        "calls": ("add",), "dtype": "f8", "fusable": Range(compulsory, compulsory),
    }  # fmt: skip
    return Counts(**(known | more))


def chain(n: int) -> Counts:
    """Counts of a*b + c*d on n float64 each: 72 bytes an element are asked for, 40 are needed."""
    made = tuple(Temporary("multiply", (n,), "f8", 8 * n) for _ in range(2))
    return counts(
        40 * n, footprint=56 * n, issued=Range(72 * n, 72 * n), flops=Range(3 * n, 3 * n), temporaries=made,
        calls=("multiply", "add"), fusable=Range(40 * n, 40 * n),
    )  # fmt: skip


def exactly(seconds: float) -> Estimate:
    """A time with an interval of one per cent."""
    return Estimate(seconds, seconds * 0.995, seconds * 1.005)
