"""The pieces of constant level that asv's step detection found in series, kept in the cache by the series' values.

To detect them takes ten milliseconds a series, and a history that grew by a commit has few series that changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from .. import cache
from ..record import sealed

Work: TypeAlias = tuple[list[float], list[float | None]]  # values and weights
Piece: TypeAlias = tuple[int, int, float]  # from, up to, level

METHOD = "1"  # raised where other pieces are found in the same values
LEAST = 200  # series that are worth a file
MOST = 100_000  # series that are kept; those found last stay


def through(
    work: Sequence[Work], detect: Callable[[Sequence[Work]], list[list[Piece]]], directory: Path | None = None
) -> list[list[Piece]]:
    """What `detect` finds in each series; it is asked only about those of which the cache knows nothing."""
    if len(work) < LEAST:
        return detect(work)
    path = (directory or cache.directory("history")) / f"pieces-{METHOD}-asv-{version('asv')}"
    known = _read(path)
    keys = [_key(one) for one in work]
    unknown = list({key: at for at, key in enumerate(keys) if key not in known}.values())
    if unknown:
        for at, pieces in zip(unknown, detect([work[at] for at in unknown]), strict=True):
            known[keys[at]] = pieces
        sealed.write(msgspec.msgpack.encode(dict(list(known.items())[-MOST:])), path)
    return [known[key] for key in keys]


def _read(path: Path) -> dict[bytes, list[Piece]]:
    data = sealed.read(path)
    try:
        return msgspec.msgpack.decode(data, type=dict[bytes, list[Piece]]) if data is not None else {}
    except msgspec.MsgspecError:
        return {}


def _key(work: Work) -> bytes:
    """A digest of values and weights."""
    values, weights = work
    numbers = np.array([values, [0.0 if weight is None else weight for weight in weights]])
    return hashlib.blake2b(numbers.tobytes(), digest_size=16).digest()
