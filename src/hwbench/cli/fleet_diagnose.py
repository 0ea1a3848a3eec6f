"""`hwbench fleet diagnose` and `report`: the odd machines of a store, and a page of all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import echo, echo_err, print_json
from .fleet_store import Since, Until, Url, day_of
from .options import AsJson, Out, page_path
from .signals import handle, leave, load_numpy

if TYPE_CHECKING:
    from ..fleet.cube import Cube
    from ..fleet.diagnosis import Accused, Diagnosis

SHOWN = 20  # machines that are printed; --json and the page have all


def diagnose(
    url: Url,
    json: AsJson = False,
    retest: Annotated[
        bool,
        typer.Option("--retest", help="Print only the doubtful machines, for `fleet run --machines FILE`."),
    ] = False,
    since: Since = "",
    until: Until = "",
) -> None:
    """Name the odd machines of a store, and what in each is at fault.

    Exit code 1 if there are some.
    """
    handle(leave)
    from ..errors import UsageError

    if json and retest:
        raise UsageError("--json and --retest: choose one")
    made = _cube(url, since, until, told=not (json or retest))
    from ..fleet import diagnosis

    told = diagnosis.diagnose(made)
    if retest:
        for line in _again(told, url):
            echo(line)
        return
    if json:
        print_json(told)
    else:
        for line in _lines(told):
            echo(line)
    if told.odd:
        raise typer.Exit(1)


def report(
    url: Url,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The page; default: fleet.html in --out.")
    ] = None,
    out: Out = Path("reports"),
    since: Since = "",
    until: Until = "",
) -> None:
    """Write one offline HTML page of a store.

    It shows the odd machines, a map of all, distributions and drift.
    """
    handle(leave)
    file = page_path(output, out, "fleet.html")
    made = _cube(url, since, until)
    from ..fleet import page
    from ..record import store

    store.write_bytes(page.render(made).encode(), file)
    echo(f"report: {file}")


def _cube(url: str, since: str, until: str, *, told: bool = False) -> Cube:
    """The figures of a store. What cannot be read is a warning, unless the answer tells it (`told`)."""
    load_numpy()
    from ..fleet import reading
    from ..fleet.store import Store

    first, last = day_of(since, "--since"), day_of(until, "--until") or "~"
    refused: list[str] = []
    try:
        return reading.read(Store.open(url), refused.append if told else _warn, first, last)
    except Exception:
        for line in refused:
            _warn(line)
        raise


def _warn(line: str) -> None:
    echo_err(f"warning: {line}")


def _again(told: Diagnosis, url: str) -> Iterator[str]:
    """The doubtful machines, one a line, each with the benches that tell most about it."""
    from ..fleet.diagnosis import called
    from ..record.text import printable

    benches = sorted({bench for one in told.doubtful for bench in one.retest})
    yield f"# hwbench fleet run --to {printable(url)} --machines THIS_FILE {' '.join(map(printable, benches))}".rstrip()
    for one in told.doubtful:
        if not one.machine.strip():  # it cannot be asked for by its name
            yield f"# {called(one.machine)}"
            continue
        yield printable(f"{one.machine}  # {one.component}? {' '.join(one.retest)}".rstrip())


def _lines(told: Diagnosis) -> Iterator[str]:
    from ..record.phrases import counted
    from ..record.text import printable
    from .aligned import wrapped

    width = _width()

    groups = counted(len(told.groups), "group")
    yield (
        f"{counted(told.machines, 'machine')} in {groups}: {len(told.odd)} odd, {len(told.doubtful)} doubtful "
        "(to be measured again)"
    )
    for one in told.groups:
        machines = counted(one.machines, "machine")
        if one.judged_by == f"{machines} alike":
            continue
        by = one.judged_by if one.judged_by.startswith(machines) else f"{machines}, judged by {one.judged_by}"
        yield from wrapped(printable(f"{one.hardware} ({one.model or 'unknown CPU'}): {by}"), width)
    for title, rows in (("odd", told.odd), ("doubtful", told.doubtful)):
        for each in rows[:SHOWN]:
            yield ""
            yield from _accused(title, each)
        if len(rows) > SHOWN:
            yield ""
            yield f"and {len(rows) - SHOWN} more that are {title}: --json and `hwbench fleet report` have them all"
    if told.refused:
        yield ""
        for line in told.refused:
            yield from wrapped(printable(f"left out: {line}"), width)


def _accused(title: str, one: Accused) -> Iterator[str]:
    from ..fleet.diagnosis import advice, called
    from ..record.text import printable
    from .aligned import wrapped

    width = _width()
    other = f"; else {one.second}" if one.second else ""
    case = "" if title == "odd" else "if it is at fault, "
    yield from wrapped(
        printable(f"{called(one.machine)} is {title}: {case}{one.component}, {one.chance}{other}"), width
    )
    yield from _wrapped(printable("; ".join(it.words for it in one.evidence)), width)
    why, retest = getattr(one, "why", ""), getattr(one, "retest", ())
    if why:
        yield from _wrapped(printable(f"{why}: {', '.join(retest) or 'all benches'}"), width)
    elif advice(one.component):
        yield from _wrapped(printable(f"look at {advice(one.component)}"), width)


def _width() -> int:
    return min(shutil.get_terminal_size((80, 24)).columns, 110)


def _wrapped(said: str, width: int) -> Sequence[str]:
    from .aligned import wrapped

    return ["  " + line.strip() for line in wrapped(said, width - 2)]
