"""Run native tools and our benches in turn, and keep both sides' samples as records of a run file.

A comparison is a contrast of two variants, `ours` and `native`, of a bench named `verify.…` after ours: its ratio is
paired round by round like any other. The file is under `verify/`, apart from the runs, since it describes our benches
and not the machine.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
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
from .comparisons import Cell, Pair, cells, skippable
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
        names = dict.fromkeys(name for cell in every for name in (cell.bench.name, cell.tool))
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
        for _, found in itertools.groupby(wanted, key=lambda cell: cell.run or cell.name):
            group = [*found]
            records = measure(group, device, options, stop)
            run = msgspec.structs.replace(run, records=[*run.records, *records])
            store.write(run, path)
            for number, cell in enumerate(group):
                told(cell, records[2 * number : 2 * number + 2])
    finally:
        device.close()
    policy = msgspec.structs.replace(run.policy, sizes=device.sizes)
    run = msgspec.structs.replace(run, policy=policy, finished=store.now())
    store.write(run, path)
    return run, path


def measure(group: Sequence[Cell], device: CpuDevice, options: Options, stop: Callable[[], None]) -> list[Record]:
    """Both records of each comparison, or both skipped with the reason; those of a group share the tool's runs.

    Where one of a group fails, each is measured by itself.
    """
    try:
        return _measured(group, device, options, stop)
    except (Skip, WrongAnswer) as reason:
        stop()  # an interruption ends the tool, too, which is no failure of the tool
        if len(group) > 1:
            return [record for cell in group for record in measure([cell], device, options, stop)]
        if isinstance(reason, Skip):
            return [_record(group[0], name, "skipped", reason.reason) for name in (OURS, NATIVE)]
        wrong = because("wrong_answer", str(reason))
        return [_record(group[0], name, "wrong", wrong) for name in (OURS, NATIVE)]


def _measured(group: Sequence[Cell], device: CpuDevice, options: Options, stop: Callable[[], None]) -> list[Record]:
    """The records of comparisons that nothing prevents: in each round ours of each, and the tool once for all."""
    samples: dict[tuple[str, int], list[float]] = {}
    telemetry: list[dict[str, list[float]]] = [{} for _ in group]
    numbers = range(len(group))
    turns = random.Random(0)  # noqa: S311 - an order, no secret
    with ExitStack() as stack:
        pairs = [cell.prepare(cell, device, skippable(cell, device), options.seconds, stack) for cell in group]

        def native() -> None:
            for number in numbers:
                samples.setdefault((NATIVE, number), []).append(pairs[number].theirs())

        def ours(number: int) -> None:
            before = device.counters()
            samples.setdefault((OURS, number), []).append(pairs[number].ours())
            # While the tool runs, it counts as another process.
            for counter, value in device.counters().items():
                telemetry[number].setdefault(counter, []).append(value - before.get(counter, value))

        sides: list[Callable[[], None]] = [*(partial(ours, number) for number in numbers), native]
        for side in sides:
            side()  # compiles and calibrates ours, warms both
        samples.clear()
        for one in telemetry:
            one.clear()
        for _ in range(options.rounds):
            for side in turns.sample(sides, len(sides)):
                stop()
                side()
    return [
        record
        for number, (cell, pair) in enumerate(zip(group, pairs, strict=True))
        for record in _pair(cell, pair, samples[OURS, number], samples[NATIVE, number], telemetry[number])
    ]


def _pair(
    cell: Cell, pair: Pair, ours: list[float], native: list[float], telemetry: dict[str, list[float]]
) -> list[Record]:
    """Both records of a comparison that was measured."""
    reasons = interference.disturbed(telemetry)
    facts = {**pair.facts, "command": pair.command, "variant": cell.variant, **({"floor": True} if cell.floor else {})}
    return [
        msgspec.structs.replace(
            _record(cell, name, "suspect" if reasons else "ok", *reasons), loops=1, samples=samples,
            counts=dict(pair.counts), facts=facts, telemetry=telemetry,
        )
        for name, samples in ((OURS, ours), (NATIVE, native))
    ]  # fmt: skip


def _record(cell: Cell, side: str, status: Status, *reasons: Reason) -> Record:
    """The record of one side, without samples."""
    return Record(
        bench=PREFIX + cell.bench.name, version=cell.bench.version, variant=side, device="cpu",
        params={"case": cell.variant, **cell.params, "tool": cell.tool}, status=status, reasons=[*reasons],
    )  # fmt: skip
