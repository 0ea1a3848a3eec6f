"""TODO report.views.branch."""

from __future__ import annotations

from ...record.model import ITEM_TIME
from .. import charts, format
from ..dataset import Point, Runs, _n
from ..sections import Figure, Key, Panel, Table

BRANCH = "branch.prediction"


# --- branches ---------------------------------------------------------------------------------------------------------


def _branch(runs: Runs) -> Figure | None:
    """Nanoseconds an element over the share of elements for which the branch is taken, at the largest n."""
    points = [
        point
        for point in runs.by_bench.get(BRANCH, ())
        if point.metric == ITEM_TIME and _share(point) is not None and _n(point)
    ]
    if len({_share(point) for point in points}) < 2:
        return None
    order = ("sorted", "shuffled", "branch-free")
    points.sort(
        key=lambda point: (
            point.run,
            order.index(point.record.variant) if point.record.variant in order else len(order),
            _n(point),
            _share(point) or 0.0,
        )
    )
    largest = max(_n(point) for point in points)
    legend: dict[str, Key] = {}
    marks = []
    for point in points:
        if _n(point) != largest:
            continue
        name = f"{runs.labels[point.run]}: {point.record.variant}" if runs.several else point.record.variant
        variants = list(dict.fromkeys(other.record.variant for other in points))
        slot = (point.run * len(variants) + variants.index(point.record.variant)) % 8 + 1
        colour = f"c{slot}" if runs.several else runs.colours[point.record.variant]
        legend[name] = Key(name, colour, "line")
        marks.append(charts.mark_of(runs, point, series=name, colour=colour, x=_share(point) or 0.0))
    spec = charts.lines(
        marks, x_title="share of elements for which it is taken", y_title="ns per element", x_kind="share", log_y=False,
        x_domain=(0.0, 1.0),
        alt_text="Time an element over the share of taken branches, for sorted, shuffled and branch-free loops.",
    )  # fmt: skip
    rows = [
        runs.row(
            point.run,
            (
                point.record.variant,
                format.elements(_n(point)),
                format.percent(_share(point)),
                format.number(point.value.value),
                format.bounds(point.value),
                point.record.status,
            ),
        )
        for point in points
    ]
    head = ("variant", "n", "taken", "ns per element", "95% interval", "status")
    text = (
        "The same additions of the same elements. In sorted order the branch is foreseen; in random order it is wrong "
        "for the less likely way, most often at one half: the height of the tent over one half is the price of a "
        "misprediction. Without a branch there is nothing to guess."
    )
    return Figure(
        "Branches",
        [Panel("", spec, "Time an element over the share of taken branches")],
        Table("Every share", runs.head(head), rows),
        text,
        list(legend.values()),
        wide=True,
    )


def _share(point: Point) -> float | None:
    """The share as stated; None where a file has something else there."""
    share = point.record.params.get("share")
    return float(share) if isinstance(share, int | float) and 0 <= share <= 1 else None
