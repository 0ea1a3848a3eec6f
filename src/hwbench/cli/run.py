"""`hwbench run`: measure, then print and report the results."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from . import streams, together
from .console import console, echo, echo_err, live
from .delivery import Delivery
from .options import Devices, Out, Param, Preset, Select, Variant, axis_values
from .signals import Stop, handle, leave, load_numpy

if TYPE_CHECKING:
    from ..analysis.reading import Reading
    from ..measurement.autosave import Interrupted
    from ..measurement.planning import Request
    from ..record.model import Run
    from .progress import Lines


def run(
    select: Select = None,
    preset: Preset = "standard",
    device: Devices = "all",
    param: Param = None,
    variant: Variant = None,
    budget: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="The time that the whole run may take.")
    ] = None,
    out: Out = Path("reports"),
    json: Annotated[
        Path | None,
        typer.Option(
            "--json",
            metavar="FILE",
            help="Also write the run to this file; with - to standard output, which then has nothing else.",
        ),
    ] = None,
    machine: Annotated[str | None, typer.Option(metavar="NAME", help="What to call this machine.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the newest interrupted run.")] = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no HTML page.")] = False,
    no_gate: Annotated[
        bool,
        typer.Option("--no-gate", help="Time GPU work as it is launched, for profilers."),
    ] = False,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Also put the run into a fleet's store: a directory, file://, s3://, gs:// or az://."
        ),
    ] = None,
    findings: Annotated[bool, typer.Option("--findings", help="Print all findings before the summary.")] = False,
) -> None:
    """Measure benches: write a run and a page, print a summary."""
    handle(leave)
    load_numpy()
    from .. import catalog, errors
    from ..analysis.reading import Reading
    from ..host import namesake
    from ..measurement import autosave, planning, policy, session

    to_stdout = json is not None and str(json) == "-"
    if json is not None and not to_stdout:
        _prepare_file(json)
    delivery = Delivery(to, out)
    plan = planning.Request(
        select=select or (), preset=preset, device=device, params=axis_values(param or ()), variants=variant or (),
        budget=budget, out=out, machine=machine, resume=resume, gate=not no_gate,
    )  # fmt: skip
    if other := namesake.found():
        echo_err(f"warning: {other}")
    observer = _observer(policy.usual_seconds(preset))
    stop = Stop()
    with together.entered(observer, delivery.url, stop.check) as watched:
        handle(stop.ask)
        try:
            done, path = session.execute(plan, watched, stop=stop.check, begun=delivery.announce)
            handle(leave)
        except autosave.Interrupted as end:
            observer.close()
            handle(leave)
            with streams.until_closed(sys.stdout):  # Ctrl-C ends the other end of a pipe, too
                _interrupted(end, quiet=to_stdout)
                _deliver_json(end.run, json, to_stdout)
            delivery.interrupted()
            raise typer.Exit(130) from None
        finally:
            observer.close()
        reading = Reading(done, catalog.benches())
        page = None if no_report else _report_beside(reading, out)
        delivery.make(done, path)
        refusal = _unanswered(plan, done)
        _deliver(
            reading, path, page, json, store=delivery.store, quiet=to_stdout, findings=findings, reasons=not refusal
        )
        delivery.end()
        if any(record.status in ("wrong", "error") for record in done.records):
            raise typer.Exit(1)
        if refusal:
            raise errors.UsageError(refusal)


def _unanswered(plan: Request, done: Run) -> str:
    """Why nothing was measured, where benches, values or variants were named and each of their cases was skipped.

    "" else: a topic, a pattern and a preset ask for what this machine has, which may be nothing.
    """
    from .. import catalog
    from ..record.phrases import counted

    named = plan.params or plan.variants or any(name in catalog.benches() for name in plan.select)
    if not named or not done.records or any(record.status != "skipped" for record in done.records):
        return ""
    reasons = Counter(record.why for record in done.records).most_common()
    others = f" ({counted(len(reasons) - 1, 'more reason')}: hwbench show)" if len(reasons) > 1 else ""
    return f"nothing was measured: {counted(len(done.records), 'case')} skipped: {reasons[0][0]}{others}"


def _interrupted(stop: Interrupted, *, quiet: bool) -> None:
    """Print what was measured, then where it is saved; as tables where it could be saved nowhere."""
    from .. import catalog
    from ..analysis.reading import Reading
    from . import summary, tables

    cases, reading = len(stop.run.records), Reading(stop.run, catalog.benches())
    if stop.path is None:
        with streams.unheard(sys.stderr):
            tables.print_tables(reading, console(stderr=True))
        echo_err(f"interrupted: {cases} cases could be saved nowhere, hence the tables above")
        return
    if any(record.timed for record in reading.records):
        with streams.unheard(sys.stderr if quiet else sys.stdout):
            summary.show(reading, console(stderr=quiet))
    further = "" if stop.spare else "; --resume goes on with them"  # it does not look in the temporary directory
    echo_err(f"interrupted: {cases} cases are saved in {stop.path}{further}")


def _deliver(
    reading: Reading, path: Path | None, page: Path | None, json: Path | None,
    *, store: str | None, quiet: bool, findings: bool, reasons: bool,
) -> None:  # fmt: skip
    """Write the run's JSON as it was measured, where asked, then print the summary, last of all.

    `reasons`: with those of skipped cases; where nothing was measured the refusal says them. Files come first:
    standard output may be full or closed, and that must not cost them.
    """
    from .. import errors
    from . import summary, tables

    failed = None
    try:
        _deliver_json(reading.given, json, quiet)
    except errors.StoreError as error:
        failed = error  # raised at the end, after the summary
    say = echo_err if quiet else echo
    for line in _findings(reading) if findings else ():
        say(line)
    if path is None:
        tables.print_tables(reading, console(stderr=quiet))
    paths = {"run": path, "report": page, "store": store}
    named = {name: str(one) for name, one in paths.items() if one is not None}
    summary.show(reading, console(stderr=quiet), named, reasons=reasons)
    if failed is not None:
        raise failed


def _findings(reading: Reading) -> list[str]:
    """All findings of the benches, what is notable about the machine, and what speaks against the run."""
    from .. import catalog
    from ..analysis.findings import findings
    from . import tables

    told = tables.findings(findings(reading, catalog.benches().values()))
    return [*told, *tables.notable(reading), *tables.quality(reading)]


def _deliver_json(done: Run, json: Path | None, to_stdout: bool) -> None:
    """The run's JSON, where `--json` asked for it."""
    from ..record import store

    if to_stdout:
        sys.stdout.buffer.write(store.encode(done))
        sys.stdout.buffer.flush()
    elif json is not None:
        store.write(done, json)


def _report_beside(reading: Reading, out: Path) -> Path | None:
    """Write the report of a run and return its path; None, and a warning, where it cannot be written."""
    from .. import catalog, errors
    from .. import report as pages
    from ..record import store

    page = out / "index.html"
    shown: list[Run | Reading] = [reading, *store.verified(out, reading.run.machine)]
    try:
        pages.write(shown, page, catalogue=catalog.benches())
    except errors.StoreError as error:
        echo_err(f"warning: no report: {error}")
        return None
    return page


def _prepare_file(path: Path) -> None:
    """Raise StoreError before anything is measured where a file cannot be written."""
    from .. import errors
    from ..record import files, store

    if path.is_dir():
        raise errors.StoreError(f"{path}: is a directory; name a file")
    if files.replaced(path):
        store.prepare(path.parent)


def _observer(usual: float) -> Lines:
    """A bar on a terminal, plain lines elsewhere."""
    from .progress import Bar, Lines

    return Bar(console(stderr=True), usual) if live(sys.stderr) else Lines(usual=usual)
