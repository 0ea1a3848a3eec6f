"""A run in step with others: each group of cases begins when its turn comes on all machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..fleet.together import Meeting
    from ..measurement.cases import Group
    from ..measurement.observer import Observer
    from ..record.model import Record


class InStep:
    """An observer that holds each group back until its turn, and passes all on to another."""

    def __init__(self, observer: Observer, meeting: Meeting) -> None:
        self.observer, self.meeting = observer, meeting
        self.groups = 0

    def planned(self, groups: Sequence[Group], measured: int) -> None:
        """Pass it on."""
        self.observer.planned(groups, measured)

    def measuring(self, group: Group) -> None:
        """Wait for the others, then pass it on."""
        self.meeting.wait(self.groups)
        self.groups += 1
        self.observer.measuring(group)

    def doing(self, what: str) -> None:
        """Pass it on."""
        self.observer.doing(what)

    def measured(self, group: Group, records: Sequence[Record]) -> None:
        """Pass it on."""
        self.observer.measured(group, records)

    def trouble(self, message: str) -> None:
        """Pass it on."""
        self.observer.trouble(message)
