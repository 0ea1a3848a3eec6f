"""Histories as plain data: values by commit, machine and environment.

A series is one case on one machine in one environment, with a value for each commit. The readers make histories; change
points, controls and charts know nothing else.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError
from .sparse import Column

TrackingError = StoreError  # unusable results: one line with the file, the place in it, the remedy
Values = NDArray[np.float64]
DIRTY = "+"  # appended to a commit's name where the tree had uncommitted changes
HASH = re.compile(r"[0-9a-f]{12,64}\+?")
DIGITS = 8  # of a hash, where they tell the commits of a history apart
_Read = TypeVar("_Read")


def readable(paths: Iterable[Path], read: Callable[[Path], _Read], skipped: list[str]) -> list[_Read]:
    """What `read` makes of each file; a line for each that cannot be read goes to `skipped`."""
    found = []
    for path in paths:
        try:
            found.append(read(path))
        except StoreError as error:
            skipped.append(str(error))
    return found


@dataclass(frozen=True)
class Commit:
    """What was measured: a commit, or one run. `when` is seconds since 1970, UTC; `subject` the commit's first line.

    `digits` of a hash tell it from the others of its history.
    """

    name: str
    when: float
    subject: str = ""
    digits: int = DIGITS

    @property
    def short(self) -> str:
        """The first digits of a hash, with its mark of uncommitted changes; any other name in full."""
        dirty = DIRTY * self.name.endswith(DIRTY)
        return self.name[: self.digits] + dirty if HASH.fullmatch(self.name) else self.name

    @property
    def date(self) -> str:
        """`2026-11-22`; "" without a valid time."""
        try:
            return datetime.datetime.fromtimestamp(self.when, datetime.UTC).date().isoformat() if self.when else ""
        except (OverflowError, ValueError, OSError):
            return ""

    @property
    def title(self) -> str:
        """`1a2b3c4d (2026-11-22), Sum in pairs`."""
        date = f" ({self.date})" if self.date else ""
        return f"{self.short}{date}{f', {self.subject}' if self.subject else ''}"


@dataclass(frozen=True)
class Setting:
    """Where series were measured: a machine of one identity, in one environment.

    `machine` is its name, `identity` its processor, CPUs, memory …: one name with two identities is two machines.
    `environment` names versions and variables.
    """

    machine: str
    identity: tuple[tuple[str, str], ...] = ()
    environment: str = ""


@dataclass
class Series:
    """One case over the commits of its history; `values` is NaN where not measured.

    `values`, `low` and `high` are in `unit` ("s" for times); more is better where `higher`, which is only assumed where
    not `sure`. `counts` of one call, where known, turn a time into a rate. `suspect` says why values are, by their
    positions; `failed` has the positions where the case failed.
    """

    bench: str
    variant: str
    params: dict[str, str]
    setting: int
    values: Column = Column()  # noqa: RUF009 - a descriptor
    low: Column = Column()  # noqa: RUF009
    high: Column = Column()  # noqa: RUF009
    unit: str = "s"
    higher: bool = False
    version: str = ""
    counts: Mapping[str, float] = field(default_factory=dict)
    suspect: Mapping[int, str] = field(default_factory=dict)
    sure: bool = True
    failed: Sequence[int] = ()

    @property
    def sound(self) -> Values:
        """The values, NaN where suspect: these prove no change."""
        values = self.values.copy()
        values[list(self.suspect)] = np.nan
        return values

    @property
    def measured(self) -> tuple[NDArray[np.int32], Values, Values, Values]:
        """The positions of the commits with a value, and there the values with their intervals."""
        values, low, high = (getattr(self, f"_{name}") for name in ("values", "low", "high"))
        ends = (one.values if one.at is values.at else one.dense()[values.at] for one in (low, high))
        return values.at, values.values, *ends

    @property
    def case(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """The identity of the case on any machine."""
        return self.bench, self.variant, tuple(self.params.items())

    @property
    def label(self) -> str:
        """`stream.load/simd [L1, f8, 1]`, as the command line writes it."""
        values = ", ".join(self.params.values())
        return self.bench + (f"/{self.variant}" if self.variant else "") + (f" [{values}]" if values else "")


@dataclass
class History:
    """Series over the same commits, oldest first. `source` is the tool that wrote the results, `notes` are remarks.

    `url` is what a hash is appended to for a link to the commit; "" where nothing states it.
    """

    name: str
    source: str
    commits: Sequence[Commit]
    settings: Sequence[Setting]
    series: Sequence[Series]
    notes: list[str] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        """Lengthen the short hashes until they differ."""
        names = {one.name for one in self.commits if HASH.fullmatch(one.name)}
        digits = next((n for n in range(DIGITS, 64) if len({name[:n] for name in names}) == len({
            name.removesuffix(DIRTY) for name in names})), 64)  # fmt: skip
        if digits > DIGITS:
            self.commits = [dataclasses.replace(one, digits=digits) for one in self.commits]

    def labels(self) -> list[str]:
        """A unique name for each setting: machine, its number where the identity changed, environment."""
        environments = {one.environment for one in self.settings}
        identities: dict[str, list[tuple[tuple[str, str], ...]]] = {}
        for one in self.settings:
            known = identities.setdefault(one.machine, [])
            if one.identity not in known:
                known.append(one.identity)
        out = []
        for one in self.settings:
            known = identities[one.machine]
            number = f" ({known.index(one.identity) + 1})" if len(known) > 1 else ""
            out.append(one.machine + number + (f", {one.environment}" if len(environments) > 1 else ""))
        return out
