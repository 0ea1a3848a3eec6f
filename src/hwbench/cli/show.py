"""`hwbench show`: the summary of a run and its tables, or a selection of these; on request what benches say of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..record import collector
from .completion import runs_and_benches
from .console import console, echo, print_json
from .options import AsJson, Out
from .signals import load_numpy

if TYPE_CHECKING:
    from ..analysis.reading import Reading
    from ..record.model import Record, Run


def show(
    chosen: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] [SELECT]...",
            help="A run file or a run's id (default: the newest run), then globs of benches, topics or cases, "
            "or files of benches of your own.",
            autocompletion=runs_and_benches,
        ),
    ] = None,
    out: Out = Path("reports"),
    findings: Annotated[bool, typer.Option("--findings", help="Also print the benches' findings.")] = False,
    quality: Annotated[
        bool, typer.Option("--quality", help="Print only the checks that the run failed, and its suspect cases.")
    ] = False,
    summary: Annotated[bool, typer.Option("--summary", help="Print the summary without tables.")] = False,
    json: AsJson = False,
) -> None:
    """Print a run: its summary, then tables.

    With SELECT tables alone. JSON always has findings and quality.
    """
    with collector.paused(keep=True):
        _show(chosen or [], out, findings=findings, quality=quality, summary=summary, json=json)


def _show(chosen: Sequence[str], out: Path, *, findings: bool, quality: bool, summary: bool, json: bool) -> None:
    load_numpy()
    from .. import catalog
    from ..analysis.reading import Reading
    from . import summary as summaries
    from . import tables

    files = [one for one in chosen if one.endswith(".py")]
    run, globs = split([one for one in chosen if one not in files], out)
    globs = [*globs, *catalog.named(files)]
    reading, lines = Reading(run, catalog.LAZY), []
    records = selected(reading, globs, out)
    if json or findings:
        from ..analysis.findings import findings as findings_of

        names = {record.bench for record in records}
        told = findings_of(reading, [bench for bench in catalog.benches().values() if bench.name in names])
        if json:
            _print_json(reading, records, told)
            return
        lines = tables.findings(told) + ([] if globs else tables.notable(reading))
    if quality:
        for line in [*lines, *tables.doubts(reading, records)]:
            echo(line)
        return
    if not reading.records:
        echo("The run holds no cases yet.")
        return
    here = console()
    if summary or not globs:
        summaries.show(reading, here)
    if not summary:
        tables.print_tables(reading, here, records)
        lines += [] if globs else tables.quality(reading)
    for line in lines:
        echo(line)


def _print_json(reading: Reading, records: Sequence[Record], told: Mapping[str, Sequence[str]]) -> None:
    """The run with what is derived: records, headline and findings of the selection, all else of the whole run."""
    from ..analysis import derived

    data = derived.as_json(reading, told)
    if len(records) < len(reading.records):
        kept, labels = {id(record) for record in records}, {record.case.label for record in records}
        each = zip(reading.records, data["records"], strict=True)
        data["records"] = [out for record, out in each if id(record) in kept]
        data["headline"] = [one for one in data["headline"] if one["record"] in labels]
    print_json(data)


def split(chosen: Sequence[str], out: Path) -> tuple[Run, Sequence[str]]:
    """The run, and the globs: the first text is the run if it is a file, looks like one, or is a run's id.

    Where there is no run yet it is one, too: a folder may then be meant, which else has the name of a topic.
    """
    from ..record import store

    if not chosen:
        return open_run(None, out), ()
    first, *rest = chosen
    if not first or _is_file(first) or any(path.stem == first for path in store.find(out)) or not store.find(out):
        return open_run(first, out), rest
    return open_run(None, out), chosen


def _is_file(name: str) -> bool:
    """Whether a text names a file, of whatever kind; a case such as `stream.load/simd` has a slash, too."""
    there = os.path.exists(name) and not os.path.isdir(name)  # noqa: PTH110, PTH112 - Path raises for a long name
    return there or os.path.isabs(name) or name.startswith("./") or name.endswith(".json")  # noqa: PTH117 - so it does


def selected(reading: Reading, globs: Sequence[str], out: Path) -> list[Record]:
    """The records that any of the globs matches, by topic, bench or case; UsageError where one matches none.

    It names what is near, of the run or of the ids of runs below `out`.
    """
    if not globs:
        return reading.records
    kept: set[int] = set()
    for glob in globs:
        hits = {id(record) for record in reading.records if any(matches(name, glob) for name in _names(record))}
        if not hits:
            from .. import errors
            from ..catalog import nearest
            from ..record import store

            names = [name for record in reading.records for name in _names(record)[:2]]
            topics = list(dict.fromkeys(names[::2]))
            ids = [path.stem for path in store.find(out)]
            hint = nearest(glob, dict.fromkeys([*names, *ids]), "it has", topics) if names else ""
            raise errors.UsageError(
                f"'{glob}' is no file and no run's id, and matches no bench or case of {reading.run.id}{hint}"
            )
        kept |= hits
    return [record for record in reading.records if id(record) in kept]


def _names(record: Record) -> tuple[str, ...]:
    """Topic, bench, bench and variant, and case: what a glob may match."""
    return (record.bench.partition(".")[0], record.bench, f"{record.bench}/{record.variant}", record.case.label)


def matches(name: str, glob: str) -> bool:
    """Whether a glob matches a name, which may hold brackets that are meant as such."""
    return name == glob or fnmatchcase(name, glob)


def open_run(name: str | None, out: Path) -> Run:
    """A run by file or id; the newest where none is named."""
    from .. import errors
    from ..record import store

    if name is None:
        return store.read(store.newest(out))
    if not name:
        raise errors.UsageError("RUN is empty; name a run file or a run's id, or omit it for the newest run")
    if _is_file(name) or os.path.isdir(name):  # noqa: PTH112 - Path raises for a long name
        return store.read(Path(name))
    for path in store.find(out):
        if path.stem == name:
            return store.read(path)
    raise errors.StoreError(f"{name} is no file, and no run with this id is below {out / 'runs'}")
