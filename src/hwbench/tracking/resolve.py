"""From BASE and NEW of `hwbench compare` to sides: runs, asv's commits, pytest-benchmark's files, machines."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..analysis.measures import Catalogue
from ..analysis.plausibility import concluded
from ..errors import StoreError
from ..record import files, store
from ..record.microarchitectures import akin
from ..record.model import Run
from .counts import side_with_counts
from .history import TrackingError, readable
from .readers import asv_history, asv_sides, pytest_benchmark, runs
from .readers.asv import (
    ResultFile,
    benchmarks,
    is_machine,
    is_results,
    paths,
    read_file,
    with_distinct_environments,
)
from .repository import commit_of
from .sides import Side, machine_differences

EARLIER = 8  # other runs of a machine that are read for their noise or counts, ten megabytes at most
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
        self.skipped: list[str] = []
        self._read: dict[Path, ResultFile | None] = {}

    def files(self, machine: str | None = None, commit: str = "") -> list[ResultFile]:
        """The result files of one machine, and of commits whose hash begins with `commit`, where given."""
        found = paths(self.directory, machine, commit)
        for path in found:
            if path not in self._read:
                self._read[path] = next(iter(readable([path], read_file, self.skipped)), None)
        return [file for path in found if (file := self._read[path]) and file.commit.startswith(commit)]


def sides(
    base: str, new: str, out: Path, asv: Path | None = None, *, across: bool = False, repository: Path = Path(),
    catalogue: Catalogue | None = None, machine: str = "",
) -> tuple[Side, Side]:  # fmt: skip
    """The sides that BASE and NEW name; asv's results lie in `asv`, else below `out`.

    Run-to-run noise comes from all other runs of the machine that are at hand. `across` machines, runs lend their
    counts to asv's results. `catalogue` has the benches that a run does not describe. Results of asv and
    pytest-benchmark are of one `machine` where it is named, whatever they state. What cannot be read, while the rest of
    a side can, is in `skipped` of BASE's side.
    """
    results = AsvDirectory(asv or out / ASV_RESULTS, repository)
    named = [side(spec, out, results, catalogue) for spec in (base, new)]
    mine = [run for one in named if isinstance(one, list) for run, _ in one]
    axes = list(dict.fromkeys(axis for one in named if isinstance(one, AsvCommit) for axis in one.axes))
    _refuse_shared(named)
    _refuse_environments(named, (base, new))

    taken = {file.path.resolve() for one in named if isinstance(one, PytestFiles) for file in one.files}

    def made_of(one: RunFiles | PytestFiles | AsvCommit) -> Side:
        if isinstance(one, PytestFiles):
            return one.side(taken, machine)
        if isinstance(one, AsvCommit):
            return one.side(results, axes, machine)
        return _of_runs(one, mine, out, catalogue)

    made = [made_of(one) for one in named]
    made[0] = dataclasses.replace(made[0], skipped=list(dict.fromkeys(results.skipped)))
    if across:
        made = [side_with_counts(one, _newest_runs(out, one.machine)) if one.kind == "asv" else one for one in made]
    return made[0], made[1]


@dataclass(frozen=True)
class AsvCommit:
    """One commit's result files on a machine, and all of that machine's, which give its run-to-run noise.

    `directory` is where they lie, with what asv knows of the benchmarks.
    """

    files: Sequence[ResultFile]
    past: Sequence[ResultFile]
    directory: Path

    @property
    def axes(self) -> list[str]:
        """What distinguishes its environments."""
        return asv_sides.environment_axes(self.files)

    def side(self, results: AsvDirectory, axes: Sequence[str], machine: str = "") -> Side:
        """The side with its environments on these axes."""
        history = asv_history.history(self.directory, self.past, results.repository, results.skipped)
        return asv_sides.side(self.files, benchmarks(self.directory), history, axes, machine)


@dataclass(frozen=True)
class PytestFiles:
    """Files of pytest-benchmark that make a side."""

    files: Sequence[pytest_benchmark.PytestFile]

    def side(self, taken: Container[Path], machine: str = "") -> Side:
        """The side; the newest files beside its own, but for those of either side, show its noise and history."""
        folders = dict.fromkeys(file.path.resolve().parent for file in self.files)
        found = [path for folder in folders for path in folder.glob("*.json") if path not in taken and is_pytest(path)]
        beside = sorted(found, key=lambda path: path.name)[-LOOKED_AT:]
        return pytest_benchmark.side(self.files, machine, readable(beside, pytest_benchmark.read_file, []))


def _of_runs(named: RunFiles, mine: Sequence[Run], out: Path, catalogue: Catalogue | None) -> Side:
    others = other_runs(named, mine, out)
    return runs.side([run for run, _ in named], [concluded(run, catalogue) for run in others])


def side(
    spec: str, out: Path, results: AsvDirectory, catalogue: Catalogue | None = None
) -> RunFiles | PytestFiles | AsvCommit:
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
    skipped: list[str] = []
    files = [
        *readable([path for path in found if is_pytest(path)], pytest_benchmark.read_file, skipped),
        *readable([path for path in found if is_asv(path)], read_file, skipped),
    ]
    read = [path for path in found if not is_pytest(path) and not is_asv(path)]
    named = readable(read, lambda path: (concluded(store.read(path), catalogue), path), skipped)
    if not files and not named:
        raise TrackingError(skipped[0])
    results.skipped += skipped
    kinds = {type(one) for one in (*files, *named)}
    if len(kinds) > 1:
        raise TrackingError(f"{spec}: holds results of several tools: no side holds both; name those of one")
    if named:
        return named
    benchmarked = [one for one in files if isinstance(one, pytest_benchmark.PytestFile)]
    return PytestFiles(benchmarked) if benchmarked else _loose(spec, [x for x in files if isinstance(x, ResultFile)])


def _loose(spec: str, files: Sequence[ResultFile]) -> AsvCommit:
    """Result files of asv that were named themselves; those of the machine beside them give its noise."""
    first = files[0]
    if len({(one.commit, one.machine) for one in files}) > 1:
        raise TrackingError(f"{spec}: holds results of several commits or machines; name the files of one")
    folder = first.path.resolve().parent
    directory = folder if (folder / "benchmarks.json").is_file() else folder.parent
    beside = AsvDirectory(directory).files(folder.name) if is_machine(folder) else []
    past = [one for one in beside if one.machine == first.machine]
    return AsvCommit(files, with_distinct_environments(past) or files, directory)


def _refuse_shared(named: Sequence[RunFiles | PytestFiles | AsvCommit]) -> None:
    """TrackingError where one side has a run or file of the other, and more: that would pass for a repetition."""
    old, now = named
    if isinstance(old, list) and isinstance(now, list):
        mine, others = {run.id: path for run, path in old}, {run.id: path for run, path in now}
        both = [str(others[one]) for one in others if one in mine and mine.keys() != others.keys()]
    elif isinstance(old, PytestFiles) and isinstance(now, PytestFiles):
        left, right = ({file.path.resolve() for file in one.files} for one in (old, now))
        both = [str(path) for path in sorted(left & right) if left != right]
    else:
        both = []
    if both:
        raise TrackingError(
            f"{_some(both)}: the same measurements are on both sides, with others; name results that were measured "
            "apart"
        )


def _refuse_environments(named: Sequence[RunFiles | PytestFiles | AsvCommit], specs: Sequence[str]) -> None:
    """TrackingError where one side has more environments of asv and none is the other's: no case would match."""
    old, now = ([one.environment for one in side.files] if isinstance(side, AsvCommit) else [] for side in named)
    if old and now and len(old) != len(now) and not {*old} & {*now}:
        several, few, spec = (old, now, specs[0]) if len(old) > len(now) else (now, old, specs[1])
        hint = f"{spec}/{several[0]}" if spec.startswith("asv:") else f"asv:COMMIT/{several[0]}"
        raise TrackingError(
            f"{spec} was measured in {len(several)} environments and the other side in {_some(few)}, which is none of "
            f"them; name one of {_some(several)}: '{hint}'"
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


def is_asv(path: Path) -> bool:
    """Whether a file seems to be a result of asv's, by its first bytes."""
    return b'"commit_hash"' in files.head(path, HEAD) and not is_pytest(path)


def other_runs(named: RunFiles, mine: Sequence[Run], out: Path) -> list[Run]:
    """Finished runs of the same machine and preset that are on neither side, oldest first, for run-to-run noise."""
    first, path = named[0]
    taken = {run.id for run in mine}
    name = first.machine.name

    def fits(run: Run) -> bool:
        alike = akin(run.machine.name, name) and not machine_differences(run.machine, first.machine)
        return alike and run.id not in taken and bool(run.finished) and run.policy.preset == first.policy.preset

    near = [*path.parent.glob("*.json"), *store.find_akin(out, name)]
    found = itertools.islice(filter(fits, _read(near)), EARLIER)
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
    return AsvCommit(chosen, past, results.directory)


def _some(names: Sequence[str], most: int = 5) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:most]) + (f" and {len(unique) - most} more" if len(unique) > most else "")
