"""What must not get into a run file, which is shown to others: directories, the user's home, identifiers of devices."""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

LOOKED_AT = 4096  # characters: a run file keeps fewer
QUOTED = re.compile(r"""(['"`])(?:[A-Za-z]:|~)?[/\\][^'"`\n]*[/\\]([^'"`/\\\n]*)\1""")
PLAIN = re.compile(r"""(?<![\w./\\:])(?:[A-Za-z]:|~)?[/\\](?:[^\s/\\'"`:;,]{1,255}[/\\])+""")
UUID = re.compile(r"(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})|(?<=GPU-)[0-9a-f-]{4,36}"
                  r"|(?<=MIG-)[0-9a-f-]{4,36}", re.IGNORECASE)  # fmt: skip


def without_places(text: str) -> str:
    """The text with the file's name in place of each absolute path, and `~` for the user's home."""
    text = text[:LOOKED_AT]
    if home := _home():
        text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
    return PLAIN.sub("", QUOTED.sub(r"\1\2\1", text))


def without_ids(text: str) -> str:
    """The text with eight digits of a hash in place of each UUID, so that two of them still differ."""
    return UUID.sub(lambda found: hashlib.sha256(found[0].lower().encode()).hexdigest()[:8], text)


@functools.cache
def _home() -> str:
    """The user's home; "" where it is unknown or the root, which is part of every path."""
    try:
        home = str(Path.home())
    except RuntimeError:
        return ""
    return home if len(home) > 1 else ""
