"""House prices: time of an epoch over the batch size, where it goes, and the errors of the predictions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from ....record import facts, text
from ... import charts
from ...dataset import Point, Runs
from ...sections import Block, Figure, Key, Panel, Section, Table, Tile, Tiles
from . import epoch_shares
from .epoch_shares import MEASURES, batch_of, series_of

OWN = "ames"  # the table that hwbench ships
GOAL = 0.15  # log-RMSE by k-fold that the network is to reach


def view(runs: Runs) -> Section | None:
    """Tiles, times over the batch size, shares of time and errors by fold; None where no epoch was timed."""
    points = [point for point in runs.measuring(MEASURES) if batch_of(point) and _errors(point)]
    if not points:
        return None
    intro = [
        f"The lecture's exercise as a workload: {_data(points)}, a network with two hidden layers of 32 units, trained "
        "on the logarithm of the price. Every sale is predicted once by a network that never saw it.",
        "One epoch is one pass over the training sales. A small batch means many short steps, each of which pays for "
        "calls and for an "
        "update of all weights; a large one means few long products.",
    ]
    waits = epoch_shares.waiting(runs, points)
    blocks: list[Block] = [_tiles(runs, points), _times(runs, points), epoch_shares.by_phase(runs, points)]
    blocks += [*([waits] if waits else []), _quality(runs, points)]
    return Section("house-prices", "House prices", "Predicting house prices", intro, blocks, topic="lecture")


def _data(points: Sequence[Point]) -> str:
    """The data: how many sales of which table, as how many numbers each, where the records say so."""
    tables = {}
    for point in points:
        data = str(point.record.params.get("data", ""))
        name = "in Ames, Iowa (De Cock 2011)" if data == OWN else f"of {data.rsplit('/', 1)[-1]}"
        sales, columns = (facts.numbers([point.record.facts.get(fact)]) for fact in ("sales", "columns"))
        tables[name] = f"{f'{text.count(sales[0])} ' if sales else ''}house sales {name}" + (
            f", {text.count(columns[0])} numbers each" if columns else ""
        )
    return "; ".join(tables.values())


def _errors(point: Point) -> list[float]:
    return facts.numbers(point.record.facts.get("fold_rmse"))


def _colours(runs: Runs, points: Sequence[Point]) -> dict[str, str]:
    return {
        name: f"c{number % 8 + 1}"
        for number, name in enumerate(dict.fromkeys(series_of(runs, point) for point in points))
    }


def _tiles(runs: Runs, points: Sequence[Point]) -> Tiles:
    best = min(points, key=lambda point: sum(_errors(point)) / len(_errors(point)))
    error = sum(_errors(best)) / len(_errors(best))
    quick = min(points, key=lambda point: point.seconds.value)
    return Tiles(
        [
            Tile(
                "Error of held-out prices",
                text.amount(error),
                "log-RMSE",
                f"{len(_errors(best))} folds; the goal is {GOAL} at most",
            ),
            Tile("A typical prediction is", text.share(math.exp(error) - 1), "off", f"{series_of(runs, best)}"),
            Tile(
                "Fastest epoch",
                text.amount(quick.seconds.value * 1e3),
                "ms",
                f"{series_of(runs, quick)}, batch {batch_of(quick)}",
            ),
        ]
    )


def _times(runs: Runs, points: Sequence[Point]) -> Figure:
    colours = _colours(runs, points)
    ordered = sorted(points, key=lambda point: (list(colours).index(series_of(runs, point)), batch_of(point)))
    marks = [
        charts.mark_of(
            runs,
            point,
            value=point.seconds.scaled(1e3),
            unit="ms",
            series=series_of(runs, point),
            colour=colours[series_of(runs, point)],
            x=float(batch_of(point)),
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
            series_of(runs, point),
            str(batch_of(point)),
            text.amount(point.seconds.value * 1e3),
            text.columns(point.seconds.scaled(1e3))[1],
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


def _quality(runs: Runs, points: Sequence[Point]) -> Figure:
    """The error by fold, and how it falls with the epochs; a net is trained once for each variant and precision."""
    colours = _colours(runs, points)
    nets = {series_of(runs, point): point for point in points}
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
                    label=text.amount(value),
                )
            )
        curve = facts.numbers(point.record.facts.get("curve"))
        falls += [
            charts.Mark(series=name, colour=colours[name], case=f"{name}, epoch {epoch}", x=epoch, value=value)
            for epoch, value in enumerate(curve, start=1)
        ]
        rows.append((name, *map(text.amount, errors), *[""] * (most - len(errors)), text.amount(mean)))
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
    told = (
        "All variants start from the same weights and see the same batches; their errors differ only by rounding, at "
        f"most by {text.amount(max(apart))}."
        if apart
        else ""
    )
    return Figure(
        "How good the predictions are",
        panels,
        Table("log-RMSE of held-out sales by fold", head, rows),
        told,
        [Key(name, colours[name]) for name in nets],
    )
