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
from .. import common_mode
from ..history import DIRTY, Commit, History, TrackingError, readable
from ..machines import Settings, identity_notes, minor, python_notes
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
    stats: dict[str, float]  # of the rounds: min, quartile and mean


@dataclass(frozen=True)
class PytestFile:
    """One file of pytest-benchmark."""

    path: Path
    machine: str
    identity: tuple[tuple[str, str], ...]
    python: str
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
        str(machine.get("python_version") or ""),
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
        raise TrackingError(f"{where}.stats: lacks what pytest-benchmark writes ({foreign.fault(error)})") from None
    if not all(seconds == 0 or SHORTEST <= seconds <= LONGEST for seconds in (median, *samples)):
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
    others = {
        name: float(x)
        for name, written in (("min", "min"), ("quartile", "q1"), ("mean", "mean"))
        if isinstance(x := stats.get(written), int | float) and 0 <= x <= LONGEST
    }
    # `extra_info` is the project's own: only hwbench's suite, which names the bench, means a version of it.
    version = str(info.get("version", "")) if isinstance(info.get("bench"), str) else ""
    return Timed(bench, variant, params, median, doubt, samples, _counts(info, median), version, others)


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


def history(
    paths: Sequence[Path], name: str = "pytest-benchmark", skipped: list[str] | None = None, machine: str = ""
) -> History:
    """Files as one history, in the order of their times; a commit measured twice gives two points.

    A file that cannot be read goes to `skipped`; where none can be, or nowhere to note it is given, it is a
    TrackingError. All are of one `machine`, where it is named; else of those whose hardware is alike.
    """
    bad: list[str] = []
    read = readable(paths, read_file, bad)
    if bad and (skipped is None or not read):
        raise TrackingError(bad[0])
    if skipped is not None:
        skipped += bad
    found = sorted(read, key=lambda one: (one.commit.when, one.path.name))
    settings, builder = Settings(by_hardware=True), SeriesBuilder(len(found))
    pythons = []
    for now, file in enumerate(found):
        environment = f"py{minor(file.python)}"
        setting = settings.place(machine or file.machine, () if machine else file.identity, environment)
        pythons.append((setting, file.commit, file.python))
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
        name, "pytest-benchmark", [one.commit for one in found], known, made,
        [*settings.notes(), *identity_notes(known), *python_notes(pythons), *notes],
    )  # fmt: skip


def side(files: Sequence[PytestFile], machine: str = "", others: Sequence[PytestFile] = ()) -> Side:
    """Files of one machine as a side of a comparison; several, and `others` beside them, show the run-to-run noise.

    All are of one `machine`, where it is named.
    """
    first = files[0]
    found: dict[Key, Entry] = {}
    for file in files:
        differences = identity_differences(dict(first.identity), dict(file.identity))
        if differences and not machine:
            names = f"{first.path} and {file.path}"
            raise TrackingError(
                f"{names} cannot be one side, their machines differ: {differences[0]}; --machine-name NAME takes them "
                "as one machine"
            )
        for one in file.timed:
            if not one.median:
                entry = Entry(one.bench, one.variant, "cpu", dict(one.params), unfit="below the clock's resolution")
                found.setdefault(entry.key, entry)
                continue
            taken = measurement_of(one.samples) if len(one.samples) > 2 else Measurement(one.median, one.error)
            taken = dataclasses.replace(taken, stats=one.stats)
            entry = Entry(one.bench, one.variant, "cpu", dict(one.params), one.version, one.counts)
            known = found.get(entry.key, entry)
            known = entry if known.unfit else known
            found[entry.key] = dataclasses.replace(known, measurements=(*known.measurements, taken))
    mine = dict(first.identity)
    past = _past([one for one in others if machine or not identity_differences(mine, dict(one.identity))])
    newest = max(file.commit.when for file in files)
    for key, entry in found.items():
        earlier = [(when, value) for when, value, version in past.get(key, ()) if version == entry.version]
        until = [value for when, value in earlier if when < newest] + [x.median for x in entry.measurements]
        found[key] = dataclasses.replace(entry, earlier=[value for _, value in earlier], trend=until)
    name = f"{first.path.name} ({first.commit.short})"
    if len(files) > 1:
        name = f"{len(files)} files from {name} on"
    return Side(
        name, machine or first.machine, {} if machine else normalize_machine_keys(dict(first.identity)),
        common_mode.aligned(list(found.values())), {"python": first.python}, "pytest-benchmark",
    )  # fmt: skip


def _past(files: Sequence[PytestFile]) -> dict[Key, list[tuple[float, float, str]]]:
    """The time, median and version of each case in files, oldest first."""
    found: dict[Key, list[tuple[float, float, str]]] = {}
    for file in sorted(files, key=lambda one: (one.commit.when, one.path.name)):
        for one in file.timed:
            if one.median:
                key = Entry(one.bench, one.variant, "cpu", dict(one.params)).key
                found.setdefault(key, []).append((file.commit.when, one.median, one.version))
    return found
