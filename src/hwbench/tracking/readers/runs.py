"""Runs of hwbench as a history, and as a side of a comparison."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import numpy as np

from ...analysis.measures import completed
from ...record.estimate import median_error
from ...record.microarchitectures import former_name
from ...record.model import Machine, Record, Run
from ..history import DIRTY, Commit, History, TrackingError
from ..machines import Settings, identity_notes, minor, python_notes
from ..series import Observation, SeriesBuilder
from ..sides import Entry, Key, Side, identity, machine_differences, measurement_of

FEWEST = 3  # runs that make a history
VERSIONS = ("python", "numpy", "numba", "threading_layer", "numba_threads")


def history(runs: Sequence[Run]) -> History | None:
    """Runs in the order of their start, one point each; None for fewer than FEWEST."""
    if len(runs) < FEWEST:
        return None
    ordered = sorted(runs, key=lambda run: (run.started, run.id))
    settings, builder, names = Settings(), SeriesBuilder(len(ordered)), _names(ordered)
    commits = [Commit(_name(run), _seconds(run.started), run.id) for run in ordered]
    pythons: list[tuple[int, Commit, str]] = []
    for now, run in enumerate(ordered):
        python = str(run.software.get("python") or "")
        stated = {**run.software, "python": minor(python)}
        versions = [f"{name} {stated[name]}" for name in VERSIONS if stated.get(name)]
        setting = settings.place(names[run.id], identity(run.machine).items(), ", ".join(versions))
        pythons.append((setting, commits[now], python))
        for record in run.records:
            if not record.timed:
                continue
            params = {axis: str(value) for axis, value in record.params.items()}
            if record.device not in ("cpu", "gpu:0"):
                params["device"] = record.device
            median, error = float(np.median(record.samples)), median_error(record.samples)
            builder.add(
                Observation(
                    record.bench, record.variant, params, setting, str(record.version), record.counts, median, error,
                    _suspect(record),
                ),
                now,
            )  # fmt: skip
    made, notes = builder.series()
    known = settings.made()
    return History("runs", "hwbench", commits, known, made, [*identity_notes(known), *python_notes(pythons), *notes])


def _names(runs: Sequence[Run]) -> dict[str, str]:
    """The name of each run's machine by the run's id: the present one where a run has the former name."""
    renamed: dict[str, list[Machine]] = {}
    for machine in {(run.machine.name, str(identity(run.machine))): run.machine for run in runs}.values():
        if former := former_name(machine.name):
            renamed.setdefault(former, []).append(machine)

    def name(run: Run) -> str:
        known = (one.name for one in renamed.get(run.machine.name, ()) if not machine_differences(one, run.machine))
        return next(known, run.machine.name)

    return {run.id: name(run) for run in runs}


def _name(run: Run) -> str:
    commit = run.hwbench.get("commit")
    return (commit + DIRTY * bool(run.hwbench.get("dirty"))) if isinstance(commit, str) and commit else run.id


def _seconds(text: str) -> float:
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def side(runs: Sequence[Run], earlier: Sequence[Run] = ()) -> Side:
    """Runs of one machine as a side; `earlier` runs of the machine give the run-to-run noise."""
    if not runs:
        raise ValueError("a side needs a run")
    first = runs[0]
    for run in runs[1:]:
        if found := machine_differences(first.machine, run.machine):
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
    benches = {bench: info for run in runs for bench, info in completed(run, {}).benches.items()}
    return Side(name, first.machine.name, identity(first.machine), entries, software, benches=benches, runs=runs)


def _key(record: Record) -> Key:
    axes = tuple(sorted((axis, str(value)) for axis, value in record.params.items()))
    return record.bench, record.variant, record.device, axes


def _suspect(record: Record) -> str:
    """Why a record is suspect; "" where it is not."""
    return record.why or "suspect" if record.status == "suspect" else ""


def _entry(records: Sequence[Record], earlier: Sequence[float] = ()) -> Entry:
    """One case in several runs: the timed records that agree in version and counts with the first."""
    every = [record for record in records if record.timed]
    one = every[0] if every else records[0]
    timed = [record for record in every if (record.version, record.counts) == (one.version, one.counts)]
    unfit = "" if timed else one.status
    # Disturbed records are left out where undisturbed ones exist.
    calm = [record for record in timed if record.status == "ok"]
    measurements = [measurement_of(record.samples, _suspect(record)) for record in (calm or timed)]
    return Entry(
        one.bench, one.variant, one.device, one.params, str(one.version), one.counts, measurements, unfit, earlier,
        why="" if timed else one.why,
    )  # fmt: skip
