"""`hwbench list`: the benches by topic, those selected with their questions, or all that can be said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from .completion import benches
from .console import console, echo, print_json
from .options import AsJson


def list_benches(
    select: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SELECT]...",
            help="Benches by name, glob or topic, or files, directories or packages of benches of your own; default: "
            "the names of all.",
            autocompletion=benches,
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Also list axes, variants, and what cannot run here and why.")
    ] = False,
    json: AsJson = False,
) -> None:
    """List the benches by topic.

    Benches that are named are listed with their questions.
    """
    import shutil

    if json or verbose:
        _print_entries(select or (), json=json)
        return
    from .. import catalog
    from . import overview

    wanted = catalog.named(select or ())
    rows, width = overview.rows(), shutil.get_terminal_size().columns
    if not select:
        lines = overview.topics(rows, width)
    else:
        chosen = set(catalog.matching(wanted, [row.name for row in rows]))
        lines = overview.questions([row for row in rows if row.name in chosen], width)
    for line in lines:
        echo(line)


def _print_entries(select: Sequence[str], *, json: bool) -> None:
    from .. import catalog
    from ..measurement import numba_settings
    from . import listing

    numba_settings.check()  # before Numba is imported: the size of our share of a cache is measured with it
    entries = listing.entries(catalog.select(select))
    if json:
        print_json(entries)
    else:
        listing.print_entries(entries, console())
