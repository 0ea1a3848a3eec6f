"""Several runs of ours as a history, and the work of their calls for the histories of others."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...record.estimate import median_error
from ...record.model import Machine, Record, Run
from ..history import DIRTY, Commit, History, Series, TrackingError
from ..machines import Settings, alike, identity_notes
from ..series import SeriesBuilder, Observation
from ..sides import Entry, Key, Side, measurement_of, identity, normalize_machine_keys, unlike

FEWEST = 3  # runs from which there is a history to tell
VERSIONS = ("python", "numpy", "numba", "threading_layer", "numba_threads")


def history(runs: Sequence[Run]) -> History | None:
    """Runs in the order of their start, a point each; None for fewer than three."""
    if len(runs) < FEWEST:
        return None
    ordered = sorted(runs, key=lambda run: (run.started, run.id))
    settings, builder = Settings(), SeriesBuilder(len(ordered))
    for now, run in enumerate(ordered):
        versions = [f"{name} {run.software[name]}" for name in VERSIONS if run.software.get(name)]
        setting = settings.place(run.machine.name, identity(run.machine).items(), ", ".join(versions))
        for record in run.records:
            if not record.timed:
                continue
            params = {axis: str(value) for axis, value in record.params.items()}
            if record.device not in ("cpu", "gpu:0"):
                params["device"] = record.device
            median, error = float(np.median(record.samples)), median_error(record.samples)
            builder.add(
                Observation(
                    record.bench, record.variant, params, setting, str(record.version), record.counts, median, error
                ),
                now,
            )  # fmt: skip
    made, notes = builder.series()
    commits = [Commit(_name(run), _seconds(run.started), run.id) for run in ordered]
    told = settings.made()
    return History("runs", "hwbench", commits, told, made, [*identity_notes(told), *notes])


def _name(run: Run) -> str:
    commit = run.hwbench.get("commit")
    return (commit + DIRTY * bool(run.hwbench.get("dirty"))) if isinstance(commit, str) and commit else run.id


def _seconds(text: str) -> float:
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


_Told = Mapping[str, tuple[str, ...]]


class Works:
    """The work of a call, as runs tell it: asv stores seconds alone.

    What a label such as L1 stands for is the machine's matter, so only its own runs tell, and of them those from when
    it was what it is in the results: a machine that was resized has other sizes.
    """

    def __init__(self, runs: Sequence[Run]) -> None:
        self.known: dict[Any, list[tuple[_Told, dict[str, float]]]] = {}
        for run in sorted(runs, key=lambda run: run.started, reverse=True):
            told = _told(run.machine)
            for record in run.records:
                if record.timed and record.counts:
                    for params in (record.params, {axis: x for axis, x in record.params.items() if axis != "pages"}):
                        at = (run.machine.name, record.bench, record.variant, str(record.version), _axes(params))
                        self.known.setdefault(at, []).append((told, record.counts))

    def of(self, machine: str, identity: Mapping[str, str], one: Series | Entry) -> Mapping[str, float]:
        """The counts of a case by the newest run that fits; those it has, where none does."""
        at = (machine, one.bench, one.variant, one.version, _axes(one.params))
        if one.counts or "CPU" not in identity or not {"num_cpu", "CPUs allowed"} & set(identity):
            return one.counts
        fitting = (
            counts
            for told, counts in self.known.get(at, ())
            if all(
                any(alike(identity[key], value) for value in values) for key, values in told.items() if key in identity
            )
        )
        return next(fitting, one.counts)


def _axes(params: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((axis, str(value)) for axis, value in params.items()))


def _told(machine: Machine) -> _Told:
    """What results must say of their machine to be of this one, where they say it."""
    own = identity(machine)
    # asv by itself counts all CPUs, as pytest-benchmark does, and we those that may be used.
    every = (own["CPUs allowed"], str(machine.cpu.logical))
    return {"num_cpu": every} | {name: (own[name],) for name in ("CPU", "CPUs allowed", "memory", "caches")}


def with_work(found: History, runs: Sequence[Run]) -> History:
    """A history whose series know the work of a call where a run of the same machine measured the same case."""
    works = Works(runs)
    settings = [(one.machine, normalize_machine_keys(dict(one.identity))) for one in found.settings]
    series = [dataclasses.replace(one, counts=works.of(*settings[one.setting], one)) for one in found.series]
    return dataclasses.replace(found, series=series)


def worked(side: Side, runs: Sequence[Run]) -> Side:
    """The same for a side of a comparison."""
    works = Works(runs)
    entries = [dataclasses.replace(one, counts=works.of(side.machine, side.identity, one)) for one in side.entries]
    return dataclasses.replace(side, entries=entries)


# --- runs of hwbench --------------------------------------------------------------------------------------------------


def of_runs(runs: Sequence[Run], earlier: Sequence[Run] = ()) -> Side:
    """Runs of one machine as a side; `earlier` are others of its runs, which tell how much its figures vary."""
    if not runs:
        raise ValueError("a side needs a run")
    first = runs[0]
    for run in runs[1:]:
        if found := unlike(first.machine, run.machine):
            raise TrackingError(f"{first.id} and {run.id} cannot be one side, their machines differ: {found[0]}")
    past: dict[tuple[Key, int], list[float]] = {}
    for run in earlier:
        for record in run.records:
            if record.status == "ok" and record.samples:
                past.setdefault((_key(record), record.version), []).append(float(np.median(record.samples)))
    grouped: dict[Key, list[Record]] = {}
    for run in runs:
        for record in run.records:
            grouped.setdefault(_key(record), []).append(record)
    entries = [_entry(records, past.get((at, records[0].version), ())) for at, records in grouped.items()]
    name = first.id if len(runs) == 1 else f"{len(runs)} runs from {first.id} on"
    software = {key: str(value) for key, value in first.software.items() if isinstance(value, str | int | float)}
    return Side(name, first.machine.name, identity(first.machine), entries, software)


def _key(record: Record) -> Key:
    axes = tuple(sorted((axis, str(value)) for axis, value in record.params.items()))
    return record.bench, record.variant, record.device, axes


def _entry(records: Sequence[Record], earlier: Sequence[float] = ()) -> Entry:
    """The records of one case in several runs; only those fit for it are counted."""
    every = [record for record in records if record.timed]
    one = every[0] if every else records[0]
    timed = [record for record in every if (record.version, record.counts) == (one.version, one.counts)]
    unfit = "" if timed else one.status + (f": {one.reason}" if one.reason else "")
    # Blocks that were disturbed are left out where others are to be had.
    calm = [record for record in timed if record.status == "ok"]
    blocks = [
        measurement_of(record.samples, record.reason or "suspect" if record.status == "suspect" else "")
        for record in (calm or timed)
    ]
    return Entry(
        one.bench, one.variant, one.device, one.params, str(one.version), one.counts, blocks, unfit, earlier
    )  # fmt: skip
