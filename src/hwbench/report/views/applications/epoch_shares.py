"""Where the time of an epoch goes: shares of its phases, and on a GPU of work and waiting."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ....record import text
from ... import charts, format, vega
from ...dataset import Point, Runs
from ...sections import Figure, Key, Panel, Spec, Table
from ...theme import var
from ..gpu import common
from .charts import Datum

MEASURES = "training"
MOST = 24  # bars of a chart
PHASES = {
    "gather": ("gather a batch", "c8"),
    "send": ("send it to the GPU", "c6"),
    "forward": ("forward", "c1"),
    "backward": ("backward", "c2"),
    "update": ("update weights", "c3"),
}
OPTIONAL = ("send",)  # phases that not every variant has
# What an epoch on a GPU is made of: its own work, and what it waits for.
WAITS = {"work": ("the GPU works", "c3"), "send": ("waits for data", "c6"), "launch": ("waits for launches", "c2")}
RESIDENT, SENDING = "cupy", "cupy-copies"
Parts = Mapping[str, tuple[str, str]]  # by name its label in a chart, and its colour


def batch_of(point: Point) -> int:
    """The batch size; 0 where the record has none."""
    value = point.record.params.get("batch")
    return value if isinstance(value, int) and value > 0 else 0


def _phases(point: Point) -> dict[str, float]:
    """Seconds by phase; empty where the record does not say."""
    spent = point.record.facts.get("phases_s")
    if not isinstance(spent, dict):
        return {}
    names = [name for name in PHASES if name in spent or name not in OPTIONAL]
    if not all(isinstance(spent.get(name), int | float) and spent[name] >= 0 for name in names):
        return {}
    return {name: float(spent[name]) for name in names} if sum(spent[name] for name in names) > 0 else {}


def series_of(runs: Runs, point: Point) -> str:
    """Variant and precision, and whatever else differs between the lines of this report."""
    params = point.record.params
    named = [point.record.variant, format.value_of("dtype", params.get("dtype", ""))]
    unlike = [
        axis for axis in ("optimizer", "data") if len({p.record.params.get(axis) for p in runs.measuring(MEASURES)}) > 1
    ]
    named += [str(params.get(axis, "")).rsplit("/", 1)[-1] for axis in unlike]
    if common.on_gpu(point.record) and len(common.devices(runs, point.run)) > 1:
        named.append(point.record.device)
    return ", ".join([*named, *([runs.labels[point.run]] if runs.several else [])])


def by_phase(runs: Runs, points: Sequence[Point]) -> Figure:
    """One bar a variant and batch, split by phase."""
    rows: list[Datum] = []
    cells = []
    names: dict[str, None] = {}
    ordered = sorted(
        (point for point in points if _phases(point)), key=lambda point: (series_of(runs, point), batch_of(point))
    )
    phases = {name: label for name, label in PHASES.items() if any(name in _phases(point) for point in ordered[:MOST])}
    for point in ordered[:MOST]:
        spent = _phases(point)
        name = f"{series_of(runs, point)}, batch {batch_of(point)}"
        names[name] = None
        rows += _bar(name, spent, phases)
        cells.append(_row(runs, point, spent, phases))
    head = ("variant", "batch", *(label for label, _ in phases.values()), "together, ms")
    about = "Share of each phase in the time of an epoch"
    panel = Panel("", _stacked(rows, list(names), phases, about), f"{about}, by variant and batch size.")
    legend = [Key(label, colour) for label, colour in phases.values()]
    told = "Each phase was called and timed from Python by itself, which adds a little to each for small batches."
    if any(common.on_gpu(point.record) for point in ordered[:MOST]):
        told += " On a GPU each phase is waited for, which an epoch is not."
    return Figure("Where the time goes", [panel], Table("Share of each phase", head, cells), told, legend)


def _row(runs: Runs, point: Point, spent: Mapping[str, float], parts: Parts) -> tuple[str, ...]:
    whole = sum(spent.values())
    shares = (text.share(spent[name] / whole) if name in spent else text.NOTHING for name in parts)
    return (series_of(runs, point), str(batch_of(point)), *shares, text.amount(whole * 1e3))


def _bar(name: str, spent: Mapping[str, float], parts: Parts) -> list[Datum]:
    """The pieces of one bar, from 0 to 100%. The chart's data has numbers for parts; their names are for readers."""
    rows, before, whole = [], 0.0, sum(spent.values())
    for part, seconds in spent.items():
        share = 100 * seconds / whole
        shown = f"{text.share(share / 100)}, {text.amount(seconds * 1e3, 'ms')}"
        place = {"case": name, "part": f"s{list(parts).index(part)}", "phase": parts[part][0]}
        rows.append(place | {"low": before, "high": before + share, "shown": shown})
        before += share
    return rows


def waiting(runs: Runs, points: Sequence[Point]) -> Figure | None:
    """What a GPU works and waits for in an epoch, by batch size; None where no record says so."""
    rows: list[Datum] = []
    cells: list[tuple[str, ...]] = []
    names: dict[str, None] = {}
    waits = [(point, spent) for point in points if (spent := _waited(points, point))]
    for point, spent in sorted(waits, key=lambda pair: (series_of(runs, pair[0]), batch_of(pair[0])))[:MOST]:
        name = f"{series_of(runs, point)}, batch {batch_of(point)}"
        names[name] = None
        rows += _bar(name, spent, WAITS)
        cells.append((*_row(runs, point, spent, WAITS), point.record.status))
    if not cells:
        return None
    head = ("variant", "batch", *(label for label, _ in WAITS.values()), "an epoch, ms", "status")
    about = "Share of an epoch in which the GPU works, and waits"
    return Figure(
        "Launch and transfer",
        [Panel("", _stacked(rows, list(names), WAITS, about), f"{about}, by variant and batch size.")],
        Table("What the GPU works and waits for", head, cells),
        "How long the GPU itself works was measured with all launches of a step queued before it begins; the rest of "
        f"an epoch it waits. `{RESIDENT}` keeps all sales on the GPU; what `{SENDING}`, which sends each batch, takes "
        "longer is the wait for data.",
        [Key(label, colour) for label, colour in WAITS.values()],
    )


def _waited(points: Sequence[Point], point: Point) -> dict[str, float]:
    """Seconds of an epoch that a GPU works, waits for data, and for launches; empty where that was not measured."""
    record = point.record
    kept = next(
        (
            other
            for other in points
            if other.run == point.run
            and (other.record.variant, other.record.device) == (RESIDENT, record.device)
            and other.record.params == record.params
        ),
        None,
    )
    if record.variant not in (RESIDENT, SENDING) or kept is None:
        return {}
    busy, whole = kept.record.facts.get("busy_s"), point.seconds.value
    if not isinstance(busy, int | float) or isinstance(busy, bool) or not 0 <= busy < math.inf:
        return {}
    send = max(0.0, whole - kept.seconds.value)
    work = min(float(busy), whole - send)
    waited = {"work": work, **({"send": send} if record.variant == SENDING else {})}
    return waited | {"launch": whole - send - work}


def _stacked(rows: list[Datum], names: Sequence[str], parts: Parts, about: str) -> Spec:
    numbers = [f"s{number}" for number in range(len(parts))]
    scale = vega.options(domain=numbers, range=[var(colour) for _, colour in parts.values()])
    chart = vega.layer(
        "marks",
        "bar",
        vega.options(
            height={"band": 0.72}
        ),  # The scale's domain gives the order; `sort` would put names from files into expressions.
        y=vega.field(
            "case:N",
            sort=None,
            scale=vega.options(domain=list(names)),
            axis=vega.options(title=None, labelLimit=240, ticks=False, domain=False),
        ),
        x=vega.field(
            "low:Q",
            scale=vega.options(domain=[0, 100], nice=False),
            axis=vega.options(title="share of the epoch, %", tickCount=5),
        ),
        x2={"field": "high"},
        color=vega.field("part:N", legend=None, scale=scale),
        tooltip=[
            vega.field("case:N", title="case"),
            vega.field("phase:N", title="phase"),
            vega.field("shown:N", title="share"),
        ],
    )
    frame = {
        "height": max(24 * len(names), 40),
        "description": about,
        "title": "",
    }
    return charts.finish([chart], frame, {}, marks=rows)
