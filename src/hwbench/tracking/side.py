"""What `compare` sets against each other: cases read from runs, asv's results or pytest-benchmark's files.

A side is one or several measurements of the same thing (blocks: runs, processes). Several blocks show by how much
figures differ from run to run, which the samples of one run cannot.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..model import Machine, Record, Run, Scalar
from ..quantity import format_bytes
from ..stats import median_error
from . import asv_results, pytest_results
from .history import History, TrackingError
from .identities import alike, gib
from .units import higher_is_better

# What asv and pytest-benchmark, and our plugin for asv, call what `identity` tells.
WORDS = {
    "cpu": "CPU", "num_cpu": "CPUs allowed", "ram": "memory", "quota": "CPU quota", "gpu": "GPU",
    "huge_pages": "huge pages",
}  # fmt: skip
BY_NAME = "environment"  # the axis of environments that nothing but their names tells apart
Key = tuple[str, str, str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Block:
    """One measurement of a case: the median in seconds (or asv's unit), its standard error, and how it was found."""

    median: float
    error: float
    suspect: str = ""


@dataclass(frozen=True)
class Entry:
    """One case of a side. `unfit` says why there is nothing to compare; `earlier` are its medians in earlier runs."""

    bench: str
    variant: str
    device: str
    params: Mapping[str, Scalar]
    version: str = ""
    counts: Mapping[str, float] = field(default_factory=dict)
    blocks: Sequence[Block] = ()
    unfit: str = ""
    earlier: Sequence[float] = ()
    higher: bool = False

    @property
    def key(self) -> Key:
        """What the same case of the other side has too; values as text, since asv knows no other."""
        return (
            self.bench, self.variant, self.device,
            tuple(sorted((axis, str(value)) for axis, value in self.params.items())),
        )  # fmt: skip


@dataclass
class Side:
    """A name to call it, the machine and what that is, the environment, and the cases."""

    name: str
    machine: str
    identity: Mapping[str, str]
    entries: Sequence[Entry]
    environment: Mapping[str, str] = field(default_factory=dict)
    kind: str = "run"


def block_of(samples: Sequence[float], suspect: str = "") -> Block:
    """A block from raw samples."""
    return Block(float(np.median(samples)), median_error(samples), suspect)


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
        block_of(record.samples, record.reason or "suspect" if record.status == "suspect" else "")
        for record in (calm or timed)
    ]
    return Entry(
        one.bench, one.variant, one.device, one.params, str(one.version), one.counts, blocks, unfit, earlier
    )  # fmt: skip


def identity(machine: Machine) -> dict[str, str]:
    """What a machine is, as far as times depend on it: a renamed machine keeps it, a resized one does not."""
    cpu = machine.cpu
    caches = sorted({(cache.level, cache.bytes) for cache in cpu.caches})
    return {
        "CPU": cpu.model,
        "CPUs allowed": str(len(cpu.allowed)),
        "CPU quota": str(cpu.quota),
        "caches": ", ".join(f"L{level} {format_bytes(size)}" for level, size in caches) or "unknown",
        "memory": gib(machine.memory.total),
        "huge pages": str(machine.memory.huge_pages),
        "GPU": ", ".join(gpu.name for gpu in machine.gpus) or "none",
    }


def unlike(base: Machine, new: Machine) -> list[str]:
    """In what two machines differ that times depend on: what a reader of the verdicts must know."""
    return told_unlike(identity(base), identity(new))


def told_unlike(base: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """`CPU quota: None in base, 1.5 in new` for each thing that both sides state and that differs."""
    return [
        f"{key}: {base[key]} in base, {new[key]} in new"
        for key in base
        if key in new and not alike(base[key], new[key])
    ]


def in_our_words(identity: Mapping[str, str]) -> dict[str, str]:
    """What asv or pytest-benchmark states of a machine, by the names that `identity` has for it.

    CPUs are those that may be used only where our plugin told asv so: what the tools count by themselves are all. What
    our suite states beside them in our words already is the better word.
    """
    ours = WORDS if "caches" in identity else {key: word for key, word in WORDS.items() if key != "num_cpu"}
    theirs = {ours[key]: value for key, value in identity.items() if key in ours}
    return theirs | {key: value for key, value in identity.items() if key not in ours}


def differing(base: Side, new: Side) -> list[str]:
    """In what the machines of two sides differ; by name where they state nothing in common."""
    if set(base.identity) & set(new.identity):
        return told_unlike(base.identity, new.identity)
    return [] if base.machine == new.machine else [f"name: {base.machine} in base, {new.machine} in new"]


# --- asv --------------------------------------------------------------------------------------------------------------


def of_asv(
    files: Sequence[asv_results.ResultFile],
    known: Mapping[str, asv_results.Benchmark],
    history: History,
    axes: Sequence[str],
) -> Side:
    """Result files of one commit on one machine; the history of the machine's results tells how much they vary.

    `axes` are what tells environments apart, on this side or the other.
    """
    first = files[0]
    differing_in = _in_which(files, axes)
    past = _past(history, first)
    entries = []
    for file in files:
        for name, row in file.rows.items():
            stated = known.get(name)
            version = row.get("version")
            if stated and None not in (stated.version, version) and str(version) != stated.version:
                continue
            version = str(version if version is not None else (stated and stated.version) or "")
            names = stated.param_names if stated else ()
            higher = bool(stated) and higher_is_better(stated.unit if stated else "")
            for combination, value in asv_results.values_of(row):
                bench, variant, params = asv_results.split(name, names, combination)
                at = params | differing_in[file.environment]
                if value is None or value.value <= 0:
                    unfit = "skipped or failed" if value is None else "no positive value"
                    entries.append(Entry(bench, variant, "cpu", at, version, unfit=unfit))
                    continue
                error = median_error(value.samples) if value.samples else (value.high - value.low) / asv_results.CI_99
                blocks = (Block(value.value, error if math.isfinite(error) else math.inf),)
                entries.append(
                    Entry(
                        bench, variant, "cpu", at, version, {}, blocks,
                        earlier=past.get((bench, variant, tuple(params.items()), file.environment), ()), higher=higher,
                    )
                )  # fmt: skip
    environment = {"environment": " + ".join(dict.fromkeys(file.environment for file in files))}
    return Side(
        f"{first.commit[:8]} on {first.machine}",
        first.machine,
        in_our_words(dict(first.identity)),
        entries,
        environment,
        "asv",
    )


def environment_axes(files: Sequence[asv_results.ResultFile]) -> list[str]:
    """What tells the environments of a side apart: what all share is no part of a case's name.

    So two versions of NumPy can be set against each other though both were measured with one and with four threads.
    """
    asked = {file.environment: file.asked for file in files}
    keys = [key for key in dict.fromkeys(key for one in asked.values() for key in one)
            if len({one.get(key, "") for one in asked.values()}) > 1]  # fmt: skip
    return keys or [BY_NAME] * (len(asked) > 1)


def _in_which(files: Sequence[asv_results.ResultFile], axes: Sequence[str]) -> dict[str, dict[str, str]]:
    """For each environment its place on these axes, as parameters."""
    return {
        file.environment: {
            axis.removeprefix("pip+"): file.environment if axis == BY_NAME else file.asked.get(axis, "")
            for axis in axes
        }
        for file in files
    }


def _past(history: History, file: asv_results.ResultFile) -> dict[object, Sequence[float]]:
    """The medians of every case of this machine, in the order of its commits."""
    return {
        (*one.case, history.settings[one.setting].environment): one.values[~np.isnan(one.values)].tolist()
        for one in history.series
        if (setting := history.settings[one.setting]).machine == file.machine
        and not told_unlike(dict(setting.identity), dict(file.identity))
    }


# --- pytest-benchmark -------------------------------------------------------------------------------------------------


def of_pytest(files: Sequence[pytest_results.PytestFile]) -> Side:
    """Files of pytest-benchmark from one machine as a side; several show how much figures vary from run to run."""
    first = files[0]
    found: dict[Key, Entry] = {}
    for file in files:
        if differences := told_unlike(dict(first.identity), dict(file.identity)):
            names = f"{first.path} and {file.path}"
            raise TrackingError(f"{names} cannot be one side, their machines differ: {differences[0]}")
        for one in file.timed:
            block = block_of(one.samples) if len(one.samples) > 2 else Block(one.median, one.error)
            entry = Entry(one.bench, one.variant, "cpu", dict(one.params), one.version, one.counts)
            known = found.setdefault(entry.key, entry)
            found[entry.key] = dataclasses.replace(known, blocks=(*known.blocks, block))
    name = f"{first.path.name} ({first.commit.short})"
    if len(files) > 1:
        name = f"{len(files)} files from {name} on"
    return Side(
        name, first.machine, in_our_words(dict(first.identity)), list(found.values()), {"python": first.environment},
        "pytest-benchmark",
    )  # fmt: skip
