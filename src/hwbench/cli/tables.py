"""A run as text for a terminal: tables of records, findings, and reasons to doubt the run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..analysis import precision, run_quality
from ..analysis.reading import Performance, Reading
from ..record import text
from ..record.facts import variant_on
from ..record.model import Record, Run

if TYPE_CHECKING:
    from rich.console import Console

RIGHT = ("one execution", "median (95% interval)", "of limit")  # columns of numbers, set flush right
NO_GPU = "gpu"  # the device of records for which there was none; real ones have a number: gpu:0


def params(record: Record) -> str:
    """`size=L1 dtype=f8`."""
    return " ".join(f"{name}={value}" for name, value in record.params.items())


def print_tables(reading: Reading, console: Console, chosen: Sequence[Record] | None = None) -> None:
    """Print one table per bench: each record (of those chosen), its median and interval, its status and the reason."""
    every = reading.records if chosen is None else chosen
    known, records = reading.benches, [record for record in every if record.device != NO_GPU]
    heads = ["case", "variant", "one execution", "median (95% interval)", *(["of limit"] if known else []), "status"]
    for name in dict.fromkeys(record.bench for record in records):
        bench = known.get(name)
        mine = [record for record in records if record.bench == name]
        figures = [reading.performance(record) if record.timed else None for record in mine]
        limits = {one.share.limit.what for one in figures if one is not None and one.share is not None}
        rows = [
            [
                text.printable(cell)
                for cell in _row(reading.run, record, shown, shares=bool(known), named=len(limits) > 1)
            ]
            for record, shown in zip(mine, figures, strict=True)
        ]
        if _room(console, heads, rows) < 0:
            _print_narrow(console, mine, heads, rows)
            continue
        _print_table(console, text.printable(name), text.printable(bench.question) if bench else "", heads, rows)


def _row(run: Run, record: Record, shown: Performance | None, *, shares: bool, named: bool) -> list[str]:
    """The cells of a record; an interval wider than the policy asked for is marked.

    `named`: the table's records have limits of several kinds, so each share names its own.
    """
    cells, policy = [params(record), variant_on(run, record)], run.policy
    share = ""
    if shown is not None:
        median = text.quantity(shown.value, shown.unit)
        wide = precision.missed(shown.seconds, policy)
        cells += [text.seconds(shown.seconds.value), " ".join(filter(None, (median, wide)))]
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
    if _left(console, widths) >= 0 and not console.legacy_windows and not console.options.ascii_only:
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


def _room(console: Console, heads: Sequence[str], rows: Sequence[list[str]]) -> int:
    """Columns that a table leaves of the terminal's width, off one of COLUMNS or 80; negative where it does not fit."""
    width = console.width if console.is_terminal else shutil.get_terminal_size().columns
    return (
        width - console.width + _left(console, [max(map(_length, column)) for column in zip(heads, *rows, strict=True)])
    )


def _left(console: Console, widths: Sequence[int]) -> int:
    return console.width - sum(widths) - 3 * len(widths) - 1


def _print_narrow(console: Console, records: Sequence[Record], heads: Sequence[str], rows: Sequence[list[str]]) -> None:
    """Print a table as lines: without names of axes and seconds a call, with the first code for reasons.

    `--quality` has them in words.
    """
    cells = [[record.bench, *heads[1:2], *heads[3:-1], ""] for record in records[:1]]
    for record, row in zip(records, rows, strict=True):
        codes = record.codes if record.timed else []
        status = (codes[:1] or [record.status])[0] + f" +{len(codes) - 1}" * (len(codes) > 1)
        status = "" if status == "ok" else status
        cells.append([" ".join(map(str, record.params.values())), row[1], *row[3:-1], status])
    right = [head in RIGHT for head in cells[0]]
    lengths = [[_length(text.printable(cell)) for cell in row] for row in cells]
    widths = [max(column) for column in zip(*lengths, strict=True)]
    for row, taken in zip(cells, lengths, strict=True):
        each = zip(row, taken, widths, right, strict=True)
        padded = [" " * ((width - had) * flush) + text.printable(cell) + " " * ((width - had) * (not flush))
                  for cell, had, width, flush in each]  # fmt: skip
        console.file.write(f"{'  '.join(padded).rstrip()}\n")  # as in a table: no style
    console.file.flush()


def _length(cell: str) -> int:
    """How many columns of a terminal the text takes."""
    if cell.isascii():
        return len(cell)
    from rich.cells import cell_len

    return cell_len(cell)


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


def quality(reading: Reading) -> list[str]:
    """What speaks against a run: noise, missed precision, and the commonest reasons of each status that is not ok."""
    run = reading.run
    lines = no_gpu(run)
    noisy = run_quality.noisy(reading.checks)
    told = run_quality.sentences(run, reading.checks) if noisy else run_quality.also(run)
    lines += [text.printable(sentence) for sentence in told]
    for status in ("wrong", "error", "suspect", "skipped"):
        reasons = [record.why for record in run.records if record.status == status and record.device != NO_GPU]
        if reasons:
            common = sorted(dict.fromkeys(reasons), key=lambda reason: -reasons.count(reason))
            left = len(common) - 2
            more = f" (and {left} more reason{'s' * (left > 1)})" if left > 0 else ""
            lines.append(f"{len(reasons)} {status}: {text.printable(' | '.join(common[:2]))}{more}")
    return lines


def doubts(reading: Reading, records: Sequence[Record]) -> list[str]:
    """Each check of a run, and of these records each that is not ok, with its reason."""
    checks = reading.checks
    lines = [text.printable(sentence) for sentence in run_quality.sentences(reading.run, checks)[:1]]
    width = max((len(one.name) for one in checks), default=0)
    for one in checks:
        seen = f"{text.share(one.seen)} (allowed: {text.share(one.allowed)})"
        lines.append(f"  {'ok' if one.passed else 'failed':6}  {one.name:{width}}  {seen}")
        lines += [] if one.passed else [text.printable(f"          {said}") for said in (*one.cases, one.remedy)]
    for status in ("wrong", "error", "suspect"):
        found = [record for record in records if record.status == status]
        lines += [f"{len(found)} {status}:"] * bool(found)
        lines += [text.printable(f"  {record.case.label}: {record.why}") for record in found]
    return lines


def no_gpu(run: Run) -> list[str]:
    """One line where there was no GPU: how many cases that leaves out, and the remedy; the summary says why."""
    without = [record for record in run.records if record.device == NO_GPU]
    if not without:
        return []
    names = {record.bench for record in without}
    topics = ", ".join(dict.fromkeys(record.bench.partition(".")[0] for record in without))
    cases = "1 case" if len(without) == 1 else f"{len(without)} cases"
    benches = "1 bench" if len(names) == 1 else f"{len(names)} benches"
    need = "needs" if len(without) == 1 else "need"
    remedy = without[0].why.partition("; ")[2]
    return [text.printable(f"{cases} of {benches} ({topics}) {need} a GPU{f': {remedy}' if remedy else ''}.")]
