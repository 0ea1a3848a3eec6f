"""A run as rows of the fleet's table. Cases without a figure have a row too: which machine lacks what is an answer."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from ..analysis.headline import RATIO, UNITS, Headline, headline
from ..analysis.measures import Catalogue, completed
from ..analysis.reading import leading_metric
from ..errors import StoreError
from ..record import identity
from ..record.estimate import Estimate, estimate
from ..record.model import JsonObject, Record, Run
from ..record.text import printable

Row: TypeAlias = tuple[object, ...]
CPU = "cpu"
SPEED_UPS = ("prange.",)  # ratios of which more is better; of the others neither is
LONGEST = 200  # characters of a name


class Figure(Record, frozen=True, kw_only=True):
    """A record without its telemetry, which is half of a run file: a file has no field of this name."""

    telemetry: JsonObject = msgspec.field(default_factory=dict, name="")


class Figures(Run, frozen=True, kw_only=True):
    """What rows are made of, as a run."""

    records: list[Figure] = msgspec.field(default_factory=list)  # type: ignore[assignment]


def rows(run: Run, catalogue: Catalogue | None = None) -> Iterator[Row]:
    """The rows of a run, in the order of `table.COLUMNS`; StoreError where it states no time of its start.

    Statuses are those of measuring. What a machine's own limits say of its figures is not concluded here, which would
    take half the time: a fleet has the other machines to compare with.
    """
    run = completed(run, {} if catalogue is None else catalogue)
    machine = run.machine
    of_run = (
        _text(run.id),
        _text(machine.name),
        identity.hardware(machine).digest,
        _text(machine.cpu.model),
        started(run),
    )
    hwbench = _text(str(run.hwbench.get("version") or ""))
    by_label = {(record.device, record.case.label): record for record in run.records}
    shown: set[int] = set()
    for one in headline(run):
        record = by_label[one.device, one.record]
        if not _made_of_two(one):
            shown.add(id(record))
        yield (*of_run, _on(one.name, one.device), *_headline(one, record), True, record.version, hwbench)
    for record in run.records:
        if id(record) not in shown:
            label = _text(record.case.label)
            yield (*of_run, _on(label, record.device), *_case(record, label, run), False, record.version, hwbench)


def started(run: Run) -> datetime.datetime:
    """When the run started, UTC; StoreError where it does not say."""
    try:
        found = datetime.datetime.fromisoformat(run.started)
    except ValueError:
        raise StoreError(f"started: '{_text(run.started[:40])}' is no time") from None
    return found.astimezone(datetime.UTC).replace(tzinfo=None) if found.tzinfo else found


def _text(name: str) -> str:
    """A name of a file: data, without what a terminal obeys, of bounded length."""
    return printable(name)[:LONGEST]


def _on(name: str, device: str) -> str:
    return name if device == CPU else f"{name}@{_text(device)}"


def _made_of_two(one: Headline) -> bool:
    return one.unit == RATIO or one.name == "mispredict"


def _headline(one: Headline, record: Record) -> Row:
    better = {RATIO: int(one.name.startswith(SPEED_UPS)), "s": -1}.get(one.unit, 1)
    figures = _figures(Estimate(one.value, one.low, one.high))
    status = "suspect" if one.doubt else record.status
    return (record.bench, _text(one.record), one.unit, better, *figures, status, len(record.samples))


def _case(record: Record, label: str, run: Run) -> Row:
    bench = _text(record.bench)
    metric = leading_metric(record, run.benches.get(record.bench))
    unit = UNITS.get(metric.count, "s") if metric else "s"
    better = 1 if metric and metric.higher else -1
    if not record.timed:
        return (bench, label, unit, better, None, None, None, record.status, len(record.samples))
    seconds = estimate(record.samples)
    if metric is not None:
        amount = record.counts[metric.count]
        seconds = seconds.inverse(amount) if metric.higher else seconds.scaled(1 / amount)
    return (bench, label, unit, better, *_figures(seconds), record.status, len(record.samples))


def _figures(found: Estimate) -> tuple[float | None, ...]:
    """Value and bounds; None for a bound that is unknown, which an infinity would be."""
    return tuple(one if math.isfinite(one) else None for one in found)
