"""How a figure shows its items: one list of columns makes the table, the marks of the chart and their tooltips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..record import text
from ..record.estimate import Estimate
from . import charts, format
from .dataset import Point, Runs
from .sections import Table

T = TypeVar("T")
INTERVAL = "95% interval"


@dataclass(frozen=True)
class Column(Generic[T]):
    """A column of a table: its heading and an item's cell. `tooltip` is its name in tooltips where that differs."""

    head: str
    cell: Callable[[T], str]
    tooltip: str = ""


@dataclass(frozen=True)
class Measured(Generic[T]):
    """A measured quantity: what a chart draws, and two columns of the table, the median and its interval.

    `unit` is the unit of the values, for tooltips; "" stands for the unit of each point.
    """

    head: str
    value: Callable[[T], Estimate]
    unit: str = ""


def table(
    runs: Runs, caption: str, columns: Sequence[Column[T] | Measured[T]], items: Iterable[T], run: Callable[[T], int]
) -> Table:
    """A row for each item; with several runs, a first column names the item's run."""
    heads: list[str] = []
    for one in columns:
        heads += [one.head, INTERVAL] if isinstance(one, Measured) else [one.head]
    rows = []
    for item in items:
        cells: list[str] = []
        for one in columns:
            if isinstance(one, Measured):
                value = one.value(item)
                cells += text.columns(value)
            else:
                cells.append(one.cell(item))
        rows.append(runs.row(run(item), tuple(cells)))
    return Table(caption, runs.head(tuple(heads)), rows)


class Columns(Generic[T]):
    """The columns of a figure whose items are timed cases, or stand for one (`point`).

    The chart draws the first measured column, or `draws` where the table states it otherwise. `more` is the heading of
    the column that tooltips repeat.
    """

    def __init__(
        self,
        runs: Runs,
        point: Callable[[T], Point],
        columns: Sequence[Column[T] | Measured[T]],
        *,
        more: str = "",
        draws: Measured[T] | None = None,
    ) -> None:
        self.runs = runs
        self.point = point
        self.columns = columns
        self.drawn = draws or next(one for one in columns if isinstance(one, Measured))
        self.repeated = next((one for one in columns if isinstance(one, Column) and one.head == more and more), None)

    @property
    def title(self) -> str:
        """What the chart draws, as the title of its axis."""
        return self.drawn.head

    @property
    def more(self) -> str:
        """What tooltips call the column that they repeat."""
        return (self.repeated.tooltip or self.repeated.head) if self.repeated else ""

    def table(self, caption: str, items: Iterable[T]) -> Table:
        """A row for each item."""
        return table(self.runs, caption, self.columns, items, lambda item: self.point(item).run)

    def mark(
        self,
        item: T,
        *,
        series: str = "",
        colour: str = "",
        group: str = "",
        x: float = 0.0,
        label: str = "",
        dash: str = "",
        more: str = "",
        against: str = "",
    ) -> charts.Mark:
        """An item in the chart; series and colour are its variant's and `more` is the repeated column, if not given."""
        return charts.mark_of(
            self.runs, self.point(item), value=self.drawn.value(item), unit=self.drawn.unit or None, series=series,
            colour=colour, group=group, x=x, label=label, dash=dash, against=against,
            more=more or (self.repeated.cell(item) if self.repeated else ""),
        )  # fmt: skip

    def by_run(self, items: Sequence[T]) -> Iterator[tuple[int, str, list[T]]]:
        """For each run that has items: its index, its name where there are several runs, and its items."""
        for index, label in enumerate(self.runs.labels):
            here = [item for item in items if self.point(item).run == index]
            if here:
                yield index, label if self.runs.several else "", here


def of_points(
    runs: Runs,
    columns: Sequence[Column[Point] | Measured[Point]],
    *,
    more: str = "",
    draws: Measured[Point] | None = None,
) -> Columns[Point]:
    """The columns of a figure whose items are points."""
    return Columns(runs, lambda point: point, columns, more=more, draws=draws)


# --- columns that many figures have -----------------------------------------------------------------------------------

VARIANT: Column[Point] = Column("variant", lambda point: point.variant)
STATUS: Column[Point] = Column("status", lambda point: point.status)
OF_LIMIT: Column[Point] = Column("of the limit", lambda point: format.of_limit(point.of_limit))


def axis(name: str, head: str = "") -> Column[Point]:
    """The value of an axis as the file states it."""
    return Column(head or name, lambda point: point.text(name))


def worded(name: str, head: str = "") -> Column[Point]:
    """The value of an axis in words: `float64`, `2 threads`."""
    return Column(head or name, lambda point: format.value_of(name, point.record.params.get(name, ""), point.threads))


def against_baseline(runs: Runs, head: str) -> Column[Point]:
    """The time against that of the baseline in words: `2.00× slower`."""
    return Column(head, lambda point: compared(runs, point) or text.NOTHING)


def compared(runs: Runs, point: Point) -> str:
    """`2.00× slower` than the baseline; "" for the baseline itself and without one."""
    against = runs.against_baseline(point)
    return text.ratio(against, interval=False) if against is not None else ""


def beside(runs: Runs, point: Point) -> str:
    """What stands at the right of a bar: how it compares with the baseline; "" without one."""
    if point.bench is not None and point.record.variant == point.bench.baseline:
        return "baseline"
    return compared(runs, point)
