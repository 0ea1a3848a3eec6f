"""Find slowdowns, and accuse nobody, in made-up results of asv and pytest-benchmark files of hosted runners.

    python scripts/tracking_histories.py --times 40

The results are as the two tools write them, and are read and judged by the package: 30 benchmarks over 40 commits.
Those of asv vary by 1% from commit to commit. Those of hosted runners have a name of their own for each file, vary by
5%, and one file in ten is slower as a whole, by 10% to 50%. One benchmark is 10% slower from the middle on, in one half
of the trials. A false alarm is a benchmark without a change that is called slower. The exit code is 1 where more than
1% are, or less than 90% of the slowdowns are found.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

COMMITS, BENCHES, BY = 40, 30, 0.10
ASV, HOSTED = 0.01, 0.05  # standard deviations from commit to commit
SLOW, LEAST, MOST = 0.1, 0.1, 0.5  # share of files that are slower as a whole, and by how much
ROUNDS = 9
COLUMNS = ["result", "params", "version", "started_at", "duration", "stats_ci_99_a", "stats_ci_99_b"]


def medians(rng: np.random.Generator, noise: float, planted: bool, hosted: bool) -> Any:
    """Medians by benchmark and commit: the first benchmark is slower from the middle on."""
    logs = rng.normal(0, noise, (BENCHES, COMMITS)) + rng.uniform(-7, 0, (BENCHES, 1))
    if hosted:
        logs += np.log1p(rng.uniform(LEAST, MOST, COMMITS)) * (rng.random(COMMITS) < SLOW)
    logs[0, COMMITS // 2 :] += math.log1p(BY) * planted
    return np.exp(logs)


def commit(number: int) -> str:
    """A hash whose first digits tell the number."""
    return f"{number:08x}" + "0" * 32


def write_asv(folder: Path, values: Any) -> Path:
    """A directory of asv's results."""
    machine = folder / "box"
    machine.mkdir(parents=True)
    facts = {"machine": "box", "cpu": "Made up", "num_cpu": "8", "ram": "16416652", "arch": "x86_64", "os": "Linux"}
    (machine / "machine.json").write_text(json.dumps({**facts, "version": 1}))
    names = [f"suite.time_{i}" for i in range(BENCHES)]
    known = {name: {"name": name, "version": "1", "unit": "seconds", "param_names": []} for name in names}
    (folder / "benchmarks.json").write_text(json.dumps({**known, "version": 2}))
    for at in range(COMMITS):
        rows = {
            name: [[value], [], "1", 0, 1.0, [value * 0.997], [value * 1.003]]
            for name, value in zip(names, values[:, at].tolist(), strict=True)
        }
        data = {
            "version": 2, "commit_hash": commit(at), "env_name": "e", "date": (1_700_000_000 + at * 3600) * 1000,
            "params": {**facts, "python": "3.12"}, "python": "3.12", "requirements": {}, "env_vars": {},
            "result_columns": COLUMNS,
            "results": rows, "durations": {},
        }  # fmt: skip
        (machine / f"{commit(at)[:8]}-e.json").write_text(json.dumps(data))
    return folder


def write_pytest(folder: Path, values: Any) -> Path:
    """A directory of pytest-benchmark files, each of a runner of its own."""
    folder.mkdir(parents=True)
    for at in range(COMMITS):
        benchmarks = [
            {
                "group": None, "name": f"test_{i}", "fullname": f"tests/test_x.py::test_{i}", "params": None,
                "extra_info": {},
                "stats": {"median": value, "min": value * 0.99, "mean": value, "rounds": ROUNDS, "iqr": value * 0.01},
            }
            for i, value in enumerate(values[:, at].tolist())
        ]  # fmt: skip
        data = {
            "machine_info": {
                "node": f"fv-az{at}-{at}", "machine": "x86_64", "python_version": f"3.12.{7 + at // 20}",
                "cpu": {"brand_raw": "Made up", "count": 4},
            },
            "commit_info": {"id": commit(at), "dirty": False}, "benchmarks": benchmarks,
            "datetime": f"2026-{1 + at // 28:02}-{1 + at % 28:02}T12:00:00+00:00", "version": "5.1.0",
        }  # fmt: skip
        (folder / f"{at:04}.json").write_text(json.dumps(data))
    return folder


def slower_in_history(folder: Path) -> set[str]:
    """The benchmarks that the history calls slower, open or not."""
    from hwbench.tracking import changes, gather

    [history] = gather.gather([folder]).histories
    found = changes.changes(history, {})
    return {one.series.bench for one in found if one.state in ("slower", "recovered")}


def slower_by_commits(folder: Path) -> set[str]:
    """Those that `compare` calls slower, of two neighbouring commits of asv in the middle."""
    from hwbench.tracking import resolve, verdicts

    specs = [f"asv:{commit(at)}" for at in (COMMITS // 2 - 1, COMMITS // 2)]
    sides = resolve.sides(specs[0], specs[1], folder, folder)
    return {one.bench for one in verdicts.compare_sides(*sides).cases if one.verdict == "slower"}


def slower_by_files(folder: Path) -> set[str]:
    """Those that `compare` calls slower, of the first twenty files against the last twenty."""
    from hwbench.tracking import verdicts
    from hwbench.tracking.readers import pytest_benchmark

    read = [pytest_benchmark.read_file(path) for path in sorted(folder.glob("*.json"))]
    sides = (pytest_benchmark.side(read[: COMMITS // 2]), pytest_benchmark.side(read[COMMITS // 2 :]))
    return {one.bench for one in verdicts.compare_sides(*sides).cases if one.verdict == "slower"}


WAYS: dict[str, tuple[Callable[[Path, Any], Path], float, bool, Callable[[Path], set[str]]]] = {
    "asv, history": (write_asv, ASV, False, slower_in_history),
    "asv, two commits": (write_asv, ASV, False, slower_by_commits),
    "hosted runners, history": (write_pytest, HOSTED, True, slower_in_history),
    "hosted runners, 20 files a side": (write_pytest, HOSTED, True, slower_by_files),
}


def shares(name: str, times: int, seed: int = 0) -> tuple[float, float]:
    """The share of false alarms among what did not change, and of planted slowdowns that were found."""
    write, noise, hosted, judge = WAYS[name]
    rng = np.random.default_rng(seed)
    false, found, quiet, planted = 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        for trial in range(times):
            changed = bool(trial % 2)
            called = judge(write(Path(scratch) / str(trial), medians(rng, noise, changed, hosted)))
            mine = {one for one in called if one.startswith(("suite.time_0", "test_0 "))}
            false, quiet = false + len(called) - len(mine) * changed, quiet + BENCHES - changed
            found, planted = found + len(mine) * changed, planted + changed
    return false / quiet, found / max(1, planted)


def main() -> int:
    """Print the table; 1 where it does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=40)
    asked = parser.parse_args()
    print("| results | false alarms | 10% slower found |\n| --- | ---: | ---: |")
    holds = True
    for name in WAYS:
        false, found = shares(name, asked.times)
        holds &= false <= 0.01 and found >= 0.9
        print(f"| {name} | {false:.2%} | {found:.0%} |", flush=True)
    return int(not holds)


if __name__ == "__main__":
    sys.exit(main())
