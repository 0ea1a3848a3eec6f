"""Results of asv, files of pytest-benchmark and runs, as those tools write them, with made-up figures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from doubles.scripted import record, run_of
from hwbench.record.model import Run

COLUMNS = [
    "result",
    "params",
    "version",
    "started_at",
    "duration",
    "stats_ci_99_a",
    "stats_ci_99_b",
    "stats_q_25",
    "stats_q_75",
    "stats_number",
    "stats_repeat",
    "samples",
    "profile",
]
BOX = {"machine": "box", "cpu": "Scripted CPU", "num_cpu": "2", "ram": "16777216", "arch": "x86_64", "os": "Linux 6.1"}


def commit(number: int) -> str:
    """A hash whose first eight digits tell the number."""
    return f"{number:08x}" + "0123456789abcdef" * 2


def row(
    values: Sequence[Any],
    params: Sequence[Sequence[str]] = (),
    version: str | None = "1",
    width: float | None = 0.01,
    samples: Sequence[Any] | None = None,
) -> list[Any]:
    """A row of a result file, cut at its trailing nulls as asv cuts it."""
    full: list[Any] = [list(values), [list(axis) for axis in params], version, 0, 1.0]
    if width is not None:
        numbers = [v if isinstance(v, int | float) else None for v in values]
        full += [[v and v * (1 - width) for v in numbers], [v and v * (1 + width) for v in numbers]]
        full += [None, None, [1 for _ in values], [10 for _ in values]]
    if samples is not None:
        full += [None] * (COLUMNS.index("samples") - len(full)) + [samples]
    while full and full[-1] is None:
        full.pop()
    return full


def asv_file(
    results: Path,
    number: int,
    rows: Mapping[str, Any],
    machine: Mapping[str, str] = BOX,
    python: str = "3.11",
    requirements: Mapping[str, str] | None = None,
    result_name: str = "",
    **more: Any,
) -> Path:
    """Write one commit's results on a machine, and the machine's own file."""
    requirements = dict(requirements or {})
    folder = results / machine["machine"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "machine.json").write_text(json.dumps({**machine, "version": 1}))
    environment = "-".join(["virtualenv", f"py{python}", *(f"{key}{value}" for key, value in requirements.items())])
    data = {
        "version": 2,
        "commit_hash": commit(number),
        "env_name": environment,  # may be replaced by `more`
        "date": (1_700_000_000 + number * 3600) * 1000,
        "params": {**machine, "python": python, **requirements},
        "python": python,
        "requirements": requirements,
        "env_vars": {},
        "result_columns": COLUMNS,
        "results": dict(rows),
        "durations": {},
        **more,
    }
    path = folder / f"{commit(number)[:8]}-{result_name or environment}.json"
    path.write_text(json.dumps(data))  # NaN as asv writes it
    return path


def benchmarks_file(results: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """benchmarks.json beside the machines."""
    data = {
        name: {"name": name, "version": "1", "unit": "seconds", "param_names": [], **entry}
        for name, entry in entries.items()
    }
    results.mkdir(parents=True, exist_ok=True)
    (results / "benchmarks.json").write_text(json.dumps({**data, "version": 2}))


def pytest_file(
    path: Path, entries: Sequence[Mapping[str, Any]], when: str = "2026-11-22T18:00:00+00:00", **more: Any
) -> Path:
    """A file of pytest-benchmark; each entry is a name and its rounds in seconds, and whatever else it holds."""
    benchmarks = []
    for entry in entries:
        data = sorted(entry["data"])
        middle = data[len(data) // 2] if len(data) % 2 else (data[len(data) // 2 - 1] + data[len(data) // 2]) / 2
        stats = {
            "min": data[0],
            "max": data[-1],
            "median": middle,
            "rounds": len(data),
            "iterations": 1,
            "iqr": data[3 * len(data) // 4] - data[len(data) // 4],
        }
        if entry.get("keep", True):
            stats["data"] = entry["data"]
        rest = {key: value for key, value in entry.items() if key not in ("data", "keep")}
        benchmarks.append({"group": None, "params": None, "extra_info": {}, "stats": stats, **rest})
    data = {
        "machine_info": {
            "node": "box",
            "machine": "x86_64",
            "python_version": "3.11.9",
            "cpu": {"brand_raw": "Scripted CPU", "count": 2},
        },
        "commit_info": {"id": commit(1), "dirty": False},
        "benchmarks": benchmarks,
        "datetime": when,
        "version": "5.1.0",
    } | more
    path.write_text(json.dumps(data))
    return path


LOAD, SUM, RATE = "stream.load.track_seconds", "suite.time_sum", "suite.track_rate"
PARAMS = [["'simd'", "'numba'"], ["'L1'", "'DRAM'"]]


def three_commits(results: Path) -> Path:
    """Three commits on a box by asv: a bench of hwbench with two gaps, and two of another suite."""
    benchmarks_file(results, {LOAD: {"param_names": ["variant", "size"]}, SUM: {}, RATE: {"unit": "GB/s"}})
    for number in (1, 2, 3):
        rows = {
            LOAD: row([1e-6 * number, math.nan, None, 4e-6], PARAMS),
            SUM: row([0.5], width=None),
            RATE: row([10.0 * number]),
        }
        asv_file(results, number, rows)
    return results


def five_commits(results: Path) -> Path:
    """Five commits on a box by asv, of which the last is slower by half; its rate is higher by half."""
    benchmarks_file(results, {LOAD: {"param_names": ["variant", "size"]}, SUM: {}, RATE: {"unit": "GB/s"}})
    for number in range(1, 6):
        slow = 1.5 if number == 5 else 1.0 + number / 1e4
        rows = {
            LOAD: row([1e-6], [["'simd'"], ["'L1'"]], width=0.002),
            SUM: row([0.5 * slow], width=0.002),
            RATE: row([10 * slow], width=0.002),
        }
        asv_file(results, number, rows)
    return results


def scattered(
    rng: np.random.Generator, cases: int, deviation: float, factors: Mapping[int, float] | None = None
) -> Run:
    """A run of so many cases whose medians each stray from 1 s by `deviation`, or from their factor."""
    factors = factors or {}
    medians = [factors.get(i, 1.0) * math.exp(rng.normal(0, deviation)) for i in range(cases)]
    return run_of(*(record(f"v{i}", (m * rng.normal(1, 0.002, 12)).tolist()) for i, m in enumerate(medians)))
