"""House prices: how long an epoch takes over the batch size, where its time goes, and how good the predictions are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from ....record import facts
from ....record.model import Run
from ... import charts, format
from ...dataset import Point, Runs
from ...sections import Block, Figure, Key, Panel, Section, Spec, Table, Tile, Tiles
from ...theme import var
from ..gpu import common

BENCH = "workload.house_prices"
OWN = "ames"  # the table that hwbench ships
MOST = 24  # bars of a chart
GOAL = 0.15  # log-RMSE by k-fold that the network is to reach
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
Parts = Mapping[str, tuple[str, str]]  # by name what a chart calls it, and its colour


def view(runs: Sequence[Run]) -> Section | None:
    """Tiles, times over the batch size, shares of time and errors by fold; None where no epoch was timed."""
    runs = Runs.of(runs)
    points = [point for point in runs.by_bench.get(BENCH, ()) if _batch(point) and _errors(point)]
    if not points:
        return None
    intro = [
        f"The lecture's exercise as a workload: {_data(points)}, a network with two hidden layers of 32 units, trained "
        "on the logarithm of the price. Every sale is predicted once by a network that never saw it.",
        "One epoch is one pass over the training sales. A small batch means many short steps, each of which pays for "
        "calls and for an "
        "update of all weights; a large one means few long products.",
    ]
    waits = _waits(runs, points)
    blocks: list[Block] = [_tiles(runs, points), _times(runs, points), _shares(runs, points)]
    blocks += [*([waits] if waits else []), _quality(runs, points)]
    return Section("house-prices", "House prices", "Predicting house prices", intro, blocks)


def _data(points: Sequence[Point]) -> str:
    """What was learnt from: how many sales of which table, as how many numbers each, where the records say so."""
    told = {}
    for point in points:
        data = str(point.record.params.get("data", ""))
        name = "in Ames, Iowa (De Cock 2011)" if data == OWN else f"of {data.rsplit('/', 1)[-1]}"
        sales, columns = (facts.numbers([point.record.facts.get(fact)]) for fact in ("sales", "columns"))
        told[name] = f"{f'{sales[0]:,.0f} ' if sales else ''}house sales {name}" + (
            f", {columns[0]:.0f} numbers each" if columns else ""
        )
    return "; ".join(told.values())


def _batch(point: Point) -> int:
    value = point.record.params.get("batch")
    return value if isinstance(value, int) and value > 0 else 0


def _errors(point: Point) -> list[float]:
    return facts.numbers(point.record.facts.get("fold_rmse"))


def _phases(point: Point) -> dict[str, float]:
    """Seconds by phase; empty where the record does not say."""
    spent = point.record.facts.get("phases_s")
    if not isinstance(spent, dict):
        return {}
    names = [name for name in PHASES if name in spent or name not in OPTIONAL]
    if not all(isinstance(spent.get(name), int | float) and spent[name] >= 0 for name in names):
        return {}
    return {name: float(spent[name]) for name in names} if sum(spent[name] for name in names) > 0 else {}


def _series(runs: Runs, point: Point) -> str:
    """Variant and precision, and what else tells one line of this report from another."""
    params = point.record.params
    named = [point.record.variant, format.value_of("dtype", params.get("dtype", ""))]
    unlike = [
        axis for axis in ("optimizer", "data") if len({p.record.params.get(axis) for p in runs.by_bench[BENCH]}) > 1
    ]
    named += [str(params.get(axis, "")).rsplit("/", 1)[-1] for axis in unlike]
    if common.on_gpu(point.record) and len(common.devices(runs, point.run)) > 1:
        named.append(point.record.device)
    return ", ".join([*named, *([runs.labels[point.run]] if runs.several else [])])


def _colours(runs: Runs, points: Sequence[Point]) -> dict[str, str]:
    return {
        name: f"c{number % 8 + 1}"
        for number, name in enumerate(dict.fromkeys(_series(runs, point) for point in points))
    }


def _tiles(runs: Runs, points: Sequence[Point]) -> Tiles:
    best = min(points, key=lambda point: sum(_errors(point)) / len(_errors(point)))
    error = sum(_errors(best)) / len(_errors(best))
    quick = min(points, key=lambda point: point.seconds.value)
    return Tiles(
        [
            Tile(
                "Error of held-out prices",
                f"{error:.3f}",
                "log-RMSE",
                f"{len(_errors(best))} folds; the goal is {GOAL} at most",
            ),
            Tile("A typical prediction", f"{100 * (math.exp(error) - 1):.0f}", "% off", f"{_series(runs, best)}"),
            Tile(
                "Fastest epoch",
                format.number(quick.seconds.value * 1e3),
                "ms",
                f"{_series(runs, quick)}, batch {_batch(quick)}",
            ),
        ]
    )


def _times(runs: Runs, points: Sequence[Point]) -> Figure:
    colours = _colours(runs, points)
    ordered = sorted(points, key=lambda point: (list(colours).index(_series(runs, point)), _batch(point)))
    marks = [
        charts.mark_of(
            runs,
            point,
            value=point.seconds.scaled(1e3),
            unit="ms",
            series=_series(runs, point),
            colour=colours[_series(runs, point)],
            x=float(_batch(point)),
            more=f"{point.record.facts.get('steps', '?')} steps",
        )
        for point in ordered
    ]
    low, high = charts.value_range(mark.x for mark in marks)
    spec = charts.lines(
        marks,
        x_title="batch size",
        y_title="time an epoch, ms (less is better)",
        x_kind="count",
        x_domain=(low / 1.3, high * 1.3),
        alt_text="Time of an epoch over the batch size, a line for each variant and precision",
        more="in",
    )
    rows = [
        (
            _series(runs, point),
            str(_batch(point)),
            format.number(point.seconds.value * 1e3),
            format.bounds(point.seconds.scaled(1e3)),
            str(point.record.facts.get("steps", "")),
            point.record.status,
        )
        for point in ordered
    ]
    table = Table("Time an epoch", ("variant", "batch", "median, ms", "95% interval", "steps", "status"), rows)
    legend = [Key(name, colour, "line") for name, colour in colours.items()]
    if any(point.suspect for point in points):
        legend.append(Key("suspect", "c8", "pale"))
    return Figure(
        "An epoch, over the batch size", [Panel("", spec, "Time of an epoch over the batch size.")], table, "", legend
    )


def _shares(runs: Runs, points: Sequence[Point]) -> Figure:
    """One bar a variant and batch, split by phase."""
    rows: list[dict[str, Any]] = []
    cells = []
    names: dict[str, None] = {}
    ordered = sorted(
        (point for point in points if _phases(point)), key=lambda point: (_series(runs, point), _batch(point))
    )
    phases = {name: told for name, told in PHASES.items() if any(name in _phases(point) for point in ordered[:MOST])}
    for point in ordered[:MOST]:
        spent = _phases(point)
        name = f"{_series(runs, point)}, batch {_batch(point)}"
        names[name] = None
        rows += _bar(name, spent, phases)
        cells.append(_shares_row(runs, point, spent, phases))
    head = ("variant", "batch", *(label for label, _ in phases.values()), "together, ms")
    about = "Share of each phase in the time of an epoch"
    panel = Panel("", _stacked(rows, list(names), phases, about), f"{about}, by variant and batch size.")
    legend = [Key(label, colour) for label, colour in phases.values()]
    text = "Each phase called and timed from Python by itself, which for small batches adds a little to all of them."
    if any(common.on_gpu(point.record) for point in ordered[:MOST]):
        text += " On a GPU each phase is waited for, which an epoch is not."
    return Figure("Where the time goes", [panel], Table("Share of each phase", head, cells), text, legend)


def _shares_row(runs: Runs, point: Point, spent: Mapping[str, float], parts: Parts) -> tuple[str, ...]:
    whole = sum(spent.values())
    shares = (format.percent(spent[name] / whole) if name in spent else format.NOTHING for name in parts)
    return (_series(runs, point), str(_batch(point)), *shares, format.number(whole * 1e3))


def _bar(name: str, spent: Mapping[str, float], parts: Parts) -> list[dict[str, Any]]:
    """The pieces of one bar, from 0 to 100%. Parts have numbers in the chart: their names are for readers."""
    rows, before, whole = [], 0.0, sum(spent.values())
    for part, seconds in spent.items():
        share = 100 * seconds / whole
        shown = f"{share:.0f}%, {format.number(seconds * 1e3, 'ms')}"
        place = {"case": name, "part": f"s{list(parts).index(part)}", "phase": parts[part][0]}
        rows.append(place | {"low": before, "high": before + share, "shown": shown})
        before += share
    return rows


def _waits(runs: Runs, points: Sequence[Point]) -> Figure | None:
    """What a GPU works and waits for in an epoch, by batch size; None where none was measured that says so."""
    rows: list[dict[str, Any]] = []
    cells: list[tuple[str, ...]] = []
    names: dict[str, None] = {}
    told = [(point, spent) for point in points if (spent := _waited(points, point))]
    for point, spent in sorted(told, key=lambda pair: (_series(runs, pair[0]), _batch(pair[0])))[:MOST]:
        name = f"{_series(runs, point)}, batch {_batch(point)}"
        names[name] = None
        rows += _bar(name, spent, WAITS)
        cells.append((*_shares_row(runs, point, spent, WAITS), point.record.status))
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


def _stacked(rows: list[dict[str, Any]], names: Sequence[str], parts: Parts, about: str) -> Spec:
    numbers = [f"s{number}" for number in range(len(parts))]
    scale = alt.Scale(domain=numbers, range=[var(colour) for _, colour in parts.values()])
    chart = (
        alt.Chart(alt.NamedData("marks"))
        .mark_bar(height={"band": 0.72})
        .encode(
            # The scale's domain gives the order; `sort` would put names from files into expressions.
            y=alt.Y(
                "case:N",
                sort=None,
                scale=alt.Scale(domain=list(names)),
                axis=alt.Axis(title=None, labelLimit=240, ticks=False, domain=False),
            ),
            x=alt.X(
                "low:Q",
                scale=alt.Scale(domain=[0, 100], nice=False),
                axis=alt.Axis(title="share of the epoch, %", tickCount=5),
            ),
            x2=alt.X2("high:Q"),
            color=alt.Color("part:N", legend=None, scale=scale),
            tooltip=[
                alt.Tooltip("case:N", title="case"),
                alt.Tooltip("phase:N", title="phase"),
                alt.Tooltip("shown:N", title="share"),
            ],
        )
    )
    frame = {
        "height": max(24 * len(names), 40),
        "description": about,
        "title": "",
    }
    return charts.finish([chart], frame, {}, marks=rows)


def _quality(runs: Runs, points: Sequence[Point]) -> Figure:
    """The error by fold, and how it falls with the epochs; a net is trained once for each variant and precision."""
    colours = _colours(runs, points)
    nets = {_series(runs, point): point for point in points}
    most = max(len(_errors(point)) for point in nets.values())
    folds = [f"fold {number + 1}" for number in range(most)] + ["mean"]
    bars, falls, rows = [], [], []
    for name, point in nets.items():
        errors = _errors(point)
        mean = sum(errors) / len(errors)
        for fold, value in zip([*folds[: len(errors)], "mean"], [*errors, mean], strict=True):
            bars.append(
                charts.Mark(
                    series=name,
                    colour=colours[name],
                    case=f"{name}, {fold}",
                    group=fold,
                    value=value,
                    label=f"{value:.3f}",
                )
            )
        curve = facts.numbers(point.record.facts.get("curve"))
        falls += [
            charts.Mark(series=name, colour=colours[name], case=f"{name}, epoch {epoch}", x=epoch, value=value)
            for epoch, value in enumerate(curve, start=1)
        ]
        rows.append((name, *(f"{value:.4f}" for value in errors), *[""] * (most - len(errors)), f"{mean:.4f}"))
    top = max(mark.value or 0 for mark in bars)
    panels = [
        Panel(
            "By fold",
            charts.bars(
                bars,
                groups=folds,
                series=list(nets),
                unit="log-RMSE of held-out sales (less is better)",
                top=max(top, GOAL),
                rule=GOAL,
                alt_text="Error of held-out sales by fold",
                best=True,
            ),
            "Error of held-out sales by fold and variant.",
            f"The line is the goal, {GOAL}",
        )
    ]
    if len({mark.x for mark in falls}) > 1:
        spec = charts.lines(
            falls,
            x_title="epochs trained",
            y_title="log-RMSE, mean of folds (less is better)",
            x_kind="threads",
            log_y=False,
            alt_text="Error of held-out sales over the epochs",
        )
        panels.append(Panel("By epoch", spec, "Error of held-out sales over the epochs trained, mean of the folds."))
    head = ("variant", *folds)
    apart = [
        abs(a - b)
        for one, other in itertools.combinations(nets.values(), 2)
        if one.record.params.get("optimizer") == other.record.params.get("optimizer")
        and one.record.params.get("data") == other.record.params.get("data")
        for a, b in zip(_errors(one), _errors(other), strict=False)
    ]
    text = (
        f"All variants start from the same weights and see the same batches: what is left are roundings, "
        f"{max(apart):.1g} at most."
        if apart
        else ""
    )
    return Figure(
        "How good the predictions are",
        panels,
        Table("log-RMSE of held-out sales by fold", head, rows),
        text,
        [Key(name, colours[name]) for name in nets],
    )
