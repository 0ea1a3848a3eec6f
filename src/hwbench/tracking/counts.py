"""Counts per call, copied from runs to results that store only seconds, such as asv's."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from ..record.model import Machine, Run, Scalar
from .history import History, Series
from .machines import alike
from .sides import Entry, Side, identity, normalize_machine_keys

_Identity = Mapping[str, tuple[str, ...]]  # what results may state of a machine, each with the values that fit
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
                        at = (run.machine.name, record.bench, record.variant, str(record.version), _axes(params))
                        self.known.setdefault(at, []).append((stated, record.counts))

    def of(self, machine: str, identity: Mapping[str, str], one: Series | Entry) -> Mapping[str, float]:
        """The counts of a case by the newest fitting run; the case's own where it has some or no run fits."""
        at = (machine, one.bench, one.variant, one.version, _axes(one.params))
        if one.counts or "CPU" not in identity or not {"num_cpu", "CPUs allowed"} & set(identity):
            return one.counts
        fitting = (
            counts
            for stated, counts in self.known.get(at, ())
            if all(
                any(alike(identity[key], value) for value in values)
                for key, values in stated.items()
                if key in identity
            )
        )
        return next(fitting, one.counts)


def _axes(params: Mapping[str, Scalar]) -> _Axes:
    return tuple(sorted((axis, str(value)) for axis, value in params.items()))


def _identity(machine: Machine) -> _Identity:
    """What results of this machine state of it, where they state it."""
    own = identity(machine)
    # asv and pytest-benchmark count all CPUs, hwbench those of the affinity mask.
    every = (own["CPUs allowed"], str(machine.cpu.logical))
    return {"num_cpu": every} | {name: (own[name],) for name in ("CPU", "CPUs allowed", "memory", "caches")}


def with_counts(found: History, runs: Sequence[Run]) -> History:
    """The history with counts for each series whose case a run of the same machine measured."""
    known = KnownCounts(runs)
    settings = [(one.machine, normalize_machine_keys(dict(one.identity))) for one in found.settings]
    series = [dataclasses.replace(one, counts=known.of(*settings[one.setting], one)) for one in found.series]
    return dataclasses.replace(found, series=series)


def side_with_counts(side: Side, runs: Sequence[Run]) -> Side:
    """The same for a side of a comparison."""
    known = KnownCounts(runs)
    entries = [dataclasses.replace(one, counts=known.of(side.machine, side.identity, one)) for one in side.entries]
    return dataclasses.replace(side, entries=entries)
