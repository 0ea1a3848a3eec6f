"""Runs as text for a terminal: numbers with their units and intervals, tables, findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..analysis import derived, run_quality
from ..analysis.limits import measured
from ..bench import Bench
from ..record.model import Record, Run
from ..record.units import interval, padded_seconds, printable

if TYPE_CHECKING:
    from rich.console import Console

NO_GPU = "gpu"  # the device of records for which there was none; real ones have a number: gpu:0


def params(record: Record) -> str:
    """`size=L1 dtype=f8`."""
    return " ".join(f"{name}={value}" for name, value in record.params.items())


def tables(run: Run, benches: Mapping[str, Bench], console: Console) -> None:
    """Print one table a bench: every record with its figure, share of the limit, and what is to be said against it."""
    from rich.table import Table
    from rich.text import Text

    limits = measured(run.records)
    for name in dict.fromkeys(record.bench for record in run.records if record.device != NO_GPU):
        bench = benches.get(name)
        question = bench.question if bench else None
        table = Table(title=Text(printable(name)), title_justify="left", caption=question, caption_justify="left")
        table.add_column("case")
        table.add_column("variant")
        table.add_column("a call", justify="right")
        table.add_column("median (95% interval)", justify="right")
        table.add_column("of limit", justify="right")
        table.add_column("status")
        for record in (record for record in run.records if record.bench == name and record.device != NO_GPU):
            cells = [
                params(record),
                record.variant if record.device == "cpu" else f"{record.variant} ({record.device})",
            ]
            if record.timed:
                reading = derived.performance(record, bench, limits, run.policy.sizes, run.machine.cpu)
                unit = reading.metric.unit if reading.metric else "s"
                cells += [padded_seconds(reading.seconds.value), interval(reading.value, unit)]
                cells.append("" if reading.share is None else f"{reading.share:.0%}")
            else:
                cells += ["", "", ""]
            cells.append(record.status + (f": {record.reason}" if record.reason else ""))
            table.add_row(*(Text(printable(cell)) for cell in cells))
        console.print(table)


def findings(told: Mapping[str, Sequence[str]]) -> list[str]:
    """The findings as lines, a bench's name before its sentences."""
    lines = []
    for name, sentences in told.items():
        lines.append(name)
        lines += [f"  {printable(sentence)}" for sentence in sentences]
    return lines


def quality(run: Run) -> list[str]:
    """What is to be said against a run: whether it was too noisy, and the commonest reasons of each status not ok."""
    lines = no_gpu(run)
    if run_quality.noisy(run_quality.check(run)):
        lines += [printable(sentence) for sentence in run_quality.sentences(run)]
    for status in ("wrong", "error", "suspect", "skipped"):
        reasons = [record.reason for record in run.records if record.status == status and record.device != NO_GPU]
        if reasons:
            common = sorted(dict.fromkeys(reasons), key=lambda reason: -reasons.count(reason))
            more = f" (and {len(common) - 2} more reasons)" if len(common) > 2 else ""
            lines.append(f"{len(reasons)} {status}: {printable(' | '.join(common[:2]))}{more}")
    return lines


def no_gpu(run: Run) -> list[str]:
    """One paragraph where there was no GPU to measure on: how much that leaves out, why, and what to do."""
    without = [record for record in run.records if record.device == NO_GPU]
    if not without:
        return []
    names = {record.bench for record in without}
    topics = ", ".join(dict.fromkeys(record.bench.partition(".")[0] for record in without))
    cases = "1 case" if len(without) == 1 else f"{len(without)} cases"
    benches = "1 bench" if len(names) == 1 else f"{len(names)} benches"
    return [printable(f"No GPU was measured: {without[0].reason}. That leaves out {cases} of {benches} ({topics}).")]
