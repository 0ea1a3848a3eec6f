"""The few kinds of charts that views draw: bars and dots with intervals, lines over a sweep, a roofline.

A chart is as wide as its container, has no legend of its own (the page writes one that wraps), and carries its values'
unit as a title above or below it. Marks are given as plain rows whose tooltips are texts made beforehand, so that
nothing from a run file is ever evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..record import text
from ..record.estimate import Estimate
from ..record.model import Json, JsonObject
from . import format, vega
from .dataset import Point, Runs
from .sections import Spec
from .theme import var

BAR = 15  # pixels a bar, its gap counted in
CHAR, CAPITAL = 6.2, 8.2  # pixels of a letter at the size of labels, and of one in names of levels
TITLE = 34  # letters of an axis's title that leave room for more on its line
ROW = 15  # pixels a line of text takes, with a little air
LEAST = 0.4  # of the width is for marks
STRIP = 0.4  # of the width at most is for the names of roofs, on either side
WIDE = 30.0  # a span of values beyond which bars give way to dots on a logarithmic scale
BYTES_LABEL = (
    "datum.value >= 1073741824 ? datum.value / 1073741824 + ' GiB' : datum.value >= 1048576 ? datum.value / 1048576 + "
    "' MiB' : datum.value >= 1024 ? datum.value / 1024 + ' KiB' : datum.value + ' B'"
)
COUNT_LABEL = (
    "datum.value < 1000 ? datum.value : '10' + slice('⁰¹²³⁴⁵⁶⁷⁸⁹', round(log(datum.value) / LN10), "
    "round(log(datum.value) / LN10) + 1)"
)
_POWER = "floor(log(datum.value) / LN10 + 0.000001)"
# `5000`, `50 000`, `5 × 10⁶`: as `record.text` writes numbers.
NUMBER_LABEL = (
    "datum.value < 10000 || datum.value >= 10000000000 ? format(datum.value, '~g') : datum.value < 1000000 ? "
    "format(floor(datum.value / 1000), 'd') + '\u202f' + format(datum.value % 1000, '03d') : "
    f"replace(format(datum.value / pow(10, {_POWER}), '~g') + ' × 10', '1 × 10', '10') + "
    f"slice('⁰¹²³⁴⁵⁶⁷⁸⁹', {_POWER}, {_POWER} + 1)"
)


Datum: TypeAlias = JsonObject
"""A row of a chart's data: JSON."""

Frame: TypeAlias = Mapping[str, Json]
"""What stands around a chart: `height` in pixels, `description` for screen readers, `title`."""


LABEL = vega.field("label:N")


@dataclass(frozen=True)
class Mark:
    """One value to draw. `x` places it on a line's axis, `group` and `series` in bars; `label` is written beside it.

    `against` stands in a column of its own at the right edge of bars: how the value compares with another.
    A mark without a value (`value` None) is a case without a time: its `label` says why where the bar would be.
    """

    series: str
    colour: str
    case: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = ""
    n: int = 0
    group: str = ""
    x: float = 0.0
    label: str = ""
    more: str = ""
    suspect: str = ""
    dash: str = ""
    against: str = ""

    def row(self, names: Mapping[str, str]) -> Datum:
        """The mark as a datum: what is drawn, and the texts of its tooltip. What is empty is left out.

        `names` are what series are called in the chart, see `_numbered`.
        """
        low, high = self.low, self.high
        # An interval from fewer than three samples is the whole line; it is not drawn.
        bounded = low is not None and high is not None and low > 0 and math.isfinite(high)
        row: Datum = {
            "series": names[self.series],
            "group": self.group,
            "x": short(self.x),
            "value": short(self.value),
            "low": short(low if bounded else self.value),
            "high": short(high if bounded else self.value),
            "label": self.label,
            "case": self.case,
            "shown": text.amount(self.value, self.unit),
            "interval": f"{text.amount(low)}–{text.amount(high, self.unit)}" if bounded else "",
            "n": str(self.n) if self.n else "",
            "more": self.more,
            "suspect": self.suspect,
            "dash": self.dash,
            "against": self.against,
            "fade": 0.4 if self.suspect else 1,
        }
        return {name: value for name, value in row.items() if value not in ("", None) or name in ("series", "group")}


def mark_of(
    runs: Runs,
    point: Point,
    *,
    value: Estimate | None = None,
    unit: str | None = None,
    series: str = "",
    colour: str = "",
    group: str = "",
    x: float = 0.0,
    label: str = "",
    more: str = "",
    dash: str = "",
    against: str = "",
) -> Mark:
    """A point as a mark: its own value, unit, variant and colour, unless others are given."""
    shown = point.value if value is None else value
    record = point.record
    return Mark(
        series=series or point.variant,
        colour=colour or runs.colours[point.variant],
        case=format.case(record),
        value=shown.value,
        low=shown.low,
        high=shown.high,
        unit=point.unit if unit is None else unit,
        n=len(record.samples),
        group=group,
        x=x,
        label=label,
        more=more,
        suspect=doubt(point),
        dash=dash,
        against=against,
    )


def doubt(point: Point) -> str:
    """Why a point is suspect, as tooltips say it; "" where it is not."""
    return point.record.why or "yes" if point.suspect else ""


def bars(
    marks: Sequence[Mark],
    *,
    groups: Sequence[str],
    series: Sequence[str],
    unit: str,
    alt_text: str,
    axis: str = "",
    top: float,
    bottom: float | None = None,
    rule: float | None = None,
    more: str = "",
    best: bool = False,
    against: str = "",
) -> Spec:
    """Horizontal bars from 0 to `top`; with a `bottom` above 0, dots on a logarithmic scale between the two.

    `groups` are the rows, `series` the bars of each, in order; with one series a group is a bar. `axis` names what the
    groups are, `rule` is where a dashed line goes. `more` is what the tooltip calls `Mark.more`. `best` says that
    values have no interval: best samples, facts. `against` heads the column of `Mark.against`. Labels and that column
    are given the pixels that they need; bars take the rest.
    """
    logarithmic = bottom is not None
    titled: str | list[str] = unit
    names = _numbered(marks, series)
    rows = [mark.row(names) for mark in marks if mark.value is not None]
    absent = [mark.row(names) for mark in marks if mark.value is None]
    for row in rows:
        # A label stands at the end of its interval: an end far outside would squeeze the whole chart.
        row["high"] = short(min(row["high"], max(top * 1.05, row["value"])))
        row.setdefault("against", "")  # what a row lacks would be written as "undefined"
    label = 12 + CHAR * max((len(mark.label) for mark in marks), default=0)
    compared = max((len(mark.against) for mark in marks), default=0)
    ends, seen = split(label, 10 + CHAR * max(compared, len(against)) if compared else 0.0)
    if bottom is not None:
        low, high = bottom / 1.5, top * 1.05
        edge = low
        scale = vega.options(type="log", domain=[low, high], rangeMax=ends, nice=False)
        ticks = _powers(low, high)
        titled = [f"{unit},", "log scale"] if len(unit) > TITLE else f"{unit}, log scale"
    else:
        edge = 0.0
        scale = vega.options(domain=[0, top * 1.05], rangeMax=ends, nice=False)
        ticks = _ticks(top)
    x = vega.field(
        "value:Q",
        scale=scale,
        axis=vega.options(title=titled, values=ticks, labelExpr=NUMBER_LABEL, labelOverlap="greedy"),
    )
    y = vega.field(
        # The scale's domain gives the order; `sort` would put the names into expressions.
        "group:N",
        sort=None,
        title=None,
        scale=vega.options(domain=list(groups), paddingInner=0.18, paddingOuter=0.06),
        axis=vega.options(labels=len(groups) > 1 or bool(groups[0])),
    )
    place: Spec = {"y": y}
    if len(series) > 1:
        place["yOffset"] = vega.field(
            "series:N", sort=None, scale=vega.options(domain=[names[name] for name in series], paddingInner=0.16)
        )
    tooltip = _tooltip(marks, more, best)
    colour = _colour(marks, names)
    fade = vega.field("fade:Q", scale=None)
    layers: list[Spec] = []
    if rule is not None:
        layers.append(vega.layer("rule", "rule", vega.options(color=var("ink-2"), strokeDash=[4, 4]), x=x))
    if logarithmic:
        # A thin stem ties the dot to its row. Its length means nothing: the edge is not zero.
        stem, faint = vega.options(strokeWidth=1.2), {"value": 0.45}
        layers.append(vega.layer("marks", "rule", stem, x=x, x2={"datum": edge}, color=colour, opacity=faint, **place))
        dot = vega.options(size=75)
        layers.append(vega.layer("marks", "point", dot, x=x, color=colour, opacity=fade, tooltip=tooltip, **place))
    else:
        bar = vega.options(cornerRadiusEnd=2)
        layers.append(vega.layer("marks", "bar", bar, x=x, color=colour, opacity=fade, tooltip=tooltip, **place))
    if not best:
        x_low = vega.field("low:Q", scale=scale)
        layers.append(interval(x=x_low, x2={"field": "high"}, tooltip=tooltip, **place))
    # Beyond the interval's end, so that the text never sits on it.
    told = vega.options(align="left", dx=8 if logarithmic else 5, baseline="middle")
    layers.append(vega.layer("marks", "text", told, x=vega.field("high:Q", scale=scale), text=LABEL, **place))
    if compared:
        look, told = vega.options(align="right", baseline="middle", opacity=seen), vega.field("against:N")
        layers += [vega.layer("marks", "text", look, x={"value": "width"}, text=told, **place), heading(seen)]
    if absent:
        reasons = [vega.field("case:N"), vega.field("more:N", title="why")]
        at_edge = {"datum": edge, "type": "quantitative"}
        without = vega.options(align="left", dx=4, fontStyle="italic")
        layers.append(vega.layer("absent", "text", without, x=at_edge, text=LABEL, tooltip=reasons, **place))
    height = max(1, len(groups)) * (max(1, len(series)) * BAR + (10 if len(series) > 1 else 6))
    frame: Frame = {"height": height, "description": alt_text, "title": axis if len(groups) > 1 else ""}
    ruled = [{"value": rule}] if rule is not None else []
    head = [{"label": against}] if compared else []
    return finish(layers, frame, names, marks=rows, absent=absent, rule=ruled, head=head)


def interval(**channels: object) -> Spec:
    """The interval of each mark, as a line between its ends."""
    return vega.layer("marks", "rule", vega.options(strokeWidth=1.5, clip=True), **channels)


def heading(seen: Spec) -> Spec:
    """The heading of the column at the right edge."""
    look = vega.options(align="right", dy=-8, opacity=seen)
    return vega.layer("head", "text", look, x={"value": "width"}, y={"value": 0}, text=LABEL)


def split(label: float, column: float) -> tuple[Spec, Spec]:
    """Where marks end so that labels and a column at the right edge have their pixels, and the column's opacity.

    Where less than a share of the width would be left to the marks, as on a phone, the column is left out.
    """
    both = round(label + column)
    wide = f"width - {both} >= {LEAST} * width"
    alone = f"max({LEAST} * width, width - {round(label)})"
    return {"expr": f"{wide} ? width - {both} : {alone}"}, {"expr": f"{wide} ? 1 : 0"}


def lines(
    marks: Sequence[Mark],
    *,
    x_title: str,
    y_title: str,
    alt_text: str,
    x_kind: str,
    log_y: bool = True,
    x_domain: tuple[float, float] | None = None,
    y_domain: tuple[float, float] | None = None,
    rules: Sequence[tuple[float, str, bool]] = (),
    ideal: Sequence[tuple[float, float]] = (),
    peaks: Mapping[str, float] | None = None,
    height: int = 280,
    more: str = "",
    best: bool = False,
) -> Spec:
    """Lines over a sweep. `x_kind` is bytes, count, doubling, threads, share or rate; the first three are logarithmic.

    `rules` are vertical lines: position, label beside it, and whether it is dashed. `ideal` is a dotted line through
    points, `peaks` are dotted horizontal lines: height by colour.
    Marks with a `dash` are drawn dashed. `best` says that values are best samples, which have no interval.
    """
    names = _numbered(marks)
    rows = [mark.row(names) for mark in marks if mark.value is not None]
    pale = {row["series"] for row in rows} - {row["series"] for row in rows if row["fade"] == 1}
    if pale:
        rows = [{**row, "pale": 0.4 if row["series"] in pale else 1} for row in rows]
    xs = [row["x"] for row in rows] + [at for at, _, _ in rules]
    heights = peaks or {}
    ys = [row["value"] for row in rows] + [at for _, at in ideal] + [*heights.values()]
    low_x, high_x = x_domain or (min(xs), max(xs))
    if x_kind == "threads":
        scale_x = vega.options(domain=[low_x - 0.1, high_x + 0.1], nice=False)
        axis_x = vega.options(title=x_title, values=sorted(set(xs)), format="d", grid=False, labelOverlap="greedy")
    elif x_kind in ("share", "rate"):
        scale_x = vega.options(domain=[low_x, high_x if high_x > low_x else low_x + 1], nice=False)
        label = "format(datum.value, '.0%')" if x_kind == "share" else NUMBER_LABEL
        axis_x = vega.options(title=x_title, tickCount=5, labelExpr=label, grid=False, labelOverlap="greedy")
    else:
        base, step, label = {
            "bytes": (2, 4, BYTES_LABEL), "count": (10, 10, COUNT_LABEL), "doubling": (2, 2, NUMBER_LABEL)
        }[x_kind]  # fmt: skip
        scale_x = vega.options(type="log", base=base, domain=[low_x, high_x * 1.0001], nice=False)
        axis_x = vega.options(
            title=f"{x_title}, log scale",
            values=_powers(low_x, high_x, step),
            grid=False,
            labelExpr=label,
            labelOverlap="greedy",
            labelSeparation=6,
        )
    if log_y:
        low_y, high_y = y_domain or _margins(min(ys), max(ys))
        scale_y = vega.options(type="log", domain=[low_y, high_y], nice=False)
        axis_y = vega.options(title=None, values=_steps(low_y, high_y), labelExpr=NUMBER_LABEL)
        y_title += ", log scale"
    else:
        low_y, high_y = y_domain or (0.0, max(ys) * 1.08)
        scale_y = vega.options(domain=[low_y, high_y], nice=False)
        axis_y = vega.options(title=None, tickCount=5)
    x = vega.field("x:Q", scale=scale_x, axis=axis_x)
    y = vega.field("value:Q", scale=scale_y, axis=axis_y)
    colour = _colour(marks, names)
    dash = vega.field("dash:N", legend=None, scale=vega.options(domain=["dash"], range=[[5, 4]]))
    dashed = {"strokeDash": dash} if any(mark.dash for mark in marks) else {}
    layers: list[Spec] = []
    for broken in (False, True):
        if any(dashed_rule is broken for _, _, dashed_rule in rules):
            vertical = "dashed" if broken else "solid"
            look = vega.options(color=var("ink-2"), strokeWidth=1, strokeDash=[5, 4] if broken else [1, 0])
            layers.append(vega.layer(vertical, "rule", look, x=x))
            named = vega.options(align="right", baseline="top", dx=-3, dy=3)
            layers.append(vega.layer(vertical, "text", named, x=x, y={"value": 0}, text=LABEL))
    if ideal:
        dotted = vega.options(color=var("ink-2"), strokeDash=[2, 4], strokeWidth=1.5)
        layers.append(vega.layer("ideal", "line", dotted, x=x, y=y))
    for own in heights:
        dotted = vega.options(color=var(own), strokeDash=[2, 4], strokeWidth=1.5)
        layers.append(vega.layer(f"peak-{own}", "rule", dotted, y=y))
    faded = {"opacity": vega.field("pale:Q", scale=None)} if pale else {}  # lines of suspect marks alone
    series = vega.field("series:N")
    layers.append(vega.layer("marks", "line", x=x, y=y, color=colour, detail=series, **dashed, **faded))
    layers.append(interval(x=x, y=vega.field("low:Q", scale=scale_y), y2={"field": "high"}, color=colour))
    fade = vega.field("fade:Q", scale=None)
    layers.append(
        vega.layer("marks", "point", x=x, y=y, color=colour, opacity=fade, tooltip=_tooltip(marks, more, best))
    )
    return finish(
        layers,
        {"height": height, "description": alt_text, "title": y_title},
        names,
        marks=rows,
        solid=[{"x": at, "label": label} for at, label, broken in rules if not broken],
        dashed=[{"x": at, "label": label} for at, label, broken in rules if broken],
        ideal=[{"x": at, "value": value} for at, value in ideal],
        **{f"peak-{own}": [{"value": height}] for own, height in heights.items()},
    )


def heat(
    cells: Sequence[tuple[str, str, float, str]], *, order: Sequence[str], unit: str, x_title: str, alt_text: str
) -> Spec:
    """A map of values: each cell is its row, its column, its value and what else its tooltip says.

    `order` are the names of rows and columns alike. The larger the value, the fuller the colour; where there is room
    for it the value is written into the cell.
    """
    names = {name: f"s{i:04d}" for i, name in enumerate(order)}
    low, high = value_range(value for *_, value, _ in cells)
    rows = [
        {
            "row": names[row],
            "column": names[column],
            "cell": f"{row} and {column}",
            "shown": text.amount(value, unit),
            "label": text.amount(value),
            "more": more,
            # Opacity from 0.25 to 1 by the logarithm, so that near and far CPUs both keep distinct shades.
            "fade": short(0.25 + 0.75 * (math.log(value / low) / math.log(high / low) if high > low else 0.0)),
        }
        for row, column, value, more in cells
    ]
    ends = [{"row": names[name], "column": names[name], "label": name} for name in order]
    every = max(1, math.ceil(len(order) / 16))
    domain = list(names.values())
    labelled = [{"row": end["row"], "column": end["column"], "label": end["label"]} for end in ends[::every]]
    bare = vega.options(title=f"{x_title}, named on the diagonal", labels=False, ticks=False, domain=False)
    x = vega.field("column:N", scale=vega.options(domain=domain, padding=0.04), axis=bare)
    y = vega.field("row:N", scale=vega.options(domain=domain, padding=0.04), axis=None)
    tooltip = [vega.field(f"{field}:N", title=name) for field, name in
               (("cell", x_title), ("shown", "time"), ("more", "they share"))]  # fmt: skip
    layers = [
        vega.layer(
            "marks",
            "rect",
            vega.options(color=var("c1")),
            x=x,
            y=y,
            opacity=vega.field("fade:Q", scale=None),
            tooltip=tooltip,
        )
    ]
    if len(order) <= 12:
        layers.append(vega.layer("marks", "text", vega.options(color=var("ink"), fontSize=12), x=x, y=y, text=LABEL))
    # Names stand on the diagonal, which has no values.
    layers.append(vega.layer("ends", "text", vega.options(fontSize=10), x=x, y=y, text=LABEL))
    height = min(520, max(120, 44 * len(order)))
    frame: Frame = {"height": height, "description": alt_text, "title": unit}
    return finish(layers, frame, names, marks=rows, ends=labelled)


def matrix(
    cells: Sequence[tuple[int, int, float, str]], *, order: Sequence[int], unit: str, rows: str, columns: str,
    alt_text: str,
) -> Spec:  # fmt: skip
    """A map of values whose rows and columns are numbered by `order`: row, column, value, what else its tooltip says.

    The larger the value, the fuller the colour; where there is room for it the value is written into the cell.
    """
    low, high = value_range(value for _, _, value, _ in cells)
    data: list[Datum] = [
        {
            "row": row, "column": column, "cell": f"{rows} {row}, {columns} {column}",
            "shown": text.amount(value, unit), "label": text.amount(value), "more": more,
            "fade": short(0.2 + 0.6 * (math.log(value / low) / math.log(high / low) if high > low else 0.0)),
        }
        for row, column, value, more in cells
    ]  # fmt: skip
    scale = vega.options(domain=list(order), padding=0.04)
    look = vega.options(labelAngle=0, ticks=False, domain=False, grid=False, labelOverlap="greedy")
    x = vega.field("column:N", scale=scale, axis=vega.options(title=columns, **look))
    y = vega.field("row:N", scale=scale, axis=vega.options(title=rows, **look))
    tooltip = [vega.field(f"{name}:N", title=title) for name, title in
               (("cell", "pair"), ("shown", "best"), ("more", "memory is"))]  # fmt: skip
    fade = vega.field("fade:Q", scale=None)
    layers = [vega.layer("marks", "rect", vega.options(color=var("c1")), x=x, y=y, opacity=fade, tooltip=tooltip)]
    if len(order) <= 8:
        layers.append(vega.layer("marks", "text", vega.options(color=var("ink"), fontSize=12), x=x, y=y, text=LABEL))
    frame: Frame = {"height": min(520, max(120, 44 * len(order))), "description": alt_text, "title": unit}
    return finish(layers, frame, {}, marks=data)


@dataclass(frozen=True)
class RoofLine:
    """A slope of `value` B/s or, where `flat`, a ceiling of `value` FLOP/s. `name` is short; `told` is its tooltip."""

    name: str
    value: float
    flat: bool
    dashed: bool = False
    told: str = ""


@dataclass(frozen=True)
class Extent:
    """What a roofline has to hold: flop per byte from `left` to `right`, a slope of B/s, rates in GFLOP/s."""

    left: float
    right: float
    slope: float
    least: float
    high: float

    @property
    def low(self) -> float:
        """The lowest rate."""
        return max(self.high * 1e-6, min(self.slope * self.left * 0.8e-9, self.least / 1.6))

    @classmethod
    def of(cls, marks: Sequence[Mark], roofs: Sequence[RoofLine]) -> Extent:
        """The extent of these marks and roofs."""
        ceiling = max(roof.value for roof in roofs if roof.flat)
        slopes = [roof.value for roof in roofs if not roof.flat]
        ridges = [ceiling / slope for slope in slopes]
        left = min([0.03, *(mark.x / 2 for mark in marks), *(ridge / 2 for ridge in ridges)])
        right = max([10.0, *(3 * ridge for ridge in ridges), *(mark.x * 1.5 for mark in marks)])
        lows = [low for mark in marks if (low := mark.low or mark.value)]
        return cls(left, right, min(slopes, default=ceiling), min(lows, default=ceiling), ceiling * 2e-9)

    def with_(self, other: Extent) -> Extent:
        """What holds both."""
        return Extent(
            min(self.left, other.left), max(self.right, other.right), min(self.slope, other.slope),
            min(self.least, other.least), max(self.high, other.high),
        )  # fmt: skip


def roofline(
    marks: Sequence[Mark],
    roofs: Sequence[RoofLine],
    shapes: Mapping[str, str],
    *,
    alt_text: str,
    extent: Extent | None = None,
    height: int = 420,
) -> Spec:
    """Floating-point rate over arithmetic intensity, both logarithmic, below the roofs. Rates are in GFLOP/s.

    Charts that are read together share an `extent`, so that a height means the same in each.
    `Mark.group` chooses the shape of the point by `shapes`. A slope's name stands at its lower end, a ceiling's at its
    right end, both in strips that no point enters, of as many pixels as the longest name needs. Names too close to be
    written below each other are joined.
    """
    names = _numbered(marks)
    rows = [mark.row(names) for mark in marks]
    flats = sorted((roof for roof in roofs if roof.flat), key=lambda roof: -roof.value)
    slopes = sorted((roof for roof in roofs if not roof.flat), key=lambda roof: -roof.value)
    ceiling = flats[0].value
    ridges = [ceiling / slope.value for slope in slopes]
    extent = extent or Extent.of(marks, roofs)
    start_x, end_x, low_y, high_y = extent.left, extent.right, extent.low, extent.high
    row = (high_y / low_y) ** (ROW / height)
    before = _joined([(slope.name, 1 / slope.value) for slope in slopes], row)
    beside = _joined([(flat.name, 1 / flat.value) for flat in flats], row)
    left, right = (
        f"min({STRIP}, {round(char * max((len(name) for name, _ in labels), default=0) + 8)} / width)"
        for labels, char in ((before, CAPITAL), (beside, CHAR))
    )
    wider = f"{math.log(end_x / start_x):.6g} / (1 - {left} - {right})"
    low_x, high_x = (f"{start_x:.6g} * exp(-{left} * {wider})", f"{end_x:.6g} * exp({right} * {wider})")
    beyond = end_x * (end_x / start_x) ** 4  # the strip at the right takes 0.4 of the width at most
    drawn: list[Datum] = []
    for slope, ridge in zip(slopes, ridges, strict=True):
        drawn += [_along(slope, x, slope.value * x) for x in (max(start_x, low_y * 1e9 / slope.value), ridge)]
    for flat in flats:
        start = min(ridges, default=start_x) * flat.value / ceiling
        drawn += [_along(flat, x, flat.value) for x in (start, beyond)]
    x = vega.field(
        "x:Q",
        scale=vega.options(type="log", domain=[{"expr": low_x}, {"expr": high_x}], nice=False),
        axis=vega.options(
            title="flop per byte, log scale", values=_powers(start_x, end_x), labelExpr=NUMBER_LABEL, grid=False
        ),
    )
    scale_y = vega.options(type="log", domain=[low_y, high_y], nice=False)
    y = vega.field(
        "y:Q", scale=scale_y, axis=vega.options(title=None, values=_powers(low_y, high_y), labelExpr=NUMBER_LABEL)
    )
    dash = vega.field("dash:N", legend=None, scale=vega.options(domain=["", "dash"], range=[[1, 0], [5, 4]]))
    told = [vega.field("told:N", title="roof")]
    thin = vega.options(color=var("ink-2"), strokeWidth=1.3, clip=True)
    wide = vega.options(color=var("ink-2"), strokeWidth=11, opacity=0, clip=True)
    above = vega.options(align="right", baseline="bottom", dy=-2)
    layers = [
        vega.layer("roofs", "line", thin, x=x, y=y, detail=vega.field("roof:N"), strokeDash=dash),
        # An invisible line as wide as a finger: a line of one pixel is hard to point at.
        vega.layer("roofs", "line", wide, x=x, y=y, detail=vega.field("roof:N"), tooltip=told),
        vega.layer("ceilings", "text", above, x={"value": "width"}, y=y, text=LABEL),
        vega.layer("slopes", "text", vega.options(align="right", dx=-4), x=x, y=y, text=LABEL),
    ]
    if rows:
        shape = vega.field("group:N", legend=None, scale=vega.options(domain=list(shapes), range=list(shapes.values())))
        colour, fade = _colour(marks, names), vega.field("fade:Q", scale=None)
        low = vega.field("low:Q", scale=scale_y)
        layers.append(interval(x=x, y=low, y2={"field": "high"}, color=colour, opacity=fade))
        layers.append(
            vega.layer(
                "marks",
                "point",
                vega.options(size=60, clip=True),
                x=x,
                y=vega.field("value:Q", scale=scale_y),
                color=colour,
                shape=shape,
                opacity=fade,
                tooltip=_tooltip(marks, "of its roof"),
            )
        )
    return finish(
        layers,
        {"height": height, "description": alt_text, "title": "GFLOP/s, log scale"},
        names,
        marks=rows,
        roofs=drawn,
        ceilings=[{"y": 1e-9 / down, "label": label} for label, down in beside],
        slopes=[{"x": start_x, "y": start_x * 1e-9 / down, "label": label} for label, down in before],
    )


def _along(roof: RoofLine, x: float, height: float) -> Datum:
    """A point of a roof's line, `height` in FLOP/s."""
    dash = "dash" if roof.dashed else ""
    return {"roof": roof.name, "x": x, "y": height * 1e-9, "dash": dash, "told": roof.told or roof.name}


def _joined(named: Sequence[tuple[str, float]], apart: float) -> list[tuple[str, float]]:
    """Names at rising places; a name nearer to the first of a group than the ratio `apart` is joined to it."""
    out: list[tuple[str, float]] = []
    for name, place in named:
        if out and place < out[-1][1] * apart:
            out[-1] = (f"{out[-1][0]}·{name}", out[-1][1])
        else:
            out.append((name, place))
    return out


def finish(layers: Sequence[Spec], frame: Frame, names: Mapping[str, str], **data: list[Datum]) -> Spec:
    """The layers as one spec with its data, as wide as its container; the page states the configuration once.

    `frame` is the chart's height, description and title. `usermeta` keeps what each series is really called, for who
    adds a legend.
    """
    spec: Spec = {"width": "container"} | {name: frame[name] for name in ("height", "description")}
    spec["layer"] = list(layers)
    if frame["title"]:
        spec["title"] = {"text": frame["title"]}
    spec["usermeta"] = {number: name for name, number in names.items()}
    spec["datasets"] = {name: rows for name, rows in data.items() if rows}
    return spec


def unbounded(value: float) -> Estimate:
    """A value without an interval, such as a best sample."""
    return Estimate(value, 0.0, math.inf)


def value_range(values: Iterable[float]) -> tuple[float, float]:
    """The smallest and the largest of positive values."""
    seen = [value for value in values if value > 0 and math.isfinite(value)]
    return (min(seen), max(seen)) if seen else (1.0, 1.0)


def short(value: float | None) -> float | None:
    """Rounded to five digits, more than a screen has pixels."""
    return None if value is None else float(f"{value:.5g}")


def _numbered(marks: Sequence[Mark], series: Sequence[str] = ()) -> dict[str, str]:
    """What each series is called inside the chart: `s0`, `s1` and so on.

    Vega-Lite writes the domain of a colour scale into expressions that it then evaluates; names from run files must not
    get there.
    """
    every = dict.fromkeys([*series, *(mark.series for mark in marks)])
    return {name: f"s{i}" for i, name in enumerate(every)}


def _colour(marks: Sequence[Mark], names: Mapping[str, str]) -> Spec:
    """Each series in its own stated colour, so that a chart without some series keeps the colours of the others."""
    colours = {names[mark.series]: mark.colour for mark in marks}
    scale = vega.options(domain=list(colours), range=[var(colour) for colour in colours.values()])
    return vega.field("series:N", legend=None, scale=scale)


def _tooltip(marks: Sequence[Mark], more: str, best: bool = False) -> list[Spec]:
    """The case and its figures; a line that would be empty for every mark is left out."""
    names = {"case": "case", "shown": "median", "interval": "95% interval", "n": "samples", "more": more}
    if best:
        names = {"case": "case", "shown": "value", "more": more}
    if any(mark.suspect for mark in marks):
        names["suspect"] = "suspect"
    return [vega.field(f"{field}:N", title=title) for field, title in names.items() if title]


def _margins(low: float, high: float) -> tuple[float, float]:
    return (low / 1.25, high * 1.35) if high > low else (low / 3, high * 3)


def _powers(low: float, high: float, base: int = 10) -> list[float]:
    """The powers of `base` in a range."""
    first, last = math.ceil(math.log(low, base) - 1e-9), math.floor(math.log(high, base) + 1e-9)
    return [float(base) ** i for i in range(first, last + 1)]


def _steps(low: float, high: float) -> list[float]:
    """Powers of ten, 2 and 5 times them where they alone would be too few to read a value by, else round numbers."""
    powers = _powers(low / 10, high)
    if math.log10(high / low) > 3:
        return [value for value in powers if low <= value <= high]
    found = [value for power in powers for value in (power, 2 * power, 5 * power) if low <= value <= high]
    if len(found) > 1:
        return found
    raw = (high - low) / 4
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    return [step * i for i in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _ticks(top: float) -> list[float]:
    """Three to five round numbers from 0 to the largest value; none in the space that is kept for labels."""
    raw = top / 4
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    return [step * i for i in range(math.floor(top / step) + 1)]
