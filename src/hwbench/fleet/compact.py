"""`fleet compact`: the runs of a day become one Parquet, named by the runs that were read for it.

The name makes it idempotent and safe to do twice at once: who has the same runs writes the same name, and who has more
of them a later one. A day that got runs later is made anew from its Parquet and the new runs alone. A run that could
not be read is tried again each time: another version of hwbench may read it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ..errors import StoreError
from ..record import collector, estimate, store
from ..record.model import Run
from ..record.phrases import counted
from ..record.text import printable
from . import database, objects, table
from .objects import KEY, PARQUET, RUNS
from .rows import Figures, Row, rows
from .store import LargeError, MissingError, Store

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

PART = 250  # runs that a worker reads at a time
TOGETHER = 1000  # records whose samples are resampled together
ALONE = 2 * PART  # up to so many runs no worker is started, which takes a second
ORDER = 'quantity, machine, started, run, "case"'


@dataclass
class Day:
    """What was done for a day: runs in its Parquet, those read now, those left out, and why, a line each."""

    day: str
    runs: int
    read: int = 0
    left: int = 0
    key: str = ""
    failures: list[str] = field(default_factory=list)

    @property
    def made(self) -> bool:
        """Whether a Parquet was written."""
        return bool(self.key)


def compact(url: str, days: Sequence[str] = (), jobs: int | None = None) -> Iterator[Day]:
    """Make the Parquet of each day that has runs without one; a day after the other, with workers for many runs."""
    target = Store.open(url)
    wanted = [day for day in target.folders(RUNS) if objects.is_day(day) and (not days or day in days)]
    with contextlib.ExitStack() as stack:
        pool: Executor | None = None
        for day in wanted:
            there = target.keys(f"{PARQUET}/{day}")  # before the runs: see _tidy
            before = there
            keys, foreign = _runs(target, day)
            done = Day(day, len(keys), failures=foreign)
            left: set[str] = set()
            if keys and name(day, keys) not in there:
                directory = stack.enter_context(database.scratch())
                former, old = _former(target, there, day, directory, keys)
                new = [one for one in keys if one not in old]
                if pool is None and len(new) > ALONE and (workers := jobs or _cpus()) > 1:
                    context = multiprocessing.get_context("spawn")  # a fork would copy the store's client
                    pool = stack.enter_context(ProcessPoolExecutor(workers, context))
                parts, read = _parts(url, new, directory, pool, done)
                read |= old
                left = set(keys) - read
                done.runs, done.left = len(read), len(left)
                key = name(day, read)
                if (parts or former) and key not in there:
                    data = _merged([*former, *parts], directory, {_id(one) for one in read})
                    target.put_once(key, data, lambda *_: True)  # another process made it of the same runs
                    done.key = key
                there = target.keys(f"{PARQUET}/{day}")
                keys, _ = _runs(target, day)
            _tidy(target, there, day, keys, left, before)
            yield done


def _cpus() -> int:
    """The CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def name(day: str, keys: Collection[str]) -> str:
    """The key of the Parquet of these runs."""
    digest = hashlib.sha256(json.dumps([table.VERSION, sorted(keys)]).encode()).hexdigest()[:16]
    return f"{PARQUET}/{day}/{len(keys):08d}-{digest}.parquet"


def _runs(target: Store, day: str) -> tuple[list[str], list[str]]:
    """The keys of a day's runs, and a line for what is none."""
    found = target.keys(f"{RUNS}/{day}")
    keys = [key for key in found if (one := KEY.fullmatch(key)) and one[1] == day]
    other = sorted(set(found) - set(keys))
    told = f"{target.url}: {printable(other[0])[:100]}: is no object of a run; left out" if other else ""
    more = f", and {counted(len(other) - 1, 'other')}" if len(other) > 1 else ""
    return keys, [told + more] if told else []


def _id(key: str) -> str:
    found = KEY.fullmatch(key)
    assert found is not None
    return found[2]


def _tidy(
    target: Store, there: Sequence[str], day: str, keys: Sequence[str], left: Collection[str], before: Sequence[str]
) -> None:
    """Remove files of the day that were replaced.

    They were listed before the runs: what was there then was made of no more runs than these. Where these have their
    file, no other is needed; a file that is newer than these runs was not listed. Where runs were left out, another
    process may have read them since: a file of more runs stays that was not there `before`.
    """
    ours = [key for key in there if database.FILE.fullmatch(key)]
    if keys and (mine := name(day, keys)) in ours:
        target.delete([key for key in ours if key != mine])
    elif left and (mine := name(day, set(keys) - set(left))) in ours:
        target.delete([key for key in ours if key < mine or (key in before and key != mine)])


def _former(
    target: Store, there: Sequence[str], day: str, directory: Path, keys: Sequence[str]
) -> tuple[list[Path], set[str]]:
    """The file that the day has, if it can be read and has these columns, and the keys of its runs."""
    path = directory / "former.parquet"
    for key in reversed(database.current(there, day, day)):
        try:
            data = target.get(key)
        except (MissingError, LargeError):
            continue
        with contextlib.suppress(StoreError):
            connection = database.connect(directory)
            try:
                connection.execute(f"CREATE TABLE {table.NAME} ({database.columns()})")
                database.insert(connection, data, path, key)
                path.write_bytes(data)
                ids = database.run_ids(connection, [path])
            finally:
                connection.close()
            return [path], {one for one in keys if _id(one) in ids}
    return [], set()


def _parts(
    url: str, keys: Sequence[str], directory: Path, pool: Executor | None, done: Day
) -> tuple[list[Path], set[str]]:
    """Files of the rows of runs, and the keys of those that were read; what could not be read is in `done`."""
    pieces = [keys[at : at + PART] for at in range(0, len(keys), PART)]
    paths = [directory / f"part-{number}.parquet" for number in range(len(pieces))]
    each: Callable[..., Iterator[tuple[list[str], list[str]]]] = map if pool is None else pool.map
    written, taken = [], set()
    for path, (read, failures) in zip(paths, each(part, [url] * len(pieces), pieces, paths), strict=True):
        done.read += len(read)
        taken.update(read)
        done.failures += failures
        if path.exists():  # runs may have no case
            written.append(path)
    return written, taken


def part(url: str, keys: Sequence[str], path: Path) -> tuple[list[str], list[str]]:
    """Write the rows of these runs to a file; the keys of those that could be read, and a line for each other.

    StoreError where the store failed or refused: a file without a run that is there would pass for one of all.
    """
    target = Store.open(url)
    found: list[Row] = []
    failures: list[str] = []
    waiting: list[tuple[str, Run]] = []
    taken: list[str] = []
    with collector.paused():
        for at, (key, data) in enumerate(target.get_many(keys), 1):
            name = f"{target.url}: {key}"
            if isinstance(data, StoreError) and not isinstance(data, MissingError | LargeError):
                raise data
            try:
                waiting.append((name, of_object(key, data, name)))
            except StoreError as error:
                failures.append(str(error))
            if at == len(keys) or sum(len(run.records) for _, run in waiting) >= TOGETHER:
                taken += _add(waiting, found, failures)
                waiting.clear()
        if found:
            connection = database.connect(path.parent, threads=1)
            try:
                _write(connection, found, path)
            finally:
                connection.close()
    return taken, failures


def _add(runs: Sequence[tuple[str, Run]], found: list[Row], failures: list[str]) -> list[str]:
    """Add the rows of runs with their names, and a line for each that has none; the keys of those that have."""
    estimate.prepare(record.samples for _, run in runs for record in run.records if record.timed)
    taken = []
    for name, run in runs:
        try:
            found += of_run(run, name)
            taken.append(objects.key_of(run))
        except StoreError as error:
            failures.append(str(error))
    return taken


def of_object(key: str, data: bytes | StoreError, name: str) -> Run:
    """The run in an object; StoreError where it is none, or that of another key."""
    if isinstance(data, MissingError):
        raise StoreError(f"{name}: was removed meanwhile; left out")
    if isinstance(data, StoreError):
        raise StoreError(f"{data}; left out")
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
