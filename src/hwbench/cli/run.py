"""TODO cli.run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import streams
from .app import Out, Select, app
from .console import _console, _say, _Stop, _tell
from .signals import handle, leave

if TYPE_CHECKING:
    from ..measure.autosave import Interrupted
    from ..record.model import Run


@app.command()
def run(
    select: Select = None,
    preset: Annotated[str, typer.Option(help="quick, standard or full.")] = "standard",
    device: Annotated[str, typer.Option(help="cpu, gpu, gpu:N or all.")] = "all",
    param: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Narrow or set an axis (repeatable).")
    ] = None,
    variant: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this variant (repeatable).")] = None,
    budget: Annotated[float | None, typer.Option(metavar="SECONDS", help="Time for the whole run.")] = None,
    out: Out = Path("reports"),
    json: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="Also write the run here; - is standard output, to which nothing else then goes.",
        ),
    ] = None,
    machine: Annotated[str | None, typer.Option(metavar="NAME", help="What to call this machine.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the newest run that was cut off.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write the run, no HTML.")] = False,
) -> None:
    """Measure what matches, print the findings, write the run and the report."""
    handle(leave)
    from ..analysis.plausibility import concluded
    from ..measure import autosave, planning, policy, session

    to_stdout = json is not None and str(json) == "-"
    if json is not None and not to_stdout:
        _prepare_file(json)
    plan = planning.Request(
        select=select or (), preset=preset, device=device, params=_params(param or ()), variants=variant or (),
        budget=budget, out=out, machine=machine, resume=resume,
    )  # fmt: skip
    observer = _observer(policy.usual_seconds(preset))
    stop = _Stop()
    handle(stop.ask)
    try:
        done, path = session.execute(plan, observer, stop=stop.check)
        handle(leave)
    except autosave.Interrupted as end:
        observer.close()
        _interrupted(end)
        _deliver_json(end.run, json, to_stdout)
        raise typer.Exit(130) from None
    finally:
        observer.close()
    shown = concluded(done)
    page = None if no_report else _report_beside(shown, out)
    _deliver(done, shown, path, page, json, quiet=to_stdout)
    if any(record.status in ("wrong", "error") for record in done.records):
        raise typer.Exit(1)


def _interrupted(stop: Interrupted) -> None:
    """Say where the part that was measured lies; print it where it could be written nowhere."""
    from .. import catalog
    from ..analysis.plausibility import concluded
    from . import tables

    cases = len(stop.run.records)
    if stop.path is None:
        with streams.unheard(sys.stderr):
            tables.tables(concluded(stop.run), catalog.benches(), _console(stderr=True))
        _say(f"interrupted: {cases} cases could be saved nowhere, hence the tables above")
    else:
        further = "" if stop.spare else "; --resume goes on with them"  # --resume looks where runs belong
        _say(f"interrupted: {cases} cases are saved in {stop.path}{further}")


def _deliver(done: Run, shown: Run, path: Path | None, page: Path | None, json: Path | None, *, quiet: bool) -> None:
    """Write the run's JSON as it was measured, where asked; print the findings and what speaks against the run.

    In this order: standard output may be full or closed, which is to cost nothing that was to be kept.
    """
    from .. import catalog, errors
    from ..analysis.findings import findings
    from . import tables

    failed = None
    try:
        _deliver_json(done, json, quiet)
    except errors.StoreError as error:
        failed = error  # said when the rest was
    echo = _say if quiet else _tell
    for line in tables.findings(findings(shown, catalog.benches().values())):
        echo(line)
    for line in tables.quality(shown):
        echo(line)
    if path is None:
        tables.tables(shown, catalog.benches(), _console(stderr=quiet))
    else:
        echo(f"run: {path}")
    if page is not None:
        echo(f"report: {page}")
    if failed is not None:
        raise failed


def _deliver_json(done: Run, json: Path | None, to_stdout: bool) -> None:
    """The run's JSON, where `--json` asked for it."""
    from ..record import store

    if to_stdout:
        sys.stdout.buffer.write(store.encode(done))
        sys.stdout.buffer.flush()
    elif json is not None:
        store.write(done, json)


def _report_beside(done: Run, out: Path) -> Path | None:
    """Write the report of a run, and say where it lies; a failure costs the page, never the run."""
    from .. import errors
    from .. import report as pages
    from ..record import store

    page = out / "index.html"
    try:
        pages.write([done, *store.verified(out, done.machine.name)], page)
    except errors.StoreError as error:
        _say(f"warning: no report: {error}")
        return None
    return page


# --- what the commands share ------------------------------------------------------------------------------------------


def _params(texts: Sequence[str]) -> dict[str, list[str]]:
    from ..errors import UsageError

    found: dict[str, list[str]] = {}
    for pair in texts:
        name, equals, value = pair.partition("=")
        if not (name and equals and value):
            raise UsageError(f"--param {pair}: is not of the form KEY=VALUE, such as size=L1")
        found.setdefault(name, []).append(value)
    return found


def _prepare_file(path: Path) -> None:
    """See that a file can be written before anything is measured for it."""
    from .. import errors
    from ..record import store

    if path.is_dir():
        raise errors.StoreError(f"{path}: is a directory; name a file")
    store.prepare(path.parent)


def _observer(usual: float) -> Any:
    from .progress import Bar, Lines

    console = _console(stderr=True)
    return Bar(console, usual) if console.is_terminal else Lines(usual=usual)
