"""Controls: benches of the machine's own limits, which tell a drifting machine from changed code.

Benches that declare to measure `load`, `latency` or `fma` are bound by the machine alone, each with its own timed
kernel. If two of these kinds slow down together, the machine changed (its clock, a neighbour, the operating system or
hypervisor), and cases that slowed down as much follow from that. One control alone proves nothing, since its timed
kernel may have changed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..record import text
from ..record.model import BenchInfo, Scalar
from .history import History, Series, Values
from .sides import Entry, Key

CONTROLS = ("load", "latency", "fma")  # what they measure
TOUCHES = {"load": "load", "copy": "load", "triad": "load", "latency": "latency", "fma": "fma"}
MATTERS = 0.02  # a smaller shift of the controls is noise
SHARE = 0.35  # of a step that may remain without the machine's shift, for the step to be the machine's


def controls_of(benches: Mapping[str, BenchInfo]) -> dict[str, str]:
    """The benches that are controls, each with what it measures."""
    return {name: info.measures for kind in CONTROLS for name, info in benches.items() if info.measures == kind}


def agreed(shifts: Sequence[float]) -> float:
    """The shift that controls share: the median of three; of two the smaller, 0 where their signs differ."""
    if len(shifts) == 2:
        small, large = sorted(shifts, key=abs)
        return small if small * large > 0 else 0.0
    return float(np.median(shifts))


# --- two sides --------------------------------------------------------------------------------------------------------


def shift(old: Entry, new: Entry, *, per_work: bool = False) -> float:
    """Log of new over base, positive where worse; per unit of work with `per_work`, where counts are known."""
    value = _middle(new) - _middle(old)
    if per_work and (count := shared_count(old, new)):
        value -= math.log(new.counts[count] / old.counts[count])
    return -value if new.higher else value


def shared_count(old: Entry, new: Entry) -> str:
    """The first count (bytes, flops …) that both sides know; "" without one."""
    return next((name for name, amount in old.counts.items() if amount > 0 and new.counts.get(name, 0) > 0), "")


def _middle(entry: Entry) -> float:
    return math.fsum(math.log(one.median) for one in entry.measurements) / len(entry.measurements)


class Moved(NamedTuple):
    """The log shift of a limit and its standard error."""

    shift: float
    error: float = 0.0


class Controls:
    """How the machines' own limits moved between two sides.

    Parameters
    ----------
    pairs
        The cases of both sides; those of the controls are used.
    per_work
        Compare two machines, whose sizes may differ.
    benches
        What the benches declare: which of them are controls, and which limit each should touch.
    errors
        The standard errors of the shifts, by case.
    """

    def __init__(
        self, pairs: Sequence[tuple[Entry, Entry]], *, per_work: bool,
        benches: Mapping[str, BenchInfo], errors: Mapping[Key, float] | None = None,
    ) -> None:  # fmt: skip
        self.per_work = per_work
        self.benches = benches
        self.kinds = controls_of(benches)
        self.shifts: dict[str, list[tuple[Mapping[str, Scalar], Moved]]] = {}
        for old, new in pairs:
            calm = not any(one.suspect for entry in (old, new) for one in entry.measurements)
            if old.bench in self.kinds and (calm or per_work):
                moved = Moved(shift(old, new, per_work=per_work), (errors or {}).get(old.key, 0.0))
                self.shifts.setdefault(self.kinds[old.bench], []).append((old.params, moved))

    @property
    def known(self) -> bool:
        """Whether two controls at least were measured on both sides."""
        return len(self.shifts) > 1

    def own_limit(self, entry: Entry) -> Moved | None:
        """The shift of the limit that bounds a case; None where it was not measured."""
        own = self.kinds.get(entry.bench, "")
        if self.per_work:
            info = self.benches.get(entry.bench)
            touched = own or TOUCHES.get((info.limit if info is not None else None) or "", "")
            if touched in self.shifts:
                return self._near(touched, entry)
            found = [self._near(name, entry) for name in self.shifts]
            return _median(found) if found else None
        found = [self._near(name, entry) for name in self.shifts if name != own]
        return Moved(agreed([one.shift for one in found])) if len(found) > 1 else None

    def _near(self, control: str, entry: Entry) -> Moved:
        """A control's shift in those of its cases that share most axis values with an entry."""
        scored = [
            (sum(str(params.get(axis)) == str(value) for axis, value in entry.params.items()), moved)
            for params, moved in self.shifts[control]
        ]
        best = max(score for score, _ in scored)
        return _median([moved for score, moved in scored if score == best])

    def sentences(self) -> list[str]:
        """A sentence where the controls moved together."""
        moved = {kind: _median([one for _, one in shifts]).shift for kind, shifts in self.shifts.items()}
        if len(moved) < 2 or abs(agreed(list(moved.values()))) < MATTERS:
            return []
        names = {kind: name for name, kind in reversed(self.kinds.items())}
        each = ", ".join(f"{names[kind]} {text.ratio(math.exp(value))}" for kind, value in moved.items())
        return [
            f"the machine's own limits changed together ({each}): a case that changed as much changed with the machine"
        ]


def _median(found: Sequence[Moved]) -> Moved:
    """The median shift with the median error: errors of one process are not independent."""
    return Moved(float(np.median([one.shift for one in found])), float(np.median([one.error for one in found])))


# --- a history --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Index:
    """How slow a machine was at each commit, relative to its median: a factor, NaN without a sound control.

    `each` has a row per control: the log of its time over its median.
    """

    values: Values
    each: Values

    def moved(self, before: slice, after: slice) -> list[float]:
        """The log shift of each control that was measured in both ranges of commits."""
        found = (
            float(np.nanmedian(row[after]) - np.nanmedian(row[before]))
            for row in self.each
            if not (np.isnan(row[before]).all() or np.isnan(row[after]).all())
        )
        return list(found)


class Indices:
    """The indices of a history, each made once: by setting, size label, and the control to leave out."""

    def __init__(self, history: History, benches: Mapping[str, BenchInfo]) -> None:
        self.history = history
        self.kinds = controls_of(benches)
        self.known: dict[tuple[int, str, str], Index | None] = {}
        self.series: dict[tuple[int, str], list[Series]] = {}
        for one in history.series:
            if one.bench in self.kinds:
                self.series.setdefault((one.setting, self.kinds[one.bench]), []).append(one)

    def of(self, series: Series) -> Index | None:
        """The index to normalise a series with; None without controls."""
        at = self.key(series)
        if at not in self.known:
            self.known[at] = self._made(*at)
        return self.known[at]

    def key(self, series: Series) -> tuple[int, str, str]:
        """What series with a common index share: setting, size label, and the control that must not judge itself."""
        return series.setting, series.params.get("size", ""), self.kinds.get(series.bench, "")

    def _made(self, setting: int, size: str, own: str) -> Index | None:
        shifts = []
        for control in CONTROLS:
            cases = [one for one in self.series.get((setting, control), ()) if _positive(one.sound)]
            near = [one for one in cases if one.params.get("size") == size] or cases
            if control == own or not near:
                continue
            logs = np.log([one.sound for one in near])
            with np.errstate(all="ignore"):
                each = logs - np.nanmedian(logs, axis=1, keepdims=True)
            shifts.append(_nanmedian(each))
        if not shifts:
            return None
        stacked = np.stack(shifts)
        out = np.full(stacked.shape[1], np.nan)
        for k, column in enumerate(stacked.T):
            there = column[~np.isnan(column)]
            if len(there):
                out[k] = agreed(there.tolist())
        return Index(np.exp(out), stacked)


def _positive(values: Values) -> bool:
    """Whether there are values, none of them 0 or below: only these have logs."""
    return bool((values > 0).any() and not (values <= 0).any())


def _nanmedian(values: Values) -> Values:
    """Median down the columns; NaN, without a warning, where a column has nothing."""
    out = np.full(values.shape[1], np.nan)
    there = ~np.isnan(values).all(axis=0)
    if there.any():
        out[there] = np.nanmedian(values[:, there], axis=0)
    return out


def blame(step: float, index: Index | None, before: slice, after: slice) -> tuple[str, float]:
    """Whose a step is, and the factor by which the machine moved.

    `code`, `machine`, `unclear` where only one control was measured and moved alike, or "" without a control in both
    ranges of commits. `step` is the factor of the series from `before` to `after`.
    """
    shifts = index.moved(before, after) if index is not None else []
    if not shifts:
        return "", 1.0
    moved = agreed(shifts)
    rest = math.log(step) - moved
    if abs(moved) < MATTERS or abs(rest) > max(MATTERS, SHARE * abs(math.log(step))):
        return "code", math.exp(moved)
    return ("machine" if len(shifts) > 1 else "unclear"), math.exp(moved)
