"""`hwbench list`: the benches, and what of each this machine can run."""

from __future__ import annotations

from .console import console, print_json
from .options import AsJson, Select


def list_benches(select: Select = None, json: AsJson = False) -> None:
    """List the benches: question, variants, axes, which cases this machine can run, and why not the others."""
    from .. import catalog
    from ..measurement import numba_settings
    from . import listing

    numba_settings.check()  # before Numba is imported: the size of our share of a cache is measured with it
    entries = listing.entries(catalog.select(select or ()))
    if json:
        print_json(entries)
    else:
        listing.print_entries(entries, console())
