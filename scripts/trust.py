"""Is what hwbench marks suspect disturbed, and is what it does not mark right? The skill of each reason, measured.

    python scripts/trust.py [--out DIR] [--noise cpu …] [--level 10% …] [--minutes M] [--resume] [--quick]
    python scripts/trust.py --from FILE

Each contrast of a fixed selection is built once, and timed quiet, disturbed, quiet, disturbed … and quiet again, so
that each disturbed reading stands between two references of the same second and the same pages. Disturbances:
`stress-ng` (cpu, vm, stream, cache, io, faults) and a thief pinned to the first CPU, each at 5 to 100% of a CPU and in
bursts of 1 s of every 4; a cgroup's CPU quota. `trust_score.py` says what counts as disturbed, and what skill is.

The file DIR/MACHINE.json is written after each contrast; `--resume` goes on with the contrasts that are missing, so
`--minutes` cuts the measurement into pieces. All of it takes about 17 minutes, `--quick` 3.

Exit code: 0; 1 where a target is missed; 2 for wrong use or a file that cannot be read; 130 where it was interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parent))

import trust_noise
import trust_score

from hwbench import catalog
from hwbench.analysis.plausibility import judged
from hwbench.cli import signals
from hwbench.devices import Device, selection
from hwbench.devices.cpu import CpuDevice
from hwbench.host import cpu_time, machine
from hwbench.measurement import cases, numba_settings, policy
from hwbench.measurement.engine import Engine
from hwbench.measurement.trial import Trial
from hwbench.record.model import Record

DIRECTORY = Path(__file__).parents[1] / "reports" / "trust"
QUICK = (("cpu", "stream", "thief", "quota"), ("10%", "100%"))
OUTER = "3MiB"  # beyond any L2 here; the label L3 may be skipped in one run and not in the next
# Bench, variants and parameters: each level on one thread and on all, dependent loads, arithmetic, Python, prange.
SELECTION: tuple[tuple[str, tuple[str, ...], Mapping[str, Sequence[str]]], ...] = (
    ("stream.load", ("simd",), {"size": ("L1", "L2", OUTER, "DRAM"), "threads": ("1", "all")}),
    ("stream.triad", ("simd", "numba"), {"size": ("DRAM",), "threads": ("1", "all")}),
    ("latency.chase", (), {"size": ("L2", OUTER, "DRAM"), "order": ("random",), "pages": ("huge",)}),
    ("peak.fma", ("scalar", "256"), {"dtype": ("f8",), "threads": ("1", "all"), "chains": ("12",)}),
    ("vectorize.call", ("function", "numpy", "numba"), {}),
    ("vectorize.add", ("numpy", "numba", "prange"), {"n": ("1000000",)}),
    ("parallel.scaling", (), {"work": ("triad", "polynomial"), "scaling": ("strong",), "threads": ("all",)}),
)


class File(msgspec.Struct):
    """What is kept: where it was measured, cases by number, what was left out and why, the tables, the readings."""

    machine: str
    cpu: str
    hwbench: dict[str, str | None]
    preset: str
    cases: list[str] = []
    left_out: dict[str, str] = {}
    summary: trust_score.Summary | None = None
    chains: list[trust_score.Chain] = []


class Session:
    """Measures chains in this process, on one crew, with one engine."""

    def __init__(self, file: File, path: Path, raw: Path | None) -> None:
        numba_settings.check()
        self.file, self.path, self.raw = file, path, raw
        self.stop = signals.Stop()
        signals.handle(self.stop.ask)
        self.devices: Mapping[str, Device] = selection.devices("cpu")
        self.host = next(device.host for device in self.devices.values() if isinstance(device, CpuDevice))
        self.description = machine.describe().cpu
        self.groups = {
            _contrast(group): group
            for bench, variants, params in SELECTION
            for group in cases.groups(
                catalog.select([bench]), preset="standard", params=params, variants=variants,
                devices={name: device.kind for name, device in self.devices.items()},
                spread=selection.spread(self.devices),
            )
        }  # fmt: skip

    def block(self, kind: str, levels: Sequence[str], until: float) -> bool:
        """Measure the chains of a kind that are missing; False where time was up before."""
        with trust_noise.source(kind, self.host.order[0]) as switch:
            # A device reads once which cgroups may throttle it.
            engine = Engine({"cpu": CpuDevice(self.host)}, policy.POLICIES[self.file.preset])
            engine.stop = self.stop.check
            for group in self.missing(kind):
                if time.perf_counter() > until:
                    return False
                self.chain(kind, levels, switch, engine, group)
        return True

    def missing(self, kind: str) -> list[cases.Group]:
        """The contrasts that have no chain of this kind yet."""
        done = {chain.contrast for chain in self.file.chains if chain.kind == kind}
        return [group for name, group in self.groups.items() if name not in done]

    def chain(
        self, kind: str, levels: Sequence[str], switch: trust_noise.Switch, engine: Engine, group: cases.Group
    ) -> None:
        """Measure one contrast, each level between two references, and keep it."""
        started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        readings, raw = [], []
        with engine.prepared(group) as trials:
            live = [trial for trial in trials if trial.live]
            turns = ["", *(turn for level in levels for turn in (level, ""))] if live else []
            for level in turns:
                switch(level)
                records, busy = self.reading(engine, group, live)
                rows = [self.row(record) for record in records if record.timed]
                readings.append(trust_score.Reading(level, round(busy, 3), rows))
                raw.append({"level": level, "records": records})
            switch("")
        chain = trust_score.Chain(kind, _contrast(group), started, readings)
        self.file.chains.append(chain)
        save(self.file, self.path)
        if self.raw is not None:
            with self.raw.open("ab") as out:
                out.write(msgspec.json.encode({"kind": kind, "readings": raw}) + b"\n")
        marks = " ".join(f"{one.level or 'quiet'}:{sum(bool(row.codes) for row in one.rows)}" for one in readings)
        print(f"{kind:6} {chain.contrast}  {marks}", file=sys.stderr, flush=True)

    def reading(self, engine: Engine, group: cases.Group, trials: Sequence[Trial]) -> tuple[list[Record], float]:
        """Time what is built, from the warm-up on, and judge it; the records, and what other programs took."""
        fresh = [dataclasses.replace(one, facts=dict(one.facts), samples=[], doubts=[]) for one in trials]
        telemetry: dict[str, list[float]] = {}
        busy = others(lambda: telemetry.update(engine._time(list(fresh), math.inf)))
        records = [engine._record(group.bench, trial, telemetry) for trial in fresh]
        info = {group.bench.name: group.bench.info}
        return judged(records, info, engine.devices["cpu"].sizes, self.description), busy

    def row(self, record: Record) -> trust_score.Row:
        """A record by the number of its case."""
        if record.case.label not in self.file.cases:
            self.file.cases.append(record.case.label)
        median = float(f"{statistics.median(record.samples):.6g}")
        return trust_score.Row(self.file.cases.index(record.case.label), median, record.codes)


def others(work: Callable[[], object]) -> float:
    """What other programs took while `work` ran, in CPUs."""

    def taken() -> tuple[float, float]:
        busy, _, _ = cpu_time.busy_steal_idle(Path("/proc/stat").read_text(), os.sched_getaffinity(0))
        return time.perf_counter(), busy - time.process_time()

    before = taken()
    work()
    wall, busy = (new - old for new, old in zip(taken(), before, strict=True))
    return max(0.0, busy / wall)


def save(file: File, path: Path) -> None:
    """Write the file in place of the old one, a chain a line."""
    file.summary = trust_score.summary(file.chains)
    plain = msgspec.to_builtins(file)
    chains = ",\n  ".join(msgspec.json.encode(one).decode() for one in plain.pop("chains"))
    rest = msgspec.json.format(msgspec.json.encode(plain), indent=1).decode().rstrip()
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(f'{rest[:-1].rstrip()},\n "chains": [\n  {chains}\n ]\n}}\n')
    new.replace(path)


class Wrong(Exception):  # noqa: N818 - what the user is told
    """One line: what, where, what to do."""


def read(path: Path) -> File:
    """A file that was written before; Wrong where it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=File)
    except OSError as error:
        raise Wrong(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Wrong(f"{path}: is no file of this script: {error}; delete it or name another") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, measure or read, print; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=DIRECTORY, metavar="DIR", help="default: reports/trust")
    parser.add_argument("--noise", nargs="+", choices=trust_noise.KINDS, metavar="KIND", help="only these disturbances")
    parser.add_argument("--level", nargs="+", metavar="LEVEL", help="only these levels: 10%%, burst …")
    parser.add_argument("--minutes", type=float, metavar="M", help="stop after M minutes; --resume goes on")
    parser.add_argument("--resume", action="store_true", help="go on with the file of this machine")
    parser.add_argument("--quick", action="store_true", help="some disturbances at two levels, in 3 minutes")
    parser.add_argument("--preset", choices=policy.POLICIES, help="how long to sample; default standard, quick: quick")
    parser.add_argument("--raw", type=Path, metavar="FILE", help="also append whole records here, a chain a line")
    parser.add_argument("--from", type=Path, dest="source", metavar="FILE", help="measure nothing, read this")
    given = parser.parse_args(arguments)
    known = dict.fromkeys((*trust_noise.LEVELS, *trust_noise.QUOTAS))
    if unknown := [level for level in given.level or () if level not in known]:
        parser.error(f"--level: '{unknown[0]}' is none of {', '.join(known)}")
    try:
        return tell(read(given.source)) if given.source else measure(given, list(known))
    except Wrong as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("interrupted; --resume goes on", file=sys.stderr)
        return 130


def measure(given: argparse.Namespace, known: Sequence[str]) -> int:
    """Measure what is missing, as long as it may take; the exit code."""
    until = time.perf_counter() + (60 * given.minutes if given.minutes else math.inf)
    here = machine.describe()
    path = given.out / f"{here.name}.json"
    kinds, wanted = QUICK if given.quick else (trust_noise.KINDS, known)
    preset = given.preset or ("quick" if given.quick else "standard")
    stamp = {"version": machine.software().get("hwbench"), "python": platform.python_version()}
    file = read(path) if given.resume and path.exists() else File(here.name, here.cpu.model, stamp, preset)
    session = Session(file, path, given.raw)
    for kind in given.noise or kinds:
        levels = [level for level in trust_noise.levels(kind) if level in (given.level or wanted)]
        if not levels or kind in file.left_out or not session.missing(kind):
            continue
        try:
            if not session.block(kind, levels, until):
                print(f"{given.minutes:g} minutes are over; --resume goes on with {kind}", file=sys.stderr)
                return 0
        except trust_noise.Unavailable as error:
            file.left_out[kind] = str(error)
            save(file, path)
    return tell(file)


def tell(file: File) -> int:
    """Print the tables, and what is left out or missed; the exit code."""
    found = trust_score.summary(file.chains)
    print("\n".join(trust_score.lines(found)))
    for noise, why in file.left_out.items():
        print(f"Left out: {noise}: {why}.")
    missed = trust_score.missed_targets(found)
    for one in missed:
        print(f"Target missed: {one}.")
    return 1 if missed else 0


def _contrast(group: cases.Group) -> str:
    values = {str(value): None for case in group.cases[:1] for value in case.params.values()}
    return f"{group.bench.name} [{', '.join(values)}]"


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
