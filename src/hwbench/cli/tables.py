"""A run as text for a terminal: tables of records, findings, and reasons to doubt the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..analysis import run_quality, witness
from ..analysis.reading import Performance, Reading
from ..record import text
from ..record.model import Record, Run

if TYPE_CHECKING:
    from rich.console import Console

RIGHT = ("one execution", "median (95% interval)", "of limit")  # columns of numbers, set flush right
NO_GPU = "gpu"  # the device of records for which there was none; real ones have a number: gpu:0


def params(record: Record) -> str:
    """`size=L1 dtype=f8`."""
    return " ".join(f"{name}={value}" for name, value in record.params.items())


def print_tables(reading: Reading, console: Console) -> None:
    """Print one table per bench: each record with its median and interval, and its status with the reason."""
    known, records = reading.benches, [record for record in reading.records if record.device != NO_GPU]
    heads = ["case", "variant", "one execution", "median (95% interval)", *(["of limit"] if known else []), "status"]
    for name in dict.fromkeys(record.bench for record in records):
        bench = known.get(name)
        mine = [record for record in records if record.bench == name]
        figures = [reading.performance(record) if record.timed else None for record in mine]
        limits = {one.share.limit.what for one in figures if one is not None and one.share is not None}
        rows = [
            [text.printable(cell) for cell in _row(record, shown, shares=bool(known), named=len(limits) > 1)]
            for record, shown in zip(mine, figures, strict=True)
        ]
        _print_table(console, text.printable(name), text.printable(bench.question) if bench else "", heads, rows)


def _row(record: Record, shown: Performance | None, *, shares: bool, named: bool) -> list[str]:
    """The cells of a record; `named`: the table's records have limits of several kinds, so each share names its own."""
    cells = [params(record), record.variant if record.device == "cpu" else f"{record.variant} ({record.device})"]
    share = ""
    if shown is not None:
        median = text.quantity(shown.value, shown.unit)
        cells += [text.seconds(shown.seconds.value), median]
        share = "" if shown.share is None else shown.share.text + f" of {shown.share.limit.what}" * named
    else:
        cells += ["", ""]
    cells += [share] if shares else []
    return [*cells, record.status + (f": {record.why}" if record.why else "")]


def _print_table(console: Console, title: str, caption: str, heads: Sequence[str], rows: Sequence[list[str]]) -> None:
    """Print a table; one that fits without rich's layout, which gives the same boxes in ten times the time."""
    from rich.table import Table
    from rich.text import Text

    lengths = [[_length(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(column) for column in zip(*lengths, strict=True)]
    fits = sum(widths) + 3 * len(widths) + 1 <= console.width
    if fits and not console.legacy_windows and not console.options.ascii_only:
        top, head, *body = _boxed(heads, rows, lengths, widths)
        styled = Text(head)
        styled.highlight_regex(r"[^┃]+", "table.header")
        for part in (title, top, styled, "\n".join(body), Text(caption, style="table.caption")):
            if isinstance(part, Text) and part and console.is_terminal:
                console.print(part, soft_wrap=True)
            elif part:  # no style: rich would only copy it, slowly
                console.file.write(f"{part}\n")
        console.file.flush()  # here a closed pipe is an error that is seen; at the end Python would exit by 120
        return
    table = Table(
        title=Text(title), title_justify="left", caption_justify="left",
        caption=Text(caption, style="table.caption") if caption else None,
    )  # fmt: skip
    for head in heads:
        table.add_column(head, justify="right" if head in RIGHT else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


def _length(cell: str) -> int:
    """How many columns of a terminal the text takes."""
    from rich.cells import cell_len

    return len(cell) if cell.isascii() else cell_len(cell)


def _boxed(
    heads: Sequence[str], rows: Sequence[list[str]], lengths: Sequence[Sequence[int]], widths: Sequence[int]
) -> list[str]:
    """The lines of a table as rich draws it."""
    right = [head in RIGHT for head in heads]

    def line(cells: Sequence[str], taken: Sequence[int], edge: str) -> str:
        spaces = [" " * (width - length) for width, length in zip(widths, taken, strict=True)]
        padded = [room + cell if last else cell + room for cell, room, last in zip(cells, spaces, right, strict=True)]
        return f"{edge} {f' {edge} '.join(padded)} {edge}"

    def rule(left: str, dash: str, cross: str, end: str) -> str:
        return left + cross.join(dash * (width + 2) for width in widths) + end

    body = [line(row, taken, "│") for row, taken in zip(rows, lengths[1:], strict=True)]
    return [rule(*"┏━┳┓"), line(heads, lengths[0], "┃"), rule(*"┡━╇┩"), *body, rule(*"└─┴┘")]


def findings(told: Mapping[str, Sequence[str]]) -> list[str]:
    """The findings as lines, each bench's name above its sentences."""
    lines = []
    for name, sentences in told.items():
        lines.append(name)
        lines += [f"  {text.printable(sentence)}" for sentence in sentences]
    return lines


def notable(reading: Reading) -> list[str]:
    """What is notable about the machine, as lines below a heading."""
    from ..analysis.notable import notable as found

    said = [f"  {text.printable(f'{one.said} {one.remedy}'.strip())}" for one in found(reading)]
    return ["unusual on this machine", *said] if said else []


def quality(run: Run) -> list[str]:
    """What speaks against a run: whether it was too noisy, and the commonest reasons of each status that is not ok."""
    lines = no_gpu(run)
    checks = run_quality.check(run)
    if run_quality.noisy(checks):
        lines += [text.printable(sentence) for sentence in run_quality.sentences(run, checks)]
    elif beside := witness.sentence(run):
        lines.append(beside)
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
