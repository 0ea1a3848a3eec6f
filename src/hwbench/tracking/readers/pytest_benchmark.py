"""pytest-benchmark's JSON, of hwbench's suite and any other: one file is one run at one commit.

Times are seconds per call. Files of hwbench's suite state variant, axis values, rates and the counts of a call; in
older ones the counts follow from a rate and the median. Files hold the rounds (`stats.data`), or their statistics.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...record import foreign
from ...record.model import COUNTS, METRICS, Json, JsonObject
from ...record.store import LEAST_WORK, LONGEST, MOST_WORK, SHORTEST
from ..history import DIRTY, Commit, History, TrackingError
from ..machines import Settings, identity_notes
from ..series import Observation, SeriesBuilder
from ..sides import Entry, Key, Measurement, Side, identity_differences, measurement_of, normalize_machine_keys

LARGEST = 512 * 2**20
UNKNOWN = ("unversioned", "unknown")  # written in place of a commit outside of a repository
UNSERIALIZABLE = "UNSERIALIZABLE["  # prefix of the repr of a parameter that JSON cannot hold
NORMAL_IQR = 1.349  # interquartile range of a normal distribution in standard deviations
MEDIAN = 1.2533  # sqrt(pi / 2): standard error of a median over that of a mean, for normal samples


@dataclass(frozen=True)
class Timed:
    """One benchmark of a file: seconds per call, the median's standard error, and the rounds where kept."""

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
    """One file of pytest-benchmark."""

    path: Path
    machine: str
    identity: tuple[tuple[str, str], ...]
    environment: str
    commit: Commit
    timed: Sequence[Timed]


def is_results(data: Json) -> bool:
    """Whether a JSON value is what pytest-benchmark writes."""
    return isinstance(data, dict) and isinstance(data.get("benchmarks"), list) and "machine_info" in data


def load(path: Path) -> Json:
    """The JSON value in a file."""
    return foreign.load(path, LARGEST, "a file of pytest-benchmark", "measure again without --benchmark-save-data")


def read_file(path: Path) -> PytestFile:
    """One file of pytest-benchmark; TrackingError says what is wrong with it."""
    data = load(path)
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
        **_mapping(machine.get("hwbench")),  # what hwbench's suite adds: memory, GPUs, quota
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
    """The benchmarks of one file with unique names: the second of a name becomes `test_sum (2)`."""
    met: collections.Counter[tuple[str, str, tuple[tuple[str, str], ...]]] = collections.Counter()
    out = []
    for one in found:
        at = (one.bench, one.variant, tuple(one.params.items()))
        met[at] += 1
        out.append(one if met[at] == 1 else dataclasses.replace(one, bench=f"{one.bench} ({met[at]})"))
    return out


def _mapping(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _seconds(text: Json) -> float:
    try:
        stamp = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return 0.0
    return stamp.replace(tzinfo=stamp.tzinfo or datetime.UTC).timestamp()


def _timed(entry: Json, where: str) -> Timed:
    stats = _mapping(_mapping(entry).get("stats"))
    try:
        median, rounds = float(stats["median"]), float(stats["rounds"])
        iqr = float(stats.get("iqr") or 0.0)
        samples = tuple(float(x) for x in stats.get("data") or ())
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise TrackingError(f"{where}.stats: lacks what pytest-benchmark writes ({repr(error)[:200]})") from None
    if not all(SHORTEST <= seconds <= LONGEST for seconds in (median, *samples)):
        raise TrackingError(f"{where}.stats: holds what is no time in seconds; measure again")
    params = {str(key): str(value) for key, value in _mapping(entry.get("params")).items()}
    info = _mapping(entry.get("extra_info"))
    # `name` is the function's alone, and other files and classes may use it too.
    file, inside, name = str(entry.get("fullname") or entry.get("name") or "?").partition(".py::")
    file, name = (f"{file}.py", name) if inside else ("", file)
    bench, variant = name, ""
    if isinstance(info.get("bench"), str) and "variant" in params:
        bench, variant = info["bench"], params.pop("variant")
    else:
        # The name repeats the parameters: test_sum[1000-f8].
        name, _, ids = name.partition("[") if params else (name, "", "")
        bench, params = name, _readable(params, ids.removesuffix("]"))
        bench = f"{bench} ({file})" if file else bench
        group = entry.get("group")
        bench = f"{group}: {bench}" if isinstance(group, str) and group else bench
    doubt = MEDIAN * iqr / NORMAL_IQR / math.sqrt(rounds) if 2 < rounds < math.inf and 0 < iqr <= LONGEST else math.inf
    return Timed(bench, variant, params, median, doubt, samples, _counts(info, median), str(info.get("version", "")))


def _readable(params: dict[str, str], ids: str) -> dict[str, str]:
    """Parameters that are equal in every process: the test's id replaces those whose repr has an address."""
    if not any(value.startswith(UNSERIALIZABLE) for value in params.values()):
        return params
    return {"id": ids}


def _counts(info: JsonObject, median: float) -> dict[str, float]:
    """The counts of one call in `extra_info`.

    In files of earlier versions they follow from the rates. Nanoseconds there are per hop or per item, so both are
    given: a comparison takes what the other side has.
    """
    if isinstance(stated := info.get("counts"), dict):
        return {count: amount for count in COUNTS if (amount := _amount(stated.get(count))) > 0}
    found: dict[str, float] = {}
    for metric in METRICS:
        rate = info.get(metric.unit)
        if isinstance(rate, float) and math.isfinite(rate) and rate > 0 and "bench" in info:
            amount = rate / metric.scale * median if metric.higher else median * metric.scale / rate
            found.setdefault(metric.count, amount)
    return {count: float(f"{amount:.9g}") for count, amount in found.items()}


def _amount(value: Json) -> float:
    """A count as a run file may have it; 0 for anything else."""
    known = isinstance(value, int | float) and LEAST_WORK <= value < MOST_WORK
    return float(value) if known else 0.0


def history(paths: Sequence[Path], name: str = "pytest-benchmark") -> History:
    """Files as one history, in the order of their times; a commit measured twice gives two points."""
    found = sorted((read_file(path) for path in paths), key=lambda one: (one.commit.when, one.path.name))
    settings, builder = Settings(), SeriesBuilder(len(found))
    for now, file in enumerate(found):
        setting = settings.place(file.machine, file.identity, file.environment)
        for one in file.timed:
            builder.add(
                Observation(
                    one.bench, one.variant, one.params, setting, one.version, one.counts, one.median, one.error
                ),
                now,
            )
    made, notes = builder.series()
    known = settings.made()
    return History(
        name, "pytest-benchmark", [one.commit for one in found], known, made, [*identity_notes(known), *notes]
    )  # fmt: skip


def side(files: Sequence[PytestFile]) -> Side:
    """Files of one machine as a side of a comparison; several show the run-to-run noise."""
    first = files[0]
    found: dict[Key, Entry] = {}
    for file in files:
        if differences := identity_differences(dict(first.identity), dict(file.identity)):
            names = f"{first.path} and {file.path}"
            raise TrackingError(f"{names} cannot be one side, their machines differ: {differences[0]}")
        for one in file.timed:
            taken = measurement_of(one.samples) if len(one.samples) > 2 else Measurement(one.median, one.error)
            entry = Entry(one.bench, one.variant, "cpu", dict(one.params), one.version, one.counts)
            known = found.setdefault(entry.key, entry)
            found[entry.key] = dataclasses.replace(known, measurements=(*known.measurements, taken))
    name = f"{first.path.name} ({first.commit.short})"
    if len(files) > 1:
        name = f"{len(files)} files from {name} on"
    return Side(
        name, first.machine, normalize_machine_keys(dict(first.identity)), list(found.values()),
        {"python": first.environment}, "pytest-benchmark",
    )  # fmt: skip
