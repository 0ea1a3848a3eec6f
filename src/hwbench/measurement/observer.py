"""Observers of a run: a progress bar, lines in a log, a test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from ..record.model import Record
from .cases import Group


class Observer(Protocol):
    """Hears what a run does, as it does it."""

    def planned(self, groups: Sequence[Group], measured: int) -> None:
        """What will be measured, and how many cases an earlier run measured already."""

    def measuring(self, group: Group) -> None:
        """A group is about to be measured."""

    def doing(self, what: str) -> None:
        """What a long build of the group does now; said over and over."""

    def measured(self, group: Group, records: Sequence[Record]) -> None:
        """A group was measured and saved."""

    def trouble(self, message: str) -> None:
        """Something went wrong that the run survives."""


class QuietObserver:
    """An observer whose failure to print (on a full disk, into a closed pipe) does not end the run."""

    def __init__(self, observer: Observer) -> None:
        self.observer = observer

    def planned(self, groups: Sequence[Group], measured: int) -> None:
        """Pass it on."""
        with suppress(OSError):
            self.observer.planned(groups, measured)

    def measuring(self, group: Group) -> None:
        """Pass it on."""
        with suppress(OSError):
            self.observer.measuring(group)

    def doing(self, what: str) -> None:
        """Pass it on."""
        with suppress(OSError):
            self.observer.doing(what)

    def measured(self, group: Group, records: Sequence[Record]) -> None:
        """Pass it on."""
        with suppress(OSError):
            self.observer.measured(group, records)

    def trouble(self, message: str) -> None:
        """Pass it on."""
        with suppress(OSError):
            self.observer.trouble(message)


class TroubleOnly:
    """An observer that tells of trouble alone."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self.tell = tell

    def planned(self, groups: Sequence[Group], measured: int) -> None:
        """Nothing is said."""

    def measuring(self, group: Group) -> None:
        """Nothing is said."""

    def doing(self, what: str) -> None:
        """Nothing is said."""

    def measured(self, group: Group, records: Sequence[Record]) -> None:
        """Nothing is said."""

    def trouble(self, message: str) -> None:
        """What went wrong."""
        self.tell(f"warning: {message}")
