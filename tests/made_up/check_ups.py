"""Made-up checks of a machine: memory's bandwidth on all threads, its latency, and the peak."""

from __future__ import annotations

from typing import Any

from doubles.scripted import record, run_of
from hwbench.record.model import BenchInfo, Record, Run
from hwbench.record.reasons import Reason

SPREAD = tuple(1 + step / 1000 for step in range(-6, 7))
INFO = {
    "stream.load": BenchInfo("How fast?", "simd", "load", "load", variants=["simd"]),
    "latency.chase": BenchInfo("How long?", "follow", "latency", "latency", variants=["follow"]),
    "peak.fma": BenchInfo("How many?", "256", "fma", "fma", variants=["256"]),
}


def checked(read: float = 50e9, latency: float = 100e-9, peak: float = 200e9, **more: Any) -> Run:
    """A finished check; `disturbed`: its loads were, `stamp`: when."""
    stamp, disturbed = more.pop("stamp", "20261120T000000Z"), more.pop("disturbed", False)
    doubt = {"status": "suspect", "reasons": [Reason("steal", "9% of a CPU")]} if disturbed else {}

    def made(variant: str, each: float, count: str, **given: Any) -> Record:
        return record(variant, [each * 1e6 * factor for factor in SPREAD], counts={count: 1e6}, **given)

    rows = (
        made("simd", 1 / read, "bytes", bench="stream.load", facts={"threads": 2, "footprint": 2**27},
             params={"size": "DRAM", "dtype": "f8", "threads": "all", "pages": "huge"}, **doubt),
        made("follow", latency, "hops", bench="latency.chase", facts={"threads": 1, "footprint": 2**27},
             params={"size": "DRAM", "pages": "huge", "order": "random"}),
        made("256", 1 / peak, "flops", bench="peak.fma", facts={"threads": 2},
             params={"dtype": "f8", "threads": "all", "chains": 12}),
    )  # fmt: skip
    return run_of(*rows, benches=INFO, **({"id": f"box-{stamp}-ffffff"} | more))
