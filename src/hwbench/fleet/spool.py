"""Runs on their way to a store: a note in `<out>/spool` from before the run is measured until it is delivered.

The note names the run's file and the store. Hence a process that is killed at any moment leaves either the note or the
object, and both where it is killed in between; delivering once more finds the object and removes the note.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ..errors import StoreError, UsageError
from ..record import files, foreign, store
from ..record.model import Run
from ..record.text import printable
from . import objects
from .store import AwayError, Store

FOLDER = "spool"
LARGEST = 64 * 2**10  # bytes of a note
HEAD = 4096  # bytes of a run file that have its `finished`
FINISHED = re.compile(rb'"finished": ?(null|")')


class Note(msgspec.Struct, frozen=True):
    """Where a run goes: its file, the store's URL, and the name of its machine."""

    run: str
    to: str
    machine: str


@dataclass(frozen=True)
class Waiting:
    """A note and its file."""

    path: Path
    note: Note

    @property
    def unfinished(self) -> bool:
        """Whether the run is measured still, or was cut off; by the head of its file, which may have megabytes."""
        found = FINISHED.search(files.head(Path(self.note.run), HEAD))
        return found is not None and found[1] == b"null"

    def done(self) -> None:
        """Forget it."""
        with contextlib.suppress(FileNotFoundError):  # another process delivered it as well
            self.path.unlink()


@dataclass
class Outcome:
    """What became of runs: keys that were put or were there already, unfinished ones, and failures."""

    put: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    unfinished: list[Waiting] = field(default_factory=list)
    failures: list[StoreError] = field(default_factory=list)
    left: int = 0  # that were not tried, or failed

    def delivered(self, run: Run) -> bool:
        """Whether the store has this run."""
        return objects.key_of(run) in (*self.put, *self.there)


def absolute(url: str) -> str:
    """The URL of a store as any working directory understands it."""
    return url if "://" in url else str(Path(url).absolute())


def announce(out: Path, run: Path, url: str, machine: str = "") -> Waiting:
    """Note, before anything is measured, that the run in this file goes to a store; StoreError where that fails."""
    digest = hashlib.sha256(absolute(url).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    path = out / FOLDER / f"{run.stem}-{digest}.json"
    note = Note(str(run.absolute()), absolute(url), machine or run.parent.name)
    try:
        files.write(msgspec.json.encode(note), path)
    except (OSError, UnicodeEncodeError) as error:
        why = files.why(error) if isinstance(error, OSError) else "a name that is no UTF-8"
        raise StoreError(f"{path}: cannot be written ({why}); name another directory with --out") from None
    return Waiting(path, note)


def waiting(out: Path, failures: list[StoreError] | None = None) -> Iterator[Waiting]:
    """The notes below `out`, oldest name first; one that cannot be read is told in `failures`."""
    for path in sorted((out / FOLDER).glob("*.json")):
        if path.name.startswith("."):
            continue
        try:
            data = foreign.read_bytes(path, LARGEST, "a note of the spool", "remove it")
            yield Waiting(path, msgspec.json.decode(data, type=Note))
        except (msgspec.DecodeError, UnicodeDecodeError):
            if failures is not None:
                failures.append(StoreError(f"{path}: is no note of a run to be delivered; remove it"))
        except StoreError as error:
            if failures is not None and path.exists():
                failures.append(error)


def deliver(one: Waiting, target: Store, outcome: Outcome) -> None:
    """Put a finished run and forget its note; StoreError where the store did not take it, and the note stays."""
    path = Path(one.note.run)
    if not path.exists():
        one.done()
        raise StoreError(
            f"{printable(str(path))}: the run to be delivered was removed; its note in the spool is too, now"
        )
    run, data = objects.packed(path)
    put(target, objects.key_of(run), data, outcome)
    one.done()


def put(target: Store, key: str, data: bytes, outcome: Outcome) -> None:
    """Put the object of a run and say in `outcome` whether it was there."""
    if target.put_once(key, data, objects.same):
        outcome.put.append(key)
    else:
        outcome.there.append(key)


def hand_over(run: Run, path: Path | None, out: Path, note: Waiting) -> Outcome:
    """Deliver a run that was just measured, then what waits below `out` of this machine for the same store."""
    if path is not None:
        if path.absolute() != Path(note.note.run):  # saved elsewhere, since the disk was full
            note.done()
            note = announce(out, path, note.note.to, note.note.machine)
        return flush(out, only=note.note.to, machine=note.note.machine, first=note.note.run)
    outcome = Outcome()
    try:
        put(Store.open(note.note.to), objects.key_of(run), objects.compressed(store.encode(run)), outcome)
        note.done()
    except StoreError as error:
        outcome.failures.append(error)
    except UsageError as error:  # the client of the store broke down
        outcome.failures.append(StoreError(str(error)))
    return outcome


def flush(
    out: Path, *, to: str | None = None, only: str | None = None, machine: str | None = None, first: str | None = None
) -> Outcome:
    """Deliver what waits below `out`: all of it, or what goes to the store `only` and is of one `machine`.

    `to` is another store for all of it. The run whose file is `first` goes first. A store that is away is tried once.
    """
    outcome = Outcome()
    away: set[str] = set()
    found = list(waiting(out, outcome.failures))
    found.sort(key=lambda one: one.note.run != first)
    for one in found:
        if (only is not None and one.note.to != only) or (machine is not None and one.note.machine != machine):
            continue
        if one.unfinished:
            outcome.unfinished.append(one)
            continue
        url = to or one.note.to
        if url in away:
            outcome.left += 1
            continue
        try:
            deliver(one, Store.open(url), outcome)
        except AwayError as error:
            away.add(url)
            outcome.failures.append(error)
            outcome.left += 1
        except UsageError as error:  # a note that somebody else wrote
            outcome.failures.append(StoreError(f"{one.path}: {error}"))
            outcome.left += 1
        except StoreError as error:
            outcome.failures.append(error)
            outcome.left += one.path.exists()
    return outcome
