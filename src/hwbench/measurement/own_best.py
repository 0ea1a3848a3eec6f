"""The best that this machine's witness has seen in earlier runs, kept for each `setup`.

A file that is damaged, or cannot be written, is no history: the next run begins it anew.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path

import msgspec

from .. import cache
from ..record import files
from ..record.identity import Identity

LARGEST = 2**20  # bytes; a file has a hundred


def earlier(setup: Identity) -> dict[str, float]:
    """The best of earlier runs by gauge, in bytes a second; {} where there were none."""
    try:
        found = msgspec.json.decode(files.read(_file(setup), LARGEST), type=dict[str, float])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}
    return found if all(math.isfinite(value) and value > 0 for value in found.values()) else {}


def keep(setup: Identity, seen: Mapping[str, float]) -> None:
    """Add what a run has seen: of each gauge the better of it and of earlier runs is kept."""
    before, path = earlier(setup), _file(setup)
    best = before | {gauge: max(value, before.get(gauge, 0.0)) for gauge, value in seen.items()}
    if best == before:
        return
    with contextlib.suppress(OSError):
        files.keep(msgspec.json.encode(best), path)


def _file(setup: Identity) -> Path:
    return cache.directory("witness", f"{setup.digest}.json")
