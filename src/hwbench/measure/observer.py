"""TODO measure.observer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from ..record.model import Record
from . import cases as measure_cases


class Observer(Protocol):
    """Who watches a run: a progress bar, lines, a test."""

    def planned(self, groups: Sequence[measure_cases.Group], measured: int) -> None:
        """What will be measured, and how many cases an earlier run measured already."""

    def measuring(self, group: measure_cases.Group) -> None:
        """A group is about to be measured."""

    def measured(self, group: measure_cases.Group, records: Sequence[Record]) -> None:
        """A group was measured and saved."""

    def trouble(self, message: str) -> None:
        """Something went wrong that the run survives."""


class _Unheard:
    """An observer that may fail to print (on a full disk, into a closed pipe) without ending the run."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer

    def planned(self, groups: Sequence[measure_cases.Group], measured: int) -> None:
        with suppress(OSError):
            self.observer.planned(groups, measured)

    def measuring(self, group: measure_cases.Group) -> None:
        with suppress(OSError):
            self.observer.measuring(group)

    def measured(self, group: measure_cases.Group, records: Sequence[Record]) -> None:
        with suppress(OSError):
            self.observer.measured(group, records)

    def trouble(self, message: str) -> None:
        with suppress(OSError):
            self.observer.trouble(message)
