"""What a project says of its benchmarks in `[tool.hwbench.compare]` of pyproject.toml: thresholds, metrics, directions.

    [tool.hwbench.compare]
    threshold = 0.05
    fail-on = ["slower", "failed"]

    [tool.hwbench.compare.benchmarks]
    "io.*" = { threshold = 0.2, metric = "min" }
    "*.track_accuracy" = { direction = "higher" }

A glob is matched against a benchmark's name, with its variant (`stream.load/simd`) and its parameters as the tables
have them (`suite.time_sum [1000]`). The last entry that matches wins, key by key.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from ..errors import UsageError
from ..record import files
from ..record.phrases import listed
from .directions import ASSUMED, Direction, direction_notes
from .history import History, Series
from .sides import Entry, Measurement, Side

FILE = "pyproject.toml"
LARGEST = 2**20  # bytes of it
FailOn = Literal["slower", "failed", "faster", "ambiguous", "gone"]
FAIL_ON: tuple[FailOn, ...] = ("slower", "failed")
METRICS = ("median", "min", "quartile", "mean")
DIRECTIONS = ("lower", "higher")


@dataclass(frozen=True)
class Rule:
    """What is said of the benchmarks that a glob names; None where nothing is."""

    glob: str
    threshold: float | None = None
    metric: str | None = None
    higher: bool | None = None

    def names(self, one: Entry | Series) -> bool:
        """Whether the glob matches a case."""
        plain = f"{one.bench}/{one.variant}" if one.variant else one.bench
        values = ", ".join(map(str, one.params.values()))
        return any(fnmatch.fnmatchcase(name, self.glob) for name in (one.bench, plain, f"{plain} [{values}]"))


@dataclass(frozen=True)
class Rules:
    """All that a project says: the threshold of all benchmarks, what ends by exit code 1, and the rules in order."""

    threshold: float | None = None
    fail_on: tuple[FailOn, ...] = FAIL_ON
    rules: Sequence[Rule] = ()

    def threshold_of(self, one: Entry, default: float) -> float:
        """The relative change of a case that does not matter."""
        return next((x.threshold for x in reversed(self.rules) if x.threshold is not None and x.names(one)), default)

    def higher_of(self, one: Entry | Series) -> bool | None:
        """Whether more is better; None where nothing is said."""
        return next((rule.higher for rule in reversed(self.rules) if rule.higher is not None and rule.names(one)), None)

    def metric_of(self, one: Entry) -> str:
        """Which figure of a case's samples is compared."""
        return next((x.metric for x in reversed(self.rules) if x.metric is not None and x.names(one)), "median")

    def applied(self, side: Side) -> Side:
        """A side with the directions and metrics of these rules."""
        return dataclasses.replace(side, entries=[self._entry(one) for one in side.entries]) if self.rules else side

    def _entry(self, one: Entry) -> Entry:
        higher = self.higher_of(one)
        if higher is not None:
            one = dataclasses.replace(one, higher=higher, sure=True)
        metric = self.metric_of(one)
        if metric != "median":
            taken = [_by(metric, measurement, higher=one.higher) for measurement in one.measurements]
            one = dataclasses.replace(one, measurements=taken, earlier=(), trend=())  # those are medians
        return one

    def direct(self, history: History) -> None:
        """Give the series of a history the directions of these rules, and say of the others alone what is assumed."""
        for one in history.series if self.rules else ():
            way = self.higher_of(one)
            if way is not None:
                one.higher, one.sure = way, True
        assumed = {one.unit or one.bench: Direction(one.higher, one.sure) for one in history.series}
        others = [note for note in history.notes if ASSUMED not in note]
        history.notes = [*others, *direction_notes(assumed)] if len(others) < len(history.notes) else others


def _by(metric: str, one: Measurement, *, higher: bool = False) -> Measurement:
    """A measurement by another figure of its samples, with the relative error of the median.

    `min` and `quartile` are those of the better end: the least time, the greatest rate.
    """
    if len(one.samples):
        quantile = {"min": 0.0, "quartile": 0.25}.get(metric)
        if quantile is None:
            value = float(np.mean(one.samples))
        else:
            value = float(np.quantile(one.samples, 1 - quantile if higher else quantile))
    else:
        value = one.stats.get(metric, one.median)
    error = one.error * value / one.median if one.median else one.error
    return dataclasses.replace(one, median=value, error=error)


def with_higher(rules: Rules, globs: Sequence[str]) -> Rules:
    """The rules with those of `--higher-is-better GLOB` after them."""
    return dataclasses.replace(rules, rules=(*rules.rules, *(Rule(glob, higher=True) for glob in globs)))


def by_statistic(rules: Rules, statistic: str) -> Rules:
    """The rules with that of `--statistic` after them; UsageError where there is no such figure."""
    if not statistic:
        return rules
    if statistic not in METRICS:
        raise UsageError(f"--statistic {statistic[:50]}: is none of {listed(METRICS, 'or')}")
    return dataclasses.replace(rules, rules=(*rules.rules, Rule("*", metric=statistic)))


def read(start: Path = Path()) -> Rules:
    """The rules in the nearest pyproject.toml at or above a directory; UsageError says what is wrong with them."""
    here = start.absolute()
    path = next((folder / FILE for folder in (here, *here.parents) if (folder / FILE).is_file()), None)
    if path is None:
        return Rules()
    try:
        data = tomllib.loads(files.read(path, LARGEST).decode())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: cannot be read ({' '.join(str(error).split())})") from None
    for name in ("tool", "hwbench", "compare"):
        data = data.get(name, {})
        if not isinstance(data, dict):
            raise _wrong(path, name, "is no table")
    return _rules(path, data)


def _rules(path: Path, data: Mapping[str, object]) -> Rules:
    if unknown := [name for name in data if name not in ("threshold", "fail-on", "benchmarks")]:
        raise _wrong(path, unknown[0], "is not known; there are threshold, fail-on and benchmarks")
    fail_on = data.get("fail-on", list(FAIL_ON))
    if not isinstance(fail_on, list):
        raise _wrong(path, "fail-on", 'is no list such as ["slower", "failed"]')
    benchmarks = data.get("benchmarks", {})
    if not isinstance(benchmarks, dict):
        raise _wrong(path, "benchmarks", "is no table of globs")
    rules = tuple(_rule(path, glob, said) for glob, said in benchmarks.items())
    where = f"{path}: fail-on of [tool.hwbench.compare]"
    return Rules(_threshold(path, "threshold", data.get("threshold")), reasons_to_fail(fail_on, where), rules)


def _rule(path: Path, glob: str, said: object) -> Rule:
    if not isinstance(said, dict):
        raise _wrong(path, glob, "is no table such as { threshold = 0.1 }")
    if unknown := [name for name in said if name not in ("threshold", "metric", "direction")]:
        raise _wrong(path, f"{glob}: {unknown[0]}", "is not known; there are threshold, metric and direction")
    metric, direction = said.get("metric"), said.get("direction")
    for name, value, known in (("metric", metric, METRICS), ("direction", direction, DIRECTIONS)):
        if value is not None and value not in known:
            raise _wrong(path, f"{glob}: {name}", f"is none of {listed(known, 'or')}")
    higher = None if direction is None else direction == "higher"
    return Rule(glob, _threshold(path, f"{glob}: threshold", said.get("threshold")), metric, higher)


def _threshold(path: Path, name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        raise _wrong(path, name, "is no relative difference below 1, such as 0.05")
    return float(value)


def reasons_to_fail(names: Sequence[object], where: str) -> tuple[FailOn, ...]:
    """What ends by exit code 1, out of names; UsageError for one that is not known."""
    known = {name: name for name in get_args(FailOn)}
    for name in names:
        if name not in known:
            raise UsageError(f"{where}: {str(name)[:50]!r} is none of {listed(known, 'or')}")
    return tuple(known[name] for name in names if isinstance(name, str))


def _wrong(path: Path, name: str, what: str) -> UsageError:
    return UsageError(f"{path}: {name} of [tool.hwbench.compare] {what}")
