"""`hwbench fleet flush`, `add`, `compact` and `sql`: what goes into a store, and questions to it."""

from __future__ import annotations

import shutil
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
WIDEST = 100_000  # columns of a table that is measured
TOLD = 20  # runs of a day that were left out, a line each


def flush(
    out: Out = Path("reports"),
    to: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Deliver to this store, not to the one that each run was meant for."),
    ] = None,
) -> None:
    """Deliver finished runs that could not reach their store."""
    handle(leave)
    from ..errors import StoreError
    from ..fleet import spool
    from ..fleet.store import Store

    if to is not None:
        Store.open(to)
    if not out.is_dir():
        raise StoreError(f"{out}: is no directory; name that of the runs by --out")
    _told(spool.flush(out, to=None if to is None else spool.absolute(to)))


def add(url: Url, run: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Files of finished runs.")]) -> None:
    """Put run files that were measured without --to into a store."""
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
    jobs: Annotated[
        int | None, typer.Option(metavar="N", help="Processes that read runs; default: one for each CPU.")
    ] = None,
) -> None:
    """Make one Parquet file a day of the runs in a store.

    Run it at any time, also several at once. Exit code 1 if runs cannot be read and were left out; each call tries
    them again.
    """
    handle(leave)
    for one in day or ():
        day_of(one, "--day")
    from ..errors import UsageError
    from ..fleet import compact as compacting
    from ..record.phrases import counted

    if jobs is not None and not 1 <= jobs <= 1024:
        raise UsageError(f"--jobs {jobs}: must be from 1 to 1024")
    count = left = 0
    for done in compacting.compact(url, day or (), jobs):
        count += 1
        left += done.left
        for line in done.failures[:TOLD]:
            echo_err(f"warning: {line}")
        if len(done.failures) > TOLD:
            echo_err(f"warning: {len(done.failures) - TOLD} more of {done.day} were left out")
        if done.made or done.left:
            new = f", {done.read} new" if done.made else ""
            without = f", {done.left} left out" if done.left else ""
            echo(f"{done.day}: {counted(done.runs, 'run')}{new}{without}")
    if not count:
        from ..errors import StoreError
        from ..fleet.store import shown

        raise StoreError(
            f"{shown(url)}: holds no runs{' of these days' if day else ''}; `hwbench run --to` puts them there"
        )
    if left:
        raise typer.Exit(1)


def sql(
    url: Url,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="One SELECT; the table is called cases.")],
    json: AsJson = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    since: Since = "",
    until: Until = "",
) -> None:
    """Ask the Parquet files of a store a question in SQL.

    DuckDB answers it; `describe cases` names the columns.
    """
    handle(leave)
    from ..errors import UsageError
    from ..fleet import database
    from ..fleet import sql as asking
    from ..fleet.store import Store
    from ..record.text import printable

    if json and csv:
        raise UsageError("--json and --csv: choose one")
    asking.check(question)
    first, last = day_of(since, "--since"), day_of(until, "--until") or "~"
    with database.opened(Store.open(url), lambda line: echo_err(f"warning: {line}"), first, last) as connection:
        answer = asking.ask(connection, question)
    if json:
        twice = sorted({name for name in answer.columns if answer.columns.count(name) > 1})
        if twice:
            raise UsageError(f"--json: several columns are called {printable(', '.join(twice))}; name them apart by AS")
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
    """A table, or a line for each value where it is wider than the terminal or COLUMNS."""
    from rich import box
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    from ..record.text import printable

    table = Table(box=box.SIMPLE_HEAD)
    for at, name in enumerate(answer.columns):
        numbers = all(isinstance(row[at], int | float | None) for row in answer.rows)
        table.add_column(Text(printable(name)), justify="right" if numbers and answer.rows else "left")
    rows = [
        [printable(f"{cell:.6g}" if isinstance(cell, float) else "" if cell is None else str(cell)) for cell in row]
        for row in answer.rows[:SHOWN]
    ]
    for row in rows:
        table.add_row(*map(Text, row))
    screen = console()
    width = screen.width if screen.is_terminal else shutil.get_terminal_size((screen.width, 24)).columns
    if Measurement.get(screen, screen.options.update_width(WIDEST), table).maximum <= width:
        screen.print(table, soft_wrap=True)
    else:
        names = [f"{printable(name)}: " for name in answer.columns]
        indent = max(map(len, names))
        blocks = ("\n".join(f"{name:{indent}}{cell}" for name, cell in zip(names, row, strict=True)) for row in rows)
        echo("\n\n".join(blocks))
    if len(answer.rows) > SHOWN:
        echo_err(f"{len(answer.rows) - SHOWN} further rows: --csv and --json print all")
