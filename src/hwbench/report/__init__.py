"""Runs as one offline HTML page, and as small pictures.

Everything heavy (Altair, Jinja, Vega's JavaScript) is imported when a page or a picture is made, not before.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..record.model import Run
from ..tracking.history import History


def render(runs: Sequence[Run], histories: Sequence[History] = ()) -> str:
    """One HTML page of the runs, complete in itself: it loads nothing and opens from `file://`.

    Several runs stand side by side, named by machine and date; histories are told commit by commit. ValueError where
    there is neither.
    """
    from .page import render as render_page

    return render_page(runs, histories)


def write(runs: Sequence[Run], path: Path, histories: Sequence[History] = ()) -> None:
    """Render the runs into a file, whole or not at all; `StoreError` where it cannot be written."""
    from ..record.store import write_bytes

    # A lone surrogate cannot be UTF-8; a name that holds one is shown with a question mark instead.
    write_bytes(render(runs, histories).encode("utf-8", "replace"), path)


def pictures(run: Run, directory: Path) -> list[Path]:
    """Small SVGs of a run for a README; the files written. A picture whose benches were not measured is left out."""
    from .svg import write_pictures

    return write_pictures(run, directory)
