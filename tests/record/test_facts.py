"""Facts of records as a file may hold them: footprint, threads, caches, telemetry."""

from __future__ import annotations

import msgspec

from doubles.scripted import record
from hwbench.record.facts import footprint, telemetry
from made_up.sample import KIB


def test_a_footprint_is_stated_or_swept():
    """The fact comes first, then a size in bytes; a label alone, and what is no size, say nothing."""
    assert footprint(record(facts={"footprint": 48}, params={"size": "24KiB"})) == 48
    assert footprint(record(params={"size": "24KiB"})) == 24 * KIB
    assert footprint(record(params={"size": "L1"})) is None
    assert footprint(record(params={"size": "<script>"})) is None


QUIET = {"wall_s": [0.1] * 10, "steal_s": [0.0] * 10, "others_s": [0.0] * 10, "clock_hz": [3e9] * 10}


def load(size="DRAM", samples=(1.0, 1.001, 1.002, 1.003, 1.01, 1.02), telemetry=QUIET, **more):
    """A record of stream.load that reads 10 GB at 10 GB/s at best."""
    params = {"size": size, "dtype": "f8", "threads": 1, "pages": "huge"}
    facts = {"threads": 1, "footprint": 128 * 2**20}
    return record("simd", bench="stream.load", samples=samples, counts={"bytes": 1e10}, params=params, facts=facts,
                  telemetry=telemetry, **more)  # fmt: skip


def test_telemetry_is_counted_once_a_contrast():
    """Variants of a contrast carry the same telemetry; two contrasts with telemetry of their own count both."""
    other = msgspec.structs.replace(load(), variant="numpy")
    assert len(telemetry([load(), other])) == 1
    assert len(telemetry([load(), load("L1", telemetry=QUIET | {"wall_s": [0.2] * 10})])) == 2
