"""Is what hwbench marks suspect disturbed, and is what it does not mark right? The skill of each reason, measured.

    python scripts/trust.py [--out DIR] [--noise cpu …] [--level 10% …] [--minutes M] [--resume] [--quick]
    python scripts/trust.py --from FILE

A fixed selection of cases is measured on the quiet machine, then under each level of a disturbance, then on the quiet
machine again: a block. Blocks: `stress-ng` (cpu, vm, stream, cache, io, faults) and a thief pinned to one CPU, each at
5 to 100% of a CPU and in bursts of 1 s of every 4; a cgroup's CPU quota. `trust_score.py` says what counts as disturbed
and what skill is. The file is written after each pass; `--minutes` begins no block that would end later, and
`--resume` goes on with the blocks that are missing. The default takes about 15 minutes, `--quick` 3.

Exit code: 0; 1 where a target is missed; 2 for wrong use or a file that cannot be read; 130 where it was interrupted.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import random
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
from hwbench.host import machine, system
from hwbench.measurement import cases, numba_settings, policy
from hwbench.measurement.engine import Engine
from hwbench.record.model import Record

DIRECTORY = Path(__file__).parents[1] / "reports" / "trust"
REFERENCES = 2  # quiet passes before and after
OUTER = "3MiB"  # beyond any L2 here; the label L3 may be skipped in one pass and not in the next
PATIENCE_S = 90.0  # for it to become quiet
QUICK = (("cpu", "stream", "thief", "quota"), ("10%", "100%"))
# Bench, variants and parameters: each level on one thread and on all, dependent loads, arithmetic, Python, prange.
SELECTION: tuple[tuple[str, tuple[str, ...], Mapping[str, Sequence[str]]], ...] = (
    ("stream.load", ("simd",), {"size": ("L1", "L2", OUTER, "DRAM"), "threads": ("1", "all")}),
    ("stream.triad", ("simd", "numba"), {"size": ("DRAM",), "threads": ("1", "all")}),
    ("latency.chase", (), {"size": ("L2", OUTER, "DRAM")}),
    ("peak.fma", ("scalar", "256"), {"dtype": ("f8",), "threads": ("1", "all"), "chains": ("12",)}),
    ("vectorize.call", ("function", "numpy", "numba"), {}),
    ("vectorize.add", ("numpy", "numba", "prange"), {"n": ("1000000",)}),
    ("parallel.scaling", (), {"work": ("triad", "polynomial"), "scaling": ("strong",), "threads": ("all",)}),
)


class File(msgspec.Struct):
    """What is kept: where it was measured, the cases by number, the passes, what was left out and why, the tables."""

    machine: str
    cpu: str
    hwbench: dict[str, object]
    preset: str
    cases: list[str] = []
    contrasts: list[str] = []
    passes: list[trust_score.Pass] = []
    left_out: dict[str, str] = {}
    summary: trust_score.Summary | None = None


class Session:
    """Passes over the selection in this process, each with an engine of its own."""

    def __init__(self, preset: str, file: File, path: Path, raw: Path | None) -> None:
        numba_settings.check()
        self.preset, self.file, self.path, self.raw = preset, file, path, raw
        self.stop = signals.Stop()
        signals.handle(self.stop.ask)
        self.devices: Mapping[str, Device] = selection.devices("cpu")
        self.cpu = machine.describe().cpu
        kinds = {name: device.kind for name, device in self.devices.items()}
        self.groups = [
            group
            for bench, variants, params in SELECTION
            for group in cases.groups(
                catalog.select([bench]), preset="standard", params=params, variants=variants, devices=kinds,
                spread=selection.spread(self.devices),
            )
        ]  # fmt: skip

    def block(self, kind: str, levels: Sequence[str], last: Sequence[trust_score.Pass]) -> list[trust_score.Pass]:
        """Measure a block; the quiet passes at its end. `last`: those of a block that has just ended."""
        number = 1 + max((one.block for one in self.file.passes), default=0)
        for old in last:
            self.keep(msgspec.structs.replace(old, block=number))
        for _ in range(REFERENCES - len(last)):
            self.measure(number, trust_noise.QUIET)
        for level in levels:
            noise = trust_noise.Noise(kind, level)
            try:
                self.measure(number, noise)
            except trust_noise.Unavailable as error:
                self.file.left_out[str(noise)] = str(error)
                print(f"{noise} is left out: {error}", file=sys.stderr, flush=True)
        return [self.measure(number, trust_noise.QUIET) for _ in range(REFERENCES)]

    def wait(self) -> None:
        """Wait until other programs leave the machine alone; go on after a while all the same."""
        until = time.perf_counter() + PATIENCE_S
        while time.perf_counter() < until and others(lambda: time.sleep(2.0)) > trust_score.BUSY:
            self.stop.check()

    def measure(self, block: int, noise: trust_noise.Noise) -> trust_score.Pass:
        """Measure the selection once, in random order, and keep it; a reference again where others were at work."""
        for _ in range(3 if noise == trust_noise.QUIET else 1):
            if noise == trust_noise.QUIET:
                self.wait()
            done = self._pass(block, noise)
            self.keep(done)
            if done.others <= trust_score.BUSY:
                break
        return done

    def _pass(self, block: int, noise: trust_noise.Noise) -> trust_score.Pass:
        host = next(device.host for device in self.devices.values() if isinstance(device, CpuDevice))
        devices = dict(self.devices)
        order = random.Random(len(self.file.passes)).sample(self.groups, len(self.groups))  # noqa: S311 - an order
        begun = time.perf_counter()
        started = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        with trust_noise.under(noise, host.order[0]):
            if noise.kind == "quota":  # it reads its cgroup's counters once, as it is made
                devices["cpu"] = CpuDevice(host)
            engine = Engine(devices, policy.POLICIES[self.preset])
            engine.stop = self.stop.check
            engine._settled |= set(devices) if self.file.passes else set()  # warm already
            records: list[Record] = []
            busy = others(lambda: records.extend(record for group in order for record in engine.measure(group)))
            if noise.kind == "quota":
                devices["cpu"].close()
        sizes = {label: size for device in self.devices.values() for label, size in device.sizes.items()}
        records = judged(records, {group.bench.name: group.bench.info for group in self.groups}, sizes, self.cpu)
        if self.raw is not None:
            with self.raw.open("ab") as out:
                out.write(msgspec.json.encode({"kind": noise.kind, "level": noise.level, "records": records}) + b"\n")
        rows = [self.row(record) for record in records if record.timed]
        seconds = round(time.perf_counter() - begun, 1)
        marked = sum(bool(row.codes) for row in rows)
        told = f"{noise!s:14} {seconds:5.1f} s  others {busy:4.0%} of a CPU  {marked} of {len(rows)} marked"
        print(told, file=sys.stderr, flush=True)
        return trust_score.Pass(block, noise.kind, noise.level, started, seconds, round(busy, 3), rows)

    def row(self, record: Record) -> trust_score.Row:
        """A record by the numbers of its case and its contrast."""
        contrast = f"{record.bench} [{', '.join(map(str, record.params.values()))}]"
        median = float(f"{statistics.median(record.samples):.6g}")
        return trust_score.Row(
            _number(self.file.cases, record.case.label), _number(self.file.contrasts, contrast), median, record.codes
        )

    def keep(self, one: trust_score.Pass) -> None:
        """Add a pass to the file."""
        self.file.passes.append(one)
        save(self.file, self.path)


def others(work: Callable[[], object]) -> float:
    """What other programs took while `work` ran, in CPUs."""

    def taken() -> tuple[float, float]:
        busy, _ = system.busy_and_steal(Path("/proc/stat").read_text(), os.sched_getaffinity(0))
        return time.perf_counter(), busy - time.process_time()

    before = taken()
    work()
    wall, busy = (new - old for new, old in zip(taken(), before, strict=True))
    return max(0.0, busy / wall)


def save(file: File, path: Path) -> None:
    """Write the file in place of the old one, a pass a line."""
    file.summary = trust_score.summary(file.passes)
    plain = msgspec.to_builtins(file)
    passes = ",\n  ".join(msgspec.json.encode(one).decode() for one in plain.pop("passes"))
    rest = msgspec.json.format(msgspec.json.encode(plain), indent=1).decode().rstrip()
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(f'{rest[:-1].rstrip()},\n "passes": [\n  {passes}\n ]\n}}\n')
    new.replace(path)


def read(path: Path) -> File:
    """A file that was written before; SystemExit with one line where it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=File)
    except OSError as error:
        raise _Wrong(f"{path}: cannot be read: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _Wrong(f"{path}: is no file of this script: {error}; delete it or name another") from None


class _Wrong(Exception):  # noqa: N818 - what the user is told
    pass


def _number(names: list[str], name: str) -> int:
    if name not in names:
        names.append(name)
    return names.index(name)


def _whole(file: File, kind: str, levels: Sequence[str]) -> bool:
    """Whether a block of this kind has all levels, and its reference after them."""
    for block in trust_score.references(file.passes):
        seen = {one.level for one in file.passes if one.block == block and one.kind == kind}
        if seen and all(level in seen or f"{kind} {level}" in file.left_out for level in levels):
            return True
    return False


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse, measure or read, print; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, default=DIRECTORY, metavar="DIR", help="default: reports/trust")
    parser.add_argument("--noise", nargs="+", choices=trust_noise.KINDS, metavar="KIND", help="only these disturbances")
    parser.add_argument("--level", nargs="+", metavar="LEVEL", help="only these levels: 10%%, burst …")
    parser.add_argument("--minutes", type=float, metavar="M", help="begin no block that would end after M minutes")
    parser.add_argument("--resume", action="store_true", help="go on with the file of this machine")
    parser.add_argument("--quick", action="store_true", help="some disturbances at two levels, in 3 minutes")
    parser.add_argument("--preset", choices=policy.POLICIES, help="how long to sample; default standard, quick: quick")
    parser.add_argument("--raw", type=Path, metavar="FILE", help="also append whole records here, a pass a line")
    parser.add_argument("--from", type=Path, dest="source", metavar="FILE", help="measure nothing, read this")
    given = parser.parse_args(arguments)
    known = {*trust_noise.LEVELS, *trust_noise.QUOTAS}
    if unknown := [level for level in given.level or () if level not in known]:
        parser.error(f"--level: '{unknown[0]}' is none of {', '.join(sorted(known))}")
    try:
        if given.source:
            return _tell(read(given.source))
        return _measure(given)
    except _Wrong as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print("interrupted; --resume goes on", file=sys.stderr)
        return 130


def _measure(given: argparse.Namespace) -> int:
    begun = time.perf_counter()
    here = machine.describe()
    path = given.out / f"{here.name}.json"
    preset = given.preset or ("quick" if given.quick else "standard")
    stamp = {"version": machine.software().get("hwbench"), "python": platform.python_version()}
    file = read(path) if given.resume and path.exists() else File(here.name, here.cpu.model, stamp, preset)
    session = Session(file.preset, file, path, given.raw)
    kinds, levels = QUICK if given.quick else (trust_noise.KINDS, None)
    longest, last = 0.0, []
    for kind in given.noise or kinds:
        wanted = [level for level in trust_noise.levels(kind) if level in (given.level or levels or known_levels())]
        if not wanted or _whole(file, kind, wanted):
            continue
        start = time.perf_counter()
        if given.minutes and start - begun + longest > 60 * given.minutes:
            print(f"{given.minutes:g} minutes are over; --resume goes on with {kind}", file=sys.stderr)
            return 0
        last = session.block(kind, wanted, last)
        longest = max(longest, time.perf_counter() - start)
    return _tell(file)


def known_levels() -> set[str]:
    """Every level of every kind."""
    return {*trust_noise.LEVELS, *trust_noise.QUOTAS}


def _tell(file: File) -> int:
    found = trust_score.summary(file.passes)
    print("\n".join(trust_score.lines(found)))
    for noise, why in file.left_out.items():
        print(f"Left out: {noise}: {why}.")
    missed = trust_score.missed_targets(found)
    for one in missed:
        print(f"Target missed: {one}.")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
