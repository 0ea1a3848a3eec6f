"""Histories as plain data: what was measured commit by commit, on which machines, in which environments.

A series is one case on one machine in one environment, a value for each commit. What reads asv, pytest-benchmark or
runs of our own makes these; what finds change points, tells drift from code and draws knows nothing else.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import StoreError

TrackingError = StoreError  # results that cannot be used: one line that says which, where in it, what to do
Values = NDArray[np.float64]
DIRTY = "+"  # ends the name of a commit that had changes beside it, which are another's each time


@dataclass(frozen=True)
class Commit:
    """What was measured: a commit, or one run. `when` is seconds since 1970, UTC; `subject` the commit's first line."""

    name: str
    when: float
    subject: str = ""

    @property
    def short(self) -> str:
        """The first eight digits of a hash; any other name whole."""
        return self.name[:8] if re.fullmatch(r"[0-9a-f]{12,64}", self.name) else self.name

    @property
    def date(self) -> str:
        """`2026-11-22`, or nothing where the time is none."""
        try:
            return datetime.datetime.fromtimestamp(self.when, datetime.UTC).date().isoformat() if self.when else ""
        except (OverflowError, ValueError, OSError):
            return ""

    @property
    def told(self) -> str:
        """`1a2b3c4d (2026-11-22), Sum in pairs`."""
        date = f" ({self.date})" if self.date else ""
        return f"{self.short}{date}{f', {self.subject}' if self.subject else ''}"


@dataclass(frozen=True)
class Setting:
    """Where series were measured: a machine of one identity, in one environment.

    `machine` is the name it was given. `identity` says what it is (processor, CPUs, memory …): one name with two
    identities is two machines. `environment` names versions and variables.
    """

    machine: str
    identity: tuple[tuple[str, str], ...] = ()
    environment: str = ""


@dataclass
class Series:
    """One case over the commits of its history; `values` has NaN where it was not measured.

    `values` with `low` and `high` are in `unit` ("s" for times), of which more is better where `higher`. `counts` are
    the work of one call where that is known, so that a rate can be told for a time.
    """

    bench: str
    variant: str
    params: dict[str, str]
    setting: int
    values: Values
    low: Values
    high: Values
    unit: str = "s"
    higher: bool = False
    version: str = ""
    counts: Mapping[str, float] = field(default_factory=dict)

    @property
    def case(self) -> tuple[str, str, tuple[tuple[str, str], ...]]:
        """What the same case of another machine shares."""
        return self.bench, self.variant, tuple(self.params.items())

    @property
    def label(self) -> str:
        """`stream.load/simd [L1, f8, 1]`, as the command line writes it."""
        values = ", ".join(self.params.values())
        return self.bench + (f"/{self.variant}" if self.variant else "") + (f" [{values}]" if values else "")


@dataclass
class History:
    """Series over the same commits, oldest first. `source` says what wrote the results; `notes` what was left out."""

    name: str
    source: str
    commits: Sequence[Commit]
    settings: Sequence[Setting]
    series: Sequence[Series]
    notes: list[str] = field(default_factory=list)

    def labels(self) -> list[str]:
        """A name for each setting, no two alike: the machine, its number where it changed, what its environment has."""
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
