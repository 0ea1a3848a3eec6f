"""Changes of a history as the page lists them: whose they are, whether they still hold, what is read first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..record.model import BenchInfo
from ..tracking import change_points
from ..tracking.controls import Indices, blame
from ..tracking.history import DIRTY, History, Series

State: TypeAlias = Literal["slower", "recovered", "faster"]

# The order in which changes matter to a reader of commits.
WHOSE = {
    "code": "the code", "": "the code, as far as is known", "unclear": "unclear", "machine": "the machine",
    "neither": "not the code: the same commit was measured again",
}  # fmt: skip
STATES: Mapping[State, str] = {"slower": "slower now", "recovered": "recovered", "faster": "faster"}


@dataclass(frozen=True)
class Change:
    """A step of a series: `factor` above 1 is worse; `whose` and `machine` are what `controls.blame` returns.

    `neither`: the step lies between two measurements of one commit, and no control blames the machine. `state` says
    whether what became worse still is.
    """

    series: Series
    step: change_points.Step
    factor: float
    whose: str
    machine: float
    state: State

    @property
    def rank(self) -> tuple[bool, int, float]:
        """Its place in the list: open regressions first, then what recovered, then gains; the machine's come last."""
        aside = self.whose in ("machine", "neither")
        return aside, list(STATES).index(self.state), -abs(math.log(self.factor))


def changes(history: History, benches: Mapping[str, BenchInfo]) -> tuple[list[Change], Indices]:
    """The changes of a history in the order of their rank, and the indices that told the machine's."""
    indices = Indices(history, benches)
    ordered = sorted(history.series, key=lambda one: one.setting)
    found = [
        change
        for one, steps in zip(ordered, change_points.find(ordered), strict=True)
        for change in _of_series(history, one, steps, indices)
    ]
    return sorted(found, key=lambda one: one.rank), indices


def _of_series(
    history: History, series: Series, steps: Sequence[change_points.Step], indices: Indices
) -> Iterator[Change]:
    for step, state in zip(steps, states(steps, series.higher), strict=True):
        factor = 1 / step.factor if series.higher else step.factor
        whose, machine = blame(factor, indices.of(series), step.before, step.after)
        name = history.commits[step.first].name
        if whose != "machine" and name == history.commits[step.last].name and not name.endswith(DIRTY):
            whose = "neither"
        yield Change(series, step, factor, whose, machine, state)


def states(steps: Sequence[change_points.Step], higher: bool) -> list[State]:
    """The state of each step of a series: as in asv, a regression is open where no later level is as good as before."""
    sign = -1 if higher else 1
    levels = [sign * math.log(level) for level in (*(step.old for step in steps), *(step.new for step in steps[-1:]))]
    out: list[State] = []
    for at, (before, after) in enumerate(itertools.pairwise(levels), 1):
        if after < before:
            out.append("faster")
        else:
            out.append("slower" if min(levels[at:]) - before >= math.log1p(change_points.SMALLEST) else "recovered")
    return out
