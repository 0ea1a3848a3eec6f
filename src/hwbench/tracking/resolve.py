"""From BASE and NEW of `hwbench compare` to sides: runs, asv's commits, pytest-benchmark's files, machines."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..analysis.measures import Catalogue
from ..analysis.plausibility import concluded
from ..errors import StoreError
from ..record import files, store
from ..record.microarchitectures import akin
from ..record.model import Run
from .counts import side_with_counts
from .history import TrackingError
from .readers import asv_history, asv_sides, pytest_benchmark, runs
from .readers.asv import ResultFile, benchmarks, is_results, paths, read_file, with_distinct_environments
from .repository import commit_of
from .sides import Side, machine_differences

EARLIER = 8  # runs of a machine that are read for their noise or counts, ten megabytes at most
LOOKED_AT = 4 * EARLIER  # files read to find that many fitting runs
SPEC = re.compile(r"asv:(?P<commit>[^@/]+)(?:@(?P<machine>[^/]+))?(?:/(?P<environment>.+))?")
ASV_RESULTS = Path("asv") / "results"
HEAD = 4096  # bytes that tell what a file is
FEWEST_DIGITS = 4  # of a hash: fewer might be a branch's name


RunFiles = list[tuple[Run, Path]]


class AsvDirectory:
    """A directory of asv's results; each file is read when first needed, and once.

    `repository` is where names and subjects of commits are looked up.
    """

    def __init__(self, directory: Path, repository: Path = Path()) -> None:
        self.directory = directory
        self.repository = repository
        self._read: dict[Path, ResultFile] = {}

    def files(self, machine: str | None = None, commit: str = "") -> list[ResultFile]:
        """The result files of one machine, and of commits whose hash begins with `commit`, where given."""
        found = paths(self.directory, machine, commit)
        for path in found:
            if path not in self._read:
                self._read[path] = read_file(path)
        return [file for path in found if (file := self._read[path]).commit.startswith(commit)]


def sides(
    base: str, new: str, out: Path, asv: Path | None = None, *, across: bool = False, repository: Path = Path(),
    catalogue: Catalogue | None = None,
) -> tuple[Side, Side]:  # fmt: skip
    """The sides that BASE and NEW name; asv's results lie in `asv`, else below `out`.

    Run-to-run noise comes from runs older than NEW only. `across` machines, runs lend their counts to asv's results.
    `catalogue` has the benches that a run does not describe.
    """
    results = AsvDirectory(asv or out / ASV_RESULTS, repository)
    named = [side(spec, out, results, catalogue) for spec in (base, new)]
    _refuse_same(base, new, named, out)
    mine = [run for one in named if isinstance(one, list) for run, _ in one]
    before = min((run.started for run, _ in named[1]), default="") if isinstance(named[1], list) else ""
    axes = list(dict.fromkeys(axis for one in named if isinstance(one, AsvCommit) for axis in one.axes))

    def made_of(one: Side | RunFiles | AsvCommit) -> Side:
        if isinstance(one, AsvCommit):
            return one.side(results, axes)
        return _of_runs(one, mine, before, out, catalogue) if isinstance(one, list) else one

    made = [made_of(one) for one in named]
    if across:
        made = [side_with_counts(one, _newest_runs(out, one.machine)) if one.kind == "asv" else one for one in made]
    return made[0], made[1]


@dataclass(frozen=True)
class AsvCommit:
    """One commit's result files on a machine, and all of that machine's, which give its run-to-run noise."""

    files: Sequence[ResultFile]
    past: Sequence[ResultFile]

    @property
    def axes(self) -> list[str]:
        """What distinguishes its environments."""
        return asv_sides.environment_axes(self.files)

    def side(self, results: AsvDirectory, axes: Sequence[str]) -> Side:
        """The side with its environments on these axes."""
        history = asv_history.history(results.directory, self.past, results.repository)
        return asv_sides.side(self.files, benchmarks(results.directory), history, axes)


def _of_runs(
    named: RunFiles, mine: Sequence[Run], before: str, out: Path, catalogue: Catalogue | None
) -> Side:  # fmt: skip
    earlier = earlier_runs(named, mine, before or named[0][0].started, out)
    return runs.side([run for run, _ in named], [concluded(run, catalogue) for run in earlier])


def side(
    spec: str, out: Path, results: AsvDirectory, catalogue: Catalogue | None = None
) -> Side | RunFiles | AsvCommit:
    """What BASE or NEW names; runs come with their paths, for earlier runs beside them.

    A run file or id, several separated by commas, or a directory of runs; the same for files of pytest-benchmark;
    `asv:COMMIT[@MACHINE][/ENVIRONMENT]`; or a machine's name: its newest run, else its newest commit in asv's results.
    """
    if not spec:
        raise TrackingError("BASE or NEW is empty; name a run, asv:COMMIT, a file of pytest-benchmark or a machine")
    if spec.startswith("asv:"):
        return _asv_side(spec, results)
    found = _paths(spec, out)
    if not found:
        if _is_name(spec) and store.find(out, spec):
            found = [store.newest(out, spec)]
        elif _is_name(spec) and (results.directory / spec / "machine.json").is_file():
            return _newest_of(spec, results)
        else:
            raise TrackingError(
                f"{spec} is no file, no run with this id is below {out / 'runs'}, and no machine has this name; "
                "asv's commits are written asv:COMMIT"
            )
    benchmarked = [path for path in found if is_pytest(path)]
    if benchmarked and len(benchmarked) < len(found):
        raise TrackingError(f"{spec}: {benchmarked[0]} is pytest-benchmark's and others are not: no side holds both")
    if benchmarked:
        return pytest_benchmark.side([pytest_benchmark.read_file(path) for path in benchmarked])
    return [(concluded(read_run(path), catalogue), path) for path in found]


def _refuse_same(base: str, new: str, named: Sequence[Side | RunFiles | AsvCommit], out: Path) -> None:
    """TrackingError where a run, a file of pytest-benchmark or asv's results are on both sides."""
    old, now = named
    if isinstance(old, AsvCommit) and isinstance(now, AsvCommit):
        both = [*dict.fromkeys((base, new))] if old.files == now.files else []
    elif isinstance(old, list) and isinstance(now, list):
        taken = {run.id for run, _ in old}
        both = [str(path) for run, path in now if run.id in taken]
    elif isinstance(old, Side) and isinstance(now, Side):
        read = {path.resolve() for path in _paths(base, out)}
        both = [str(path) for path in _paths(new, out) if path.resolve() in read]
    else:
        both = []
    if both:
        raise TrackingError(
            f"{_some(both)}: the same measurements are on both sides; name two results that were measured apart"
        )


def _is_name(text: str) -> bool:
    """Whether a text may be a machine's name: no path."""
    return bool(text) and text not in (".", "..") and os.sep not in text and "\0" not in text and len(text) < 200


def _paths(spec: str, out: Path) -> list[Path]:
    """The files that a spec names; [] where it is neither a file nor a run's id."""
    if os.path.isdir(spec):  # noqa: PTH112 - Path raises for a long name
        if is_results(Path(spec)):
            raise TrackingError(f"{spec}: holds results of asv: name a commit, asv:COMMIT --asv {spec}")
        found = sorted(path for path in Path(spec).rglob("*.json") if not path.name.startswith("."))
        if not found:
            raise StoreError(f"{spec}: holds no run files")
        return found
    if os.path.exists(spec):  # noqa: PTH110
        return [Path(spec)]
    parts = [part for part in spec.split(",") if part]
    if len(parts) > 1:
        return [path for part in parts for path in (_paths(part, out) or _missing(part, out))]
    if os.sep in spec or spec.endswith(".json"):
        return [Path(spec)]  # reading it fails with its name
    return [path for path in store.find(out) if path.stem == spec][:1]


def _missing(part: str, out: Path) -> list[Path]:
    raise StoreError(f"{part} is no file, and no run with this id is below {out / 'runs'}")


def is_pytest(path: Path) -> bool:
    """Whether a file seems to be pytest-benchmark's, by its first bytes."""
    head = files.head(path, HEAD)
    return b'"machine_info"' in head or b'"benchmarks"' in head


def read_run(path: Path) -> Run:
    """The run in a file; a file of asv's gets an error of its own."""
    if b'"commit_hash"' in files.head(path, HEAD):
        raise TrackingError(f"{path}: is one of asv's files: name the results directory that it lies in, or asv:COMMIT")
    return store.read(path)


def earlier_runs(named: RunFiles, mine: Sequence[Run], before: str, out: Path) -> list[Run]:
    """Finished runs of the same machine and preset from before, oldest first, for run-to-run noise."""
    first, path = named[0]
    taken = {run.id for run in mine}
    name = first.machine.name

    def fits(run: Run) -> bool:
        alike = akin(run.machine.name, name) and not machine_differences(run.machine, first.machine)
        earlier = run.id not in taken and bool(run.finished) and run.started < before
        return alike and earlier and run.policy.preset == first.policy.preset

    near = [*path.parent.glob("*.json"), *store.find_akin(out, name)]
    files = [file for file in near if _stamp(file.stem) <= _stamp(before)]
    found = itertools.islice(filter(fits, _read(files)), EARLIER)
    return sorted(found, key=lambda run: run.started)


def _newest_runs(out: Path, machine: str) -> list[Run]:
    """The newest runs of a machine."""
    return list(itertools.islice(_read(store.find_akin(out, machine)), EARLIER))


def _read(files: Iterable[Path]) -> Iterator[Run]:
    """The runs among files, by name the newest first; other files are skipped."""
    there = {path.resolve() for path in files if path.stat().st_size < 8 * 2**20}
    for path in sorted(there, key=lambda one: one.name, reverse=True)[:LOOKED_AT]:
        with contextlib.suppress(StoreError):
            yield store.read(path)


def _stamp(text: str) -> str:
    """The digits of a time, in a run's id or its `started`; "" without one."""
    found = re.search(r"\d{8}T\d{6}", re.sub("[-:](?=\\d\\d)", "", text))
    return found[0] if found else ""


def _asv_side(spec: str, results: AsvDirectory) -> AsvCommit:
    form = SPEC.fullmatch(spec)
    if form is None:
        raise TrackingError(f"{spec}: is not of the form asv:COMMIT[@MACHINE][/ENVIRONMENT]")
    if not results.directory.is_dir():
        raise TrackingError(
            f"{results.directory}: has no results of asv; run `asv run` first, or name another directory by --asv"
        )
    return _asv_commit(spec, form["commit"], form["machine"], form["environment"] or "", results)


def _newest_of(machine: str, results: AsvDirectory) -> AsvCommit:
    found = results.files(machine)
    if not found:
        raise TrackingError(f"{machine}: has no results of asv in {results.directory}")
    newest = max(found, key=lambda file: file.when)
    return _asv_commit(machine, newest.commit, newest.machine, "", results)


def _asv_commit(spec: str, commit: str, machine: str | None, environment: str, results: AsvDirectory) -> AsvCommit:
    """The results of one commit; TrackingError where none or several match."""
    hits = results.files(commit=commit) if len(commit) >= FEWEST_DIGITS else []
    if not hits and (resolved := commit_of(commit, results.repository)):
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
    past = with_distinct_environments(results.files(hits[0].path.parent.name))
    hits = [file for file in past if file.commit == hits[0].commit]
    chosen = [file for file in hits if environment in file.environment]
    if not chosen:
        known = _some([file.environment for file in hits])
        raise TrackingError(f"{spec}: no environment has '{environment}'; there are {known}")
    return AsvCommit(chosen, past)


def _some(names: Sequence[str], most: int = 5) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:most]) + (f" and {len(unique) - most} more" if len(unique) > most else "")
