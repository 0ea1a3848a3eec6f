"""Whether `hwbench report` holds on results of numpy's size: 1,435 files of asv's, 264 MB, in twelve environments.

    python scripts/tracking_large.py              # generate, report twice, say whether the limits hold
    python scripts/tracking_large.py --times 2    # twice as many files
    python scripts/tracking_large.py --keep DIR   # keep the results, the cache and the page there

The results are made up in the shape of numpy's: 275 benchmarks with 1 to 720 cases, of which the first environments
lack a part; noise of 0.3% to 5%, every second case with a change of the code. The second report takes the page
from the cache. Exit 1 where a limit is exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from tracking_scale import COLUMNS, command

FILES, ENVIRONMENTS, BENCHES = 1435, 12, 275
# How many cases a benchmark has, and how many benchmarks have as many, in the last commits of numpy's results.
CASES = ((1, 148), (2, 26), (10, 20), (5, 18), (3, 15), (12, 9), (6, 9), (20, 9), (40, 8), (63, 8), (90, 2), (216, 1),
         (540, 1), (720, 1))  # fmt: skip
LEAST = 0.11  # of the benchmarks, in the first environment
LIMITS = {
    1: {"report s": 25.0, "report MiB": 600.0, "page MB": 8.0, "again s": 5.0},
    2: {"report s": 60.0, "report MiB": 1024.0},
}


def generate(directory: Path, files: int) -> None:
    """An asv results directory of one machine, as `asv run` leaves it."""
    rng = np.random.default_rng(0)
    counts = rng.permutation([count for count, many in CASES for _ in range(many)]).tolist()
    names = [f"bench_{i % 20}.Question{i}.time_it" for i in range(len(counts))]
    directory.mkdir(parents=True)
    entry = {"param_names": ["case"], "unit": "seconds", "version": "1" * 64, "type": "time"}
    benchmarks = {name: entry | {"code": "pass\n" * 30} for name in names}
    (directory / "benchmarks.json").write_text(json.dumps({**benchmarks, "version": 2}))
    folder = directory / "i7"
    folder.mkdir()
    facts = {"machine": "i7", "arch": "x86_64", "cpu": "Intel(R) Core(TM) i7 CPU 920", "os": "Linux", "ram": "16416652",
             "num_cpu": "8"}  # fmt: skip
    (folder / "machine.json").write_text(json.dumps({**facts, "version": 1}))
    cases = sum(counts)
    base, noise = 10 ** rng.uniform(-6.5, -0.5, cases), 10 ** rng.uniform(-2.5, -1.3, cases)
    at = np.where(rng.random(cases) < 0.5, rng.integers(0, files, cases), files)
    factor = rng.choice([1.2, 1.5, 0.7], cases)
    params = {count: json.dumps([[f"'dtype {i}'" for i in range(count)]]) for count in set(counts)}
    edges = np.concatenate([[0], np.cumsum(counts)]).tolist()
    started = np.cumsum(rng.integers(3_600, 300_000, files)) + 1_300_000_000
    for number in range(files):
        age = number * ENVIRONMENTS // files
        version = {"Cython": f"0.29.{age}", "six": ""}
        shared = np.exp(rng.normal(0, 0.01))
        values = base * np.where(number >= at, factor, 1.0) * shared * (1 + age / 50)
        values *= np.exp(noise * rng.standard_t(5, cases))
        reach = values * noise * rng.uniform(0.2, 2, cases)
        result = values.tolist()
        low, high = ([f"{x:.5g}" for x in each.tolist()] for each in (values - reach, values + reach))
        there = int(BENCHES * (LEAST + (1 - LEAST) * age / (ENVIRONMENTS - 1)))
        rows = []
        for i, (name, count) in enumerate(zip(names, counts, strict=True)):
            if i >= there:
                break
            mine = slice(edges[i], edges[i + 1])
            ends = f"[{', '.join(low[mine])}], [{', '.join(high[mine])}]"
            many = f"[{', '.join(['1523'] * count)}], [{', '.join(['20'] * count)}]"
            first = "null" if (number + i) % 97 == 0 else str(result[mine])
            if count > 4 and i % 9 == 0:
                first = f"{str(result[mine])[:-1].rpartition(', ')[0]}, NaN]"
            rows.append(f'"{name}": [{first}, {params[count] if count > 1 else []}, "{"1" * 64}", 1.6e12, 9.5, '
                        f"{ends}, {ends}, {many}]")  # fmt: skip
        name = f"{number * 2654435761 % 2**32:08x}" + f"{number:032x}"
        head = json.dumps({
            "commit_hash": name, "env_name": f"virtualenv-py3.{age}-Cython", "date": int(started[number]) * 1000,
            "params": {**facts, "python": f"3.{age}", **version}, "python": f"3.{age}", "requirements": version,
            "env_vars": {}, "result_columns": COLUMNS,
        })  # fmt: skip
        text = f'{head[:-1]}, "results": {{{", ".join(rows)}}}, "durations": {{}}, "version": 2}}'
        (folder / f"{name[:8]}-virtualenv-py3.{age}-Cython.json").write_text(text)


def main() -> int:
    """Generate, measure, compare with the limits."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, metavar="DIR")
    parser.add_argument("--times", type=int, default=1, choices=LIMITS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = asked.keep or Path(scratch)
        results = root / "results"
        if not results.exists():
            generate(results, FILES * asked.times)
        size = sum(path.stat().st_size for path in results.rglob("*.json")) / 1e6
        print(f"{FILES * asked.times:,} files of {size:.0f} MB")
        os.environ["XDG_CACHE_HOME"] = str(root / "cache")
        page = root / "page.html"
        (first, cpu, memory), (second, again, _) = (command("report", str(results), "-o", str(page)) for _ in range(2))
        found = {"report s": first, "report MiB": memory, "page MB": page.stat().st_size / 1e6, "again s": second}
    limits = LIMITS[asked.times]
    for name, value in found.items():
        print(f"{name:12} {value:8.1f}" + (f"  limit {limits[name]:g}" if name in limits else ""))
    print(f"CPU seconds: first {cpu:.1f} over its processes, again {again:.1f}")
    return int(any(value > limits.get(name, value) for name, value in found.items()))


if __name__ == "__main__":
    sys.exit(main())
