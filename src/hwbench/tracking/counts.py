"""Counts per call, copied from runs to results that store only seconds, such as asv's."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence

from ..record.identity import alike
from ..record.microarchitectures import former_name
from ..record.model import Machine, Run, Scalar
from .history import History, Series
from .sides import Entry, Side, identity, normalize_machine_keys

_Identity = Mapping[str, tuple[str, ...]]  # what results may state of a machine, each with the values that fit
LEVEL = re.compile(r"L1d|L\d")  # the sizes of caches in an identity
_Axes = tuple[tuple[str, str], ...]
_Place = tuple[str, str, str, str, _Axes]  # machine, bench, variant, version, axis values


class KnownCounts:
    """The counts of a call by case, from runs.

    A label such as L1 stands for another size on another machine, so counts are taken from runs of the same machine
    with the same identity: a machine that was resized has other sizes.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.known: dict[_Place, list[tuple[_Identity, dict[str, float]]]] = {}
        for run in sorted(runs, key=lambda run: run.started, reverse=True):
            stated = _identity(run.machine)
            for record in run.records:
                if record.timed and record.counts:
                    for params in (record.params, {axis: x for axis, x in record.params.items() if axis != "pages"}):
                        for name in _names(run.machine.name):
                            at = (name, record.bench, record.variant, str(record.version), _axes(params))
                            self.known.setdefault(at, []).append((stated, record.counts))

    def of(self, machine: str, identity: Mapping[str, str], one: Series | Entry) -> Mapping[str, float]:
        """The counts of a case by the newest fitting run; the case's own where it has some or no run fits."""
        if one.counts or "CPU" not in identity or not {"num_cpu", "CPUs allowed"} & set(identity):
            return one.counts
        fitting = (
            counts
            for name in _names(machine)
            for stated, counts in self.known.get((name, one.bench, one.variant, one.version, _axes(one.params)), ())
            if all(
                any(alike(identity[key], value) for value in values)
                for key, values in stated.items()
                if key in identity
            )
        )
        return next(fitting, one.counts)


def _names(machine: str) -> list[str]:
    """A machine's name, and the one that hwbench gave it before."""
    former = former_name(machine)
    return [machine, former] if former else [machine]


def _axes(params: Mapping[str, Scalar]) -> _Axes:
    return tuple(sorted((axis, str(value)) for axis, value in params.items()))


def _identity(machine: Machine) -> _Identity:
    """What results of this machine state of it, where they state it."""
    own = identity(machine)
    # asv and pytest-benchmark count all CPUs, hwbench those of the affinity mask.
    every = (str(len(machine.cpu.allowed)), str(machine.cpu.logical))
    told = [name for name in own if name in ("CPU", "CPU family", "CPUs allowed", "memory") or LEVEL.fullmatch(name)]
    return {"num_cpu": every} | {name: (own[name],) for name in told}


def with_counts(found: History, runs: Sequence[Run]) -> History:
    """The history with counts for each series whose case a run of the same machine measured."""
    if not runs:
        return found
    known = KnownCounts(runs)
    settings = [(one.machine, normalize_machine_keys(dict(one.identity))) for one in found.settings]
    series = [dataclasses.replace(one, counts=known.of(*settings[one.setting], one)) for one in found.series]
    return dataclasses.replace(found, series=series)


def side_with_counts(side: Side, runs: Sequence[Run]) -> Side:
    """The same for a side of a comparison."""
    known = KnownCounts(runs)
    entries = [dataclasses.replace(one, counts=known.of(side.machine, side.identity, one)) for one in side.entries]
    return dataclasses.replace(side, entries=entries)
