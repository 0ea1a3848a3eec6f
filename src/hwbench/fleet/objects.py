"""A run as an object of a store: its key, its bytes, and what may be read of it."""

from __future__ import annotations

import gzip
import re
import zlib
from datetime import date
from pathlib import Path

from ..errors import StoreError
from ..record import foreign, store
from ..record.model import Run

RUNS, PARQUET = "runs", "parquet"
KEY = re.compile(rf"{RUNS}/(\d{{4}}-\d\d-\d\d)/([A-Za-z0-9._-]{{1,120}})\.json\.gz")
ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def is_day(text: str) -> bool:
    """Whether the calendar has this day."""
    try:
        return DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def key_of(run: Run) -> str:
    """`runs/<UTC day of its start>/<id>.json.gz`; StoreError for a run whose id or start cannot be part of a key."""
    day = run.started[:10]
    if not ID.fullmatch(run.id) or not DAY.fullmatch(day):
        raise StoreError("the id or the start of the run is none that hwbench gives; it cannot be the key of an object")
    return f"{RUNS}/{day}/{run.id}.json.gz"


def packed(path: Path) -> tuple[Run, bytes]:
    """The run in a file, and the bytes of its object; StoreError where it is no run or not finished."""
    data = foreign.read_bytes(path, store.LARGEST, "a run file", "name a file that hwbench wrote")
    run = store.decode(data, str(path))
    if run.finished is None:
        raise StoreError(f"{path}: is not finished; `hwbench run --resume` goes on with it")
    return run, compressed(data)


def compressed(data: bytes) -> bytes:
    """The object of a run file of these bytes."""
    return gzip.compress(data, 6, mtime=0)


def unpacked(data: bytes, name: str) -> bytes:
    """The JSON in an object; StoreError where it is cut off, or larger than a run file may be."""
    reader = zlib.decompressobj(31)
    try:
        found = reader.decompress(data, store.LARGEST + 1)
    except zlib.error:
        raise StoreError(f"{name}: is not compressed as a run is; left out") from None
    if len(found) > store.LARGEST:
        raise StoreError(f"{name}: is larger than a run file may be; left out")
    if not reader.eof:
        raise StoreError(f"{name}: was cut off; left out")
    return found


def same(one: bytes, other: bytes) -> bool:
    """Whether two objects hold the same run: another version of zlib compresses it to other bytes."""
    try:
        return one == other or unpacked(one, "") == unpacked(other, "")
    except StoreError:
        return False
