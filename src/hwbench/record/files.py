"""Every file that hwbench writes or is given, one way each: whole or not at all, and regular files alone.

Writing goes to a new file of a random name beside the target, which it then replaces. The writer holds a lock on the
new file, so that a later process tells what a crash left from what another process is writing, and removes it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows, where an open file can be neither replaced nor removed
    fcntl = None  # type: ignore[assignment]

LEFT = re.compile(r"\.hwbench-[0-9a-f]{16}\.partial")
STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}
DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,6})")
_OPEN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)  # a FIFO without a writer is opened, and refused, and not waited for
_swept: set[Path] = set()


class NoFileError(OSError):
    """What has the path is a device, a FIFO, a socket or a directory."""


class TooLargeError(OSError):
    """A file has more bytes than it may; `size` says how many."""

    def __init__(self, size: int) -> None:
        super().__init__(errno.EFBIG, os.strerror(errno.EFBIG))
        self.size = size


def why(error: OSError) -> str:
    """What went wrong, in the system's words."""
    return error.strerror or type(error).__name__


# --- reading ----------------------------------------------------------------------------------------------------------


def read(path: Path, most: int) -> bytes:
    """The bytes of a regular file that has `most` of them at most; OSError where it cannot be read."""
    with _opened(path) as file:
        if (size := os.fstat(file).st_size) > most:
            raise TooLargeError(size)
        data = _bytes(file, most + 1)
    if len(data) > most:  # it grew meanwhile, or is one of those that state no size
        raise TooLargeError(len(data))
    return data


def head(path: Path, count: int) -> bytes:
    """The first bytes of a regular file; empty where it cannot be read: reading it will say so."""
    try:
        with _opened(path) as file:
            return _bytes(file, count)
    except (OSError, ValueError):
        return b""


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    file = os.open(path, os.O_RDONLY | _OPEN | _AT_ONCE)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise NoFileError(errno.EINVAL, "is not a regular file", str(path))
        yield file
    finally:
        os.close(file)


def _bytes(file: int, count: int) -> bytes:
    parts = []
    while count > 0 and (part := os.read(file, min(count, 2**24))):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


# --- writing ----------------------------------------------------------------------------------------------------------


def write(data: bytes, path: Path, *, mode: int = 0o666) -> None:
    """Replace a file: a reader sees the old content or the new, and so does who reads after the power failed.

    A device, a FIFO or a descriptor (`/dev/stdout`) is written to, never replaced; a disk is refused. A new file has
    this `mode`, less the umask. OSError where it cannot be written.
    """
    if (descriptor := _descriptor(path)) is not None:
        _into(data, os.dup(descriptor))
    elif replaced(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        _replace(data, path, mode)
    elif path.is_block_device():
        raise NoFileError(errno.EINVAL, "is a disk", str(path))
    else:
        _into(data, os.open(path, os.O_WRONLY | _OPEN))


def keep(data: bytes, path: Path, *, mode: int = 0o666) -> None:
    """Replace a file of a cache; OSError where it cannot be written, and where a FIFO or a device lies in its place."""
    if not replaced(path):
        raise NoFileError(errno.EINVAL, "is no regular file", str(path))
    write(data, path, mode=mode)


def replaced(path: Path) -> bool:
    """Whether writing makes or replaces a regular file; False for a device, a FIFO, a directory or a descriptor."""
    try:
        return _descriptor(path) is None and stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:  # also a link that leads nowhere: it is replaced
        return True


def sweep(directory: Path) -> None:
    """Remove what crashed processes left in a directory; looked for once a process."""
    if fcntl is None or directory in _swept:
        return
    _swept.add(directory)
    with contextlib.suppress(OSError):
        for name in os.listdir(directory):  # noqa: PTH208 - names alone are needed
            if LEFT.fullmatch(name):
                with contextlib.suppress(OSError):
                    _remove_left(directory / name)


def _remove_left(path: Path) -> None:
    """Remove a leftover; OSError where its writer lives and holds the lock, or it is no regular file."""
    file = os.open(path, os.O_RDONLY | _OPEN | _AT_ONCE | _NO_LINK)
    try:
        if stat.S_ISREG(os.fstat(file).st_mode):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()
    finally:
        os.close(file)


def _replace(data: bytes, path: Path, mode: int) -> None:
    partial, file = _new(path.parent, mode)
    try:
        with contextlib.closing(os.fdopen(file, "wb")) as stream:
            stream.write(data)
            stream.flush()
            os.fsync(file)
            if fcntl is not None:
                partial.replace(path)  # while the lock is held
        if fcntl is None:
            partial.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise
    _settle(path.parent)


def _new(directory: Path, mode: int) -> tuple[Path, int]:
    """A new file of a random name, open and locked."""
    while True:
        path = directory / f".hwbench-{secrets.token_hex(8)}.partial"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN | _NO_LINK, mode)
        if fcntl is None:
            return path, file
        with contextlib.suppress(OSError):  # a file system without locks: what is left there stays
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_nlink:
            return path, file
        os.close(file)  # another process took it for a leftover before it was locked


def _settle(directory: Path) -> None:
    """Write the directory, so that the new name outlives a failure of the power."""
    with contextlib.suppress(OSError):  # Windows opens no directory, some file systems sync none
        file = os.open(directory, os.O_RDONLY | _OPEN)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _descriptor(path: Path) -> int | None:
    """The number of the open file that a path stands for: opening `/dev/stdout` anew would begin at its start."""
    if os.name != "posix":
        return None
    name = os.path.normpath(path)
    found = DESCRIPTOR.fullmatch(name)
    return int(found[1]) if found else STANDARD.get(name)


def _into(data: bytes, file: int) -> None:
    """Write all to a device, a FIFO or a descriptor, and close it."""
    with contextlib.closing(os.fdopen(file, "wb", buffering=0)) as stream:
        rest = memoryview(data)
        while rest:
            rest = rest[stream.write(rest) :]
