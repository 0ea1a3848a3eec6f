"""What was measured, on disk as soon as it is: a line for each process, after a first line that says what was asked.

Each line is written and synced whole, so that a crash or a `kill -9` costs the process under way alone. A last line
that was cut off is left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from .. import cache
from ..errors import UsageError
from ..record import files, store, text
from ..record.phrases import counted
from ..tracking.history import TrackingError
from ..tracking.rules import Rules
from .layout import Layout
from .results import Read
from .values import Value

FILE = "ab.jsonl"
LARGEST = 2**31
FORMAT = 2


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured, which a continued measurement must repeat, and what was drawn and found out for it."""

    format: int = FORMAT
    command: str
    sides: tuple[str, str]  # the commit, or the path of the Python
    names: tuple[str, str]
    much: str = ""  # quads or time: more of them after a verdict would add to its error
    options: Mapping[str, str] = {}  # whatever else changes what is measured: option, and what it said
    seed: int
    mode: str = ""  # abba or duet; "" until it is known
    why: str = ""  # for the mode
    cpus: tuple[int, ...] = ()
    started: str = ""

    def differs(self, other: Asked) -> str:
        """What another measurement asks otherwise, by its option; "" where it asks the same."""
        mine, others = ({"the command": one.command, "--base": one.sides[0], "--new": one.sides[1],
                         "--quads, --for or --see": one.much, **one.options} for one in (self, other))  # fmt: skip
        name = next((name for name in {**mine, **others} if mine.get(name, "") != others.get(name, "")), "")
        told = (one.get(name) or "nothing" for one in (mine, others))
        return name and "{}: was {}, and is now {}".format(name, *told)


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A process: its quad and place in it, its side, CPUs and layout, when it began, how long it took, what it gave."""

    quad: int
    step: int
    side: int
    layout: Layout
    began: float
    seconds: float
    cpu: float
    values: Sequence[Value]
    cpus: tuple[int, ...] = ()
    names: Mapping[str, Value] = {}
    failed: Mapping[str, str] = {}

    @property
    def read(self) -> Read:
        """What it gave."""
        return Read(list(self.values), self.names, self.failed)


class Journal:
    """The file of a measurement, and what stands in it."""

    def __init__(self, folder: Path, asked: Asked, measured: Sequence[Measured] = ()) -> None:
        self.folder, self.asked = folder, asked
        self.measured: list[Measured] = list(measured)

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / FILE

    def begin(self, asked: Asked) -> None:
        """Write the first line."""
        self.asked = asked
        lines = [msgspec.json.encode(one) for one in (asked, *self.measured)]
        files.write(b"\n".join(lines) + b"\n", self.path)

    def add(self, one: Measured) -> None:
        """Append a process."""
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(one) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self.measured.append(one)

    def complete(self, processes: int) -> dict[int, list[Measured]]:
        """The quads of which all processes are there, the newest of each place."""
        quads: dict[int, dict[int, Measured]] = {}
        for one in self.measured:
            quads.setdefault(one.quad, {})[one.step] = one
        return {quad: list(steps.values()) for quad, steps in sorted(quads.items()) if len(steps) == processes}


def options(
    rules: Rules, wished: Sequence[str], python: str, duet: bool | None, *, build: bool, metric: Sequence[str]
) -> dict[str, str]:
    """What changes what is measured, beside the command and the sides; of pyproject.toml metrics and directions."""
    ruled = [f"{one.glob}: {one.metric} {one.higher}" for one in rules.rules if one.metric or one.higher is not None]
    found = {
        "--metric": " ".join(metric), "--with": " ".join(wished), "--python": python,
        "--no-build": "" if build else "given", "--duet": "" if duet is None else str(duet).lower(),
        "metrics and directions": ", ".join(ruled), "the folder": str(Path.cwd()),
    }  # fmt: skip
    return {name: said for name, said in found.items() if said}


def kept_at(asked: Asked) -> Path:
    """Where a measurement is kept that names no folder: one for each question."""
    said = msgspec.json.encode((asked.command, asked.sides, str(Path.cwd())))
    return cache.directory("ab", "measured", hashlib.sha256(said).hexdigest()[:16])


def opened(asked: Asked, keep: Path | None, *, resume: bool, say: Callable[[str], None] = lambda _: None) -> Journal:
    """A new journal, or the one that is continued; UsageError where that is of something else.

    What an interrupted measurement left in the cache is set aside until this one is judged, and `say` tells of it.
    """
    folder = keep or kept_at(asked)
    path = folder / FILE
    if resume:
        found = _read(path)
        if differs := found.asked.differs(asked):
            raise UsageError(
                f"--resume: {path} is of another question ({differs}); repeat the options of the interrupted "
                "measurement, or leave out --resume"
            )
        found.begin(found.asked)  # without a line that was cut off
        return found
    if keep is not None and path.exists():
        raise UsageError(f"--keep {keep}: holds a measurement; continue it by --resume, or name another folder")
    store.prepare(folder)
    for left in folder.glob("*"):
        if keep is None and left.is_file() and left.name != FILE:
            left.unlink()
    if keep is None and path.exists():
        aside = path.replace(path.with_suffix(".before"))
        if count := len(aside.read_bytes().splitlines()[1:]):
            say(
                f"an earlier measurement of this question ({counted(count, 'process', 'processes')}) is set aside "
                f"until this one ends ({aside}); --resume would have continued it"
            )
    return Journal(folder, asked)


def _read(path: Path) -> Journal:
    try:
        lines = files.read(path, LARGEST).splitlines()
    except OSError:
        raise UsageError(f"{path}: there is nothing to resume; run without --resume") from None
    try:
        asked = msgspec.json.decode(lines[0], type=Asked)
        measured = list(_measured(lines[1:], path))
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, IndexError) as error:
        raise TrackingError(f"{path}: is no measurement of hwbench ab ({text.brief(error)}); remove it") from None
    if asked.format != FORMAT:
        raise TrackingError(f"{path}: is of format {asked.format}, and {FORMAT} is read here; measure again")
    return Journal(path.parent, asked, measured)


def _measured(lines: Sequence[bytes], path: Path) -> Iterator[Measured]:
    for number, line in enumerate(lines, 2):
        try:
            yield msgspec.json.decode(line, type=Measured)
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            if number != len(lines) + 1:  # the last was cut off
                raise TrackingError(
                    f"{path}: line {number} cannot be read ({text.brief(error)}); measure again"
                ) from None


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """The only measurement of this user here; UsageError where another is under way."""
    import filelock

    path = cache.directory("ab", "measuring.lock")
    lock = filelock.FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise UsageError(
            "another hwbench ab measures on this machine, and each would disturb the other; wait until it has ended"
        ) from None
    except OSError:
        pass  # a cache that cannot be written to is told where it is needed
    try:
        yield
    finally:
        lock.release()


def forget(journal: Journal, keep: Path | None) -> None:
    """Remove what was kept for `--resume` alone."""
    if keep is None:
        with contextlib.suppress(OSError):
            shutil.rmtree(journal.folder)
