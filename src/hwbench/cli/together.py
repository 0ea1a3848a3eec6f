"""A run that a launcher started: it takes turns on its machine, and is in step with other machines where asked."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..record import tickets
from .console import echo_err

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


@contextlib.contextmanager
def entered(observer: Observer, to: str | None, stop: Callable[[], None]) -> Iterator[Observer]:
    """Hold this machine's turn; the observer to measure with. Where no launcher started the run, nothing happens."""
    if tickets.LAUNCH not in os.environ:
        yield observer
        return
    from ..errors import UsageError
    from ..fleet import launch_task

    task = launch_task.here()
    if task is not None and task.together is not None:
        from ..fleet.store import Store
        from ..fleet.together import Meeting

        if not to:
            raise UsageError(f"{launch_task.TOGETHER}: machines meet in a store; name it by --to")
        observer = InStep(observer, Meeting(Store.open(to), task, echo_err, stop))
    with launch_task.entered(task, echo_err):
        yield observer
