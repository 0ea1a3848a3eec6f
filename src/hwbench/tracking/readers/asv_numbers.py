"""The numbers of one result file of asv's in arrays: what a history needs of it, and nothing else.

A history of numpy's has a thousand files with three million values. Decoding a whole file makes twenty objects for each
value; here the three columns that are used become one array a file. asv writes bare NaN, which strict JSON lacks: it is
replaced by a number that no result can be.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...record.foreign import HALF
from ...record.model import Json, JsonObject
from ..history import Values

Axes: TypeAlias = tuple[tuple[str, ...], ...]  # of a row's parameters, each as asv writes its values

NUMBERS = ("result", "stats_ci_99_a", "stats_ci_99_b")
MOST_CASES = 10**6  # of a benchmark: a short line of parameters can have more combinations than memory holds
MOST_VALUES = 2 * 10**6  # of a file, over its benchmarks
LEAST, MOST = 1e-30, 1e30  # of a value that is not 0; squares and ratios of others overflow
SKIPPED = 1e301  # stands for NaN, 1e302 for infinity: both are beyond MOST


class Row(NamedTuple):
    """A benchmark in a file: its name, its parameters, its version ("" where none is stated), how many cases."""

    name: str
    axes: Axes
    version: str
    cases: int


@dataclass(frozen=True, eq=False)
class Numbers:
    """The rows of a file, and their values one after the other: result and interval, NaN where there is none.

    `failed` marks the cases that have no value because they failed; others were skipped.
    """

    rows: Sequence[Row]
    values: Values
    failed: NDArray[np.bool_]


def fast(data: bytes) -> JsonObject | None:
    """The file's JSON object, `results` as `Cells`; None where it is to be read slowly, and refused there."""
    text = _strict(data)
    if text is None or HALF.search(data):
        return None
    try:
        top = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        kind = cells_of(tuple(msgspec.json.decode(top["result_columns"], type=list[str])))
        rows = msgspec.json.decode(top.pop("results"), type=dict[str, kind | None])  # type: ignore[valid-type]
        return {**{key: msgspec.json.decode(raw) for key, raw in top.items()}, "results": rows}
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, RecursionError):
        return None


def _strict(data: bytes) -> bytes | None:
    """The text with numbers in place of bare NaN and infinity; None where one might lie inside a string."""
    for word, number in ((b"NaN", b"1e301"), (b"Infinity", b"1e302")):
        quotes, at = 0, 0
        while (found := data.find(word, at)) >= 0:
            before = data[at:found]
            if b"\\" in before:
                before = before.replace(b"\\\\", b"").replace(b'\\"', b"")
            quotes += before.count(b'"')
            if quotes % 2:
                return None
            at = found + len(word)
        data = data.replace(word, number) if at else data
    return data


@functools.lru_cache(maxsize=64)
def cells_of(columns: tuple[str, ...]) -> type[msgspec.Struct]:
    """A class for a row of a file with these columns: cells that are not used are not decoded."""
    used = {*NUMBERS, "version"}
    fields = [(f"c{i}", Any if column in used else msgspec.Raw, None) for i, column in enumerate(columns)]
    return msgspec.defstruct("Cells", fields, array_like=True)


def numbers_of(columns: Sequence[str], rows: Mapping[str, Any]) -> Numbers:
    """The numbers of a file's rows, lists or `Cells`; TypeError or ValueError where asv would have written others."""
    kind = cells_of(tuple(columns))
    heads: list[Row] = []
    flat: tuple[list[Json], ...] = ([], [], [])
    absent = operator.attrgetter("absent")
    get = {column: operator.attrgetter(f"c{i}") for i, column in enumerate(columns)}
    params, stated, *wanted = (get.get(name, absent) for name in ("params", "version", *NUMBERS))
    for name, given in rows.items():
        if given is None:
            continue
        if isinstance(given, kind):
            cells: Any = given
        elif isinstance(given, list):
            cells = kind(*given[: len(columns)])
        else:
            raise TypeError(f"the row of {name[:100]} is no list")
        axes = _axes(None if params is absent else params(cells), name)
        count = math.prod(map(len, axes))
        if count > MOST_CASES:
            raise ValueError(f"the parameters of {name[:100]} have more than {MOST_CASES} combinations")
        version = None if stated is absent else stated(cells)
        heads.append(Row(str(name), axes, "" if version is None else str(version), count))
        for column, into in zip(wanted, flat, strict=True):
            values = None if column is absent else column(cells)
            there = values[:count] if isinstance(values, list) else []
            into += there
            if len(there) < count:
                into += [None] * (count - len(there))
    if len(flat[0]) > MOST_VALUES:
        raise ValueError(f"the benchmarks have more than {MOST_VALUES:,} combinations of parameters")
    found = np.stack([matrix([column], len(column))[0] for column in flat])
    failed = np.zeros(len(flat[0]), dtype=bool)
    for gap in np.flatnonzero(np.isnan(found[0])).tolist():
        failed[gap] = not _is_gap(flat[0][gap])
    return Numbers(heads, found, failed)


def _is_gap(value: Json) -> bool:
    return isinstance(value, float) and (math.isnan(value) or value == SKIPPED)


def _axes(params: Json | msgspec.Raw, name: str) -> Axes:
    """A row's parameters; TypeError where they are malformed."""
    found = _decoded(bytes(params)) if isinstance(params, msgspec.Raw) else _checked(params)
    if found is None:
        raise TypeError(f"the parameters of {name[:100]} are no lists")
    return found


@functools.lru_cache(maxsize=4096)
def _decoded(text: bytes) -> Axes | None:
    """The same from their text: a history repeats them thousands of times."""
    return _checked(msgspec.json.decode(text))


def _checked(params: Json) -> Axes | None:
    given = params or []
    if not (isinstance(given, list) and all(isinstance(axis, list) for axis in given)):
        return None
    return tuple(tuple(map(str, axis)) for axis in given if isinstance(axis, list))


def matrix(rows: Sequence[Json], count: int) -> Values:
    """Rows of `count` numbers each; NaN for anything else, and where a row is too short."""
    whole = [row if isinstance(row, list) and len(row) == count else _padded(row, count) for row in rows]
    try:
        found = np.array(whole, dtype=float)  # null becomes NaN
    except (TypeError, ValueError, OverflowError):
        found = np.empty(0)
    if found.shape != (len(rows), count):  # not all are numbers
        found = np.array([[number(x) for x in row] for row in whole]).reshape(len(rows), count)
    size = np.abs(found)
    found[~((size == 0) | ((size >= LEAST) & (size <= MOST)))] = np.nan
    return found


def _padded(row: Json, count: int) -> list[Json]:
    """A row at full length, where it was cut or is no list."""
    there = row[:count] if isinstance(row, list) else []
    return [*there, *[math.nan] * (count - len(there))]


def number(value: Json) -> float:
    """A number that can be reckoned with as float; NaN for anything else."""
    try:
        found = float(value) if isinstance(value, int | float) else math.nan
    except OverflowError:
        return math.nan
    return found if found == 0 or LEAST <= abs(found) <= MOST else math.nan
