"""asv's result files, read without asv: JSON in, one `ResultFile` for each commit, machine and environment out.

asv's result format 2 is `{columns, results: {benchmark: row}}` in JSON with bare `NaN` and `Infinity`; each row is cut
at its trailing nulls. asv documents neither the format nor its reader, so a contract test compares this reader with
asv's own for the versions of the `asv` extra. A value is a number where measured, NaN where skipped, null where failed.
Names and parameters are data: nothing is evaluated, no file outside the directory is opened.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import glob
import itertools
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from ...record import collector, foreign
from ...record.identity import gib
from ...record.model import Json, JsonObject
from ..directions import unit_of
from ..history import TrackingError, readable
from ..sides import normalize_machine_keys
from . import asv_kept
from .asv_numbers import NUMBERS, Axes, Numbers, fast, matrix, number, numbers_of

Row: TypeAlias = Mapping[str, Json]
"""One benchmark in one result file, by asv's column names."""
Missing: TypeAlias = Literal["failed", "skipped"]
"""Why a combination of parameters has no value: asv writes null where it failed, NaN where it was skipped."""

FORMAT = 2  # asv.results.Results.api_version of asv 0.4 to 0.6
OURS = ".track_seconds"
BESIDE = {"machine.json", "benchmarks.json"}
LARGEST = 256 * 2**20  # bytes of a result file
ABOUT = ("a file of asv's", "run asv again for this commit")
CI_99 = 2 * 2.5758293035489004  # width of asv's 99% interval in standard errors
# What asv writes about a machine that does not identify it: its name, and what a system update changes.
NOT_IDENTITY = {"machine", "os", "version", "python"}


class Value(NamedTuple):
    """A measured value with its 99% interval, and the samples where asv recorded them."""

    value: float
    low: float
    high: float
    samples: tuple[float, ...] = ()


@dataclass(frozen=True)
class ResultFile:
    """One result file: a commit on a machine in an environment, with its rows by benchmark."""

    path: Path
    machine: str
    commit: str
    when: float
    environment: str
    asked: Mapping[str, str]  # what defines the environment: Python, versions, variables
    params: Mapping[str, str]
    name: str  # asv's name of the environment
    numbers: Numbers

    @property
    def rows(self) -> dict[str, Row]:
        """Whole rows by benchmark, samples included, read again from the file."""
        data = load_json(self.path)
        columns = [str(column) for column in data["result_columns"]]
        found = data["results"].items()
        return {str(name): dict(zip(columns, row, strict=False)) for name, row in found if isinstance(row, list)}

    @property
    def identity(self) -> tuple[tuple[str, str], ...]:
        """Everything stated about the machine."""
        known = {key: value for key, value in self.params.items() if key not in NOT_IDENTITY and value}
        if known.get("ram", "").isdecimal() and len(known["ram"]) < 20:
            known["ram"] = gib(_memory(int(known["ram"])))
        return tuple(sorted(normalize_machine_keys(known).items()))


@dataclass(frozen=True)
class Benchmark:
    """A benchmark's entry in benchmarks.json."""

    param_names: Sequence[str]
    unit: str
    version: str | None


def _memory(stated: int) -> int:
    """Bytes of memory: asv states bytes from 0.6.6 on and kB before, and its version nowhere.

    A machine of 1 GiB states 2³⁰ bytes, one of 1 TiB as many kB. Bytes are whole pages; a number of kB is so once in a
    thousand. No machine that asv runs on has 2³⁴ kB.
    """
    return stated if stated >= 2**34 or (stated >= 2**30 and stated % 4096 == 0) else stated * 1024


def is_results(path: Path) -> bool:
    """Whether a directory holds asv's results: machines, and a result of at least one."""
    return path.is_dir() and any(path.glob("*/machine.json")) and bool(paths(path))


def is_machine(path: Path) -> bool:
    """Whether a directory is that of one machine in asv's results."""
    return (path / "machine.json").is_file() and bool(paths(path.parent, path.name))


def load_json(path: Path) -> JsonObject:
    """The JSON object in a file, NaN included; TrackingError says what is wrong with it."""
    data = foreign.load(path, LARGEST, *ABOUT)
    if not isinstance(data, dict):
        raise TrackingError(f"{path}: holds no JSON object; this is no file of asv's")
    return data


def paths(directory: Path, machine: str | None = None, commit: str = "") -> list[Path]:
    """The result files below a directory of asv's results, in the order of their names.

    Of one machine and of commits whose hash begins with `commit` where given: asv names files by the first eight
    digits.
    """
    folder = "*" if machine is None else glob.escape(machine)
    found = directory.glob(f"{folder}/{glob.escape(commit[:8])}*.json")
    return sorted(path for path in found if path.name not in BESIDE and not path.name.startswith("."))


def read_all(directory: Path, skipped: list[str] | None = None) -> list[ResultFile]:
    """The result files below a directory of asv's results; what cannot be read goes to `skipped`, where it is given."""
    found = paths(directory)
    read = asv_kept.through(found, read_file, ResultFile, helper=f"from {__name__} import serve; serve()")
    if skipped is None:
        return with_distinct_environments([read(path) for path in found])
    return with_distinct_environments(readable(found, read, skipped))


def serve() -> None:
    """Run in a child: the result files whose paths come on standard input are read into the cache."""
    with collector.paused():
        asv_kept.through([Path(path) for path in json.load(sys.stdin)], read_file, ResultFile)


def with_distinct_environments(found: Sequence[ResultFile]) -> list[ResultFile]:
    """The result files with environment names made unique.

    virtualenv and conda may give two environments with the same Python and versions: where one machine measured one
    commit in both, asv's own name is added, so that neither overwrites the other.
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
    """One result file; TrackingError says what is wrong with it."""
    data = fast(foreign.read_bytes(path, LARGEST, *ABOUT)) or load_json(path)
    if data.get("version") != FORMAT:
        raise TrackingError(
            f"{path}: is of asv's result format {str(data.get('version'))[:40]}, and {FORMAT} is read here; "
            "`asv update` converts"
        )
    try:
        columns = [str(column) for column in data["result_columns"]]
        numbers = numbers_of(columns, dict(data["results"].items()))
        params = {str(key): "" if value is None else str(value) for key, value in data["params"].items()}
        requirements = {str(key): str(value or "") for key, value in (data.get("requirements") or {}).items()}
        variables = {str(key): str(value or "") for key, value in (data.get("env_vars") or {}).items()}
        commit, when = str(data["commit_hash"]), float(data["date"]) / 1e3
        if not math.isfinite(when):
            raise ValueError("date is no number")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TrackingError(
            f"{path}: lacks what asv writes, or has it otherwise ({foreign.fault(error)}); run asv again"
        ) from None
    asked = {**requirements, **variables}
    machine = {key: value for key, value in params.items() if key not in asked}
    return ResultFile(
        path, machine.get("machine") or path.parent.name, commit, when,
        _environment(str(data.get("python") or ""), asked, str(data.get("env_name") or "")),
        {"python": str(data.get("python") or ""), **asked}, machine, str(data.get("env_name") or ""), numbers,
    )  # fmt: skip


def _environment(python: str, asked: Mapping[str, str], name: str) -> str:
    """`py3.11 numba 0.68.1 numpy 2.4.6`: the entries of asv's matrix that have a version or value."""
    parts = [f"{key.removeprefix('pip+')} {value}" for key, value in sorted(asked.items()) if value]
    return " ".join([f"py{python}" if python else name, *parts])


def is_result_file(head: bytes) -> bool:
    """Whether a file seems to be one of asv's results, by its first bytes."""
    return b'"commit_hash"' in head and b'"benchmarks": [' not in head


def benchmarks(directory: Path, skipped: list[str] | None = None) -> dict[str, Benchmark]:
    """benchmarks.json; empty where there is none, or where it cannot be read, which goes to `skipped`."""
    path = directory / "benchmarks.json"
    read = readable([path] if path.is_file() else [], load_json, [] if skipped is None else skipped)
    return {
        str(name): Benchmark(
            tuple(map(str, names)) if isinstance(names := entry.get("param_names"), list) else (),
            unit_of(str(entry.get("unit") or ""), str(name)) if not str(name).endswith(OURS) else "s",
            None if entry.get("version") is None else str(entry["version"]),
        )
        for data in read
        for name, entry in data.items()
        if isinstance(entry, dict)
    }


def known_as(name: str, known: Mapping[str, Benchmark]) -> Benchmark:
    """What benchmarks.json states of a benchmark; of one that it does not name, what the name tells."""
    return known.get(name) or Benchmark((), "s" if name.endswith(OURS) else unit_of("", name), None)


def values_of(row: Row) -> list[tuple[tuple[str, ...], Value | Missing]]:
    """Every combination of a row's parameters with its value, or why it has none."""
    combinations = combinations_of(row)
    values, lows, highs = (matrix([row.get(name)], len(combinations))[0].tolist() for name in NUMBERS)
    samples = row.get("samples")
    kept = [_samples(samples, place) for place in range(len(combinations))]
    return [
        (combination, missing(row, place) if math.isnan(value) else Value(value, low, high, taken))
        for place, (combination, value, low, high, taken) in enumerate(
            zip(combinations, values, lows, highs, kept, strict=True)
        )
    ]


def missing(row: Row, place: int) -> Missing:
    """Why a combination has no value: a number that is none was skipped, all else failed."""
    values = row.get("result")
    value = values[place] if isinstance(values, list) and place < len(values) else None
    return "skipped" if isinstance(value, float) and math.isnan(value) else "failed"


def _samples(column: Json, place: int) -> tuple[float, ...]:
    taken = column[place] if isinstance(column, list) and place < len(column) else None
    return tuple(x for x in map(number, taken) if not math.isnan(x)) if isinstance(taken, list) else ()


def combinations_of(row: Row) -> list[tuple[str, ...]]:
    """Every combination of a row's parameters, in asv's order."""
    return combinations(tuple(tuple(map(str, axis)) for axis in row.get("params") or ()))


@functools.lru_cache(maxsize=4096)
def combinations(params: Axes) -> list[tuple[str, ...]]:
    """Every combination of parameters, in asv's order; cached, since a history repeats them thousands of times."""
    return list(itertools.product(*([_unquoted(text) for text in axis] for axis in params)))


def _unquoted(text: str) -> str:
    """A parameter without the quotes of its repr: asv writes `'L1'` for the string L1."""
    if text[:1] in "'\"" and len(text) < 1000:
        try:
            return str(ast.literal_eval(text))
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return text
    return text


def split_name(name: str, param_names: Sequence[str], combination: Sequence[str]) -> tuple[str, str, dict[str, str]]:
    """Bench, variant and axis values of a benchmark: hwbench's by its own names, any other as asv names it."""
    names = [*param_names, *(f"param{i + 1}" for i in range(len(param_names), len(combination)))]
    params = dict(zip(names, combination, strict=False))
    if name.endswith(OURS) and names[:1] == ["variant"] and params:
        return name.removesuffix(OURS), params.pop("variant"), params
    return name, "", params
