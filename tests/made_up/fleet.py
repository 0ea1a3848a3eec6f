"""Runs of a made-up fleet: machines alike, a stream and a latency each."""

from __future__ import annotations

from pathlib import Path

import msgspec

from doubles.scripted import MACHINE, record, run_of
from hwbench.fleet import objects
from hwbench.fleet.store import Store
from hwbench.record import store
from hwbench.record.model import BenchInfo, Run

BENCHES = {
    "stream.load": BenchInfo("How fast is a load?", "simd", measures="load", variants=["simd"]),
    "latency.chase": BenchInfo("How far is memory?", "numba", measures="latency", variants=["numba"]),
}


def fleet_run(machine: str = "node1", number: int = 1, day: str = "2026-11-29", **more) -> Run:
    """A finished run: memory at 10 GB/s, a latency that was skipped, a case that is no headline quantity."""
    size = {"size": "DRAM", "dtype": "f8", "threads": 1}
    samples = [1.0, 1.01, 1.02, 1.01, 1.0]
    records = more.pop("records", None) or [
        record("simd", samples, bench="stream.load", params=size, counts={"bytes": 1e10}),
        record("numba", (), bench="latency.chase", params={"size": "L3", "order": "random"}, status="skipped"),
        record("simd", samples, bench="stream.load", params=size | {"dtype": "f4"}, counts={"bytes": 1e10}),
    ]
    stamp = f"{day.replace('-', '')}T1200{number:02d}Z"
    given = {
        "id": f"{machine}-{stamp}-{number:012x}", "started": f"{day}T12:00:{number:02d}Z",
        "machine": msgspec.structs.replace(MACHINE, name=machine), "benches": BENCHES,
    }  # fmt: skip
    return run_of(*records, **(given | more))


def object_of(run: Run) -> tuple[str, bytes]:
    """The key and the bytes of a run."""
    return objects.key_of(run), objects.compressed(store.encode(run))


def put(directory: Path, *runs: Run) -> Store:
    """A store of these runs."""
    target = Store(str(directory))
    for run in runs:
        target.put_once(*object_of(run))
    return target


def filed(out: Path, run: Run) -> Path:
    """The file of a run below the directory of reports."""
    path = store.path_of(run, out)
    store.write(run, path)
    return path
