"""`fleet compact`: the runs of a day become one Parquet, named by the runs that it was made of.

The name makes it idempotent and safe to do twice at once: who has the same runs writes the same name, and who has more
of them a later one. A day that got runs later is made anew from its Parquet and the new runs alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..errors import StoreError
from ..record import collector, estimate, store
from ..record.model import Run
from ..record.text import printable
from . import database, objects, table
from .objects import KEY, PARQUET, RUNS
from .rows import Figures, Row, rows
from .store import AwayError, MissingError, Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PART = 250  # runs that a worker reads at a time
TOGETHER = 1000  # records whose samples are resampled together
ALONE = 2 * PART  # up to so many runs no worker is started, which takes a second
ORDER = 'quantity, machine, started, run, "case"'


@dataclass
class Day:
    """What was done for a day: runs that it has, that were read now, and objects that could not be read."""

    day: str
    runs: int
    read: int = 0
    key: str = ""
    failures: list[str] = field(default_factory=list)

    @property
    def made(self) -> bool:
        """Whether a Parquet was written."""
        return bool(self.key)


def compact(url: str, days: Sequence[str] = (), jobs: int | None = None) -> Iterator[Day]:
    """Make the Parquet of each day that has runs without one; a day after the other, with workers for many runs."""
    target = Store.open(url)
    wanted = [day for day in target.folders(RUNS) if objects.DAY.fullmatch(day) and (not days or day in days)]
    with contextlib.ExitStack() as stack:
        pool: Executor | None = None
        for day in wanted:
            there = target.keys(f"{PARQUET}/{day}")  # before the runs: see _tidy
            keys, foreign = _runs(target, day)
            done = Day(day, len(keys), failures=foreign)
            if keys and (key := name(day, keys)) not in there:
                directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hwbench-fleet-")))
                former, old = _former(target, there, day, directory, keys)
                new = [one for one in keys if one not in old]
                if pool is None and len(new) > ALONE and (workers := jobs or _cpus()) > 1:
                    context = multiprocessing.get_context("spawn")  # a fork would copy the store's client
                    pool = stack.enter_context(ProcessPoolExecutor(workers, context))
                parts = _parts(url, new, directory, pool, done)
                if parts or former:
                    data = _merged([*former, *parts], directory, {_id(one) for one in keys})
                    target.put_once(key, data, lambda *_: True)  # another process made it of the same runs
                    done.key = key
                there = target.keys(f"{PARQUET}/{day}")
                keys, _ = _runs(target, day)
            _tidy(target, there, day, keys)
            yield done


def _cpus() -> int:
    """The CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def name(day: str, keys: Sequence[str]) -> str:
    """The key of the Parquet of these runs."""
    digest = hashlib.sha256(json.dumps([table.VERSION, sorted(keys)]).encode()).hexdigest()[:16]
    return f"{PARQUET}/{day}/{len(keys):08d}-{digest}.parquet"


def _runs(target: Store, day: str) -> tuple[list[str], list[str]]:
    """The keys of a day's runs, and a line for what is none."""
    found = target.keys(f"{RUNS}/{day}")
    keys = [key for key in found if (one := KEY.fullmatch(key)) and one[1] == day]
    other = sorted(set(found) - set(keys))
    told = f"{target.url}: {printable(other[0])[:100]}: is no object of a run; left out" if other else ""
    return keys, [told + (f", as {len(other) - 1} others" if len(other) > 1 else "")] if told else []


def _id(key: str) -> str:
    found = KEY.fullmatch(key)
    assert found is not None
    return found[2]


def _tidy(target: Store, there: Sequence[str], day: str, keys: Sequence[str]) -> None:
    """Remove files of the day that were replaced.

    They were listed before the runs: what was there then was made of no more runs than these. Where these have their
    file, no other is needed; a file that is newer than these runs was not listed.
    """
    if keys and (mine := name(day, keys)) in there:
        target.delete([key for key in there if database.FILE.fullmatch(key) and key != mine])


def _former(
    target: Store, there: Sequence[str], day: str, directory: Path, keys: Sequence[str]
) -> tuple[list[Path], set[str]]:
    """The file that the day has, if it can be read and has these columns, and the keys of its runs."""
    path = directory / "former.parquet"
    for key in reversed(database.current(there, day, day)):
        with contextlib.suppress(StoreError):
            connection = database.connect(directory)
            try:
                connection.execute(f"CREATE TABLE {table.NAME} ({database.columns()})")
                data = target.get(key)
                database.insert(connection, data, path, key)
                path.write_bytes(data)
                ids = database.run_ids(connection, [path])
            finally:
                connection.close()
            return [path], {one for one in keys if _id(one) in ids}
    return [], set()


def _parts(url: str, keys: Sequence[str], directory: Path, pool: Executor | None, done: Day) -> list[Path]:
    """Files of the rows of runs; what could not be read is in `done`."""
    pieces = [keys[at : at + PART] for at in range(0, len(keys), PART)]
    paths = [directory / f"part-{number}.parquet" for number in range(len(pieces))]
    each: Callable[..., Iterator[tuple[int, list[str]]]] = map if pool is None else pool.map
    written = []
    for path, (count, failures) in zip(paths, each(part, [url] * len(pieces), pieces, paths), strict=True):
        done.read += count
        done.failures += failures
        if path.exists():  # runs may have no case
            written.append(path)
    return written


def part(url: str, keys: Sequence[str], path: Path) -> tuple[int, list[str]]:
    """Write the rows of these runs to a file; how many runs could be read, and a line for each that could not.

    StoreError where the store failed: a file without a run that is there would pass for one of all.
    """
    target = Store.open(url)
    found: list[Row] = []
    failures: list[str] = []
    waiting: list[tuple[str, Run]] = []
    count = 0
    with collector.paused():
        for at, (key, data) in enumerate(target.get_many(keys), 1):
            if isinstance(data, AwayError):
                raise data
            name = f"{target.url}: {key}"
            try:
                waiting.append((name, of_object(key, data, name)))
            except StoreError as error:
                failures.append(str(error))
            if at == len(keys) or sum(len(run.records) for _, run in waiting) >= TOGETHER:
                count += _add(waiting, found, failures)
                waiting.clear()
        if found:
            connection = database.connect(path.parent, threads=1)
            try:
                _write(connection, found, path)
            finally:
                connection.close()
    return count, failures


def _add(runs: Sequence[tuple[str, Run]], found: list[Row], failures: list[str]) -> int:
    """Add the rows of runs with their names, and a line for each that has none; how many have."""
    estimate.prepare(record.samples for _, run in runs for record in run.records if record.timed)
    before = len(failures)
    for name, run in runs:
        try:
            found += of_run(run, name)
        except StoreError as error:
            failures.append(str(error))
    return len(runs) - (len(failures) - before)


def of_object(key: str, data: bytes | StoreError, name: str) -> Run:
    """The run in an object; StoreError where it is none, or that of another key."""
    if isinstance(data, MissingError):
        raise StoreError(f"{name}: was removed meanwhile; left out")
    if isinstance(data, StoreError):
        raise data
    run = store.decode(objects.unpacked(data, name), name, Figures)
    if run.finished is None:
        raise StoreError(f"{name}: is a run that was not finished; left out")
    if objects.key_of(run) != key:
        raise StoreError(f"{name}: holds another run than its name says; left out")
    return run


def of_run(run: Run, name: str) -> list[Row]:
    """The rows of a run; StoreError where it has none that can be reckoned."""
    try:
        return list(rows(run))
    except StoreError as error:
        raise StoreError(f"{name}: {error}; left out") from None
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise StoreError(f"{name}: cannot be read ({type(error).__name__}); left out") from None


def _write(connection: DuckDBPyConnection, found: Sequence[Row], path: Path) -> None:
    """Write rows as Parquet, by way of lines of JSON: arrays of Python would need pandas."""
    lines = path.with_suffix(".jsonl")
    encode = msgspec.json.Encoder().encode
    lines.write_bytes(b"\n".join(encode(dict(zip(table.COLUMNS, row, strict=True))) for row in found))
    kinds = ", ".join(f"'{name}': '{kind}'" for name, kind in table.COLUMNS.items())
    source = f"read_json(?, format = 'newline_delimited', columns = {{{kinds}}})"
    try:
        connection.execute(f"COPY (SELECT * FROM {source}) TO '{_quoted(path)}' (FORMAT parquet)", [str(lines)])  # noqa: S608
    finally:
        lines.unlink()


def _merged(paths: Sequence[Path], directory: Path, ids: set[str]) -> bytes:
    """One file of several, in an order that depends on the rows alone, without runs that the store lost."""
    made = directory / "day.parquet"
    connection = database.connect(directory)
    try:
        connection.execute("CREATE TABLE wanted (id VARCHAR)")
        connection.execute("INSERT INTO wanted SELECT unnest(?)", [sorted(ids)])
        connection.execute(
            f"COPY (SELECT {database.selected()} FROM {database.SOURCE} WHERE run IN (SELECT id FROM wanted) "  # noqa: S608
            f"ORDER BY {ORDER}) TO '{_quoted(made)}' (FORMAT parquet, COMPRESSION zstd)",
            [[str(path) for path in paths]],
        )
    finally:
        connection.close()
    return made.read_bytes()


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
