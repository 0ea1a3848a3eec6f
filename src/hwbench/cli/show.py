"""TODO cli.show."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import AsJson, Out, Select, app
from .console import _console, _json, _tell

if TYPE_CHECKING:
    from ..record.model import Run


@app.command("list")
def list_(select: Select = None, json: AsJson = False) -> None:
    """List the benches: question, variants, axes, what this machine can run and why not the rest."""
    from .. import catalog
    from ..measure import numba_settings
    from . import listing

    numba_settings.check()  # how much there is of a cache is measured for this, too
    entries = listing.entries(catalog.select(select or ()))
    if json:
        _json(entries)
    else:
        listing.show(entries, _console())


@app.command()
def show(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run file, or a run's id; none: the newest.")
    ] = None,
    out: Out = Path("reports"),
    json: AsJson = False,
) -> None:
    """Show one run as tables and findings."""
    from .. import catalog
    from ..analysis import derived
    from ..analysis.findings import findings
    from ..analysis.plausibility import concluded
    from . import tables

    done = concluded(_open(run, out))
    told = findings(done, catalog.benches().values())
    if json:
        _json(derived.as_json(done, catalog.benches(), told))
        return
    tables.tables(done, catalog.benches(), _console())
    for line in [*tables.findings(told), *tables.quality(done)]:
        _tell(line)


@app.command()
def report(
    path: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[PATH]...",
            help="Run files, asv's results, files of pytest-benchmark, or directories of them; none: the newest run.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where the page goes.")] = Path(
        "reports/index.html"
    ),
    out: Out = Path("reports"),
) -> None:
    """Write one offline HTML page from runs, asv's results and files of pytest-benchmark."""
    from .. import report as pages
    from ..record import store
    from ..tracking import gather

    found = gather.gather(path or [store.newest(out)])
    proofs = [] if path else store.verified(out, found.runs[0].machine.name)
    pages.write([*found.runs, *proofs], output, found.histories)
    _tell(f"report: {output}")


@app.command()
def machine(json: AsJson = False) -> None:
    """Say what this machine is and what will disturb measuring on it, with the remedy."""
    from ..devices import selection
    from ..host import disturbances
    from ..host import machine as facts
    from ..measure import numba_settings
    from . import machine as cli_machine

    numba_settings.check()

    here, no_gpu = selection.with_gpus(facts.describe(), selection.gpus())
    troubles = disturbances.find(here)
    if json:
        _json({"machine": here, "no_gpu": no_gpu, "software": facts.software(), "disturbances": troubles})
    else:
        cli_machine.show(here, facts.software(), troubles, _console(), no_gpu)


def _open(name: str | None, out: Path) -> Run:
    """A run by file or id; the newest where none is named."""
    from .. import errors
    from ..record import store

    if name is None:
        return store.read(store.newest(out))
    if os.path.exists(name) or os.sep in name or name.endswith(".json"):  # noqa: PTH110 - Path raises for a long name
        return store.read(Path(name))
    for path in store.find(out):
        if path.stem == name:
            return store.read(path)
    raise errors.StoreError(f"{name}: is no file, and no run of this id lies below {out / 'runs'}")
