"""Runs native tools and our benches in turn, and keeps what both took as the records of a run file.

A comparison is a contrast of two variants, `ours` and `native`, of a bench named `verify.…` after ours; so its ratio,
paired round by round, is derived as any other is. The file lies apart from the runs, under `verify/`, since it is about
our benches and not about the machine.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from ..analysis.crosscheck import NATIVE, OURS, PREFIX, PRESET
from ..bench import Skip
from ..catalog import nearest
from ..devices.cpu import CpuDevice
from ..errors import UsageError
from ..host import machine
from ..host.provenance import identity
from ..record import interference, store
from ..record.model import Policy, Record, Run
from .comparisons import Cell, cells, skippable
from .our_side import WrongAnswer


@dataclass(frozen=True)
class Plan:
    """What was asked for: GLOBs of cells, rounds, seconds of a sample, pages of our memory, a STREAM binary."""

    select: Sequence[str] = ()
    rounds: int = 9
    seconds: float = 0.2
    pages: str = "4K"
    binary: Path | None = None
    out: Path = Path("reports")
    machine: str | None = None


def chosen(device: CpuDevice, plan: Plan) -> list[Cell]:
    """The cells that match; UsageError where none does or the numbers make no sense."""
    if plan.rounds < 3:
        raise UsageError(f"--rounds {plan.rounds}: an interval takes three rounds at least")
    if not 0.01 <= plan.seconds <= 60:
        raise UsageError(f"--seconds {plan.seconds:g}: is no time for a sample (0.01 to 60)")
    if plan.pages not in ("4K", "huge"):
        raise UsageError(f"--pages {plan.pages}: is neither 4K nor huge")
    every = cells(device, plan.pages, plan.binary)
    if not plan.select:
        return every
    found = [cell for cell in every if any(fnmatchcase(cell.name, f"*{pattern}*") for pattern in plan.select)]
    if not found:
        names = dict.fromkeys(cell.bench.name for cell in every)
        raise UsageError(f"no comparison matches '{plan.select[0]}'{nearest(plan.select[0], names)}")
    return found


def execute(
    plan: Plan, told: Callable[[Cell, Sequence[Record]], None], stop: Callable[[], None] = lambda: None
) -> tuple[Run, Path]:
    """Measure every comparison; `told` hears of each as it ends. The run and the file it is kept in.

    `stop` is called between samples and raises KeyboardInterrupt to end; what was measured is kept then, too.
    """
    device = CpuDevice()
    here = machine.describe(plan.machine)
    run = Run(
        id=store.new_id(here.name), started=store.now(), hwbench=identity(), machine=here,
        software=machine.software(),
        policy=Policy(preset=PRESET, min_sample_s=plan.seconds, rounds=plan.rounds, max_rounds=plan.rounds),
    )  # fmt: skip
    path = plan.out / "verify" / here.name / f"{run.id}.json"
    wanted = chosen(device, plan)
    store.prepare(path.parent)
    try:
        for cell in wanted:
            records = measure(cell, device, plan, stop)
            run = msgspec.structs.replace(run, records=[*run.records, *records])
            store.write(run, path)
            told(cell, records)
    finally:
        device.close()
    policy = msgspec.structs.replace(run.policy, sizes=device.sizes)
    run = msgspec.structs.replace(run, policy=policy, finished=store.now())
    store.write(run, path)
    return run, path


def measure(cell: Cell, device: CpuDevice, plan: Plan, stop: Callable[[], None]) -> list[Record]:
    """Both records of one comparison, or both skipped with the reason."""
    try:
        with ExitStack() as stack:
            pair = cell.prepare(cell, device, skippable(cell, device), plan.seconds, stack)
            sides = {OURS: pair.ours, NATIVE: pair.theirs}
            samples: dict[str, list[float]] = {name: [] for name in sides}
            telemetry: dict[str, list[float]] = {}
            turns = random.Random(0)  # noqa: S311 - an order, no secret
            for side in sides.values():
                side()  # compiles and calibrates ours; theirs is then as warm
            for _ in range(plan.rounds):
                for name in turns.sample([*sides], 2):
                    stop()
                    before = device.counters()
                    samples[name].append(sides[name]())
                    if name == OURS:  # while the tool runs, it is the other process
                        after = device.counters()
                        for counter, value in after.items():
                            telemetry.setdefault(counter, []).append(value - before.get(counter, value))
    except Skip as reason:
        return [_record(cell, name, status="skipped", reason=str(reason)) for name in (OURS, NATIVE)]
    except WrongAnswer as reason:
        return [_record(cell, name, status="wrong", reason=str(reason)) for name in (OURS, NATIVE)]
    reasons = "; ".join(interference.disturbed(telemetry))
    return [
        _record(
            cell, name, status="suspect" if reasons else "ok", reason=reasons, loops=1, samples=samples[name],
            counts=dict(pair.counts), facts={**pair.facts, "command": pair.command, "variant": cell.variant},
            telemetry=telemetry,
        )
        for name in (OURS, NATIVE)
    ]  # fmt: skip


def _record(cell: Cell, side: str, **more: Any) -> Record:
    return Record(
        bench=PREFIX + cell.bench.name, version=cell.bench.version, variant=side, device="cpu",
        params={"case": cell.variant, **cell.params, "tool": cell.tool}, **more,
    )  # fmt: skip
