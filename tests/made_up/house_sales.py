"""Tables of house sales: the shipped one, and its sales in the spelling of the competition."""

from __future__ import annotations

import csv
import io
import lzma
from collections.abc import Collection, Sequence
from pathlib import Path

from hwbench.benches.workload import _ames


def shipped() -> tuple[list[str], list[list[str]]]:
    """The shipped table: heading and rows."""
    rows = list(csv.reader(io.StringIO(lzma.decompress(_ames.SHIPPED.read_bytes()).decode())))
    return rows[0], rows[1:]


def written(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue()


def as_in_the_competition(head: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[list[str], list[list[str]]]:
    """The same table with the competition's spelling: its names, Id in front, NA for what is missing."""
    places = _ames._places(head, "shipped")
    names = [name for name in _ames.COLUMNS if name != _ames.TARGET] + [_ames.TARGET]
    out = [[str(i + 1), *(row[places[name]].strip() or "NA" for name in names)] for i, row in enumerate(rows)]
    return ["Id", *names], out


def competition_file(path: Path, drop: Collection[str] = (), sales: int = 300) -> Path:
    """Some sales as the competition has them, without the columns to drop."""
    head, rows = as_in_the_competition(*shipped())
    keep = [place for place, name in enumerate(head) if name not in drop]
    path.write_text(written([head[i] for i in keep], [[row[i] for i in keep] for row in rows[:sales]]), "utf-8")
    return path
