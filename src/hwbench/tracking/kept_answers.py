"""What a command said of many files, kept in the cache: asked again, it parses, builds and judges nothing.

An answer holds while all that it depends on is as it was: the question, the names, sizes and times of change of the
files and of asv's files above them, what git says of their commits, the versions of hwbench and of the packages that it
uses.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

import msgspec

from .. import cache
from ..record import sealed
from . import repository as git

LEAST = 8 * 2**20  # bytes of files; fewer are read and judged in a second
ABOVE = 5  # directories above a path where asv's own files are looked for
OF_ASV = ("asv.conf.json", "benchmarks.json")
PACKAGES = ("asv", "jinja2", "msgspec", "numpy")
PACKAGE = Path(__file__).parents[1]
DIGEST = hashlib.sha256().digest_size


class Answer(msgspec.Struct):
    """What was made of the `commits`, a line for each file that could not be read, and whether it may be kept."""

    data: bytes
    commits: list[str]
    skipped: list[str] = []
    keep: bool = True
    subjects: dict[str, str] = {}  # of the commits, in git's order


def through(
    asked: Sequence[object], paths: Sequence[Path], repository: Path, make: Callable[[], Answer],
    directory: Path | None = None,
) -> Answer:  # fmt: skip
    """What `make` answers, or has answered before to the same question about the same files.

    `asked` are the options, as values whose `repr` says all; subjects and order of commits come from `repository`.
    """
    files = _files(paths)
    if files is None or sum(size for _, size, _ in files) < LEAST:
        return make()
    question = repr((asked, [str(path) for path in paths], str(Path.cwd()), str(repository)))
    state = hashlib.sha256(repr((question, files, _software())).encode("utf-8", "replace")).digest()
    folder = directory or cache.directory("history")
    path = folder / f"answer-{hashlib.sha256(question.encode('utf-8', 'replace')).hexdigest()[:16]}"
    kept = sealed.read(path)
    if kept is not None and kept[:DIGEST] == state:
        known = msgspec.msgpack.decode(kept[DIGEST:], type=Answer)
        if [*known.subjects.items()] == [*git.subjects(known.commits, repository).items()]:
            return known
    made = make()
    if not made.keep:
        return made
    made.subjects = git.subjects(made.commits, repository)
    with contextlib.suppress(UnicodeEncodeError):  # a file's name that is no text
        data = state + msgspec.msgpack.encode(made)
        if len(data) < sealed.LARGEST // 2:
            sealed.write(data, path)
            sealed.sweep(folder, "answer-*")
    return made


def _files(paths: Iterable[Path]) -> list[tuple[str, int, int]] | None:
    """Name, size and time of change of each file that is read; None where not all can be found beforehand."""
    found = set()
    try:
        for path in paths:
            whole = path.resolve()
            found |= {*_below(whole)} if whole.is_dir() else {str(whole)}
            above = (folder / name for folder in (whole, *whole.parents[:ABOVE]) for name in OF_ASV)
            found |= {str(one) for one in above if one.is_file()}
        stats = [(name, Path(name).stat()) for name in sorted(found)]
    except OSError:
        return None
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def _below(folder: Path) -> Iterator[str]:
    """The JSON files of a directory at any depth; OSError for a link to another directory."""
    folders = [str(folder)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    if entry.is_symlink():
                        raise OSError("a link")
                    folders.append(entry.path)
                elif entry.name.endswith(".json"):
                    yield entry.path


def _software() -> list[object]:
    """What answers: versions, and of hwbench its files, which change in a checkout."""
    from ..version import __version__

    installed = []
    for name in PACKAGES:
        try:
            installed.append(metadata.version(name))
        except metadata.PackageNotFoundError:
            installed.append("")
    own = ((str(path), path.stat()) for path in sorted(PACKAGE.rglob("*.*")) if path.parent.name != "__pycache__")
    return [sys.version, __version__, installed, [(name, stat.st_size, stat.st_mtime_ns) for name, stat in own]]
