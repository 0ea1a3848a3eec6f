"""Rows of a fleet's table as arrays: for each group of like machines, machine × quantity × run.

Rows may come in any order: machines, quantities and runs are put in the order of their names and times first, so that
the same rows always give the same arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
RUNS = 12  # of a machine, the newest: what it did before is history


@dataclass(frozen=True)
class Rows:
    """A row for each quantity of each run; all columns have one length. `started` is in seconds since 1970."""

    machine: ArrayLike
    hardware: ArrayLike
    quantity: ArrayLike
    better: ArrayLike
    value: ArrayLike
    low: ArrayLike
    high: ArrayLike
    started: ArrayLike
    run: ArrayLike
    suspect: ArrayLike
    bench: ArrayLike = ()
    model: ArrayLike = ()
    unit: ArrayLike = ()
    costs: Mapping[str, float] = field(default_factory=dict)  # of a bench: the timed cases that a run has of it


@dataclass(frozen=True)
class Group:
    """Machines of one hardware. `y` is the logarithm of a value, the more the better, NaN where there is none.

    `y` and `width` (the standard error within a run, relative) are machine × quantity × run, `started` machine × run.
    """

    hardware: str
    model: str
    machines: Sequence[str]
    quantities: Sequence[str]
    better: Ints
    y: Floats
    width: Floats
    started: Floats
    benches: Sequence[str] = ()
    units: Sequence[str] = ()
    costs: Mapping[str, float] = field(default_factory=dict)

    @property
    def runs(self) -> Ints:
        """The runs of each machine."""
        return np.asarray(np.isfinite(self.started).sum(axis=1))


@dataclass(frozen=True)
class Cube:
    """The groups by hardware, and what was left out: words."""

    groups: Sequence[Group]
    refused: Sequence[str]


def cube(rows: Rows) -> Cube:
    """The groups of these rows; what cannot be used is named."""
    machine, hardware, quantity, run = (_coded(one) for one in (rows.machine, rows.hardware, rows.quantity, rows.run))
    value = np.asarray(rows.value, dtype=np.float64)
    better = np.asarray(rows.better, dtype=np.int64)
    started = np.asarray(rows.started, dtype=np.float64)
    refused: list[str] = []
    bad = ~(np.isfinite(value) & (value > 0) & np.isfinite(started))
    if bad.any():
        refused.append(f"{int(bad.sum())} of {len(value)} figures are no positive numbers or have no time")
    use = ~bad & (better != 0)
    # One run counts once, for the machine that sorts first, however often and under how many names it is there.
    at = np.flatnonzero(use)
    at = at[np.lexsort((value[at], _key([run, machine, hardware, quantity], at)))]
    first = _starts(run.code[at])
    owner = np.repeat(at[first], np.diff([*first, len(at)])) if len(at) else at
    foreign = (machine.code[at] != machine.code[owner]) | (hardware.code[at] != hardware.code[owner])
    if foreign.any():
        runs = len(np.unique(run.code[at[foreign]]))
        refused.append(f"{_counted(runs, 'run')} under more than one machine: counted once, for the first name")
        at = at[~foreign]
    twice = (np.diff(run.code[at], prepend=-1) == 0) & (np.diff(quantity.code[at], prepend=-1) == 0)
    if twice.any():
        refused.append(f"{_counted(int(twice.sum()), 'figure')} twice in one run: counted once")
        at = at[~twice]
    pairs = np.unique(np.stack([machine.code[at], hardware.code[at]]), axis=1)
    names, counts = np.unique(pairs[0], return_counts=True)
    several = frozenset(machine.names[i] for i in names[counts > 1])
    if several:
        shown = ", ".join(sorted(several)[:3]) + (" …" if len(several) > 3 else "")
        refused.append(
            f"{_counted(len(several), 'name')} with runs of more than one hardware ({shown}): judged in each group"
        )
    suspect = np.asarray(rows.suspect, dtype=bool)
    low, high = (np.asarray(one, dtype=np.float64) for one in (rows.low, rows.high))
    with np.errstate(all="ignore"):
        width = np.where((low > 0) & (high >= low) & np.isfinite(high), np.log(high / low) / (2 * 1.959964), np.nan)
    order = at[np.argsort(hardware.code[at], kind="stable")]
    edges = [*_starts(hardware.code[order]), len(order)]
    groups = []
    for begin, end in pairwise(edges):
        here = order[begin:end]
        groups.append(
            _group(
                hardware.names[hardware.code[here[0]]], here, (machine, quantity, run), better, value, width, started,
                suspect, (rows.model, rows.bench, rows.unit), rows.costs,
            )
        )  # fmt: skip
    return Cube(groups, refused)


@dataclass(frozen=True)
class _Codes:
    """A column as numbers of its names, which are sorted."""

    code: Ints
    names: Sequence[str]


def _coded(column: ArrayLike) -> _Codes:
    if isinstance(column, _Codes):
        return column
    names, code = np.unique(np.asarray(column, dtype=np.str_), return_inverse=True)
    return _Codes(code.astype(np.int64), [str(name) for name in names])


def coded(codes: ArrayLike, names: Sequence[str]) -> ArrayLike:
    """A column that is already numbers of names; they are put in order."""
    order = sorted(range(len(names)), key=lambda i: names[i])
    place = np.empty(len(names), dtype=np.int64)
    place[order] = np.arange(len(names))
    return _Codes(place[np.asarray(codes, dtype=np.int64)], [names[i] for i in order])  # type: ignore[return-value]


def _group(
    digest: str, here: Ints, codes: tuple[_Codes, _Codes, _Codes], better: Ints, value: Floats, width: Floats,
    started: Floats, suspect: NDArray[np.bool_], others: tuple[ArrayLike, ArrayLike, ArrayLike],
    costs: Mapping[str, float],
) -> Group:  # fmt: skip
    machine, quantity, run = codes
    rows, i = np.unique(machine.code[here], return_inverse=True)
    columns, q = np.unique(quantity.code[here], return_inverse=True)
    # The runs of each machine in the order of their times, the newest RUNS; one run has one time.
    ids, which = np.unique(run.code[here], return_inverse=True)
    owner, time = np.zeros(len(ids), dtype=np.int64), np.full(len(ids), np.inf)
    owner[which] = i
    np.minimum.at(time, which, started[here])
    sequence = np.lexsort((ids, -time, owner))
    first = np.repeat(_starts(owner[sequence]), np.bincount(owner))
    rank = np.empty(len(ids), dtype=np.int64)
    rank[sequence] = np.arange(len(ids)) - first  # 0 is the newest
    depth = min(RUNS, int(rank.max()) + 1)
    r = depth - 1 - rank[which]
    keep = r >= 0
    i, q, r, here, which = i[keep], q[keep], r[keep], here[keep], which[keep]
    shape = (len(rows), len(columns), depth)
    y, noise, doubt = np.full(shape, np.nan), np.full(shape, np.nan), np.zeros(shape, dtype=bool)
    sign = np.ones(len(columns), dtype=np.int64)
    sign[q] = np.sign(better[here])
    y[i, q, r] = sign[q] * np.log(value[here])
    noise[i, q, r] = width[here]
    doubt[i, q, r] = suspect[here]
    # What measuring doubted counts only where a machine has nothing better.
    sound = np.isfinite(y) & ~doubt
    y[doubt & sound.any(axis=2, keepdims=True)] = np.nan
    times = np.full((len(rows), depth), np.nan)
    times[i, r] = time[which]
    model, bench, unit = (_coded(one) for one in others)
    names = [machine.names[one] for one in rows]
    of = np.zeros(len(columns), dtype=np.int64)
    of[q[::-1]] = here[::-1]
    benches, units = ([one.names[one.code[i]] if len(one.code) else "" for i in of] for one in (bench, unit))
    called = model.names[int(model.code[here].max())] if len(model.code) else ""
    return Group(
        digest, called, names, [quantity.names[one] for one in columns], sign, y, noise, times, benches, units, costs,
    )  # fmt: skip


def _key(columns: Sequence[_Codes], at: Ints) -> Ints:
    """One number that orders rows by several columns: to sort by one takes a fifth of the time."""
    key = np.zeros(len(at), dtype=np.int64)
    most = 1
    for one in columns:
        if most * len(one.names) >= 2**62:  # numbers of the combinations that there are take less room
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            most = len(at)
        key = key * len(one.names) + one.code[at]
        most *= max(1, len(one.names))
    return key


def _starts(ordered: NDArray[np.int64]) -> Ints:
    """Where the runs of equal values begin."""
    return np.flatnonzero(np.diff(ordered, prepend=-1))


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
