"""What changed in a history, in the order in which it matters: still slower, failed, recovered, faster.

A slowdown is open while no level after it was as good as the one before it, as asv's regressions are; else it has
recovered. A benchmark that fails at the newest commit at which it ran is open, too. A slowdown of a case that is no
longer measured stays open, as for asv, but stands behind those that are measured.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..record import text
from ..record.model import BenchInfo
from . import change_points
from .change_points import SMALLEST, Step
from .controls import Indices, blame
from .directions import kind_of, printed, words
from .given_up import last_measured
from .history import DIRTY, History, Series

Case = tuple[str, str, tuple[tuple[str, str], ...]]
State = Literal["slower", "failed", "recovered", "faster"]
STATES: tuple[State, ...] = get_args(State)
OPEN: tuple[State, ...] = ("slower", "failed")
LEFT = 0.25  # of a slowdown that must be left for it to be open
Whose = Literal["code", "", "unclear", "machine", "neither"]
WHOSE: tuple[str, ...] = get_args(Whose)  # in the order in which changes matter to a reader of commits


@dataclass(frozen=True)
class Change:
    """A step of a series: `factor` above 1 is worse; `whose` and `machine` are what `controls.blame` returns.

    `neither`: the step lies between two measurements of one commit, and no control blames the machine. A step of values
    without a ratio has the factor NaN. Of a benchmark whose `cases` fail together one stands for all. `last` is the
    position of the last commit that measured the series, where it is no longer measured.
    """

    series: Series
    step: Step
    factor: float
    whose: str
    machine: float
    state: State
    cases: int = 1
    last: int | None = None

    @property
    def label(self) -> str:
        """The case, or the benchmark with how many of its cases failed at once."""
        return self.series.label if self.cases == 1 else f"{self.series.bench} ({self.cases} cases)"

    @property
    def ratio(self) -> float | None:
        """The factor, where there is one."""
        return self.factor if math.isfinite(self.factor) else None

    @property
    def size(self) -> float:
        """How large the change is, for an order: the log of the factor, or the relative difference."""
        if math.isfinite(self.factor) and self.factor > 0:
            return abs(math.log(self.factor))
        old, new = self.step.old, self.step.new
        return abs(new - old) / max(abs(old), abs(new), 1e-300) if math.isfinite(new) else 0.0

    @property
    def worse(self) -> bool:
        """Whether it is a slowdown, also one that has recovered, or a failure."""
        return self.state != "faster"


def changes(history: History, benches: Mapping[str, BenchInfo], indices: Indices | None = None) -> list[Change]:
    """Every change of a history, those that are still open first; `benches` declare which of them are controls."""
    known = indices or Indices(history, benches)
    ordered = sorted(history.series, key=lambda one: one.setting)
    found = []
    for series, steps in zip(ordered, change_points.find(ordered, small=history.source != "asv"), strict=True):
        levels = [step.new for step in steps]
        found += [_change(history, series, step, levels[at:], known) for at, step in enumerate(steps)]
    ranks = {whose: rank for rank, whose in enumerate(WHOSE)}
    found += _failures(ordered)
    ends = {id(one.series): last_measured(one.series) for one in found}
    found = [dataclasses.replace(one, last=ends[id(one.series)]) for one in found]
    return sorted(
        found,
        key=lambda one: (
            STATES.index(one.state), one.last is not None, ranks[one.whose], -one.size, one.series.label,
        ),
    )  # fmt: skip


def _change(history: History, series: Series, step: Step, since: Sequence[float], indices: Indices) -> Change:
    """A step with its cause; `since` are the levels from it on."""
    positive = not (series.sound <= 0).any()
    factor = (step.old / step.new if series.higher else step.factor) if positive else math.nan
    whose, machine = blame(factor, indices.of(series), step.before, step.after) if positive else ("", 1.0)
    name = history.commits[step.first].name
    if whose != "machine" and name == history.commits[step.last].name and not name.endswith(DIRTY):
        whose = "neither"
    return Change(series, step, factor, whose, machine, _state(series, step, since))


def _state(series: Series, step: Step, since: Sequence[float]) -> State:
    sign = -1 if series.higher else 1
    now = min(since, key=lambda level: sign * level)  # the best since
    if sign * (step.new - step.old) < 0:
        return "faster"
    left, whole = sign * (now - step.old), sign * (step.new - step.old)
    scale = max(abs(step.old), abs(now))
    return "slower" if left > max(SMALLEST * scale, LEFT * whole) else "recovered"


def said(one: Change) -> str:
    """`1.42× slower`, `1.10× more`, `5.00 errors more`; "" of a failure."""
    if one.state == "failed":
        return ""
    unit = one.series.unit
    if one.ratio is None:
        moved = one.step.new - one.step.old
        return f"{printed(abs(moved), unit)} {'more' if moved > 0 else 'less'}"
    worse, better = words(unit, one.series.higher)
    much = text.ratio(one.ratio)
    return much if kind_of(unit) == "time" else much.replace("slower", worse).replace("faster", better)


def _failures(every: Sequence[Series]) -> list[Change]:
    """The cases that fail now, those of a benchmark that began together as one.

    One that a later commit measured in another environment does not: the environment was given up.
    """
    newest: dict[Case, int] = {}
    for series in every:
        there, case = series.measured[0], series.case
        newest[case] = max(newest.get(case, -1), int(there[-1]) if len(there) else -1)
    together: dict[tuple[str, int, int], list[tuple[Series, Step]]] = {}
    for series in every:
        if series.failed and (step := _failure(series)) is not None and newest[series.case] < step.first:
            together.setdefault((series.bench, series.setting, step.first), []).append((series, step))
    return [Change(*found[0], math.nan, "", 1.0, "failed", len(found)) for found in together.values()]


def _failure(series: Series) -> Step | None:
    """The step from the last value to the first failure after it, where nothing was measured since."""
    there = np.flatnonzero(~np.isnan(series.values))
    after = [at for at in series.failed if len(there) and at > there[-1]]
    if not after:
        return None
    last = int(there[-1])
    return Step(last, after[0], float(series.values[last]), math.nan, slice(last, last + 1), slice(after[0], after[0]))
