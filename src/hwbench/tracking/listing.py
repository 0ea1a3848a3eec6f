"""The changes of a history as plain data that can be kept: what `hwbench regressions` prints."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

import msgspec

from ..record import text
from ..record.model import BenchInfo
from .changes import Change, State, changes, said
from .directions import printed
from .history import History


class Row(msgspec.Struct):
    """A change; a `ratio` above 1 is worse. `at` is the position of its commit, `size` for a filter.

    `much`, `levels`, `label`, `title` and `where` are for readers.
    """

    benchmark: str
    params: dict[str, str]
    machine: str
    environment: str
    commit: str
    before: float
    after: float | None
    unit: str
    ratio: float | None
    state: State
    last_measured: str | None
    at: int
    size: float
    much: str
    levels: str
    label: str
    title: str
    where: str


PLAIN = Row.__struct_fields__[: Row.__struct_fields__.index("at")]


class Listing(msgspec.Struct):
    """The changes of a history, and its commits: whole names, dates, short names."""

    rows: list[Row]
    commits: list[tuple[str, str, str]]


def listed(history: History, benches: Mapping[str, BenchInfo]) -> Listing:
    """Every change of a history in the order in which it matters."""
    labels = history.labels()
    rows = [_row(history, labels[one.series.setting], one) for one in changes(history, benches)]
    return Listing(rows, [(one.name, one.date, one.short) for one in history.commits])


def _row(history: History, where: str, one: Change) -> Row:
    series, step, commit = one.series, one.step, history.commits[one.step.first]
    setting = history.settings[series.setting]
    left = math.isfinite(step.new)
    last = None if one.last is None else history.commits[one.last]
    levels = f"{printed(step.old, series.unit)} → {printed(step.new, series.unit) if left else text.NOTHING}"
    return Row(
        series.bench + (f"/{series.variant}" if series.variant else ""), dict(series.params) if one.cases == 1 else {},
        setting.machine, setting.environment, commit.name, step.old, step.new if left else None, series.unit, one.ratio,
        one.state, last.name if last else None, step.first, one.size, said(one), levels, one.label, commit.title,
        where + (f", last measured at {last.title}" if last else ""),
    )  # fmt: skip


def packed(found: Sequence[Listing]) -> bytes:
    """Listings as JSON in ASCII: names of directories may hold what UTF-8 does not."""
    return json.dumps(msgspec.to_builtins(found)).encode()


def unpacked(data: bytes) -> list[Listing]:
    """The same listings."""
    return msgspec.convert(json.loads(data), type=list[Listing])
