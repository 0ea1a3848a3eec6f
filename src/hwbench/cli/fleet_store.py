"""`hwbench fleet flush`, `add`, `compact` and `sql`: what goes into a store, and questions to it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import console, echo, echo_err, print_json
from .options import AsJson, Out
from .signals import handle, leave

if TYPE_CHECKING:
    from ..fleet.spool import Outcome
    from ..fleet.sql import Answer

Url = Annotated[
    str, typer.Argument(metavar="URL", help="The store: a directory, file://, s3://bucket/prefix, gs://… or az://….")
]
Day = Annotated[list[str] | None, typer.Option("--day", metavar="YYYY-MM-DD", help="This day only (repeatable).")]
Since = Annotated[str, typer.Option("--since", metavar="YYYY-MM-DD", help="Runs that started on this day or later.")]
Until = Annotated[str, typer.Option("--until", metavar="YYYY-MM-DD", help="Runs that started on this day or earlier.")]
SHOWN = 1000  # rows of an answer on a terminal


def flush(
    out: Out = Path("reports"),
    to: Annotated[
        str | None, typer.Option(metavar="URL", help="Another store than the one that runs were meant for.")
    ] = None,
) -> None:
    """Deliver finished runs that could not reach their store."""
    handle(leave)
    from ..fleet import spool
    from ..fleet.store import Store

    if to is not None:
        Store.open(to)
    _told(spool.flush(out, to=None if to is None else spool.absolute(to)))


def add(
    url: Url, run: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run files, finished ones.")]
) -> None:
    """Put run files into a store that were measured without --to."""
    handle(leave)
    from ..errors import StoreError
    from ..fleet import objects, spool
    from ..fleet.store import AwayError, Store

    store = Store.open(url)
    outcome = spool.Outcome()
    for path in run:
        try:
            one, data = objects.packed(path)
            spool.put(store, objects.key_of(one), data, outcome)
        except AwayError:
            raise
        except StoreError as error:
            outcome.failures.append(error)
    _told(outcome)


def _told(outcome: Outcome) -> None:
    """Say what was delivered, what was not and why; exit code 2 where something should have been and was not."""
    from ..record.phrases import counted

    for one in outcome.unfinished:
        echo_err(f"{one.note.run}: is measured still, or was cut off: `hwbench run --resume` goes on with it")
    for error in outcome.failures:
        echo_err(f"warning: {error}")
    there = f", {len(outcome.there)} were there already" if outcome.there else ""
    left = f", {outcome.left} left" if outcome.left else ""
    echo(f"delivered {counted(len(outcome.put), 'run')}{there}{left}")
    if outcome.failures:
        raise typer.Exit(2)


def compact(
    url: Url,
    day: Day = None,
    jobs: Annotated[int | None, typer.Option(metavar="N", help="Processes that read runs; default: one a CPU.")] = None,
) -> None:
    """Make one Parquet a day of the runs in a store. Run it at any time, also twice at once."""
    handle(leave)
    for one in day or ():
        day_of(one, "--day")
    from ..errors import UsageError
    from ..fleet import compact as compacting
    from ..record.phrases import counted

    if jobs is not None and not 1 <= jobs <= 1024:
        raise UsageError(f"--jobs {jobs}: must be from 1 to 1024")
    count = 0
    for done in compacting.compact(url, day or (), jobs):
        count += 1
        for line in done.failures:
            echo_err(f"warning: {line}")
        if done.made:
            echo(f"{done.day}: {counted(done.runs, 'run')}, {done.read} new")
    if not count:
        from ..errors import StoreError
        from ..fleet.store import shown

        raise StoreError(
            f"{shown(url)}: holds no runs{' of these days' if day else ''}; `hwbench run --to` puts them there"
        )


def sql(
    url: Url,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="One SELECT; the table is called cases.")],
    json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    since: Since = "",
    until: Until = "",
) -> None:
    """Ask the Parquet of a store in SQL (DuckDB); `select * from cases limit 5` shows the columns."""
    handle(leave)
    from ..errors import UsageError
    from ..fleet import database
    from ..fleet import sql as asking
    from ..fleet.store import Store

    if json and csv:
        raise UsageError("--json and --csv: choose one")
    asking.check(question)
    first, last = day_of(since, "--since"), day_of(until, "--until") or "~"
    with database.opened(Store.open(url), lambda line: echo_err(f"warning: {line}"), first, last) as connection:
        answer = asking.ask(connection, question)
    if json:
        print_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
    elif csv:
        _print_csv(answer)
    else:
        _print_table(answer)


def day_of(text: str, option: str) -> str:
    """The text of an option if it is a day or empty; UsageError otherwise."""
    import datetime

    from ..errors import UsageError

    try:
        return text and datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise UsageError(f"{option} {text}: is no day, such as 2026-11-30") from None


def _print_csv(answer: Answer) -> None:
    import csv

    from ..export.files import inert
    from ..record.text import printable

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(inert(printable(name)) for name in answer.columns)
    for row in answer.rows:
        writer.writerow("" if cell is None else inert(printable(str(cell))) for cell in row)
    sys.stdout.flush()


def _print_table(answer: Answer) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from ..record.text import printable

    table = Table(box=box.SIMPLE_HEAD)
    for at, name in enumerate(answer.columns):
        numbers = all(isinstance(row[at], int | float | None) for row in answer.rows)
        table.add_column(Text(printable(name)), justify="right" if numbers and answer.rows else "left")
    for row in answer.rows[:SHOWN]:
        cells = (f"{cell:.6g}" if isinstance(cell, float) else "" if cell is None else str(cell) for cell in row)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console().print(table)
    if len(answer.rows) > SHOWN:
        echo_err(f"{len(answer.rows) - SHOWN} further rows: --csv and --json print all")
