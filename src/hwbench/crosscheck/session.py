"""Run native tools and our benches in turn, and keep both sides' samples as records of a run file.

A comparison is a contrast of two variants, `ours` and `native`, of a bench named `verify.…` after ours: its ratio is
paired round by round like any other. The file is under `verify/`, apart from the runs, since it describes our benches
and not the machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from ..analysis.crosscheck import NATIVE, OURS, PREFIX, PRESET
from ..bench import Skip
from ..catalog import nearest
from ..devices.cpu import CpuDevice
from ..errors import UsageError
from ..host import machine, variables
from ..host.provenance import stamp
from ..record import interference, store
from ..record.model import Policy, Record, Run, Status
from ..record.reasons import Reason, because
from .comparisons import Cell, cells, skippable
from .our_side import WrongAnswer


@dataclass(frozen=True)
class Options:
    """What was asked for: globs of comparisons, rounds, seconds of a sample, pages of our memory, a STREAM binary.

    Without globs it is a sample of the comparisons that takes some five minutes.
    """

    select: Sequence[str] = ()
    rounds: int = 7
    seconds: float = 0.1
    pages: str = "4K"
    binary: Path | None = None
    out: Path = Path("reports")
    machine: str | None = None


def chosen(device: CpuDevice, options: Options) -> list[Cell]:
    """The comparisons that match; UsageError where none does, or a number makes no sense."""
    if options.rounds < 3:
        raise UsageError(f"--rounds {options.rounds}: an interval takes three rounds at least")
    if not 0.01 <= options.seconds <= 60:
        raise UsageError(f"--seconds {options.seconds:g}: is no time for a sample (0.01 to 60)")
    if options.pages not in ("4K", "huge"):
        raise UsageError(f"--pages {options.pages}: is neither 4K nor huge")
    every = cells(device, options.pages, options.binary)
    if not options.select:
        return [cell for cell in every if cell.sampled]
    found = [cell for cell in every if any(fnmatchcase(cell.name, f"*{pattern}*") for pattern in options.select)]
    if not found:
        names = dict.fromkeys(cell.bench.name for cell in every)
        raise UsageError(f"no comparison matches '{options.select[0]}'{nearest(options.select[0], names)}")
    return found


def execute(
    options: Options, told: Callable[[Cell, Sequence[Record]], None], stop: Callable[[], None] = lambda: None
) -> tuple[Run, Path]:
    """Measure every comparison, and call `told` as each ends; the run and its file.

    `stop` is called between samples and raises KeyboardInterrupt to end; what was measured until then is in the file.
    """
    device = CpuDevice()
    here = machine.describe(options.machine)
    run = Run(
        id=store.new_id(here.name), started=store.now(), hwbench=stamp(), machine=here,
        software=machine.software(), variables=variables.variables(),
        policy=Policy(preset=PRESET, min_sample_s=options.seconds, rounds=options.rounds, max_rounds=options.rounds),
    )  # fmt: skip
    path = options.out / "verify" / here.name / f"{run.id}.json"
    wanted = chosen(device, options)
    store.prepare(path.parent)
    try:
        for cell in wanted:
            records = measure(cell, device, options, stop)
            run = msgspec.structs.replace(run, records=[*run.records, *records])
            store.write(run, path)
            told(cell, records)
    finally:
        device.close()
    policy = msgspec.structs.replace(run.policy, sizes=device.sizes)
    run = msgspec.structs.replace(run, policy=policy, finished=store.now())
    store.write(run, path)
    return run, path


def measure(cell: Cell, device: CpuDevice, options: Options, stop: Callable[[], None]) -> list[Record]:
    """Both records of one comparison, or both skipped with the reason."""
    try:
        with ExitStack() as stack:
            pair = cell.prepare(cell, device, skippable(cell, device), options.seconds, stack)
            sides = {OURS: pair.ours, NATIVE: pair.theirs}
            samples: dict[str, list[float]] = {name: [] for name in sides}
            telemetry: dict[str, list[float]] = {}
            turns = random.Random(0)  # noqa: S311 - an order, no secret
            for side in sides.values():
                side()  # compiles and calibrates ours, warms both
            for _ in range(options.rounds):
                for name in turns.sample([*sides], 2):
                    stop()
                    before = device.counters()
                    samples[name].append(sides[name]())
                    if name == OURS:  # while the tool runs, it counts as another process
                        after = device.counters()
                        for counter, value in after.items():
                            telemetry.setdefault(counter, []).append(value - before.get(counter, value))
    except Skip as reason:
        return [_record(cell, name, "skipped", reason.reason) for name in (OURS, NATIVE)]
    except WrongAnswer as reason:
        return [_record(cell, name, "wrong", because("wrong_answer", str(reason))) for name in (OURS, NATIVE)]
    reasons = interference.disturbed(telemetry)
    facts = {**pair.facts, "command": pair.command, "variant": cell.variant, **({"floor": True} if cell.floor else {})}
    return [
        msgspec.structs.replace(
            _record(cell, name, "suspect" if reasons else "ok", *reasons), loops=1, samples=samples[name],
            counts=dict(pair.counts),
            facts=facts,
            telemetry=telemetry,
        )
        for name in (OURS, NATIVE)
    ]  # fmt: skip


def _record(cell: Cell, side: str, status: Status, *reasons: Reason) -> Record:
    """The record of one side, without samples."""
    return Record(
        bench=PREFIX + cell.bench.name, version=cell.bench.version, variant=side, device="cpu",
        params={"case": cell.variant, **cell.params, "tool": cell.tool}, status=status, reasons=[*reasons],
    )  # fmt: skip
