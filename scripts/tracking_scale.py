"""Whether tracking holds at scale: a report of five machines, 500 commits and 300 series, compare of 1,000 cases.

    python scripts/tracking_scale.py            # generate, measure, say whether the limits hold
    python scripts/tracking_scale.py --keep DIR # keep the results and the page there

The results are made up: noise of 2%, a case in six that the machine lacks, a change of the code in every tenth series,
one machine that drifts by 8% half way, and one that gets other CPUs. CPU time is printed beside wall time, for shared
machines. Exit 1 where a limit is exceeded.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hwbench.record import store
from hwbench.record.model import Cpu, Machine, Memory, Record, Run

COLUMNS = [
    "result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b", "stats_q_25",
    "stats_q_75", "stats_number", "stats_repeat",
]  # fmt: skip
LIMITS = {"report s": 20.0, "report MiB": 1024.0, "page MB": 10.0, "compare s": 2.0}
SIZES = ("L1", "L2", "L3", "DRAM")
CONTROLS = ("stream.load", "latency.chase", "peak.fma")


def benches() -> list[tuple[str, list[str]]]:
    """Names of 60 benches of five cases each, 300 series a machine; the three controls among them."""
    names = [*CONTROLS, *(f"topic{i % 8}.question{i}" for i in range(57))]
    return [(name, ["simd", "numba", "numpy", "python", "cupy"]) for name in names]


def generate(directory: Path, machines: int, commits: int) -> None:
    """An asv results directory as `asv run` leaves it."""
    rng = np.random.default_rng(0)
    made = benches()
    entries = {
        f"{name}.track_seconds": {"param_names": ["variant"], "unit": "seconds", "version": "1", "type": "track"}
        for name, _ in made
    }
    directory.mkdir(parents=True)
    (directory / "benchmarks.json").write_text(json.dumps({**entries, "version": 2}))
    base = {name: 10 ** rng.uniform(-7, -1, len(variants)) for name, variants in made}
    change = {name: (rng.integers(5, commits - 5), rng.choice([1.1, 1.3, 0.8])) for name, _ in made[3::10]}
    hashes = ["".join(rng.choice(list("0123456789abcdef"), 40)) for _ in range(commits)]
    for m in range(machines):
        folder = directory / f"machine{m}"
        folder.mkdir()
        for c in range(commits):
            facts = {
                "machine": folder.name, "arch": "x86_64", "cpu": f"CPU {m}", "os": "Linux", "ram": str(16 * 2**20),
                "num_cpu": "8" if m == 4 and c > commits // 3 else "4",
            }  # fmt: skip
            drift = 1.08 if m == 3 and c >= commits // 2 else 1.0
            rows = {}
            for name, variants in made:
                at, factor = change.get(name, (commits, 1.0))
                moved = drift * (1 + m / 10) * (factor if c >= at else 1.0)
                values = base[name] * moved * np.exp(rng.normal(0, 0.02, len(variants)))
                low, high = ([*np.round(values * x, 10).tolist(), None] for x in (0.99, 1.01))
                params = [[f"'{variant}'" for variant in (*variants, "absent")]]
                count = [*[10] * len(values), None]
                # What a machine lacks is NaN, as in the results of every real suite; strict readers stumble over it.
                rows[f"{name}.track_seconds"] = [
                    [*values.tolist(), math.nan], params, "1", 1, 1.0, low, high, low, high, count, count,
                ]  # fmt: skip
            if c == 0:
                (folder / "machine.json").write_text(json.dumps({**facts, "version": 1}))
            data = {
                "version": 2, "commit_hash": hashes[c], "env_name": "virtualenv-py3.11", "python": "3.11",
                "date": (1_600_000_000 + 86_400 * c) * 1000, "params": {**facts, "python": "3.11"}, "requirements": {},
                "env_vars": {}, "result_columns": COLUMNS, "results": rows, "durations": {},
            }  # fmt: skip
            (folder / f"{hashes[c][:8]}-virtualenv-py3.11.json").write_text(json.dumps(data))


def run_of(seed: int, cases: int) -> Run:
    """A made-up run of so many cases of 20 samples."""
    rng = np.random.default_rng(seed)
    records = [
        Record(
            bench=f"topic.question{i % 50}", version=1, variant=f"v{i // 50}", device="cpu", params={"size": "L1"},
            status="ok", loops=10, samples=(1e-3 * np.exp(rng.normal(0, 0.01) + rng.normal(0, 0.005, 20))).tolist(),
            counts={"bytes": 1e6},
        )
        for i in range(cases)
    ]  # fmt: skip
    cpu = Cpu(model="CPU", arch="x86_64", logical=4, physical=4, allowed=[0, 1, 2, 3])
    machine = Machine(name="box", cpu=cpu, memory=Memory(total=2**34))
    return Run(
        id=f"box-20261122T18000{seed}Z-{seed:012x}", started=f"2026-11-22T18:00:0{seed}Z",
        finished=f"2026-11-22T18:01:0{seed}Z", machine=machine, records=records,
    )  # fmt: skip


def command(*arguments: str) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak MiB of an hwbench command, by a process of its own."""
    started = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "hwbench", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    taken = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) not in (0, 1):
        sys.exit(f"hwbench {' '.join(arguments)} failed")
    return taken, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> int:
    """Generate, measure, compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--machines", type=int, default=5)
    parser.add_argument("--commits", type=int, default=500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = asked.keep or Path(scratch)
        results = root / "results"
        if not results.exists():
            generate(results, asked.machines, asked.commits)
        page = root / "page.html"
        seconds, cpu, memory = command("report", str(results), "-o", str(page))
        runs = [root / "runs" / "box" / f"{i}.json" for i in range(6)]
        for i, path in enumerate(runs):
            store.write(run_of(i, 1000), path)
        compared, compared_cpu, _ = command("compare", str(runs[0]), str(runs[1]), "--out", str(root))
        found = {
            "report s": seconds, "report MiB": memory, "page MB": page.stat().st_size / 1e6, "compare s": compared,
        }  # fmt: skip
    for name, value in found.items():
        print(f"{name:12} {value:8.1f}  limit {LIMITS[name]:g}")
    print(f"CPU seconds: report {cpu:.1f} over its processes, compare {compared_cpu:.1f}")
    return int(any(value > LIMITS[name] for name, value in found.items()))


if __name__ == "__main__":
    sys.exit(main())
