"""`hwbench list`: the benches by topic, those selected with their questions, or all that can be said of them."""

from __future__ import annotations

from typing import Annotated

import typer

from .console import console, echo, print_json
from .options import AsJson, Select


def list_benches(
    select: Select = None,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Also axes, variants, and what cannot run here and why.")
    ] = False,
    json: AsJson = False,
) -> None:
    """List the benches by topic, selected ones with their questions; -v tells all."""
    import shutil

    from .. import catalog
    from ..measurement import numba_settings
    from . import listing

    numba_settings.check()  # before Numba is imported: the size of our share of a cache is measured with it
    chosen = catalog.select(select or ())
    if json:
        print_json(listing.entries(chosen))
    elif verbose:
        listing.print_entries(listing.entries(chosen), console())
    else:
        width = shutil.get_terminal_size().columns
        for line in listing.questions(chosen, width) if select else listing.overview(chosen, width):
            echo(line)
