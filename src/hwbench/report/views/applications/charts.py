"""Charts of the lecture's applications: a map by layer, dots beside their closed form, points with names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from ....record.model import JsonObject
from ... import charts, vega
from ...sections import Spec
from ...theme import var

Datum: TypeAlias = JsonObject
"""A row of a chart's data: numbers and texts by field."""

ROW = 17  # pixels a row of a map
POWER_LABEL = "datum.value >= 0.001 && datum.value < 100000 ? format(datum.value, '~g') : format(datum.value, '~e')"


def by_layer(
    cells: Sequence[Datum],
    rows: Sequence[str],
    colours: Mapping[str, str],
    *,
    x_title: str,
    alt_text: str,
    told: tuple[str, str] = ("after", "norm"),
) -> Spec:
    """A map: each cell is a stretch from `a` to `b` of a row, coloured by `kind` and as strong as `fade` (0 … 1).

    Its tooltip has `case` and `shown`, which `told` names.
    """
    names = _numbered(colours)
    layer = vega.layer(
        "marks",
        "rect",
        x=vega.field("a:Q", axis=vega.options(title=x_title, grid=False), scale=vega.options(nice=False)),
        x2={"field": "b"},
        # The scale's domain gives the order; `sort` would put names from files into expressions.
        y=vega.field(
            "row:N",
            sort=None,
            title=None,
            scale=vega.options(domain=list(rows)),
            axis=vega.options(labelLimit=190),
        ),
        color=_coloured("kind", names, colours),
        opacity=vega.field("fade:Q", scale=None),
        tooltip=[
            vega.field("row:N", title="network"),
            vega.field("case:N", title=told[0]),
            vega.field("shown:N", title=told[1]),
        ],
    )
    frame = {"height": len(rows) * ROW, "description": alt_text, "title": ""}
    return charts.finish([layer], frame, names, marks=[{**cell, "kind": names[cell["kind"]]} for cell in cells])


def against_theory(
    points: Sequence[Datum],
    colours: Mapping[str, str],
    domain: tuple[float, float],
    *,
    x_title: str,
    y_title: str,
    alt_text: str,
) -> Spec:
    """Dots of measured values (`value` at `x`), a dashed line of expected ones (`theory`), both by `series`.

    `domain` bounds the logarithmic scale and clips both.
    """
    low, high = domain
    steps = max(1, math.ceil(math.log10(high / low) / 6))
    powers = [10.0**k for k in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1) if k % steps == 0]
    x = vega.field("x:Q", axis=vega.options(title=x_title, grid=False, tickMinStep=1), scale=vega.options(nice=False))
    scale = vega.options(type="log", domain=[low, high], nice=False)
    axis = vega.options(title=None, values=powers, labelExpr=POWER_LABEL)
    names = _numbered(colours)
    rows = [{**point, "series": names[point["series"]], "case": point["series"]} for point in points]
    colour = _coloured("series", names, colours)
    theory = vega.layer(
        "marks",
        "line",
        vega.options(strokeDash=[5, 4], strokeWidth=1.5, clip=True),
        x=x,
        y=vega.field("theory:Q", scale=scale, axis=axis),
        color=colour,
    )
    measured = vega.layer(
        "marks",
        "point",
        vega.options(size=42, clip=True),
        x=x,
        y=vega.field("value:Q", scale=scale, axis=axis),
        color=colour,
        tooltip=[
            vega.field("case:N", title="network"),
            vega.field("x:Q", title="layer"),
            vega.field("shown:N", title="measured"),
            vega.field("expected:N", title="theory"),
        ],
    )
    frame = {"height": 240, "description": alt_text, "title": f"{y_title}, log scale"}
    return charts.finish([theory, measured], frame, names, marks=rows)


def named_points(
    points: Sequence[Datum],
    colours: Mapping[str, str],
    *,
    x_title: str,
    y_title: str,
    alt_text: str,
    x_domain: tuple[float, float],
    y_domain: tuple[float, float],
    log_x: bool,
    height: int = 260,
    slopes: Sequence[tuple[float, str]] = (),
) -> Spec:
    """Points at `x`, `y` coloured by `kind`, with their `label` beside them (`right` of them or left), y logarithmic.

    `slopes` are lines y = factor · x with a name at their upper end, for two logarithmic axes. The tooltip has `case`
    and `more`.
    """
    placed = spaced(points, y_domain, height)
    low, high = y_domain
    kind_x: Datum = {"type": "log"} if log_x else {}
    x_axis = vega.options(title=x_title + (", log scale" if log_x else ""), grid=False, labelExpr=charts.NUMBER_LABEL)
    if log_x:
        x_axis = vega.options(
            title=f"{x_title}, log scale",
            grid=False,
            labelExpr=charts.NUMBER_LABEL,
            values=[
                10.0**k for k in range(math.ceil(math.log10(x_domain[0])), math.floor(math.log10(x_domain[1])) + 1)
            ],
        )
    scale_x = vega.options(domain=list(x_domain), nice=False, **kind_x)
    scale_y = vega.options(type="log", domain=[low, high], nice=False)
    span = math.log10(high / low)
    ticks = [
        a * 10.0**k for k in range(-12, 20) for a in ((1,) if span > 2.5 else (1, 2, 5)) if low <= a * 10.0**k <= high
    ]
    numbers = _numbered(colours)
    colour = _coloured("kind", numbers, colours)
    placed = [{**point, "kind": numbers.get(point["kind"], "")} for point in placed]
    x = vega.field("x:Q", scale=scale_x, axis=x_axis)
    tooltip = [vega.field("case:N", title="case"), vega.field("more:N", title="figures")]
    lines, names = _slopes(slopes, x_domain, y_domain)
    name = vega.field("name:N")
    layers: list[Spec] = []
    if lines:
        slope = vega.options(color=var("line"), strokeWidth=1.2, clip=True)
        layers.append(
            vega.layer("slopes", "line", slope, x=x, y=vega.field("y:Q", scale=scale_y), detail=vega.field("name:N"))
        )
        named = vega.options(align="right", dy=-7, fontStyle="italic")
        layers.append(vega.layer("named", "text", named, x=x, y=vega.field("y:Q", scale=scale_y), text=name))
    layers.append(
        vega.layer(
            "marks",
            "point",
            vega.options(size=70),
            x=x,
            y=vega.field(
                "y:Q", scale=scale_y, axis=vega.options(title=None, values=ticks, labelExpr=charts.NUMBER_LABEL)
            ),
            color=colour,
            opacity=vega.field("fade:Q", scale=None),
            tooltip=tooltip,
        )
    )
    right = [point for point in placed if point["right"] and point["label"]]
    left = [point for point in placed if not point["right"] and point["label"]]
    at = {"x": x, "y": vega.field("at:Q", scale=scale_y), "text": charts.LABEL}
    if right:
        layers.append(vega.layer("right", "text", vega.options(align="left", dx=8, baseline="middle"), **at))
    if left:
        layers.append(vega.layer("left", "text", vega.options(align="right", dx=-8, baseline="middle"), **at))
    frame = {"height": height, "description": alt_text, "title": f"{y_title}, log scale"}
    return charts.finish(layers, frame, numbers, marks=placed, slopes=lines, named=names, right=right, left=left)


def _numbered(names: Iterable[str]) -> dict[str, str]:
    """`s0`, `s1` …: Vega-Lite writes a colour scale's domain into expressions, where no name from a file may stand."""
    return {name: f"s{number}" for number, name in enumerate(names)}


def _coloured(field: str, names: Mapping[str, str], colours: Mapping[str, str]) -> Spec:
    """The field's colour, each name by its number."""
    shades = [var(colours[name]) for name in names]
    return vega.field(f"{field}:N", legend=None, scale=vega.options(domain=list(names.values()), range=shades))


def spaced(points: Sequence[Datum], domain: tuple[float, float], height: int, line: int = 13) -> list[Datum]:
    """The points with `at`, where their labels go: as high as the point, moved up until `line` pixels apart."""
    step = math.log10(domain[1] / domain[0]) * line / height
    out: list[Datum] = []
    last = {True: -math.inf, False: -math.inf}
    for point in sorted(points, key=lambda point: float(point["y"])):
        at, side = math.log10(float(point["y"])), bool(point["right"])
        if point["label"]:
            at = max(at, last[side] + step)
            last[side] = at
        out.append({**point, "at": float(f"{10**at:.6g}")})
    return out


def _slopes(
    slopes: Sequence[tuple[float, str]], x_domain: tuple[float, float], y_domain: tuple[float, float]
) -> tuple[list[Datum], list[Datum]]:
    """Both ends of each line inside the axes, and where its name goes."""
    lines, names = [], []
    for factor, name in slopes:
        start = max(x_domain[0], y_domain[0] / factor)
        end = min(x_domain[1], y_domain[1] / factor)
        if start >= end:
            continue
        lines += [{"x": at, "y": at * factor, "name": name} for at in (start, end)]
        names.append({"x": end * 0.98, "y": end * factor * 0.93, "name": name})
    return lines, names
