"""What Windows' `GetLogicalProcessorInformationEx` returns, made up: rows with masks of CPUs by group."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from hwbench.host import windows

Masks = Mapping[int, int]


def _masks(masks: Masks) -> bytes:
    return b"".join(windows.MASK.pack(mask, group) for group, mask in masks.items())


def _row(kind: int, body: bytes) -> bytes:
    return struct.pack("<LL", kind, 8 + len(body)) + body


def core(efficiency: int, masks: Masks) -> bytes:
    return _row(windows.CORE, struct.pack("<BB20xH", 0, efficiency, len(masks)) + _masks(masks))


def package(masks: Masks) -> bytes:
    return _row(windows.PACKAGE, struct.pack("<BB20xH", 0, 0, len(masks)) + _masks(masks))


def cache(level: int, size: int, masks: Masks, kind: int = 0, count: int | None = None) -> bytes:
    groups = len(masks) if count is None else count
    return _row(windows.CACHE, struct.pack("<BBHLL18xH", level, 8, 64, size, kind, groups) + _masks(masks))


def answer(*rows: bytes) -> bytes:
    return b"".join(rows)
