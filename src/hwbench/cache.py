"""Where hwbench keeps what it can make again: the user's cache directory."""

from __future__ import annotations

from pathlib import Path


def directory(*parts: str) -> Path:
    """A folder in the cache, which may not exist yet: `directory("roofs", setup(run).digest)`.

    A figure that depends on the machine or its software is kept under the digest of its `record.identity.setup`.
    """
    import platformdirs

    return platformdirs.user_cache_path("hwbench", appauthor=False).joinpath(*parts)
