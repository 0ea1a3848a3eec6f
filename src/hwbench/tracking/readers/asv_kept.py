"""asv's result files in the cache, as arrays: by path, size and time of change, so that each is read once.

The files of a directory are kept in sixteen parts, by the digest of their paths, so that the results of another commit
make one part anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

import msgspec
import numpy as np

from ... import cache
from ...errors import StoreError
from ...record import sealed
from ...record.model import JsonObject
from .asv_numbers import Axes, Numbers, Row

FORMAT = "1"  # raised where other numbers are read from the same files
SHARE = 32 * 2**20  # bytes of new files that pay for another process
LEAST = 8 * 2**20  # bytes of files that are worth keeping: fewer are read in a fifth of a second
PARTS = 16
Stamp: TypeAlias = tuple[int, int]  # size, and time of change in nanoseconds


class File(Protocol):
    """A result file: `numbers`, and all that its head states."""

    @property
    def numbers(self) -> Numbers:
        """The values."""


Found = TypeVar("Found", bound=File)
HEAD = ("machine", "commit", "when", "environment", "asked", "params", "name")  # of a file, beside path and numbers


class Kept(msgspec.Struct, array_like=True):
    """A file; of each row the places of its name, parameters and version in the part's lists, and its count."""

    stamp: Stamp
    head: JsonObject
    rows: bytes
    values: bytes
    failed: bytes


class Part(msgspec.Struct, array_like=True):
    """Files by their paths, and what their rows have in common."""

    files: dict[str, Kept]
    texts: list[str]
    axes: list[Axes]


def through(
    paths: Sequence[Path], read: Callable[[Path], Found], make: Callable[..., Found], directory: Path | None = None,
    helper: str = "",
) -> Callable[[Path], Found]:  # fmt: skip
    """`read`, but for those of the files that the cache has; where they are many, what is read is kept.

    `make` gets a path and what `HEAD` and `numbers` name, as `read` found them. `helper` is Python that reads paths as
    JSON from standard input and asks for the same: other CPUs take a part of many files.
    """
    stamps = {path: stamp for path in paths if (stamp := _stamp(path)) is not None}
    if sum(size for size, _ in stamps.values()) < LEAST:
        return read
    folder = directory or cache.directory("history")
    by_part: dict[Path, list[Path]] = {}
    for path in stamps:
        digest = hashlib.sha256(str(path.resolve()).encode("utf-8", "surrogateescape")).digest()
        where = hashlib.sha256(str(path.parent.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        by_part.setdefault(folder / f"asv-{FORMAT}-{where}-{digest[0] % PARTS:x}", []).append(path)

    def known(part: Path) -> dict[Path, Found]:
        return _unpacked(part, {path: stamps[path] for path in by_part[part]}, make)

    there = {part: known(part) for part in by_part}
    stale = [part for part in by_part if len(there[part]) < len(by_part[part])]
    new = sum(stamps[path][0] for part in stale for path in by_part[part] if path not in there[part])
    helpers = max(0, min(new // SHARE, processes() - 1, len(stale) - 1)) if helper and sys.executable else 0
    others = [stale[i :: helpers + 1] for i in range(1, helpers + 1)]
    children = [_started(helper, [path for part in parts for path in by_part[part]]) for parts in others]

    def read_here(part: Path) -> None:
        found = there[part]
        for path in by_part[part]:
            if path not in found:
                with contextlib.suppress(StoreError):  # whoever asks for it is told
                    found[path] = read(path)
        sealed.write(_packed(found, stamps), part)

    for part in stale[:: helpers + 1]:
        read_here(part)
    for child, parts in zip(children, others, strict=True):
        child.wait()
        for part in parts:
            there[part] = known(part)
            if len(there[part]) < len(by_part[part]):  # a broken file, or a child that was killed
                read_here(part)
    if stale:
        sealed.sweep(folder, "asv-*")
    found = {path: file for files in there.values() for path, file in files.items()}
    return lambda path: found[path] if path in found else read(path)


def processes() -> int:
    """How many CPUs this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _started(helper: str, paths: Sequence[Path]) -> subprocess.Popen[bytes]:
    """A process that reads these files; it starts fresh, without the caller's script."""
    code = f"import sys; sys.path[:] = {sys.path!r}; {helper}"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
    with contextlib.suppress(OSError):  # it ended at once: its part is done here
        child.stdin.write(json.dumps([str(path) for path in paths]).encode())  # type: ignore[union-attr]
        child.stdin.close()  # type: ignore[union-attr]
    return child


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _packed(files: Mapping[Path, File], stamps: Mapping[Path, Stamp]) -> bytes:
    texts: dict[str, int] = {}
    axes: dict[Axes, int] = {}
    kept = {}
    for path, file in files.items():
        rows = [
            (texts.setdefault(row.name, len(texts)), axes.setdefault(row.axes, len(axes)),
             texts.setdefault(row.version, len(texts)), row.cases)
            for row in file.numbers.rows
        ]  # fmt: skip
        kept[str(path.resolve())] = Kept(
            stamps[path], {name: getattr(file, name) for name in HEAD}, np.array(rows, dtype=np.int32).tobytes(),
            file.numbers.values.tobytes(), np.packbits(file.numbers.failed).tobytes(),
        )  # fmt: skip
    return msgspec.msgpack.encode(Part(kept, list(texts), list(axes)))


def _unpacked(part: Path, stamps: Mapping[Path, Stamp], make: Callable[..., Found]) -> dict[Path, Found]:
    """Those of the files that the part has as they are now."""
    data = sealed.read(part)
    try:
        kept = msgspec.msgpack.decode(data, type=Part) if data is not None else Part({}, [], [])
    except msgspec.MsgspecError:
        return {}
    found = {}
    for path, stamp in stamps.items():
        one = kept.files.get(str(path.resolve()))
        if one is not None and one.stamp == stamp:
            rows = [
                Row(kept.texts[name], kept.axes[axes], kept.texts[version], count)
                for name, axes, version, count in np.frombuffer(one.rows, dtype=np.int32).reshape(-1, 4).tolist()
            ]
            values = np.frombuffer(one.values).reshape(3, -1)
            failed = np.unpackbits(np.frombuffer(one.failed, dtype=np.uint8), count=values.shape[1]).astype(bool)
            found[path] = make(path=path, **one.head, numbers=Numbers(rows, values, failed))
    return found
