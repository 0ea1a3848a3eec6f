"""`hwbench export`: runs as a table for other programs, or as text for dashboards."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..record import collector
from .completion import runs
from .console import echo_err
from .options import Out
from .signals import load_numpy

if TYPE_CHECKING:
    from ..record.model import Run

FORMATS = ("csv", "json", "parquet", "openmetrics")
SUFFIXES = {".csv": "csv", ".json": "json", ".parquet": "parquet", ".prom": "openmetrics"}


def export(
    run: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN]...",
            help="Run files, ids of runs, or directories of them; default: the newest run.",
            autocompletion=runs,
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="A .csv, .json, .parquet or .prom file; default: standard output."
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--format", metavar="FORMAT", help=f"{', '.join(FORMATS)}; default: by the file's ending, or csv."
        ),
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Leave out names of machines and runs, texts of errors, and commits.")
    ] = False,
    out: Out = Path("reports"),
) -> None:
    """Write runs as CSV, JSON, Parquet or OpenMetrics.

    A row for each case: rates, limit, share, status, machine. OpenMetrics is for dashboards.
    """
    chosen = format_of(output, form)
    load_numpy()
    from .. import catalog
    from ..analysis.reading import Reading
    from ..export import anonymous as nameless
    from ..export import files, openmetrics
    from ..export.table import table
    from ..record import store

    with collector.paused(keep=True):
        found = opened(run or [], out)
        if output is not None:
            _keep_runs(output)
        given = [nameless.anonymous(one, number) for number, one in enumerate(found, 1)] if anonymous else found
        readings = [Reading(one, catalog.LAZY) for one in given]
        data = openmetrics.text(readings) if chosen == "openmetrics" else files.FORMATS[chosen](table(readings))
    if output is None or str(output) == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    else:
        store.write_bytes(data, output)
        echo_err(f"export: {output} ({sum(len(one.records) for one in given)} cases)")


def format_of(output: Path | None, form: str | None) -> str:
    """The format asked for, else that of the file's ending; UsageError for one that is not known."""
    from ..errors import UsageError

    if form is not None:
        if form not in FORMATS:
            raise UsageError(f"--format {form}: must be one of {', '.join(FORMATS)}")
        return form
    if output is None or str(output) == "-":
        return "csv"
    if output.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{output}: ends in none of {', '.join(SUFFIXES)}; name the format with --format")
    return SUFFIXES[output.suffix.lower()]


def opened(names: Sequence[str], out: Path) -> list[Run]:
    """The runs of files, ids and directories; of a directory those that can be read, with a warning for others."""
    from ..errors import StoreError
    from ..record import store
    from .show import open_run

    if not names:
        return [open_run(None, out)]
    found: list[Run] = []
    for name in names:
        if not os.path.isdir(name):  # noqa: PTH112 - Path raises for a long name
            found.append(open_run(name, out))
            continue
        before = len(found)
        for path in store.find(Path(name)) or sorted(Path(name).rglob("*.json")):
            try:
                found.append(store.read(path))
            except StoreError as error:
                echo_err(f"warning: {error}")
        if len(found) == before:
            raise StoreError(f"{name}: holds no run file; name one, or the directory of some")
    return found


def _keep_runs(output: Path) -> None:
    """UsageError where the file to be written is a run, which would be lost."""
    from ..errors import UsageError
    from ..record import files

    head = files.head(output, 1000).lstrip()
    if head.startswith(b"{") and b'"schema"' in head:
        raise UsageError(f"{output}: is a run file, which would be lost; name another file")
