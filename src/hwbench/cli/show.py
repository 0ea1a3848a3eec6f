"""`hwbench show`: the summary of a run and its tables, and on request what its benches say of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..record import collector
from .console import console, echo, print_json
from .options import AsJson, Out

if TYPE_CHECKING:
    from ..record.model import Run


def show(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run file, or a run's id; default: the newest run.")
    ] = None,
    out: Out = Path("reports"),
    findings: Annotated[
        bool,
        typer.Option("--findings", help="Also print the benches' findings."),
    ] = False,
    summary: Annotated[bool, typer.Option("--summary", help="The summary alone, without tables.")] = False,
    json: AsJson = False,
) -> None:
    """Show a run: its summary, then tables, with --findings also the benches' findings. JSON always has everything."""
    with collector.paused():
        _show(run, out, findings=findings, summary=summary, json=json)


def _show(run: str | None, out: Path, *, findings: bool, summary: bool, json: bool) -> None:
    from .. import catalog
    from ..analysis.reading import Reading
    from . import summary as summaries
    from . import tables

    reading, lines = Reading(open_run(run, out), catalog.LAZY), []
    if json or findings:
        from ..analysis import derived
        from ..analysis.findings import findings as findings_of

        told = findings_of(reading, catalog.benches().values())
        if json:
            print_json(derived.as_json(reading, told))
            return
        lines = [*tables.findings(told), *tables.notable(reading)]
    if not reading.records:
        echo("The run holds no cases yet.")
        return
    here = console()
    summaries.show(reading, here)
    if not summary:
        tables.print_tables(reading, here)
        lines += tables.quality(reading.run)
    for line in lines:
        echo(line)


def open_run(name: str | None, out: Path) -> Run:
    """A run by file or id; the newest where none is named."""
    from .. import errors
    from ..record import store

    if name is None:
        return store.read(store.newest(out))
    if not name:
        raise errors.UsageError("RUN is empty; name a run file or a run's id, or omit it for the newest run")
    if os.path.exists(name) or os.sep in name or name.endswith(".json"):  # noqa: PTH110 - Path raises for a long name
        return store.read(Path(name))
    for path in store.find(out):
        if path.stem == name:
            return store.read(path)
    raise errors.StoreError(f"{name} is no file, and no run with this id is below {out / 'runs'}")
