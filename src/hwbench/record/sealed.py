"""Files of the cache that run, in this process or in the reader's browser: whole, and written by nobody else.

A file begins with the digest of the rest. One that cannot be read, written or trusted costs only the time to make it.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from pathlib import Path

from .. import cache
from . import files

LARGEST = 64 * 2**20  # bytes; Vega and all are 2 MB
DAYS = 60  # after which `sweep` removes a file that was not made anew


def read(path: Path) -> bytes | None:
    """What the file holds; None unless its first line is the digest of the rest, and no other user could write it."""
    try:
        folder, who = cache.strangers(path.parent), cache.strangers(path)
        stated, _, data = files.read(path, LARGEST).partition(b"\n")
        kept = data if stated == seal(data) else None
    except FileNotFoundError:
        return None
    except OSError:
        folder, who, kept = "", "", None
    if folder:
        cache.aside(path.parent, folder)  # one line for all files in it
    elif who or kept is None:
        cache.aside(path, who or "is damaged")
    return None if folder or who else kept


def write(data: bytes, path: Path) -> None:
    """Keep the data, where that can be done."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.keep(seal(data) + b"\n" + data, path, mode=0o600)
    except OSError as error:
        cache.aside(path.parent, f"nothing can be kept there ({files.why(error)})")


def sweep(directory: Path, pattern: str) -> None:
    """Remove the files of this pattern that were not written for DAYS."""
    for path in directory.glob(pattern):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > DAYS * 86_400:
                path.unlink()


def seal(data: bytes) -> bytes:
    """The first line, a comment of JavaScript."""
    return b"// " + hashlib.sha256(data).hexdigest().encode()
