"""Learning rates: a map of what became of a network at each rate, by initialisation, depth, type and method."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ....record import text
from ....record.model import Record
from ...columns import VARIANT, Column, axis, table
from ...dataset import Point, Runs
from ...sections import Figure, Key, Panel
from . import charts
from .charts import Datum
from .stability_facts import amount, dtype, network, numbers_or_gaps, param

MEASURES = "learning rates"
KINDS = {"learns": "c3", "stands still": "line", "diverges": "c2"}
HALF = 0.25  # of a decade: cells touch where rates are half a decade apart
MOST = 24  # rows of the map


def _edge(record: Record, name: str) -> str:
    found = amount(record, name)
    return text.NOTHING if found is None else text.amount(found)


COLUMNS: tuple[Column[Point], ...] = (
    Column("network", lambda point: network(point.record)),
    axis("depth"),
    Column("type", lambda point: dtype(point.record)),
    VARIANT,
    Column("from", lambda point: _edge(point.record, "low")),
    Column("to", lambda point: _edge(point.record, "high")),
    Column("decades", lambda point: _edge(point.record, "decades")),
    Column("an edge moves by", lambda point: _edge(point.record, "spread") + "×"),
    Column("a step, µs", lambda point: text.amount(point.seconds.value * 1e6 / (amount(point.record, "steps") or 1))),
)


def figure(runs: Runs, points: Sequence[Point]) -> Figure | None:
    """The map, a row for each case; None where no case has outcomes."""
    drawn = [point for point in points if any(True for _ in _cells(point.record))][:MOST]
    if not drawn:
        return None
    cells = [cell for point in drawn for cell in _cells(point.record)]
    about = f"What became of {len(drawn)} networks at each learning rate"
    spec = charts.by_layer(
        cells,
        list(dict.fromkeys(_row(point.record) for point in drawn)),
        KINDS,
        x_title="learning rate, powers of ten",
        alt_text=about,
        told=("rate", "outcome"),
    )
    return Figure(
        "Learning rates that train a network",
        [Panel("", spec, about)],
        table(runs, "The band of learning rates that train each network", COLUMNS, drawn, lambda point: point.run),
        "A network learns where its loss after 100 steps is half of that of predicting the mean, and diverges where it "
        "exceeds a hundred times that. The table has both edges of the band, and how far an edge moves between five "
        "initial networks.",
        [Key(name, colour) for name, colour in KINDS.items()],
    )


def _row(record: Record) -> str:
    """`xavier-uniform, f2, clipped`: what differs from the standard network alone."""
    usual = {"depth": "8", "activation": "relu", "dtype": "f4"}
    parts = [param(record, "init")]
    parts += [f"depth {param(record, 'depth')}"] * (param(record, "depth") != usual["depth"])
    parts += [param(record, name) for name in ("activation", "dtype") if param(record, name) != usual[name]]
    return ", ".join([*parts, record.variant])


def _cells(record: Record) -> Iterable[Datum]:
    """A cell for each rate, around its logarithm."""
    outcomes = record.facts.get("outcomes")
    rates, losses = (numbers_or_gaps(record.facts.get(name)) for name in ("rates", "loss"))
    steps = numbers_or_gaps(record.facts.get("lost_at"))
    if not isinstance(outcomes, list) or not len(outcomes) == len(rates) == len(losses) == len(steps):
        return
    for rate, outcome, loss, step in zip(rates, outcomes, losses, steps, strict=True):
        if rate is None or rate <= 0 or outcome not in KINDS:
            continue
        said = f", at step {round(step)}" if outcome == "diverges" and step is not None else ""
        said += "" if loss is None or outcome == "diverges" else f", loss {text.amount(loss)}"
        at = math.log10(rate)
        yield {
            "row": _row(record), "a": round(at - HALF, 3), "b": round(at + HALF, 3), "kind": outcome, "fade": 1.0,
            "case": text.amount(rate), "shown": outcome + said,
        }  # fmt: skip
