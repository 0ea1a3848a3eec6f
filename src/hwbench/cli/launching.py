"""Progress of a launch: a bar on a terminal, in a log a line where machines have answered."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..record.phrases import counted
from .console import console, echo_err

QUIET = 10.0  # seconds between lines of a log
NAMED = 5  # machines that a line names


class Lines:
    """Plain lines, for logs and pipes: none sooner than ten seconds after another, but for the last."""

    def __init__(self) -> None:
        self.total = 0
        self.told = -QUIET

    def started(self, launch: str, machines: int) -> None:
        """What is waited for."""
        self.total = machines
        self.say(f"launch {launch}: measuring on {counted(machines, 'machine')}")

    def answered(self, done: int, names: Sequence[str]) -> None:
        """How many have answered."""
        if done < self.total and time.monotonic() - self.told < QUIET:
            return
        self.told = time.monotonic()
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        self.say(f"[{done}/{self.total}] {', '.join(names[:NAMED])}{more}")

    def say(self, line: str) -> None:
        """A line."""
        echo_err(line)

    def close(self) -> None:
        """Nothing to tidy up."""


class Bar(Lines):
    """A bar of the machines that have answered; what else is said stands above it."""

    def __init__(self) -> None:
        super().__init__()
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self.progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
            console=console(stderr=True), transient=True,
        )  # fmt: skip
        self.task = self.progress.add_task("machines", total=None)
        self.progress.start()

    def started(self, launch: str, machines: int) -> None:
        """Set the bar's length."""
        super().started(launch, machines)
        self.progress.update(self.task, total=machines)

    def answered(self, done: int, names: Sequence[str]) -> None:
        """Move on, and name the newest."""
        self.progress.update(self.task, completed=done, description=names[-1])

    def say(self, line: str) -> None:
        """Print above the bar."""
        from rich.text import Text

        from ..record import text

        self.progress.console.print(Text(text.printable(line)))

    def close(self) -> None:
        """Take the bar away."""
        self.progress.stop()
