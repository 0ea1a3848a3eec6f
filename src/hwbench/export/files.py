"""A table as the bytes of a file: CSV, JSON or Parquet."""

from __future__ import annotations

import csv
import importlib
import importlib.util
import io
from collections.abc import Callable
from typing import Any

import msgspec

from ..errors import UsageError
from ..record.installing import command
from .table import Cell, Table

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes a text for that begins so


def as_csv(table: Table) -> bytes:
    """Lines of comma-separated values with a head; an empty cell is none, and no text is a spreadsheet's formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(inert(name) for name in table.names)
    for row in table.rows():
        writer.writerow("" if cell is None else inert(cell) for cell in row.values())
    return out.getvalue().encode("utf-8", "backslashreplace")


def inert(cell: Cell) -> Cell:
    """The cell as no formula of a spreadsheet."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def as_json(table: Table) -> bytes:
    """A list of objects, one a case, a line each."""
    return b"[\n" + b",\n".join(msgspec.json.encode(row) for row in table.rows()) + b"\n]\n"


def as_parquet(table: Table) -> bytes:
    """By pyarrow, polars or arro3-io, whichever is installed; UsageError where none is."""
    for package, write in PARQUET.items():
        if importlib.util.find_spec(package) is not None:
            out = io.BytesIO()
            write(table, out)
            return out.getvalue()
    raise UsageError(f"Parquet needs pyarrow, polars or arro3-io, none of which is installed: {command('export')}")


def _pyarrow(table: Table, out: io.BytesIO) -> None:
    parquet: Any = importlib.import_module("pyarrow.parquet")
    parquet.write_table(importlib.import_module("pyarrow").table(table), out)


def _polars(table: Table, out: io.BytesIO) -> None:
    importlib.import_module("polars").DataFrame(table).write_parquet(out)


def _arro3(table: Table, out: io.BytesIO) -> None:
    importlib.import_module("arro3.io").write_parquet(table, out)


PARQUET: dict[str, Callable[[Table, io.BytesIO], None]] = {"pyarrow": _pyarrow, "polars": _polars, "arro3": _arro3}
FORMATS: dict[str, Callable[[Table], bytes]] = {"csv": as_csv, "json": as_json, "parquet": as_parquet}
