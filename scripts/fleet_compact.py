"""Time the compaction of a made-up day: 10,000 machines, three runs each, 40 quantities a run.

    python scripts/fleet_compact.py [--machines 10000] [--out reports/fleet/compaction.json]

The runs are those of a run file of this repository, cut to 40 cases that give headline quantities, with samples that
scatter anew. They are put into a directory; then the day is compacted twice, with a worker a CPU. Exit code: 0 where
the first took 60 s at most.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from hwbench.analysis.reading import Reading
from hwbench.fleet import compact, objects
from hwbench.fleet.store import Store
from hwbench.record import store
from hwbench.record.model import Run

SOURCE = "reports/runs/amd-epyc-2cpu/amd-epyc-2cpu-20261122T233929Z-a4a383b17734.json"
QUANTITIES, RUNS, MOST_S = 40, 3, 60


def pattern() -> Run:
    """The run that all others are made of."""
    reading = Reading(store.read(Path(__file__).parents[1] / SOURCE))
    run = reading.run
    labels = {one.record for one in reading.headline}
    records = [record for record in run.records if record.case.label in labels][:QUANTITIES]
    benches = {record.bench for record in records}
    return msgspec.structs.replace(
        run, records=records, benches={name: info for name, info in run.benches.items() if name in benches}
    )


def make(directory: str, first: int, last: int) -> int:
    """Put the runs of these machines; the bytes of their objects."""
    chance = random.Random(first)  # noqa: S311 - for figures
    base, target, size = pattern(), Store(directory), 0
    for number in range(first, last):
        machine = msgspec.structs.replace(base.machine, name=f"node{number:05d}")
        for hour in range(RUNS):
            records = [
                msgspec.structs.replace(one, samples=[x * chance.gauss(1, 0.01) for x in one.samples])
                for one in base.records
            ]
            stamp = f"20261129T{8 + hour:02d}0000Z"
            run = msgspec.structs.replace(
                base, id=f"{machine.name}-{stamp}-{number:06x}{hour:06x}", machine=machine, records=records,
                started=f"2026-11-29T{8 + hour:02d}:00:00Z",
            )  # fmt: skip
            data = objects.compressed(msgspec.json.encode(run))
            target.put_once(objects.key_of(run), data)
            size += len(data)
    return size


def cpu_s() -> float:
    """The CPU time of this process and its workers that have ended, which other programs beside them change little."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def main() -> int:
    """Make the day, compact it twice, print the times."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=10_000)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    cpus = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as directory:
        edges = [given.machines * at // (4 * cpus) for at in range(4 * cpus + 1)]
        with ProcessPoolExecutor(cpus) as pool:
            size = sum(pool.map(make, [directory] * (len(edges) - 1), edges[:-1], edges[1:]))
        load, before = os.getloadavg()[0], cpu_s()
        times, read = [], []
        for _ in range(2):
            begun = time.perf_counter()
            days = list(compact.compact(directory))
            times.append(time.perf_counter() - begun)
            read += [day.read for day in days]
        spent = cpu_s() - before
        [key] = Store(directory).keys("parquet")
        found = {
            "machines": given.machines, "runs": read[0], "quantities": QUANTITIES, "CPUs": cpus,
            "workers": cpus, "load before": round(load, 1),
            "objects, MB": round(size / 1e6, 1), "Parquet, MB": round(len(Store(directory).get(key)) / 1e6, 1),
            "compact, s": round(times[0], 1), "CPU time of both, s": round(spent, 1),
            "once more, s": round(times[1], 2), "read once more": read[1],
        }  # fmt: skip
    text = json.dumps(found, indent=1)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")
    return int(times[0] > MOST_S or read[1] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
