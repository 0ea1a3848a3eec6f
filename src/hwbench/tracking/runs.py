"""Several runs of ours as a history, and the work of their calls for the histories of others."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..model import Run
from ..stats import median_error
from .history import Commit, History, Series, Setting, identities_told
from .side import identity

FEWEST = 3  # runs from which there is a history to tell
VERSIONS = ("python", "numpy", "numba", "threading_layer", "numba_threads")


def history(runs: Sequence[Run]) -> History | None:
    """Runs in the order of their start, a point each; None for fewer than three."""
    if len(runs) < FEWEST:
        return None
    ordered = sorted(runs, key=lambda run: (run.started, run.id))
    settings: dict[Setting, int] = {}
    made: dict[Any, Series] = {}
    for now, run in enumerate(ordered):
        versions = [f"{name} {run.software[name]}" for name in VERSIONS if run.software.get(name)]
        setting = Setting(run.machine.name, tuple(identity(run.machine).items()), ", ".join(versions))
        place = settings.setdefault(setting, len(settings))
        for record in run.records:
            if not record.timed:
                continue
            params = {axis: str(value) for axis, value in record.params.items()}
            work = tuple(sorted(record.counts.items()))
            at = (record.bench, record.variant, record.device, tuple(params.items()), place, record.version, work)
            series = made.get(at)
            if series is None:
                values, low, high = np.full((3, len(ordered)), np.nan)
                series = made[at] = Series(
                    record.bench, record.variant, params, place, values, low, high, version=str(record.version),
                    counts=record.counts,
                )  # fmt: skip
            middle, reach = float(np.median(record.samples)), 1.96 * median_error(record.samples)
            series.values[now], series.low[now], series.high[now] = middle, middle - reach, middle + reach
    commits = [Commit(_name(run), _seconds(run.started), run.id) for run in ordered]
    return History("runs", "hwbench", commits, list(settings), list(made.values()), identities_told(list(settings)))


def _name(run: Run) -> str:
    commit = run.hwbench.get("commit")
    return (commit + "+" * bool(run.hwbench.get("dirty"))) if isinstance(commit, str) and commit else run.id


def _seconds(text: str) -> float:
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def with_work(found: History, runs: Sequence[Run]) -> History:
    """A history whose series know the work of a call where a run of the same machine measured the same case.

    asv stores seconds alone. What a label such as L1 stands for is the machine's matter, so only its own runs tell.
    """
    known: dict[Any, dict[str, float]] = {}
    for run in sorted(runs, key=lambda run: run.started):
        for record in run.records:
            if record.timed and record.counts:
                for params in (record.params, {axis: x for axis, x in record.params.items() if axis != "pages"}):
                    axes = tuple(sorted((axis, str(value)) for axis, value in params.items()))
                    at = (run.machine.name, record.bench, record.variant, str(record.version), axes)
                    known[at] = record.counts
    series = []
    for one in found.series:
        axes = tuple(sorted(one.params.items()))
        at = (found.settings[one.setting].machine, one.bench, one.variant, one.version, axes)
        series.append(dataclasses.replace(one, counts=known[at]) if at in known and not one.counts else one)
    return dataclasses.replace(found, series=series)
