"""Progress of a run: a bar with the time left on a terminal, a line for each contrast in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from ..measurement.cases import Group
from ..record import text
from ..record.model import Record
from . import streams

if TYPE_CHECKING:
    from rich.console import Console


class Forecast:
    """Time left: seconds a case of the same bench where some were measured, else of all benches.

    `usual` is the time of a case by its policy. It counts as a tenth of all cases, three at least, so that the
    first benches, which may be slow, do not determine the forecast for all others.
    """

    def __init__(self, groups: Sequence[Group], usual: float = 0.0) -> None:
        self.left = {group.bench.name: 0 for group in groups}
        for group in groups:
            self.left[group.bench.name] += len(group.cases)
        self.usual = usual
        self.weight = max(3.0, sum(self.left.values()) / 10) if usual else 0.0
        self.spent: dict[str, tuple[float, int]] = {}

    def took(self, group: Group, seconds: float) -> None:
        """A group was measured in this time."""
        total, cases = self.spent.get(group.bench.name, (0.0, 0))
        self.spent[group.bench.name] = (total + seconds, cases + len(group.cases))
        self.left[group.bench.name] -= len(group.cases)

    def seconds(self) -> float | None:
        """Seconds left; None before anything was measured."""
        if not self.spent:
            return None
        seconds = sum(total for total, _ in self.spent.values()) + self.usual * self.weight
        every = seconds / (sum(cases for _, cases in self.spent.values()) + self.weight)
        each = {name: total / cases for name, (total, cases) in self.spent.items()}
        return sum(cases * each.get(name, every) for name, cases in self.left.items())


class Lines:
    """Plain lines, for logs and pipes: one for each contrast, with how far the run is and the time left."""

    def __init__(self, stream: TextIO | None = None, usual: float = 0.0) -> None:
        self.stream = stream or sys.stderr
        self.usual = usual
        self.total = self.done = 0
        self.forecast = Forecast(())
        self.began = 0.0

    def planned(self, groups: Sequence[Group], measured: int) -> None:
        """Say how much there is to do."""
        self.total = len(groups)
        self.forecast = Forecast(groups, self.usual)
        benches = len({group.bench.name for group in groups})
        already = f"; {measured} cases were measured before" if measured else ""
        cases = sum(len(group.cases) for group in groups)
        if not groups and not measured:
            return  # all of it is skipped, and the end says why
        self.say(f"measuring {cases} cases of {benches} bench{'es' * (benches != 1)}{already}")

    def measuring(self, group: Group) -> None:  # noqa: ARG002 - a line is only printed when the group is done
        """Start the group's clock."""
        self.began = time.perf_counter()

    def measured(self, group: Group, records: Sequence[Record]) -> None:
        """One line: which contrast, what came out, time left."""
        self.forecast.took(group, time.perf_counter() - self.began)
        self.done += 1
        left = self.forecast.seconds()
        tail = f", {text.duration(left)} left" if left is not None and self.done < self.total else ""
        self.say(f"[{self.done}/{self.total}{tail}] {describe(group)}: {outcome(records)}")

    def trouble(self, message: str) -> None:
        """Say what went wrong."""
        self.say(f"warning: {message}")

    def say(self, line: str) -> None:
        """Write one line at once; where that fails the run goes on unseen."""
        with streams.unheard(self.stream):
            print(line, file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing to tidy up."""


class Bar(Lines):
    """A progress bar on a terminal, with the time left; honours NO_COLOR through rich."""

    def __init__(self, console: Console, usual: float = 0.0) -> None:
        super().__init__(usual=usual)
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}"),
            console=console, transient=True,
        )  # fmt: skip
        self.task = self.progress.add_task("", total=None, left="")
        self.progress.start()

    def planned(self, groups: Sequence[Group], measured: int) -> None:
        """Set the bar's length."""
        super().planned(groups, measured)
        self.progress.update(self.task, total=self.total)

    def measuring(self, group: Group) -> None:
        """Name the contrast that is under way."""
        super().measuring(group)
        self.progress.update(self.task, description=describe(group))

    def measured(self, group: Group, records: Sequence[Record]) -> None:
        """Move on by one; what went wrong stays on the screen as a line."""
        self.forecast.took(group, time.perf_counter() - self.began)
        self.done += 1
        left = self.forecast.seconds()
        self.progress.update(self.task, completed=self.done, left="" if left is None else f"{text.duration(left)} left")
        for record in records:
            if record.status in ("wrong", "error"):
                self.say(f"{record.status}: {record.case.label}: {record.why}")

    def say(self, line: str) -> None:
        """Print above the bar."""
        self.progress.console.print(line, markup=False, highlight=False)

    def close(self) -> None:
        """Take the bar away, so that what follows starts on a line of its own."""
        self.progress.stop()


def describe(group: Group) -> str:
    """`stream.load L1 f8 1`: the bench and the axis values that its cases share."""
    first = group.cases[0].params
    shared = [str(v) for axis, v in first.items() if all(case.params[axis] == v for case in group.cases)]
    return " ".join([group.bench.name, *shared])


def outcome(records: Sequence[Record]) -> str:
    """`numpy 1.2 ms, loop 96 ms, numba skipped`: the median of each variant, or its status."""
    parts = []
    for record in records:
        varying = record.variant if len({r.variant for r in records}) > 1 or len(records) == 1 else ""
        axes = [str(v) for a, v in record.params.items() if any(r.params[a] != v for r in records)]
        name = " ".join(filter(None, [varying, *axes]))
        if record.timed:
            ordered = sorted(record.samples)
            mark = " (suspect)" if record.status == "suspect" else ""
            parts.append(f"{name} {text.seconds(ordered[len(ordered) // 2])}{mark}")
        else:
            parts.append(f"{name} {record.status}")
    return ", ".join(parts)
