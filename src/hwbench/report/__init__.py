"""Runs as one offline HTML page, and as small pictures.

Jinja and Vega's JavaScript are imported when a page or a picture is made, not before. The benches are handed in
as `catalogue`, by name: the report takes their questions, baselines, limits and findings from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..analysis.reading import Reading
from ..bench import Bench
from ..record.model import Run
from ..tracking.history import History


def render(runs: Sequence[Run | Reading], histories: Sequence[History] = (), *, catalogue: Mapping[str, Bench]) -> str:
    """One HTML page of the runs, complete in itself: it loads nothing and opens from `file://`.

    Several runs stand side by side, named by machine and date; histories are shown commit by commit. ValueError where
    there is neither.
    """
    from .page import render as render_page

    return render_page(runs, histories, catalogue=catalogue)


def write(
    runs: Sequence[Run | Reading], path: Path, histories: Sequence[History] = (), *, catalogue: Mapping[str, Bench]
) -> None:
    """Render the runs into a file, whole or not at all; `StoreError` where it cannot be written."""
    from ..record.store import write_bytes

    write_bytes(encoded(runs, histories, catalogue=catalogue), path)


def encoded(
    runs: Sequence[Run | Reading], histories: Sequence[History] = (), *, catalogue: Mapping[str, Bench]
) -> bytes:
    """The page as a file holds it; a lone surrogate, which cannot be UTF-8, is replaced by a question mark."""
    return render(runs, histories, catalogue=catalogue).encode("utf-8", "replace")


def pictures(run: Run, directory: Path, *, catalogue: Mapping[str, Bench]) -> list[Path]:
    """Small SVGs of a run for a README; the files written. A picture whose benches were not measured is left out."""
    from .svg import write_pictures

    return write_pictures(run, directory, catalogue=catalogue)
