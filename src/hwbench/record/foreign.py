"""JSON in files of other tools: read within bounds that are told, every text printable, numbers as Python has them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec

from ..errors import StoreError
from . import files, text
from .model import Json

MOST_VALUES = 5_000_000  # in a file, by its commas: 64 MiB of the smallest values would take 2 GiB
MOST_CONTAINERS = 1_000_000  # lists and objects, which take fifty times their two bytes
HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # of a surrogate pair; two of them are a character


def read_bytes(path: Path, most: int, kind: str, remedy: str) -> bytes:
    """The bytes of a file of a `kind` that has `most` of them at most; StoreError where it is none."""
    try:
        data = files.read(path, most)
    except files.NoFileError:
        raise StoreError(f"{path}: is not a regular file; {remedy}") from None
    except files.TooLargeError as error:
        raise StoreError(f"{path}: has {text.size(error.size)}, {kind} {text.size(most)} at most; {remedy}") from None
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({files.why(error)})") from None
    if data.count(b",") > MOST_VALUES or data.count(b"[") + data.count(b"{") > MOST_CONTAINERS:
        raise StoreError(
            f"{path}: holds more than {MOST_VALUES:,} values or {MOST_CONTAINERS:,} lists, which {kind} never does; "
            f"{remedy}"
        )
    return data


def load(path: Path, most: int, kind: str, remedy: str) -> Json:
    """The JSON value in a file, NaN and infinities included."""
    data = read_bytes(path, most, kind, remedy)
    try:
        try:
            found = msgspec.json.decode(data)  # three times as fast, but strict: fails on NaN
        except (msgspec.DecodeError, UnicodeDecodeError):
            found = json.loads(data)
        if HALF.search(data):
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise StoreError(f"{path}: holds half of a surrogate pair, which is no text; {remedy}") from None
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path}: is no JSON, or was cut off ({text.brief(error)}); {remedy}") from None
    except MemoryError:
        raise StoreError(f"{path}: does not fit in memory") from None
    return found


def fault(error: Exception) -> str:
    """What is wrong with a file: `no 'date'`, or the error's own words; 200 letters at most."""
    return text.printable(f"no {error}" if isinstance(error, KeyError) else str(error))[:200]
