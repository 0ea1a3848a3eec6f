"""Reads the runs and histories at the paths given to `hwbench report`, directories included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..analysis.crosscheck import PRESET
from ..errors import StoreError
from ..record.model import Run
from .counts import with_counts
from .history import History
from .readers import asv_history, pytest_benchmark, runs
from .readers.asv import is_machine, is_results, with_distinct_environments
from .resolve import AsvDirectory, is_pytest, read_run


@dataclass
class Gathered:
    """Runs and histories for a report."""

    runs: list[Run] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)


def gather(paths: Sequence[Path], repository: Path = Path()) -> Gathered:
    """Runs, asv's results and pytest-benchmark's files at these paths, directories at any depth.

    Runs also make a history, and so do files of pytest-benchmark. `repository` tells the subjects of commits.
    """
    found = Gathered()
    benchmarked: list[Path] = []
    for path in paths:
        if path.is_dir():
            _directory(path, found, benchmarked, repository)
        elif path.is_file() and _kind(path) == "pytest":
            benchmarked.append(path)
        else:
            found.runs.append(read_run(path))
    if benchmarked:
        found.histories.append(pytest_benchmark.history(benchmarked))
    found.histories = [with_counts(one, found.runs) for one in found.histories]
    measured = [run for run in found.runs if run.policy.preset != PRESET]
    if (own := runs.history(measured)) is not None:
        found.histories.insert(0, own)
    return found


def _directory(path: Path, found: Gathered, benchmarked: list[Path], repository: Path) -> None:
    """Add what a directory holds at any depth; files inside asv's results belong to asv."""
    if is_machine(path):
        mine = with_distinct_environments(AsvDirectory(path.parent).files(path.name))
        found.histories.append(asv_history.history(path.parent, mine, repository))
        return
    asv = list(
        dict.fromkeys(one for one in (path, path / "results", *sorted(path.glob("**/results"))) if is_results(one))
    )
    found.histories += [asv_history.history(one, repository=repository) for one in asv]
    found_before = len(found.runs) + len(benchmarked)
    for file in sorted(path.rglob("*.json")):
        if file.name.startswith(".") or any(one in file.parents for one in asv):
            continue
        if _kind(file) == "pytest":
            benchmarked.append(file)
        else:
            found.runs.append(read_run(file))
    if len(found.runs) + len(benchmarked) == found_before and not asv:
        raise StoreError(f"{path}: holds no run files, no results of asv and none of pytest-benchmark")


def _kind(path: Path) -> str:
    """`pytest` for a file of pytest-benchmark's, else `run`."""
    if not is_pytest(path):
        return "run"
    try:
        return "pytest" if pytest_benchmark.is_results(pytest_benchmark.load(path)) else "run"
    except StoreError:
        return "pytest"
