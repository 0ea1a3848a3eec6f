"""Where hwbench keeps what it can make again: the user's cache directory."""

from __future__ import annotations

import functools
import os
from pathlib import Path


def directory(*parts: str) -> Path:
    """A folder in the cache, which may not exist yet: `directory("roofs", setup(run).digest)`.

    A figure that depends on the machine or its software is kept under the digest of its `record.identity.setup`.
    """
    import platformdirs

    return platformdirs.user_cache_path("hwbench", appauthor=False).joinpath(*parts)


def strangers(path: Path) -> str:
    """Who else could have put code into a file or directory of the cache; "" where only this user and root could.

    What is kept there runs in this process or in the reader's browser.
    """
    if os.name != "posix":
        return ""  # the user's directory lets nobody else in
    found = path.stat()
    if found.st_uid not in (os.geteuid(), 0):
        return f"belongs to user {found.st_uid}"
    if found.st_mode & 0o022:
        return "can be written by other users"
    return ""


@functools.cache
def aside(path: Path, why: str) -> None:
    """Say once that a part of the cache is not used, and why; measuring goes on without it."""
    import logging

    logging.getLogger("hwbench").warning("warning: %s: %s: left aside; remove it, or name another cache", path, why)
