"""Branches: the time of an element over the share of elements for which the branch is taken."""

from __future__ import annotations

from ...record import text
from ...record.model import ITEM_TIME
from .. import charts
from ..columns import STATUS, VARIANT, Column, Measured, of_points
from ..dataset import Point, Runs
from ..sections import Figure, Key, Panel

MEASURES = "branches"
ORDER = ("sorted", "shuffled", "branch-free")


def figure(runs: Runs) -> Figure | None:
    """Nanoseconds an element over the share of taken branches, at the largest n; None for fewer than two shares."""
    points = [
        point
        for point in runs.measuring(MEASURES)
        if point.metric == ITEM_TIME and _share(point) is not None and point.n
    ]
    if len({_share(point) for point in points}) < 2:
        return None
    points.sort(key=lambda point: (point.run, _rank(point.variant), point.n, _share(point) or 0.0))
    columns = of_points(
        runs,
        (
            VARIANT, Column("n", lambda point: text.count(point.n)),
            Column("taken", lambda point: text.share(_share(point))),
            Measured("ns per element", lambda point: point.value), STATUS,
        ),
    )  # fmt: skip
    largest = max(point.n for point in points)
    variants = list(dict.fromkeys(point.variant for point in points))
    legend: dict[str, Key] = {}
    marks = []
    for point in points:
        if point.n != largest:
            continue
        name = f"{runs.labels[point.run]}: {point.variant}" if runs.several else point.variant
        slot = (point.run * len(variants) + variants.index(point.variant)) % 8 + 1
        colour = f"c{slot}" if runs.several else runs.colours[point.variant]
        legend[name] = Key(name, colour, "line")
        marks.append(columns.mark(point, series=name, colour=colour, x=_share(point) or 0.0))
    spec = charts.lines(
        marks, x_title="share of elements for which it is taken", y_title=columns.title, x_kind="share", log_y=False,
        x_domain=(0.0, 1.0),
        alt_text="Time an element over the share of taken branches, for sorted, shuffled and branch-free loops.",
    )  # fmt: skip
    told = (
        "The same additions of the same elements. Sorted data are predicted. Random data are mispredicted "
        "as often as the less likely outcome occurs, most often at one half: the height of the curve there is the cost "
        "of a misprediction. Code without a branch has nothing to predict."
    )
    panel = Panel("", spec, "Time an element over the share of taken branches")
    table = columns.table("Every share", points)
    return Figure("Branches", [panel], table, told, list(legend.values()), wide=True)


def _rank(variant: str) -> int:
    return ORDER.index(variant) if variant in ORDER else len(ORDER)


def _share(point: Point) -> float | None:
    """The share of taken branches; None where the file holds something else there."""
    share = point.record.params.get("share")
    return float(share) if isinstance(share, int | float) and 0 <= share <= 1 else None
