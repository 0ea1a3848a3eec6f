"""A run as text for a terminal: tables of records, findings, and reasons to doubt the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..analysis import derived, run_quality
from ..analysis.limits import Limit, measured
from ..analysis.measures import completed
from ..bench import Bench
from ..record import text
from ..record.model import BenchInfo, Record, Run

if TYPE_CHECKING:
    from rich.console import Console

RIGHT = ("a call", "median (95% interval)", "of limit")  # columns of numbers, set flush right
NO_GPU = "gpu"  # the device of records for which there was none; real ones have a number: gpu:0


def params(record: Record) -> str:
    """`size=L1 dtype=f8`."""
    return " ".join(f"{name}={value}" for name, value in record.params.items())


def print_tables(run: Run, console: Console, catalogue: Mapping[str, Bench] | None = None) -> None:
    """Print one table per bench: each record with its median and interval, and its status with the reason.

    The run states each bench's question and limit. For older runs that do not, the `catalogue` gives them.
    """
    run = completed(run, catalogue or {})
    limits, known = measured(run.records, run.benches), run.benches
    heads = ["case", "variant", "a call", "median (95% interval)", *(["of limit"] if known else []), "status"]
    for name in dict.fromkeys(record.bench for record in run.records if record.device != NO_GPU):
        bench = known.get(name)
        rows = [
            [text.printable(cell) for cell in _row(run, record, bench, limits, shares=bool(known))]
            for record in run.records
            if record.bench == name and record.device != NO_GPU
        ]
        _print_table(console, text.printable(name), text.printable(bench.question) if bench else "", heads, rows)


def _row(run: Run, record: Record, bench: BenchInfo | None, limits: Sequence[Limit], *, shares: bool) -> list[str]:
    cells = [params(record), record.variant if record.device == "cpu" else f"{record.variant} ({record.device})"]
    share = ""
    if record.timed:
        shown = derived.performance(record, bench, limits, run.policy.sizes, run.machine.cpu)
        median = text.amount(shown.value, shown.metric.unit) if shown.metric else text.seconds(shown.value)
        cells += [text.seconds(shown.seconds.value), median]
        share = "" if shown.share is None else text.share(shown.share)
    else:
        cells += ["", ""]
    cells += [share] if shares else []
    return [*cells, record.status + (f": {record.why}" if record.why else "")]


def _print_table(console: Console, title: str, caption: str, heads: Sequence[str], rows: Sequence[list[str]]) -> None:
    """Print a table. If it fits, set its column widths, which halves rich's time."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    widths = [max(map(cell_len, column)) for column in zip(heads, *rows, strict=True)]
    fits = sum(widths) + 3 * len(widths) + 1 <= console.width
    table = Table(
        title=Text(title), title_justify="left", caption_justify="left",
        caption=Text(caption, style="table.caption") if caption else None,
    )  # fmt: skip
    for head, width in zip(heads, widths, strict=True):
        table.add_column(
            head, justify="right" if head in RIGHT else "left", width=width if fits else None, no_wrap=fits
        )
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def findings(told: Mapping[str, Sequence[str]]) -> list[str]:
    """The findings as lines, each bench's name above its sentences."""
    lines = []
    for name, sentences in told.items():
        lines.append(name)
        lines += [f"  {text.printable(sentence)}" for sentence in sentences]
    return lines


def quality(run: Run) -> list[str]:
    """What speaks against a run: whether it was too noisy, and the commonest reasons of each status that is not ok."""
    lines = no_gpu(run)
    if run_quality.noisy(run_quality.check(run)):
        lines += [text.printable(sentence) for sentence in run_quality.sentences(run)]
    for status in ("wrong", "error", "suspect", "skipped"):
        reasons = [record.why for record in run.records if record.status == status and record.device != NO_GPU]
        if reasons:
            common = sorted(dict.fromkeys(reasons), key=lambda reason: -reasons.count(reason))
            left = len(common) - 2
            more = f" (and {left} more reason{'s' * (left > 1)})" if left > 0 else ""
            lines.append(f"{len(reasons)} {status}: {text.printable(' | '.join(common[:2]))}{more}")
    return lines


def no_gpu(run: Run) -> list[str]:
    """One line where there was no GPU: how many cases that leaves out, and why."""
    without = [record for record in run.records if record.device == NO_GPU]
    if not without:
        return []
    names = {record.bench for record in without}
    topics = ", ".join(dict.fromkeys(record.bench.partition(".")[0] for record in without))
    cases = "1 case" if len(without) == 1 else f"{len(without)} cases"
    benches = "1 bench" if len(names) == 1 else f"{len(names)} benches"
    return [text.printable(f"No GPU was measured: {without[0].why}. That leaves out {cases} of {benches} ({topics}).")]
