"""Progress of a run: a bar with the time left on a terminal, in a log a line for each bench; figures as benches end."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from ..analysis.brief import brief
from ..measurement.cases import Group
from ..record import text
from ..record.model import BenchInfo, Record
from ..record.phrases import counted
from ..record.reasons import words_of
from . import streams

if TYPE_CHECKING:
    from rich.console import Console

NAMES = 21  # columns of a bench's name
WIDE = 60  # columns from which the bar also counts contrasts


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


COUNTING = str.maketrans("", "", "0123456789")


class Lines:
    """Plain lines, for logs and pipes: one for each bench with its main figures, how far the run is, the time left."""

    def __init__(self, stream: TextIO | None = None, usual: float = 0.0) -> None:
        self.stream = stream or sys.stderr
        self.usual = usual
        self.total = self.done = self.benches = self.ended = 0
        self.forecast = Forecast(())
        self.records: dict[str, list[Record]] = {}
        self.began = 0.0
        self.now = self.what = ""  # the group under way, and what a long build of it does

    def planned(self, groups: Sequence[Group], measured: int) -> None:
        """Say how much there is to do."""
        self.total = len(groups)
        self.forecast = Forecast(groups, self.usual)
        self.benches = len(self.forecast.left)
        already = f"; {measured} cases were measured before" if measured else ""
        cases = sum(len(group.cases) for group in groups)
        if not groups and not measured:
            return  # all of it is skipped, and the end says why
        self.say(f"measuring {counted(cases, 'case')} of {counted(self.benches, 'bench', 'benches')}{already}")

    def measuring(self, group: Group) -> None:
        """Start the group's clock; a line is only printed when the bench is done."""
        self.now, self.what = describe(group), ""
        self.began = time.perf_counter()

    def doing(self, what: str) -> None:
        """A line where something new is done: a count of seconds alone is nothing new."""
        kind = what.translate(COUNTING)
        if kind != self.what:
            self.what = kind
            self.say(": ".join(filter(None, (self.now, what))))

    def measured(self, group: Group, records: Sequence[Record]) -> None:
        """Count it; after the last group of a bench say what came out of the bench, at once what went wrong."""
        self.forecast.took(group, time.perf_counter() - self.began)
        self.done += 1
        self.now = ""
        name = group.bench.name
        self.records.setdefault(name, []).extend(records)
        for record in records:
            if record.status in ("wrong", "error"):
                self.say(f"{record.status}: {record.case.label}: {record.why}")
        if not self.forecast.left[name]:
            self.ended += 1
            self.say(f"{self.far()}{name:<{NAMES}} {outcome(self.records.pop(name), group.bench.info)}")

    def far(self) -> str:
        """`[3/28, 12 s left] `, before each line of a log."""
        left = self.forecast.seconds()
        tail = f", {text.duration(left)} left" if left is not None and self.done < self.total else ""
        return f"[{self.ended}/{self.benches}{tail}] "

    def trouble(self, message: str) -> None:
        """Say what went wrong."""
        self.say(f"warning: {message}")

    def say(self, line: str) -> None:
        """Write one line at once; where that fails the run goes on unseen."""
        with streams.unheard(self.stream):
            print(text.printable(line), file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing to tidy up."""


class Bar(Lines):
    """A progress bar on a terminal: what is measured now and the time left; benches that are done as lines above it."""

    def __init__(self, console: Console, usual: float = 0.0) -> None:
        super().__init__(usual=usual)
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.table import Column

        now = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        left = Column(no_wrap=True, justify="right")
        self.progress = Progress(
            TextColumn("{task.description}", markup=False, table_column=now),
            BarColumn(bar_width=max(6, min(40, console.width // 4))),
            *([MofNCompleteColumn()] if console.width >= WIDE else []),
            TextColumn("{task.fields[left]}", markup=False, table_column=left),
            console=console, transient=True, expand=True,
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
        self.progress.update(self.task, description=self.now)

    def doing(self, what: str) -> None:
        """Beside the name of the contrast."""
        self.progress.update(self.task, description=": ".join(filter(None, (self.now, what))))

    def measured(self, group: Group, records: Sequence[Record]) -> None:
        """Move on by one."""
        super().measured(group, records)
        left = self.forecast.seconds()
        self.progress.update(self.task, completed=self.done, left="" if left is None else f"{text.duration(left)} left")

    def far(self) -> str:
        """Nothing: the bar shows it."""
        return ""

    def say(self, line: str) -> None:
        """Print above the bar."""
        from rich.text import Text

        shown = Text(text.printable(line))
        shown.highlight_regex(r"^[a-z0-9_]+\.\S+", "bold")
        shown.highlight_regex(r"^(warning|wrong|error):", "bold yellow")
        self.progress.console.print(shown)

    def close(self) -> None:
        """Take the bar away, so that what follows starts on a line of its own."""
        self.progress.stop()


def describe(group: Group) -> str:
    """`stream.load L1 f8 1`: the bench and the axis values that its cases share."""
    first = group.cases[0].params
    shared = [str(v) for axis, v in first.items() if all(case.params[axis] == v for case in group.cases)]
    return " ".join([group.bench.name, *shared])


def _why(record: Record) -> str:
    """Of a case that is skipped in a few words: its detail and remedy come once, at the end."""
    words = "; ".join(map(words_of, record.codes))
    return words if record.status == "skipped" else record.why


def outcome(records: Sequence[Record], info: BenchInfo) -> str:
    """The bench's main figures, `DRAM 33.4 / 35.0 GB/s on 1 / 2 threads`; why there are none."""
    if said := brief(records, info):
        return said
    if (timed := sum(record.timed for record in records)) or not records:
        return f"{counted(timed, 'case')} measured"
    whys = [f"{record.status}: {why}" if (why := _why(record)) else record.status for record in records]
    most = max(dict.fromkeys(whys), key=whys.count)
    return f"{counted(whys.count(most), 'case')} {most}"  # a resumed run may have the bench's other cases
