"""Reads the runs and histories at the paths given to `hwbench report`, directories included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..analysis.crosscheck import PRESET
from ..errors import StoreError
from ..record import store
from ..record.model import Run
from .counts import with_counts
from .history import History, readable
from .readers import asv_history, pytest_benchmark, runs
from .readers.asv import is_machine, is_results, read_all, read_file, with_distinct_environments
from .resolve import AsvDirectory, is_asv, is_pytest


@dataclass
class Gathered:
    """Runs and histories for a report."""

    runs: list[Run] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)  # a line for each file that could not be read

    @property
    def commits(self) -> list[str]:
        """The names of the commits of all histories."""
        return [commit.name for one in self.histories for commit in one.commits]


def gather(paths: Sequence[Path], repository: Path = Path(), machine: str = "") -> Gathered:
    """Runs, asv's results and pytest-benchmark's files at these paths, directories at any depth.

    Runs also make a history, and so do files of pytest-benchmark. `repository` tells the subjects of commits. Results
    of asv and pytest-benchmark are of one `machine` where it is named. A file that cannot be read goes to `skipped`; a
    StoreError where none can be.
    """
    found = Gathered()
    benchmarked: list[Path] = []
    loose: list[Path] = []
    for path in paths:
        if path.is_dir():
            _directory(path, found, benchmarked, repository, machine)
        else:
            _file(path, found, benchmarked, loose)
    _add_loose(loose, found, repository, machine)
    if benchmarked:
        try:
            found.histories.append(pytest_benchmark.history(benchmarked, skipped=found.skipped, machine=machine))
        except StoreError as error:
            found.skipped.append(str(error))
    if not found.runs and not found.histories:
        raise StoreError(found.skipped[0] if found.skipped else f"{paths[0]}: holds no results")
    found.histories = [with_counts(one, found.runs) for one in found.histories]
    measured = [run for run in found.runs if run.policy.preset != PRESET]
    if (own := runs.history(measured)) is not None:
        found.histories.insert(0, own)
    return found


def _directory(path: Path, found: Gathered, benchmarked: list[Path], repository: Path, machine: str) -> None:
    """Add what a directory holds at any depth; files inside asv's results belong to asv."""
    if is_machine(path):
        here = AsvDirectory(path.parent)
        mine = with_distinct_environments(here.files(path.name))
        found.skipped += here.skipped
        if mine:
            found.histories.append(asv_history.history(path.parent, mine, repository, found.skipped, machine))
        return
    asv = list(
        dict.fromkeys(one for one in (path, path / "results", *sorted(path.glob("**/results"))) if is_results(one))
    )
    for one in asv:
        read = read_all(one, found.skipped)
        if read:
            found.histories.append(asv_history.history(one, read, repository, found.skipped, machine))
    found_before = len(found.runs) + len(benchmarked) + len(found.skipped)
    loose: list[Path] = []
    for file in sorted(path.rglob("*.json")):
        if file.name.startswith(".") or any(one in file.parents for one in asv):
            continue
        _file(file, found, benchmarked, loose)
    _add_loose(loose, found, repository, machine)
    if len(found.runs) + len(benchmarked) + len(found.skipped) == found_before and not asv and not loose:
        raise StoreError(f"{path}: holds no run files, no results of asv and none of pytest-benchmark")


def _file(path: Path, found: Gathered, benchmarked: list[Path], loose: list[Path]) -> None:
    """Add a file: a run is read, others are noted by the tool that wrote them."""
    if is_pytest(path):
        benchmarked.append(path)
    elif is_asv(path):
        loose.append(path)
    else:
        found.runs += readable([path], store.read, found.skipped)


def _add_loose(paths: Sequence[Path], found: Gathered, repository: Path, machine: str) -> None:
    """Add asv's result files that lie outside of its directories, as one history."""
    if read := readable(paths, read_file, found.skipped):
        folder = read[0].path.resolve().parent
        at = folder if (folder / "benchmarks.json").is_file() else folder.parent
        mine = with_distinct_environments(read)
        found.histories.append(asv_history.history(at, mine, repository, found.skipped, machine))
