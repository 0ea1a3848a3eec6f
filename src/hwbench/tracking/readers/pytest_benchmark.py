"""pytest-benchmark's JSON, ours and anybody's: one file is one run at one commit.

Times are seconds a call. Files of ours state variant, axis values and rates; the work of a call follows from a rate and
the median. Files may hold the rounds themselves (`stats.data`), or only what was made of them.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...record.model import METRICS
from ..history import DIRTY, Commit, History, TrackingError
from ..machines import Settings, identity_notes
from ..series import SeriesBuilder, Observation
from ..sides import Block, Entry, Key, Side, measurement_of, normalize_machine_keys, identity_differences
from . import pytest_benchmark

LARGEST = 512 * 2**20
UNKNOWN = ("unversioned", "unknown")  # what it writes for a commit where there is none
UNSERIALIZABLE = "UNSERIALIZABLE["  # how it writes a parameter that JSON cannot hold, its repr following
NORMAL_IQR = 1.349  # interquartile range of a normal distribution in standard deviations
MEDIAN = 1.2533  # standard error of a median over that of a mean, for normal samples: sqrt(pi / 2)


@dataclass(frozen=True)
class Timed:
    """One benchmark of a file: seconds a call, the median's standard error, and the rounds where they were kept."""

    bench: str
    variant: str
    params: dict[str, str]
    median: float
    error: float
    samples: tuple[float, ...]
    counts: dict[str, float]
    version: str


@dataclass(frozen=True)
class PytestFile:
    """One file."""

    path: Path
    machine: str
    identity: tuple[tuple[str, str], ...]
    environment: str
    commit: Commit
    timed: Sequence[Timed]


def is_results(data: Any) -> bool:
    """Whether a JSON value is what pytest-benchmark writes."""
    return isinstance(data, dict) and isinstance(data.get("benchmarks"), list) and "machine_info" in data


def read_file(path: Path) -> PytestFile:
    """One file of pytest-benchmark; TrackingError says what is wrong with it."""
    try:
        if path.stat().st_size > LARGEST:
            raise TrackingError(f"{path}: has more than {LARGEST // 2**20} MiB; save it without --benchmark-save-data")
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise TrackingError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise TrackingError(f"{path}: is no JSON, or was cut off ({error}); measure again") from None
    if not is_results(data):
        raise TrackingError(f"{path}: is no file of pytest-benchmark: it has no machine_info and benchmarks")
    machine = _mapping(data["machine_info"])
    cpu = _mapping(machine.get("cpu"))
    identity = {
        "cpu": cpu.get("brand_raw") or cpu.get("brand") or machine.get("processor"),
        "arch": machine.get("machine"),
        "num_cpu": cpu.get("count"),
        "l2": cpu.get("l2_cache_size"),
        "l3": cpu.get("l3_cache_size"),
        **_mapping(machine.get("hwbench")),  # what our suite adds: memory, GPUs, quota
    }
    commit = _mapping(data.get("commit_info"))
    when = _seconds(data.get("datetime"))
    known = commit.get("id") not in (None, "", *UNKNOWN)
    name = str(commit["id"] if known else path.stem) + DIRTY * bool(commit.get("dirty"))
    return PytestFile(
        path,
        str(machine.get("node") or "machine"),
        tuple((str(key), str(value)) for key, value in identity.items() if value),
        f"py{machine.get('python_version', '')}".rstrip(),
        Commit(name, when),
        _numbered([_timed(entry, f"{path}: benchmarks[{i}]") for i, entry in enumerate(data["benchmarks"])]),
    )


def _numbered(found: Sequence[Timed]) -> list[Timed]:
    """Benchmarks of one file, of which no two are one case: a second one of the same name is told as `test_sum (2)`."""
    met: collections.Counter[Any] = collections.Counter()
    out = []
    for one in found:
        at = (one.bench, one.variant, *one.params.items())
        met[at] += 1
        out.append(one if met[at] == 1 else dataclasses.replace(one, bench=f"{one.bench} ({met[at]})"))
    return out


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _seconds(text: Any) -> float:
    try:
        stamp = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return 0.0
    return stamp.replace(tzinfo=stamp.tzinfo or datetime.UTC).timestamp()


def _timed(entry: Any, where: str) -> Timed:
    stats = _mapping(_mapping(entry).get("stats"))
    try:
        median, rounds = float(stats["median"]), float(stats["rounds"])
        iqr = float(stats.get("iqr") or 0.0)
        samples = tuple(float(x) for x in stats.get("data") or ())
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise TrackingError(f"{where}.stats: lacks what pytest-benchmark writes ({error!r})") from None
    if not (math.isfinite(median) and median > 0) or not all(math.isfinite(x) and x > 0 for x in samples):
        raise TrackingError(f"{where}.stats: holds what is no time in seconds; measure again")
    params = {str(key): str(value) for key, value in _mapping(entry.get("params")).items()}
    info = _mapping(entry.get("extra_info"))
    # The name alone is a function's, which may have namesakes in other files and classes.
    file, inside, name = str(entry.get("fullname") or entry.get("name") or "?").partition(".py::")
    file, name = (f"{file}.py", name) if inside else ("", file)
    bench, variant = name, ""
    if isinstance(info.get("bench"), str) and "variant" in params:
        bench, variant = info["bench"], params.pop("variant")
    else:
        # The parameters stand in the name as well: test_sum[1000-f8].
        name, _, ids = name.partition("[") if params else (name, "", "")
        bench, params = name, _readable(params, ids.removesuffix("]"))
        bench = f"{bench} ({file})" if file else bench
        group = entry.get("group")
        bench = f"{group}: {bench}" if isinstance(group, str) and group else bench
    doubt = MEDIAN * iqr / NORMAL_IQR / math.sqrt(rounds) if rounds > 2 and iqr > 0 else math.inf
    return Timed(bench, variant, params, median, doubt, samples, _counts(info, median), str(info.get("version", "")))


def _readable(params: dict[str, str], ids: str) -> dict[str, str]:
    """Parameters that are the same in each process: for one with an address in it, the test's id stands."""
    if not any(value.startswith(UNSERIALIZABLE) for value in params.values()):
        return params
    return {"id": ids}


def _counts(info: Mapping[str, Any], median: float) -> dict[str, float]:
    """The work of one call from the rates that we leave in `extra_info`; nanoseconds are of a hop or of an item."""
    found: dict[str, float] = {}
    for metric in METRICS:
        rate = info.get(metric.unit)
        if isinstance(rate, float) and math.isfinite(rate) and rate > 0 and "bench" in info:
            amount = rate / metric.scale * median if metric.higher else median * metric.scale / rate
            found.setdefault(metric.count, amount)
    if "hops" in found:
        found.pop("items", None)
    return {count: float(f"{amount:.9g}") for count, amount in found.items()}


def history(paths: Sequence[Path], name: str = "pytest-benchmark") -> History:
    """Files as one history, in the order of their times; a commit measured twice is two points."""
    found = sorted((read_file(path) for path in paths), key=lambda one: (one.commit.when, one.path.name))
    settings, builder = Settings(), SeriesBuilder(len(found))
    for now, file in enumerate(found):
        setting = settings.place(file.machine, file.identity, file.environment)
        for one in file.timed:
            builder.add(
                Observation(one.bench, one.variant, one.params, setting, one.version, one.counts, one.median, one.error), now
            )
    made, notes = builder.series()
    told = settings.made()
    return History(
        name, "pytest-benchmark", [one.commit for one in found], told, made, [*identity_notes(told), *notes]
    )  # fmt: skip


# --- pytest-benchmark -------------------------------------------------------------------------------------------------


def of_pytest(files: Sequence[pytest_benchmark.PytestFile]) -> Side:
    """Files of pytest-benchmark from one machine as a side; several show how much figures vary from run to run."""
    first = files[0]
    found: dict[Key, Entry] = {}
    for file in files:
        if differences := identity_differences(dict(first.identity), dict(file.identity)):
            names = f"{first.path} and {file.path}"
            raise TrackingError(f"{names} cannot be one side, their machines differ: {differences[0]}")
        for one in file.timed:
            block = measurement_of(one.samples) if len(one.samples) > 2 else Block(one.median, one.error)
            entry = Entry(one.bench, one.variant, "cpu", dict(one.params), one.version, one.counts)
            known = found.setdefault(entry.key, entry)
            found[entry.key] = dataclasses.replace(known, blocks=(*known.blocks, block))
    name = f"{first.path.name} ({first.commit.short})"
    if len(files) > 1:
        name = f"{len(files)} files from {name} on"
    return Side(
        name, first.machine, normalize_machine_keys(dict(first.identity)), list(found.values()), {"python": first.environment},
        "pytest-benchmark",
    )  # fmt: skip
