"""asv's results directory: the one module that knows asv's files, read without asv.

asv's result format 2 is `{columns, results: {benchmark: row}}` in JSON with bare `NaN` and `Infinity`, each row cut at
its trailing nulls; asv promises neither the format nor its reader. What is relied on here is held against asv's own
reader by the contract test, with the versions of the `asv` extra. Values: a number was measured, NaN was skipped, null
failed. Names and parameters are data: nothing is evaluated, no file outside the directory is opened.
"""

from __future__ import annotations

import ast
import functools
import itertools
import json
import math
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from .history import Commit, History, Series, Setting, TrackingError, higher_is_better, identities_told

FORMAT = 2  # asv.results.Results.api_version of asv 0.4 to 0.6
OURS = ".track_seconds"
BESIDE = {"machine.json", "benchmarks.json"}
LARGEST = 256 * 2**20  # bytes of one result file
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
    params: Mapping[str, str]
    rows: Mapping[str, Mapping[str, Any]]

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        """What the machine is: everything stated about it, memory in whole GiB, since kernels reserve a little."""
        known = {key: value for key, value in self.params.items() if key not in NOT_IDENTITY and value}
        if known.get("ram", "").isdecimal():  # asv writes kB
            known["ram"] = f"{round(int(known['ram']) / 2**20)} GiB"
        return tuple(sorted(known.items()))


@dataclass(frozen=True)
class Benchmark:
    """What benchmarks.json says of a benchmark."""

    param_names: Sequence[str]
    unit: str
    version: str | None


def is_results(path: Path) -> bool:
    """Whether a directory is one of asv's results: it holds benchmarks.json, or a machine's directory."""
    return (path / "benchmarks.json").is_file() or any(path.glob("*/machine.json"))


def load(path: Path) -> dict[str, Any]:
    """A JSON object out of a file, NaN and all; TrackingError says what is wrong with it."""
    try:
        if path.stat().st_size > LARGEST:
            raise TrackingError(f"{path}: has more than {LARGEST // 2**20} MiB, so it is no result file of asv")
        text = path.read_bytes()
        try:
            data = msgspec.json.decode(
                text
            )  # three times as fast, but strict: NaN, which is everywhere, is not its own
        except (msgspec.DecodeError, UnicodeDecodeError):
            data = json.loads(text)
    except OSError as error:
        raise TrackingError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise TrackingError(f"{path}: is no JSON, or was cut off ({error}); run asv again for this commit") from None
    if not isinstance(data, dict):
        raise TrackingError(f"{path}: holds no JSON object; this is no file of asv's")
    return data


def files(directory: Path) -> Iterator[ResultFile]:
    """The result files below a directory of asv's, in the order of their names."""
    for path in sorted(directory.glob("*/*.json")):
        if path.name not in BESIDE and not path.name.startswith("."):
            yield read_file(path)


def read_file(path: Path) -> ResultFile:
    """One result file, its rows zipped with the columns."""
    data = load(path)
    if data.get("version") != FORMAT:
        raise TrackingError(
            f"{path}: is of asv's result format {data.get('version')}, and {FORMAT} is read here; `asv update` converts"
        )
    try:
        columns = [str(column) for column in data["result_columns"]]
        rows = {
            str(name): dict(zip(columns, row, strict=False)) for name, row in data["results"].items() if row is not None
        }
        params = {str(key): "" if value is None else str(value) for key, value in data["params"].items()}
        requirements = {str(key): str(value or "") for key, value in (data.get("requirements") or {}).items()}
        variables = {str(key): str(value or "") for key, value in (data.get("env_vars") or {}).items()}
        commit, when = str(data["commit_hash"]), float(data["date"]) / 1e3
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TrackingError(f"{path}: lacks what asv writes, or has it otherwise ({error!r}); run asv again") from None
    asked = {**requirements, **variables}
    machine = {key: value for key, value in params.items() if key not in asked}
    return ResultFile(
        path, machine.get("machine") or path.parent.name, commit, when,
        _environment(str(data.get("python") or ""), asked, str(data.get("env_name") or "")), machine, rows,
    )  # fmt: skip


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
            tuple(str(one) for one in entry.get("param_names") or ()),
            str(entry.get("unit") or ""),
            None if entry.get("version") is None else str(entry["version"]),
        )
        for name, entry in load(path).items()
        if isinstance(entry, dict)
    }


def values_of(row: Mapping[str, Any]) -> list[tuple[tuple[str, ...], Value | None]]:
    """Every combination of parameters of a row with its value; None for what was skipped or failed."""
    combinations = _combinations(tuple(tuple(map(str, axis)) for axis in row.get("params") or ()))
    result = row.get("result")
    if not isinstance(result, list):
        return [(combination, None) for combination in combinations]
    lows, highs, samples = (_column(row, name) for name in ("stats_ci_99_a", "stats_ci_99_b", "samples"))
    out: list[tuple[tuple[str, ...], Value | None]] = []
    for place, (combination, value) in enumerate(zip(combinations, result, strict=False)):
        if not isinstance(value, int | float) or not math.isfinite(value):
            out.append((combination, None))
            continue
        low, high = (_finite(column, place) for column in (lows, highs))
        taken = samples[place] if place < len(samples) else None
        kept = [x for x in taken if isinstance(x, int | float) and math.isfinite(x)] if isinstance(taken, list) else []
        out.append((combination, Value(float(value), low, high, tuple(map(float, kept)))))
    return out


@functools.lru_cache(maxsize=4096)
def _combinations(params: tuple[tuple[str, ...], ...]) -> list[tuple[str, ...]]:
    """Every combination of parameters, in asv's order; the same thousands of times in a history."""
    return list(itertools.product(*([_plain(text) for text in axis] for axis in params)))


def _column(row: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = row.get(name)
    return value if isinstance(value, list) else ()


def _finite(column: Sequence[Any], place: int) -> float:
    value = column[place] if place < len(column) else None
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else math.nan


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


def history(directory: Path) -> History:
    """Every series of a results directory, of any number of machines, commits and environments."""
    found = list(files(directory))
    if not found:
        raise TrackingError(f"{directory}: holds no results of asv; `asv run` makes some")
    known = benchmarks(directory)
    notes: list[str] = []
    commits = _ordered(directory, found)
    place = {commit.name: i for i, commit in enumerate(commits)}
    settings: dict[Setting, int] = {}
    made: dict[Any, Series] = {}
    outdated: set[str] = set()
    versions = {name: one.version for name, one in known.items()}
    for file in sorted(found, key=lambda one: place[one.commit], reverse=True):
        # The newest first, so that its version of a benchmark is the one that counts where none is stated.
        for name, row in file.rows.items():
            version = row.get("version")
            if str(version) != str(versions.setdefault(name, version)):
                outdated.add(name)
                continue
            setting = settings.setdefault(Setting(file.machine, file.identity, file.environment), len(settings))
            stated = known.get(name)
            unit = {"seconds": "s", "": "s"}.get(stated.unit if stated else "", stated.unit if stated else "s")
            for combination, value in values_of(row):
                if value is None:
                    continue
                at = (name, combination, setting)
                series = made.get(at)
                if series is None:
                    bench, variant, params = split(name, stated.param_names if stated else (), combination)
                    values, low, high = np.full((3, len(commits)), np.nan)
                    series = made[at] = Series(
                        bench, variant, params, setting, values, low, high, unit=unit, higher=higher_is_better(unit),
                        version=str(version),
                    )  # fmt: skip
                now = place[file.commit]
                series.values[now], series.low[now], series.high[now] = value.value, value.low, value.high
    if outdated:
        notes.append(
            f"Results of other versions of {len(outdated)} benchmark{'s' * (len(outdated) != 1)} are left out: they "
            "time something else."
        )
    ordered = _oldest_first(list(settings), list(made.values()))
    return History(
        _project(directory), "asv", commits, ordered, sorted(made.values(), key=lambda one: (one.bench, one.setting)),
        [*identities_told(ordered), *notes],
    )  # fmt: skip


def _oldest_first(settings: list[Setting], series: list[Series]) -> list[Setting]:
    """The settings in the order in which they first measured, and the series numbered anew."""
    first = dict.fromkeys(range(len(settings)), 10**9)
    for one in series:
        first[one.setting] = min(first[one.setting], int(np.argmax(~np.isnan(one.values))))
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
