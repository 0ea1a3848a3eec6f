"""Reads what a process of a side wrote: values by the tool, and benchmarks that failed."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ..analysis.plausibility import concluded
from ..record import foreign, store
from ..tracking.history import History, TrackingError
from ..tracking.readers import asv, asv_sides, hyperfine, pyperf, pytest_benchmark, runs
from ..tracking.rules import Rule, Rules
from ..tracking.sides import Entry, Side
from .building import last_line
from .process import Ended
from .tools import RESULT, Command
from .values import Value, of

NAMES = 120  # letters of a command that is timed as a whole
FAILED = re.compile(r"^(?:FAILED|ERROR) (?P<test>\S+?\.py(?:::\S+(?: \S+\])?)?)(?: - (?P<why>.*))?$", re.MULTILINE)
# What pytest, Python and most programs state as the error; asv indents that of its processes.
TOLD = re.compile(r"^(?:E   +\S.*|ERROR:? .*| {,3}[\w.]*(?:Error|Exception)\b.*|(?:\S+: )?error: .*)$", re.MULTILINE)
CAUSE = re.compile(r"^E   +\S.*$", re.MULTILINE)  # pytest's, which a summary of files follows
GOOD = {"pytest": (0, 1), "hwbench": (0, 1), "asv": (0, 2)}
# What disturbs a process only adds to its rounds. A neighbour on the core's other thread makes some rounds of each
# process slow, and the share of those moves the median from process to process; the fastest round moves least.
FASTEST = Rule("*", metric="min")
EMPTY = 5  # pytest's exit code without a test
HINTS = {
    "pytest": "pytest-benchmark writes no benchmark there: is it installed, and does the command select benchmarks?",
    "asv": "asv saved no result: does -b select a benchmark, and does asv.conf.json stand where the command runs?",
    "hyperfine": "hyperfine wrote no result",
    "pyperf": "pyperf wrote no result",
    "file": "the command must write its results to {out}",
    "hwbench": "hwbench run wrote no run",
}


@dataclass(frozen=True)
class Read:
    """The values of a process; `names` has the key of each of pytest's tests, `failed` the tests that failed."""

    values: list[Value]
    names: Mapping[str, Value] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)


def read(asked: Command, ended: Ended, out: Path, rules: Rules) -> Read:
    """What a process measured; TrackingError says why it measured nothing."""
    if asked.kind == "pytest" and ended.code == EMPTY:
        raise TrackingError(f"measured nothing: pytest selected no test ({last_line(ended.output)})")
    if ended.code not in GOOD.get(asked.kind, (0,)):
        raise TrackingError(f"ended by {ended.how}: {error_of(ended)}")
    if asked.kind == "whole":
        return Read([Value(bench=_short(asked.shown), value=ended.seconds)])
    if asked.kind == "metric":
        values = [_directed(metric.value(ended.said), rules) for metric in asked.metrics]
        if all(one.unfit == "failed" for one in values):
            raise TrackingError(f"printed nothing that --metric {asked.metrics[0].name} finds: {last_line(ended.said)}")
        return Read(values)
    found = _files(asked, out, ended, rules)
    if not found.values and not found.failed:
        raise TrackingError(f"measured nothing: {HINTS.get(asked.kind, 'it wrote nothing')} ({error_of(ended)})")
    return found


def error_of(ended: Ended) -> str:
    """The line that tells an error: the last one that names one, else the last one."""
    for said in (ended.errors, ended.output):
        if found := CAUSE.findall(said) or TOLD.findall(said):
            return " ".join(str(found[-1]).removeprefix("E ").split())[:300]
    return last_line(ended.errors if ended.errors.strip() else ended.output)


def _files(asked: Command, out: Path, ended: Ended, rules: Rules) -> Read:
    path = out / RESULT
    if asked.kind == "asv":
        fastest = dataclasses.replace(rules, rules=(FASTEST, *rules.rules))
        return Read(_values(_asv(out / "results"), fastest) if (out / "results").is_dir() else [])
    if not path.is_file() or path.stat().st_size == 0:
        return Read([], failed=_failures(ended.output) if asked.kind == "pytest" else {})
    if asked.kind == "hwbench":
        return Read(_values(runs.side([concluded(store.read(path))]).entries, rules))
    return _any(path, ended, rules)


def _any(path: Path, ended: Ended, rules: Rules) -> Read:
    """A file of whatever tool; of rounds the fastest, unless the project says otherwise."""
    fastest = dataclasses.replace(rules, rules=(FASTEST, *rules.rules))
    data = foreign.load(path, pytest_benchmark.LARGEST, "a result", "the command must write JSON there")
    if pytest_benchmark.is_results(data):
        file = pytest_benchmark.read_file(path)
        values = _values(pytest_benchmark.side([file]).entries, fastest) if file.timed else []
        by_key = {one.key: one for one in values}
        names: dict[str, Value] = {}
        entries = data.get("benchmarks") if isinstance(data, dict) else None
        for timed, raw in zip(file.timed, entries if isinstance(entries, list) else (), strict=False):
            key = Entry(timed.bench, timed.variant, "cpu", dict(timed.params)).key
            if isinstance(raw, dict) and key in by_key:
                names[str(raw.get("fullname"))] = by_key[key]
        return Read(values, names, _failures(ended.output))
    if pyperf.is_results(data):
        return Read(_values(pyperf.entries(path), fastest))
    if hyperfine.is_results(data):
        return Read(_values(hyperfine.entries(path), fastest))
    if isinstance(data, dict) and "records" in data:
        return Read(_values(runs.side([concluded(store.read(path))]).entries, rules))
    raise TrackingError(f"wrote {path.name}, which is of none of pytest-benchmark, pyperf, hyperfine and hwbench")


def _values(entries: Sequence[Entry], rules: Rules) -> list[Value]:
    """Cases with the metrics and directions of the project's rules, beside the medians of the same rounds."""
    shown = rules.applied(Side("", "", {}, entries)).entries
    out = []
    for one, before in zip(shown, entries, strict=True):
        several = any(len(taken.samples) > 1 or taken.stats for taken in before.measurements)
        out.append(of(one, rules.metric_of(one), before.value) if several else of(one))
    return out


def _asv(folder: Path) -> list[Entry]:
    files = asv.read_all(folder)
    if not files:
        return []
    empty = History("asv", "asv", [], [], [], [])
    found: Side = asv_sides.side(files, asv.benchmarks(folder), empty, asv_sides.environment_axes(files))
    return list(found.entries)


def _failures(output: str) -> dict[str, str]:
    """The tests that pytest's summary names as failed, with the reason."""
    return {one["test"]: (one["why"] or "failed").strip() for one in FAILED.finditer(output)}


def _short(shown: str) -> str:
    return shown if len(shown) <= NAMES else f"{shown[: NAMES - 1]}…"


def _directed(one: Value, rules: Rules) -> Value:
    higher = rules.higher_of(Entry(one.bench, one.variant, one.device, one.params))
    return one if higher is None else msgspec.structs.replace(one, higher=higher, sure=True)


def with_failures(found: Sequence[Read]) -> list[list[Value]]:
    """The values of each process, with a failed one for each test that failed there and was measured elsewhere."""
    names = {name: value for one in found for name, value in one.names.items()}
    out = []
    for one in found:
        values = list(one.values)
        for test, why in one.failed.items():
            known = names.get(test)
            values.append(
                Value(
                    bench=known.bench if known else _bench(test), variant=known.variant if known else "",
                    params=known.params if known else {}, unfit="failed", why=why,
                )
            )  # fmt: skip
        out.append(values)
    return out


def _bench(test: str) -> str:
    """`tests/x.py::test_a[1]` as pytest-benchmark's reader names it."""
    file, inside, name = test.partition("::")
    return f"{name} ({file})" if inside else file
