"""Telling a machine that drifted from code that changed: the benches of the machine's own limits are the controls.

`stream.load`, `latency.chase` and `peak.fma` do nothing but touch the machine's limits, each by its own kernel. When
two of them get slower together, a third thing did it: a clock, a neighbour, a new kernel or hypervisor. What else moved
as much moved with the machine. One control alone proves nothing, since its own kernel may have changed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .. import catalog
from .history import History, Series, Values
from .sides import Entry, Key

CONTROLS = ("stream.load", "latency.chase", "peak.fma")
TOUCHES = {"load": CONTROLS[0], "copy": CONTROLS[0], "triad": CONTROLS[0], "latency": CONTROLS[1], "fma": CONTROLS[2]}
MATTERS = 0.02  # a smaller shift of the controls is noise, and told to nobody
SHARE = 0.35  # of a step that may be left over when the machine's part is taken out, for it to be the machine's


def agreed(shifts: Sequence[float]) -> float:
    """The shift that controls share: the middle of three; of two the smaller, or none where they contradict."""
    if len(shifts) == 2:
        small, large = sorted(shifts, key=abs)
        return small if small * large > 0 else 0.0
    return float(np.median(shifts))


# --- two sides --------------------------------------------------------------------------------------------------------


def shift(old: Entry, new: Entry, *, per_work: bool = False) -> float:
    """Logarithm of new over base, in seconds or whatever else is better when less; for the same work where asked."""
    value = _middle(new) - _middle(old)
    if per_work and (count := counted(old, new)):
        value -= math.log(new.counts[count] / old.counts[count])
    return -value if new.higher else value


def counted(old: Entry, new: Entry) -> str:
    """In what the work of a call is known on both sides: bytes, flops …; "" where it is not."""
    return next((name for name, amount in old.counts.items() if amount > 0 and new.counts.get(name, 0) > 0), "")


def _middle(entry: Entry) -> float:
    return math.fsum(math.log(block.median) for block in entry.blocks) / len(entry.blocks)


class Moved(NamedTuple):
    """By how much a limit moved, as a logarithm, and the standard error of that."""

    shift: float
    error: float = 0.0


class Controls:
    """What the machines' own limits did between two sides. `per_work` compares machines, whose sizes may differ.

    `errors` are the standard errors of the shifts of cases, where they matter.
    """

    def __init__(
        self, pairs: Sequence[tuple[Entry, Entry]], *, per_work: bool, errors: Mapping[Key, float] | None = None
    ) -> None:
        self.per_work = per_work
        self.shifts: dict[str, list[tuple[Mapping[str, object], Moved]]] = {}
        for old, new in pairs:
            calm = not any(block.suspect for entry in (old, new) for block in entry.blocks)
            if old.bench in CONTROLS and (calm or per_work):
                moved = Moved(shift(old, new, per_work=per_work), (errors or {}).get(old.key, 0.0))
                self.shifts.setdefault(old.bench, []).append((old.params, moved))

    @property
    def known(self) -> bool:
        """Whether there are enough of them to tell what the machine did."""
        return len(self.shifts) > 1

    def own_limit(self, entry: Entry) -> Moved | None:
        """How much the limit that bounds a case moved; None where that was not measured."""
        if self.per_work:
            bench = catalog.benches().get(entry.bench)
            touched = entry.bench if entry.bench in CONTROLS else TOUCHES.get((bench and bench.limit) or "")
            if touched in self.shifts:
                return self._near(touched, entry)
            found = [self._near(name, entry) for name in self.shifts]
            return _middling(found) if found else None
        found = [self._near(name, entry) for name in self.shifts if name != entry.bench]
        return Moved(agreed([one.shift for one in found])) if len(found) > 1 else None

    def _near(self, control: str, entry: Entry) -> Moved:
        """A control's shift over those of its cases that have most axis values in common with an entry."""
        scored = [
            (sum(str(params.get(axis)) == str(value) for axis, value in entry.params.items()), moved)
            for params, moved in self.shifts[control]
        ]
        best = max(score for score, _ in scored)
        return _middling([moved for score, moved in scored if score == best])

    def told(self) -> list[str]:
        """A sentence where the controls moved together."""
        moved = {name: _middling([one for _, one in shifts]).shift for name, shifts in self.shifts.items()}
        if len(moved) < 2 or abs(agreed(list(moved.values()))) < MATTERS:
            return []
        each = ", ".join(f"{name} ×{math.exp(value):.3f}" for name, value in moved.items())
        return [f"the machine's own limits moved together ({each}): what moved as much moved with the machine"]


def _middling(found: Sequence[Moved]) -> Moved:
    """The median, its error that of a single one: what a process drew by chance, its cases may share."""
    return Moved(float(np.median([one.shift for one in found])), float(np.median([one.error for one in found])))


# --- a history --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Index:
    """How slow a machine was at each commit beside its own usual: a factor, NaN where no control was measured.

    `each` has a row for every control: the logarithm of how slow it was beside its own usual.
    """

    values: Values
    each: Values

    def moved(self, before: slice, after: slice) -> list[float]:
        """By how much (logarithm) each control moved that was measured in both stretches of commits."""
        found = (
            float(np.nanmedian(row[after]) - np.nanmedian(row[before]))
            for row in self.each
            if not (np.isnan(row[before]).all() or np.isnan(row[after]).all())
        )
        return list(found)


class Indices:
    """The indices of a history, each made once: for a setting, a size label, and without the bench that is judged."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.known: dict[tuple[int, str, str], Index | None] = {}
        self.series: dict[tuple[int, str], list[Series]] = {}
        for one in history.series:
            if one.bench in CONTROLS:
                self.series.setdefault((one.setting, one.bench), []).append(one)

    def of(self, series: Series) -> Index | None:
        """The index that a series is to be divided by; None without controls."""
        own = series.bench if series.bench in CONTROLS else ""
        at = (series.setting, series.params.get("size", ""), own)
        if at not in self.known:
            self.known[at] = self._made(*at)
        return self.known[at]

    def key(self, series: Series) -> tuple[int, str, str]:
        """What the series that share an index have in common."""
        return series.setting, series.params.get("size", ""), series.bench if series.bench in CONTROLS else ""

    def _made(self, setting: int, size: str, own: str) -> Index | None:
        shifts = []
        for control in CONTROLS:
            cases = self.series.get((setting, control), ())
            near = [one for one in cases if one.params.get("size") == size] or cases
            if control == own or not near:
                continue
            logs = np.log([one.values for one in near])
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


def _nanmedian(values: Values) -> Values:
    """Median down the columns; NaN, without a warning, where a column has nothing."""
    out = np.full(values.shape[1], np.nan)
    there = ~np.isnan(values).all(axis=0)
    if there.any():
        out[there] = np.nanmedian(values[:, there], axis=0)
    return out


def blame(step: float, index: Index | None, before: slice, after: slice) -> tuple[str, float]:
    """Who moved, and the factor by which the machine did.

    `code`, `machine`, `unclear` where one control alone moved alike, or "" where none was measured in both stretches.
    `step` is the factor of the series between two stretches of commits.
    """
    told = index.moved(before, after) if index is not None else []
    if not told:
        return "", 1.0
    moved = agreed(told)
    rest = math.log(step) - moved
    if abs(moved) < MATTERS or abs(rest) > max(MATTERS, SHARE * abs(math.log(step))):
        return "code", math.exp(moved)
    return ("machine" if len(told) > 1 else "unclear"), math.exp(moved)
