"""asv's results directory: the one module that knows asv's files, read without asv.

asv's result format 2 is `{columns, results: {benchmark: row}}` in JSON with bare `NaN` and `Infinity`, each row cut at
its trailing nulls; asv promises neither the format nor its reader. What is relied on here is held against asv's own
reader by the contract test, with the versions of the `asv` extra. Values: a number was measured, NaN was skipped, null
failed. Names and parameters are data: nothing is evaluated, no file outside the directory is opened.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import functools
import gc
import glob
import itertools
import json
import math
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from ...record.estimate import median_error
from ..directions import direction_notes, higher_is_better
from ..history import Commit, History, Series, Setting, TrackingError, Values
from ..machines import Settings, gib, identity_notes
from ..sides import Block, Entry, Side, normalize_machine_keys, identity_differences
from . import asv

FORMAT = 2  # asv.results.Results.api_version of asv 0.4 to 0.6
OURS = ".track_seconds"
NUMBERS = ("result", "stats_ci_99_a", "stats_ci_99_b")
BESIDE = {"machine.json", "benchmarks.json"}
LARGEST = 256 * 2**20  # bytes of one result file
MOST_CASES = 10**6  # of one benchmark; more combinations of parameters than memory holds fit a short line
CI_99 = 2 * 2.5758293035489004  # width of asv's 99% interval in standard errors
# Of what asv writes about a machine: its name, which is told apart, and what an update of the system changes.
NOT_IDENTITY = {"machine", "os", "version", "python"}


class Value(NamedTuple):
    """One measured value of asv with its interval at 99%, and the samples where they were recorded."""

    value: float
    low: float
    high: float
    samples: tuple[float, ...] = ()


@dataclass(frozen=True)
class ResultFile:
    """One result file: a commit on a machine in an environment, with its rows by benchmark and column."""

    path: Path
    machine: str
    commit: str
    when: float
    environment: str
    asked: Mapping[str, str]  # of the environment: Python, versions and variables
    params: Mapping[str, str]
    rows: Mapping[str, Mapping[str, Any]]
    name: str  # what asv calls the environment

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        """What the machine is: everything stated about it."""
        known = {key: value for key, value in self.params.items() if key not in NOT_IDENTITY and value}
        if known.get("ram", "").isdecimal():  # asv writes kB
            known["ram"] = gib(int(known["ram"]) * 1024)
        return tuple(sorted(known.items()))


@dataclass(frozen=True)
class Benchmark:
    """What benchmarks.json says of a benchmark."""

    param_names: Sequence[str]
    unit: str
    version: str | None


def is_results(path: Path) -> bool:
    """Whether a directory is one of asv's results: there are machines in it, and results of one at least."""
    return path.is_dir() and any(path.glob("*/machine.json")) and bool(paths(path))


def is_machine(path: Path) -> bool:
    """Whether a directory is that of one machine among asv's results."""
    return (path / "machine.json").is_file() and bool(paths(path.parent, path.name))


def load(path: Path) -> dict[str, Any]:
    """A JSON object out of a file, NaN and all; TrackingError says what is wrong with it."""
    try:
        if path.stat().st_size > LARGEST:
            raise TrackingError(f"{path}: has more than {LARGEST // 2**20} MiB, so it is no result file of asv")
        text = path.read_bytes()
        try:
            data = msgspec.json.decode(text)  # three times as fast, but strict: it knows no NaN, which is everywhere
        except (msgspec.DecodeError, UnicodeDecodeError):
            data = json.loads(text)
    except OSError as error:
        raise TrackingError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise TrackingError(f"{path}: is no JSON, or was cut off ({error}); run asv again for this commit") from None
    if not isinstance(data, dict):
        raise TrackingError(f"{path}: holds no JSON object; this is no file of asv's")
    return data


def paths(directory: Path, machine: str | None = None, commit: str = "") -> list[Path]:
    """The result files below a directory of asv's, in the order of their names.

    Of one machine's directory, and of commits whose hashes begin so, where that is asked for: asv names a file by the
    first eight digits.
    """
    folder = "*" if machine is None else glob.escape(machine)
    found = directory.glob(f"{folder}/{glob.escape(commit[:8])}*.json")
    return sorted(path for path in found if path.name not in BESIDE and not path.name.startswith("."))


def files(directory: Path) -> list[ResultFile]:
    """The contents of all result files below a directory of asv's."""
    return told_apart([read_file(path) for path in paths(directory)])


def told_apart(found: Sequence[ResultFile]) -> list[ResultFile]:
    """Result files whose environments have a name each.

    Two environments may have the same Python and the same versions, made by virtualenv and by conda, say: where one
    machine measured one commit in both, asv's own name is added, else one would overwrite the other.
    """
    names: dict[tuple[str, str, str], set[str]] = {}
    for file in found:
        names.setdefault((file.machine, file.commit, file.environment), set()).add(file.name)
    doubled = {(machine, environment) for (machine, _, environment), several in names.items() if len(several) > 1}
    return [
        dataclasses.replace(file, environment=f"{file.environment} ({file.name})")
        if (file.machine, file.environment) in doubled
        else file
        for file in found
    ]


def read_file(path: Path) -> ResultFile:
    """One result file, its rows zipped with the columns."""
    data = load(path)
    if data.get("version") != FORMAT:
        raise TrackingError(
            f"{path}: is of asv's result format {data.get('version')}, and {FORMAT} is read here; `asv update` converts"
        )
    try:
        columns = [str(column) for column in data["result_columns"]]
        rows = {str(name): _row(columns, name, row) for name, row in data["results"].items() if row is not None}
        params = {str(key): "" if value is None else str(value) for key, value in data["params"].items()}
        requirements = {str(key): str(value or "") for key, value in (data.get("requirements") or {}).items()}
        variables = {str(key): str(value or "") for key, value in (data.get("env_vars") or {}).items()}
        commit, when = str(data["commit_hash"]), float(data["date"]) / 1e3
        if not math.isfinite(when):
            raise ValueError("date is no number")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TrackingError(f"{path}: lacks what asv writes, or has it otherwise ({error!r}); run asv again") from None
    asked = {**requirements, **variables}
    machine = {key: value for key, value in params.items() if key not in asked}
    return ResultFile(
        path, machine.get("machine") or path.parent.name, commit, when,
        _environment(str(data.get("python") or ""), asked, str(data.get("env_name") or "")),
        {"python": str(data.get("python") or ""), **asked}, machine, rows, str(data.get("env_name") or ""),
    )  # fmt: skip


def _row(columns: Sequence[str], name: str, row: Any) -> dict[str, Any]:
    """A row by its columns; TypeError or ValueError where its parameters are none, or too many."""
    if not isinstance(row, list):
        raise TypeError(f"the row of {name} is no list")
    found = dict(zip(columns, row, strict=False))
    params = found.get("params") or []
    if not (isinstance(params, list) and all(isinstance(axis, list) for axis in params)):
        raise TypeError(f"the parameters of {name} are no lists")
    if len(params) > 1 and math.prod(map(len, params)) > MOST_CASES:
        raise ValueError(f"the parameters of {name} have more than {MOST_CASES} combinations")
    return found


def _environment(python: str, asked: Mapping[str, str], name: str) -> str:
    """`py3.11 numpy 2.4.6 numba 0.68.1`: what has a version or a value, as asv's matrix states it."""
    parts = [f"{key.removeprefix('pip+')} {value}" for key, value in sorted(asked.items()) if value]
    return " ".join([f"py{python}" if python else name, *parts])


def benchmarks(directory: Path) -> dict[str, Benchmark]:
    """benchmarks.json; empty where there is none."""
    path = directory / "benchmarks.json"
    if not path.is_file():
        return {}
    return {
        str(name): Benchmark(
            tuple(map(str, names)) if isinstance(names := entry.get("param_names"), list) else (),
            str(entry.get("unit") or ""),
            None if entry.get("version") is None else str(entry["version"]),
        )
        for name, entry in load(path).items()
        if isinstance(entry, dict)
    }


def values_of(row: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Value | None]]:
    """Every combination of parameters of a row with its value; None for what was skipped or failed."""
    combinations = combinations_of(row)
    values, lows, highs = (_matrix([row.get(name)], len(combinations))[0].tolist() for name in NUMBERS)
    samples = row.get("samples")
    kept = [_samples(samples, place) for place in range(len(combinations))]
    return [
        (combination, None if math.isnan(value) else Value(value, low, high, taken))
        for combination, value, low, high, taken in zip(combinations, values, lows, highs, kept, strict=True)
    ]


def _samples(column: Any, place: int) -> tuple[float, ...]:
    taken = column[place] if isinstance(column, list) and place < len(column) else None
    return tuple(x for x in map(_number, taken) if not math.isnan(x)) if isinstance(taken, list) else ()


def combinations_of(row: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Every combination of a row's parameters, in asv's order."""
    return _combinations(tuple(tuple(map(str, axis)) for axis in row.get("params") or ()))


def _matrix(rows: Sequence[Any], count: int) -> Values:
    """Rows of `count` numbers each; NaN for what is none, or is not finite, and for what a row lacks."""
    whole = [row if isinstance(row, list) and len(row) == count else _padded(row, count) for row in rows]
    try:
        found = np.array(whole, dtype=float)  # null becomes NaN
    except (TypeError, ValueError, OverflowError):
        found = np.empty(0)
    if found.shape != (len(rows), count):  # something else than numbers is among them
        found = np.array([[_number(x) for x in row] for row in whole]).reshape(len(rows), count)
    found[~np.isfinite(found)] = np.nan
    return found


def _padded(row: Any, count: int) -> list[Any]:
    """A row that was cut, or is none, at its full length."""
    there = row[:count] if isinstance(row, list) else []
    return [*there, *[math.nan] * (count - len(there))]


def _number(value: Any) -> float:
    """A number as float; NaN for what is none, is not finite, or too large for a float."""
    try:
        number = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan


@functools.lru_cache(maxsize=4096)
def _combinations(params: tuple[tuple[str, ...], ...]) -> list[tuple[str, ...]]:
    """Every combination of parameters, in asv's order; the same thousands of times in a history."""
    return list(itertools.product(*([_plain(text) for text in axis] for axis in params)))


def _plain(text: str) -> str:
    """A parameter without the quotes of its repr: asv writes `'L1'` for the text L1."""
    if text[:1] in "'\"" and len(text) < 1000:
        try:
            return str(ast.literal_eval(text))
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return text
    return text


def split(name: str, param_names: Sequence[str], combination: Sequence[str]) -> tuple[str, str, dict[str, str]]:
    """Bench, variant and axis values of one of asv's benchmarks: ours under our names, any other as asv has it."""
    names = [*param_names, *(f"param{i + 1}" for i in range(len(param_names), len(combination)))]
    params = dict(zip(names, combination, strict=False))
    if name.endswith(OURS) and names[:1] == ["variant"]:
        return name.removesuffix(OURS), params.pop("variant"), params
    return name, "", params


@dataclass
class _Rows:
    """The rows of one benchmark with the same parameters in one setting: where they belong, and their columns."""

    combinations: Sequence[tuple[str, ...]]
    version: str
    places: list[int] = field(default_factory=list)
    columns: tuple[list[Any], ...] = field(default_factory=lambda: tuple([] for _ in NUMBERS))


def history(directory: Path, found: Sequence[ResultFile] | None = None) -> History:
    """Every series of a results directory, of any number of machines, commits and environments; or of these files."""
    with _without_collector():
        return _history(directory, files(directory) if found is None else found)


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """No search for cycles meanwhile: JSON has none, and looking for them takes twice as long as reading it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _history(directory: Path, found: Sequence[ResultFile]) -> History:
    if not found:
        raise TrackingError(f"{directory}: holds no results of asv; `asv run` makes some")
    known = benchmarks(directory)
    commits = _ordered(directory, found)
    place = {commit.name: i for i, commit in enumerate(commits)}
    settings = Settings()
    gathered: dict[Any, _Rows] = {}
    outdated: set[str] = set()
    versions = {name: one.version for name, one in known.items()}
    for file in sorted(found, key=lambda one: place[one.commit], reverse=True):
        # The newest first, so that its version of a benchmark is the one that counts where none is stated.
        setting = settings.place(file.machine, file.identity, file.environment)
        for name, row in file.rows.items():
            version = row.get("version")
            if version is not None and str(version) != str(versions.get(name) or version):
                outdated.add(name)
                continue
            versions[name] = versions.get(name) or version
            at = (name, setting, str(row.get("params")))
            rows = gathered.get(at)
            if rows is None:
                rows = gathered[at] = _Rows(combinations_of(row), str(versions[name]))
            rows.places.append(place[file.commit])
            for column, number in zip(rows.columns, NUMBERS, strict=True):
                column.append(row.get(number))
    made = _series(gathered, known, len(commits))
    ordered = _oldest_first(settings.made(), made)
    notes = [*identity_notes(ordered), *direction_notes({one.unit for one in made})]
    if outdated:
        notes.append(
            f"Results of other versions of {len(outdated)} benchmark{'s' * (len(outdated) != 1)} are left out: they "
            "time something else."
        )
    made.sort(key=lambda one: (one.bench, one.setting))
    return History(_project(directory), "asv", commits, ordered, made, notes)


def _series(gathered: Mapping[Any, _Rows], known: Mapping[str, Benchmark], commits: int) -> list[Series]:
    """A series for each case in each setting, those without a value left out.

    All rows become numbers at once: a history has a million values, and most of the time would go into taking them one
    by one.
    """
    made: dict[Any, Series] = {}
    for (name, setting, _), rows in gathered.items():
        stated = known.get(name)
        unit = {"seconds": "s", "": "s"}.get(stated.unit if stated else "", stated.unit if stated else "s")
        numbers = np.stack([_matrix(column, len(rows.combinations)) for column in rows.columns])
        for number, combination in enumerate(rows.combinations):
            taken = numbers[:, :, number]
            there = ~np.isnan(taken[0])
            if not there.any():
                continue
            series = made.get((name, combination, setting))
            if series is None:  # it has rows already where its neighbours were others in some commits
                bench, variant, params = split(name, stated.param_names if stated else (), combination)
                values, low, high = np.full((3, commits), np.nan)
                series = made[name, combination, setting] = Series(
                    bench, variant, params, setting, values, low, high, unit=unit, higher=higher_is_better(unit),
                    version=rows.version,
                )  # fmt: skip
            at = np.array(rows.places)[there]
            series.values[at], series.low[at], series.high[at] = taken[:, there]
    return list(made.values())


def _oldest_first(settings: list[Setting], series: list[Series]) -> list[Setting]:
    """The settings of the series in the order in which they first measured, and the series numbered anew."""
    first: dict[int, int] = {}
    for one in series:
        now = int(np.argmax(~np.isnan(one.values)))
        first[one.setting] = min(first.get(one.setting, now), now)
    order = sorted(first, key=lambda number: (settings[number].machine, first[number], settings[number].environment))
    place = {old: new for new, old in enumerate(order)}
    for one in series:
        one.setting = place[one.setting]
    return [settings[number] for number in order]


def _project(directory: Path) -> str:
    """What to call a history: the project in an asv.conf.json above it, else the directory."""
    for parent in list(directory.resolve().parents)[:4]:
        config = parent / "asv.conf.json"
        if config.is_file():
            stated = re.search(r'^\s*"project"\s*:\s*"([^"\\]+)"', config.read_text("utf-8", "replace"), re.MULTILINE)
            if stated:
                return stated[1]
    return directory.resolve().name


def _ordered(directory: Path, found: Sequence[ResultFile]) -> list[Commit]:
    """The commits by date; where dates tie (a rebase gives many commits one), as the repository has them."""
    when = {file.commit: file.when for file in found}
    subjects = _git_subjects(directory, list(when))
    order = {name: i for i, name in enumerate(subjects)}
    names = sorted(when, key=lambda name: (when[name], order.get(name, -1), name))
    return [Commit(name, when[name], subjects.get(name, "")) for name in names]


def _git_subjects(directory: Path, names: Sequence[str]) -> dict[str, str]:
    """First lines of commits, parents before children, where the results lie in a repository that has them."""
    hashes = [name for name in names if re.fullmatch(r"[0-9a-f]{40,64}", name)]
    command = [
        "git",
        "-C",
        str(directory),
        "log",
        "--ignore-missing",
        "--topo-order",
        "--reverse",
        "--format=%H %s",
        "--stdin",
    ]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            input="\n".join(hashes) + "\n",
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    wanted = set(hashes)
    pairs = (line.partition(" ") for line in done.stdout.splitlines())
    return {name: subject for name, _, subject in pairs if name in wanted}


BY_NAME = "environment"  # the axis of environments that nothing but their names tells apart


# --- asv --------------------------------------------------------------------------------------------------------------


def of_asv(
    files: Sequence[asv.ResultFile],
    known: Mapping[str, asv.Benchmark],
    history: History,
    axes: Sequence[str],
) -> Side:
    """Result files of one commit on one machine; the history of the machine's results tells how much they vary.

    `axes` are what tells environments apart, on this side or the other.
    """
    first = files[0]
    differing_in = _in_which(files, axes)
    past = _past(history, first)
    entries = []
    for file in files:
        for name, row in file.rows.items():
            stated = known.get(name)
            version = row.get("version")
            if stated and None not in (stated.version, version) and str(version) != stated.version:
                continue
            version = str(version if version is not None else (stated and stated.version) or "")
            names = stated.param_names if stated else ()
            higher = bool(stated) and higher_is_better(stated.unit if stated else "")
            for combination, value in asv.values_of(row):
                bench, variant, params = asv.split(name, names, combination)
                at = params | differing_in[file.environment]
                if value is None or value.value <= 0:
                    unfit = "skipped or failed" if value is None else "no positive value"
                    entries.append(Entry(bench, variant, "cpu", at, version, unfit=unfit))
                    continue
                error = median_error(value.samples) if value.samples else (value.high - value.low) / asv.CI_99
                blocks = (Block(value.value, error if math.isfinite(error) else math.inf),)
                entries.append(
                    Entry(
                        bench, variant, "cpu", at, version, {}, blocks,
                        earlier=past.get((bench, variant, tuple(params.items()), file.environment), ()), higher=higher,
                    )
                )  # fmt: skip
    environment = {"environment": " + ".join(dict.fromkeys(file.environment for file in files))}
    return Side(
        f"{first.commit[:8]} on {first.machine}",
        first.machine,
        normalize_machine_keys(dict(first.identity)),
        entries,
        environment,
        "asv",
    )


def environment_axes(files: Sequence[asv.ResultFile]) -> list[str]:
    """What tells the environments of a side apart: what all share is no part of a case's name.

    So two versions of NumPy can be set against each other though both were measured with one and with four threads.
    """
    asked = {file.environment: file.asked for file in files}
    keys = [key for key in dict.fromkeys(key for one in asked.values() for key in one)
            if len({one.get(key, "") for one in asked.values()}) > 1]  # fmt: skip
    return keys or [BY_NAME] * (len(asked) > 1)


def _in_which(files: Sequence[asv.ResultFile], axes: Sequence[str]) -> dict[str, dict[str, str]]:
    """For each environment its place on these axes, as parameters."""
    return {
        file.environment: {
            axis.removeprefix("pip+"): file.environment if axis == BY_NAME else file.asked.get(axis, "")
            for axis in axes
        }
        for file in files
    }


def _past(history: History, file: asv.ResultFile) -> dict[object, Sequence[float]]:
    """The medians of every case of this machine, in the order of its commits."""
    return {
        (*one.case, history.settings[one.setting].environment): one.values[~np.isnan(one.values)].tolist()
        for one in history.series
        if (setting := history.settings[one.setting]).machine == file.machine
        and not identity_differences(dict(setting.identity), dict(file.identity))
    }
