"""From what a user names to what can be compared or drawn: runs, asv's commits, pytest-benchmark's files, machines."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .. import errors
from ..analysis.crosscheck import PRESET
from ..analysis.plausibility import concluded
from ..record import store
from ..record.model import Run
from .history import History, TrackingError
from .readers import asv as tracking_readers_asv
from .readers import pytest_benchmark
from .readers import runs as run_history
from .readers.asv import environment_axes, of_asv
from .readers.pytest_benchmark import of_pytest
from .readers.runs import of_runs
from .sides import Side, unlike

EARLIER = 8  # earlier runs of a machine that are read for their noise, or for the work of a call; ten megabytes at most
LOOKED_AT = 4 * EARLIER  # files that are read to find as many that fit
SPEC = re.compile(r"asv:(?P<commit>[^@/]+)(?:@(?P<machine>[^/]+))?(?:/(?P<environment>.+))?")
ASV = Path("asv") / "results"
FEWEST_DIGITS = 4  # of a hash: fewer might be a branch's name


@dataclass
class Found:
    """What the paths given to a report hold."""

    runs: list[Run] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)


# --- sides ------------------------------------------------------------------------------------------------------------


class Results:
    """A results directory of asv's, each file of which is read once, and only where it is asked for."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._read: dict[Path, tracking_readers_asv.ResultFile] = {}

    def files(self, machine: str | None = None, commit: str = "") -> list[tracking_readers_asv.ResultFile]:
        """The result files of one machine's directory and of commits that begin so, where that is asked for."""
        found = tracking_readers_asv.paths(self.directory, machine, commit)
        for path in found:
            if path not in self._read:
                self._read[path] = tracking_readers_asv.read_file(path)
        return [file for path in found if (file := self._read[path]).commit.startswith(commit)]


def sides(base: str, new: str, out: Path, asv: Path | None = None, *, across: bool = False) -> tuple[Side, Side]:
    """What the BASE and NEW of `hwbench compare` name; asv's results lie in `asv`, else below `out`.

    Noise is taken from runs that are older than NEW: what came later was not known then. `across` machines, runs tell
    the work of a call for what asv measured.
    """
    results = Results(asv or out / ASV)
    named = [side(spec, out, results) for spec in (base, new)]
    mine = [run for one in named if isinstance(one, list) for run, _ in one]
    before = min((run.started for run, _ in named[1]), default="") if isinstance(named[1], list) else ""
    axes = list(dict.fromkeys(axis for one in named if isinstance(one, AsvCommit) for axis in one.axes))

    def made_of(one: Side | Runs | AsvCommit) -> Side:
        if isinstance(one, AsvCommit):
            return one.side(results, axes)
        return _of_runs(one, mine, before, out) if isinstance(one, list) else one

    made = [made_of(one) for one in named]
    if across:
        made = [run_history.worked(one, _newest_runs(out, one.machine)) if one.kind == "asv" else one for one in made]
    return made[0], made[1]


Runs = list[tuple[Run, Path]]


@dataclass(frozen=True)
class AsvCommit:
    """One commit's result files on a machine, and all of that machine's, which tell how much its figures vary."""

    files: Sequence[tracking_readers_asv.ResultFile]
    past: Sequence[tracking_readers_asv.ResultFile]

    @property
    def axes(self) -> list[str]:
        """What tells its environments apart."""
        return environment_axes(self.files)

    def side(self, results: Results, axes: Sequence[str]) -> Side:
        """The side of a comparison whose environments are told by these axes."""
        known = tracking_readers_asv.benchmarks(results.directory)
        return of_asv(self.files, known, tracking_readers_asv.history(results.directory, self.past), axes)


def _of_runs(runs: Runs, mine: Sequence[Run], before: str, out: Path) -> Side:
    return of_runs([run for run, _ in runs], _earlier(runs, mine, before or runs[0][0].started, out))


def side(spec: str, out: Path, results: Results) -> Side | Runs | AsvCommit:
    """What a BASE or NEW of `hwbench compare` names; runs with their paths, for what lies beside them.

    A run file, a run's id, several of them with commas between, a directory of runs;
    `asv:COMMIT[@MACHINE][/ENVIRONMENT]` out of asv's results; files of pytest-benchmark, likewise; or a machine's name:
    its newest run, else its newest commit in asv's results.
    """
    if spec.startswith("asv:"):
        return _asv_side(spec, results)
    paths = _paths(spec, out)
    if not paths:
        if (out / "runs" / spec).is_dir() and _plain_name(spec) and store.find(out, spec):
            paths = [store.newest(out, spec)]
        elif _plain_name(spec) and (results.directory / spec / "machine.json").is_file():
            return _newest_of(spec, results)
        else:
            raise TrackingError(
                f"{spec}: is no file, no run of this id lies below {out / 'runs'}, and no machine of this name has "
                "measured; asv's commits are written asv:COMMIT"
            )
    benchmarked = [path for path in paths if _is_pytest(path)]
    if benchmarked and len(benchmarked) < len(paths):
        raise TrackingError(f"{spec}: {benchmarked[0]} is pytest-benchmark's and others are not: no side holds both")
    if benchmarked:
        return of_pytest([pytest_benchmark.read_file(path) for path in benchmarked])
    return [(_run(path), path) for path in paths]


def _plain_name(text: str) -> bool:
    return bool(text) and text not in (".", "..") and os.sep not in text and "\0" not in text and len(text) < 200


def _paths(spec: str, out: Path) -> list[Path]:
    """The files that a spec names; [] where it is none and no run's id."""
    if os.path.isdir(spec):  # noqa: PTH112 - Path raises for a long name
        if tracking_readers_asv.is_results(Path(spec)):
            raise TrackingError(f"{spec}: holds results of asv: name a commit, asv:COMMIT --asv {spec}")
        found = sorted(path for path in Path(spec).rglob("*.json") if not path.name.startswith("."))
        if not found:
            raise errors.StoreError(f"{spec}: holds no run files")
        return found
    if os.path.exists(spec):  # noqa: PTH110
        return [Path(spec)]
    parts = [part for part in spec.split(",") if part]
    if len(parts) > 1:
        return [path for part in parts for path in (_paths(part, out) or _missing(part, out))]
    if os.sep in spec or spec.endswith(".json"):
        return [Path(spec)]  # to be refused by name
    return [path for path in store.find(out) if path.stem == spec][:1]


def _missing(part: str, out: Path) -> list[Path]:
    raise errors.StoreError(f"{part}: is no file, and no run of this id lies below {out / 'runs'}")


def _head(path: Path) -> bytes:
    """How a file begins, which may have megabytes; nothing where it cannot be read: whoever reads it says so."""
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError:
        return b""


def _is_pytest(path: Path) -> bool:
    """Whether a file is pytest-benchmark's."""
    head = _head(path)
    return b'"machine_info"' in head or b'"benchmarks"' in head


def _run(path: Path) -> Run:
    """A run file; one of asv's is told from one that is broken."""
    if b'"commit_hash"' in _head(path):
        raise TrackingError(f"{path}: is one of asv's files: name the results directory that it lies in, or asv:COMMIT")
    return concluded(store.read(path))


def _earlier(runs: Runs, mine: Sequence[Run], before: str, out: Path) -> list[Run]:
    """Finished runs of this machine from before, oldest first, by the same preset: what tells its noise."""
    first, path = runs[0]
    taken = {run.id for run in mine}
    near = {path.parent}
    if _plain_name(first.machine.name):
        near.add(out / "runs" / first.machine.name)

    def fits(run: Run) -> bool:
        alike = run.machine.name == first.machine.name and not unlike(run.machine, first.machine)
        earlier = run.id not in taken and bool(run.finished) and run.started < before
        return alike and earlier and run.policy.preset == first.policy.preset

    files = [file for folder in near for file in folder.glob("*.json") if _stamp(file.stem) <= _stamp(before)]
    found = itertools.islice(filter(fits, _read(files)), EARLIER)
    return sorted(found, key=lambda run: run.started)


def _newest_runs(out: Path, machine: str) -> list[Run]:
    """The newest runs of a machine."""
    folder = out / "runs" / machine
    return list(itertools.islice(_read(folder.glob("*.json")), EARLIER)) if _plain_name(machine) else []


def _read(files: Iterable[Path]) -> Iterator[Run]:
    """The runs among files, by their names the newest first; what is none is passed over."""
    there = {path.resolve() for path in files if path.stat().st_size < 8 * 2**20}
    for path in sorted(there, key=lambda one: one.name, reverse=True)[:LOOKED_AT]:
        with contextlib.suppress(errors.StoreError):
            yield concluded(store.read(path))


def _stamp(text: str) -> str:
    """The digits of a time, as a run's id and its `started` both have it; "" where there is none."""
    found = re.search(r"\d{8}T\d{6}", re.sub("[-:](?=\\d\\d)", "", text))
    return found[0] if found else ""


def _asv_side(spec: str, results: Results) -> AsvCommit:
    form = SPEC.fullmatch(spec)
    if form is None:
        raise TrackingError(f"{spec}: is not of the form asv:COMMIT[@MACHINE][/ENVIRONMENT]")
    if not results.directory.is_dir():
        raise TrackingError(
            f"{results.directory}: holds no results of asv; `asv run` makes some, --asv names another directory"
        )
    return _asv_commit(spec, form["commit"], form["machine"], form["environment"] or "", results)


def _newest_of(machine: str, results: Results) -> AsvCommit:
    found = results.files(machine)
    if not found:
        raise TrackingError(f"{machine}: has no results of asv in {results.directory}")
    newest = max(found, key=lambda file: file.when)
    return _asv_commit(machine, newest.commit, newest.machine, "", results)


def _asv_commit(spec: str, commit: str, machine: str | None, environment: str, results: Results) -> AsvCommit:
    """The results of one commit; TrackingError where none or several are meant."""
    hits = results.files(commit=commit) if len(commit) >= FEWEST_DIGITS else []
    if not hits and (resolved := _resolved(commit, results.directory)):
        hits = results.files(commit=resolved)
    if len({file.commit for file in hits}) > 1:
        raise TrackingError(f"{spec}: {commit} begins several commits: {_some(sorted({x.commit[:12] for x in hits}))}")
    if not hits:
        newest = sorted({(file.when, file.commit[:8]) for file in results.files()}, reverse=True)
        known = f"; measured are {_some([name for _, name in newest])}" if newest else ""
        raise TrackingError(f"{spec}: asv has no results of commit {commit} in {results.directory}{known}")
    there = sorted({file.machine for file in hits})
    if machine is not None:
        hits = [file for file in hits if file.machine == machine]
    elif len(there) > 1:
        raise TrackingError(f"{spec}: was measured on {_some(there)}; name one as asv:{commit}@{there[0]}")
    if not hits:
        raise TrackingError(f"{spec}: {machine} did not measure {commit}, but {_some(there)} did")
    past = tracking_readers_asv.told_apart(results.files(hits[0].path.parent.name))
    hits = [file for file in past if file.commit == hits[0].commit]
    chosen = [file for file in hits if environment in file.environment]
    if not chosen:
        known = _some([file.environment for file in hits])
        raise TrackingError(f"{spec}: no environment has '{environment}'; there are {known}")
    return AsvCommit(chosen, past)


def _some(names: Sequence[str], most: int = 5) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:most]) + (f" and {len(unique) - most} more" if len(unique) > most else "")


def _resolved(name: str, results: Path) -> str:
    """The commit that a branch, tag or `HEAD~1` names in the repository where the results lie, or here; else ""."""
    if name.startswith("-"):
        return ""
    for directory in (results, Path()):
        try:
            done = subprocess.run(  # noqa: S603
                ["git", "-C", str(directory), "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"],  # noqa: S607
                capture_output=True, text=True, timeout=10, check=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            continue
        return done.stdout.strip()
    return ""


# --- what a report shows ----------------------------------------------------------------------------------------------


def gather(paths: Sequence[Path]) -> Found:
    """Runs, asv's results and pytest-benchmark's files among files and directories, each directory looked through.

    Several runs of ours also make a history; so do several files of pytest-benchmark.
    """
    found = Found()
    benchmarked: list[Path] = []
    for path in paths:
        if path.is_dir():
            _directory(path, found, benchmarked)
        elif path.is_file() and _kind(path) == "pytest":
            benchmarked.append(path)
        else:
            found.runs.append(_run(path))
    if benchmarked:
        found.histories.append(pytest_benchmark.history(benchmarked))
    found.histories = [run_history.with_work(one, found.runs) for one in found.histories]
    measured = [run for run in found.runs if run.policy.preset != PRESET]
    if (own := run_history.history(measured)) is not None:
        found.histories.insert(0, own)
    return found


def _directory(path: Path, found: Found, benchmarked: list[Path]) -> None:
    """Whatever a directory holds, at any depth; what lies in asv's results is asv's."""
    if tracking_readers_asv.is_machine(path):
        mine = tracking_readers_asv.told_apart(Results(path.parent).files(path.name))
        found.histories.append(tracking_readers_asv.history(path.parent, mine))
        return
    asv = [
        one
        for one in (path, path / "results", *sorted(path.glob("**/results")))
        if tracking_readers_asv.is_results(one)
    ]
    asv = list(dict.fromkeys(asv))
    found.histories += [tracking_readers_asv.history(one) for one in asv]
    found_before = len(found.runs) + len(benchmarked)
    for file in sorted(path.rglob("*.json")):
        if file.name.startswith(".") or any(one in file.parents for one in asv):
            continue
        if _kind(file) == "pytest":
            benchmarked.append(file)
        else:
            found.runs.append(_run(file))
    if len(found.runs) + len(benchmarked) == found_before and not asv:
        raise errors.StoreError(f"{path}: holds no run files, no results of asv and none of pytest-benchmark")


def _kind(path: Path) -> str:
    """`pytest` for pytest-benchmark's, else `run`."""
    if not _is_pytest(path):
        return "run"
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return "pytest"
    return "pytest" if pytest_benchmark.is_results(data) else "run"
