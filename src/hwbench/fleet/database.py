"""The Parquet of a store in DuckDB: which files count, and the table that they fill. Nothing of a file is obeyed.

Files are fetched by their names and read from a directory of our own: DuckDB never sees the store.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import StoreError, UsageError
from ..record.installing import command
from ..record.text import printable
from . import table
from .objects import DAY, PARQUET
from .store import Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCRATCH = "hwbench-fleet-"
DAY_S = 86400.0
# The count of runs comes first: of two files of a day the one of more runs is the newer, since runs are only added.
FILE = re.compile(rf"{PARQUET}/({DAY.pattern})/(\d{{8}}-[0-9a-f]{{16}})\.parquet")


def current(keys: Iterable[str], since: str = "", until: str = "~") -> list[str]:
    """The file of each day that counts, by day; the others were replaced, or are none of ours."""
    found: dict[str, str] = {}
    for key in keys:
        if (one := FILE.fullmatch(key)) and since <= one[1] <= until:
            found[one[1]] = max(found.get(one[1], ""), key)
    return [found[day] for day in sorted(found)]


@contextlib.contextmanager
def opened(
    store: Store, tell: Callable[[str], None], since: str = "", until: str = "~"
) -> Iterator[DuckDBPyConnection]:
    """DuckDB with all that counts in the table `cases`; StoreError where there is none.

    A file that cannot be read is told of in one line, and the rest is read.
    """
    with scratch() as directory:
        connection = connect(directory)
        try:
            connection.execute(f"CREATE TABLE {table.NAME} ({columns()})")
            if not load(connection, store, directory, tell, since, until):
                days = [_day(key) for key in current(store.keys(PARQUET))]
                if days and not any(since <= day <= until for day in days):
                    asked = f" from {since}" * bool(since) + f" to {until}" * (until != "~")
                    raise StoreError(
                        f"{store.url}: has no compacted runs{asked}; those that it has are from {days[0]} to {days[-1]}"
                    )
                raise StoreError(
                    f"{store.url}: holds no readable Parquet; `hwbench fleet compact {store.url}` makes it"
                )
            yield connection
        finally:
            connection.close()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A directory of our own; those of processes that were killed more than a day ago are removed."""
    for path in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"):
        with contextlib.suppress(OSError):
            found = path.lstat()
            if (
                stat.S_ISDIR(found.st_mode)
                and (not hasattr(os, "getuid") or found.st_uid == os.getuid())
                and time.time() - found.st_mtime > DAY_S
            ):
                shutil.rmtree(path, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as name:
        yield Path(name)


def connect(directory: Path, threads: int | None = None) -> DuckDBPyConnection:
    """A database in memory that loads no extension, sees no variable of Python, and keeps what is too large here."""
    try:
        import duckdb
    except ImportError:
        raise UsageError(f"this needs duckdb, which is not installed: {command('fleet')}") from None
    config: dict[str, str | bool | int | float | list[str]] = {
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": str(directory / "spill"),
        **({"threads": threads} if threads else {}),
    }
    return duckdb.connect(":memory:", config=config)


def columns() -> str:
    """The columns as SQL declares them."""
    return ", ".join(f'"{name}" {kind}' for name, kind in table.COLUMNS.items())


def selected() -> str:
    """The columns as SQL selects them from a file, whatever types it has."""
    return ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in table.COLUMNS.items())


def load(
    connection: DuckDBPyConnection,
    store: Store,
    directory: Path,
    tell: Callable[[str], None],
    since: str = "",
    until: str = "~",
) -> int:
    """Fill the table with the files of these days; how many were read. Listed again once: one may just be replaced."""
    read: set[str] = set()  # days
    failed: dict[str, StoreError] = {}
    for _ in range(2):
        wanted = [key for key in current(store.keys(PARQUET), since, until) if _day(key) not in read]
        failed = {}
        for key, data in store.get_many(wanted):
            try:
                if isinstance(data, StoreError):
                    raise data
                insert(connection, data, directory / "fetched.parquet", f"{store.url}: {printable(key)}")
                read.add(_day(key))
            except StoreError as error:
                failed[key] = error
        if not failed:
            break
    for why in failed.values():
        tell(str(why))
    return len(read)


def _day(key: str) -> str:
    found = FILE.fullmatch(key)
    assert found is not None
    return found[1]


def insert(connection: DuckDBPyConnection, data: bytes, path: Path, name: str) -> None:
    """Add the rows of a Parquet file to the table, all or none; StoreError where it is none of a fleet."""
    import duckdb

    path.write_bytes(data)
    try:
        connection.execute(
            f"INSERT INTO {table.NAME} SELECT {selected()} FROM {SOURCE}",  # noqa: S608 - names of our own
            [[str(path)]],
        )
    except duckdb.Error as error:
        raise StoreError(
            f"{name}: {unreadable(error)}; remove it, then `hwbench fleet compact` makes it anew"
        ) from None
    finally:
        path.unlink()


SOURCE = "read_parquet(?, hive_partitioning = false)"


def unreadable(error: Exception) -> str:
    """What is wrong with a Parquet file, in a few words."""
    told = type(error).__name__
    if told == "BinderException":
        return "is Parquet of other columns"
    if told == "ConversionException":
        return "is Parquet with columns of other types"
    return "is no Parquet, or was cut off"


def run_ids(connection: DuckDBPyConnection, paths: Sequence[Path]) -> set[str]:
    """The ids of the runs in files."""
    found = connection.execute(f"SELECT DISTINCT run FROM {SOURCE}", [[str(path) for path in paths]]).fetchall()  # noqa: S608
    return {str(row[0]) for row in found}
