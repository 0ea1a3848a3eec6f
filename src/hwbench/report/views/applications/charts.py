"""Charts of the lecture's applications: a map by layer, dots beside their closed form, points with names."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import altair as alt
from altair.utils.schemapi import debug_mode

from ... import charts
from ...sections import Spec
from ...theme import var

Datum: TypeAlias = dict[str, Any]
"""A row of a chart's data: numbers and texts by field."""

ROW = 17  # pixels a row of a map
POWER_LABEL = "datum.value >= 0.001 && datum.value < 100000 ? format(datum.value, '~g') : format(datum.value, '~e')"


def by_layer(
    cells: Sequence[Datum], rows: Sequence[str], colours: Mapping[str, str], *, x_title: str, alt_text: str
) -> Spec:
    """A map: each cell is a stretch from `a` to `b` of a row, coloured by `kind` and as strong as `fade` (0 … 1).

    Its tooltip has `case` and `shown`.
    """
    names = _numbered(colours)
    with debug_mode(False):
        layer = (
            alt.Chart(alt.NamedData("marks"))
            .mark_rect()
            .encode(
                x=alt.X("a:Q", axis=alt.Axis(title=x_title, grid=False), scale=alt.Scale(nice=False)),
                x2=alt.X2("b:Q"),
                # The scale's domain gives the order; `sort` would put names from files into expressions.
                y=alt.Y(
                    "row:N",
                    sort=None,
                    title=None,
                    scale=alt.Scale(domain=list(rows)),
                    axis=alt.Axis(labelLimit=190),
                ),
                color=_coloured("kind", names, colours),
                opacity=alt.Opacity("fade:Q", scale=None),
                tooltip=[
                    alt.Tooltip("row:N", title="network"),
                    alt.Tooltip("case:N", title="after"),
                    alt.Tooltip("shown:N", title="norm"),
                ],
            )
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
    x = alt.X("x:Q", axis=alt.Axis(title=x_title, grid=False, tickMinStep=1), scale=alt.Scale(nice=False))
    scale = alt.Scale(type="log", domain=[low, high], nice=False)
    axis = alt.Axis(title=None, values=powers, labelExpr=POWER_LABEL)
    names = _numbered(colours)
    rows = [{**point, "series": names[point["series"]], "case": point["series"]} for point in points]
    with debug_mode(False):
        colour = _coloured("series", names, colours)
        base = alt.Chart(alt.NamedData("marks"))
        theory = base.mark_line(strokeDash=[5, 4], strokeWidth=1.5, clip=True).encode(
            x=x, y=alt.Y("theory:Q", scale=scale, axis=axis), color=colour
        )
        measured = base.mark_point(size=42, clip=True).encode(
            x=x,
            y=alt.Y("value:Q", scale=scale, axis=axis),
            color=colour,
            tooltip=[
                alt.Tooltip("case:N", title="network"),
                alt.Tooltip("x:Q", title="layer"),
                alt.Tooltip("shown:N", title="measured"),
                alt.Tooltip("expected:N", title="theory"),
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
    x_axis = alt.Axis(title=x_title + (", log scale" if log_x else ""), grid=False, labelExpr=charts.NUMBER_LABEL)
    if log_x:
        x_axis = alt.Axis(
            title=f"{x_title}, log scale",
            grid=False,
            labelExpr=charts.NUMBER_LABEL,
            values=[
                10.0**k for k in range(math.ceil(math.log10(x_domain[0])), math.floor(math.log10(x_domain[1])) + 1)
            ],
        )
    scale_x = alt.Scale(domain=list(x_domain), nice=False, **kind_x)
    scale_y = alt.Scale(type="log", domain=[low, high], nice=False)
    span = math.log10(high / low)
    ticks = [
        a * 10.0**k for k in range(-12, 20) for a in ((1,) if span > 2.5 else (1, 2, 5)) if low <= a * 10.0**k <= high
    ]
    numbers = _numbered(colours)
    colour = _coloured("kind", numbers, colours)
    placed = [{**point, "kind": numbers.get(point["kind"], "")} for point in placed]
    with debug_mode(False):
        x = alt.X("x:Q", scale=scale_x, axis=x_axis)
        tooltip = [alt.Tooltip("case:N", title="case"), alt.Tooltip("more:N", title="figures")]
        lines, names = _slopes(slopes, x_domain, y_domain)
        name = alt.Text("name:N")
        layers: list[alt.Chart] = []
        if lines:
            slope = alt.Chart(alt.NamedData("slopes")).mark_line(color=var("line"), strokeWidth=1.2, clip=True)
            layers.append(slope.encode(x=x, y=alt.Y("y:Q", scale=scale_y), detail=alt.Detail("name:N")))
            named = alt.Chart(alt.NamedData("named")).mark_text(align="right", dy=-7, fontStyle="italic")
            layers.append(named.encode(x=x, y=alt.Y("y:Q", scale=scale_y), text=name))
        layers.append(
            alt.Chart(alt.NamedData("marks"))
            .mark_point(size=70)
            .encode(
                x=x,
                y=alt.Y("y:Q", scale=scale_y, axis=alt.Axis(title=None, values=ticks, labelExpr=charts.NUMBER_LABEL)),
                color=colour,
                opacity=alt.Opacity("fade:Q", scale=None),
                tooltip=tooltip,
            )
        )
        right = [point for point in placed if point["right"] and point["label"]]
        left = [point for point in placed if not point["right"] and point["label"]]
        at = {"x": x, "y": alt.Y("at:Q", scale=scale_y), "text": charts.LABEL}
        if right:
            text = alt.Chart(alt.NamedData("right")).mark_text(align="left", dx=8, baseline="middle")
            layers.append(text.encode(**at))
        if left:
            text = alt.Chart(alt.NamedData("left")).mark_text(align="right", dx=-8, baseline="middle")
            layers.append(text.encode(**at))
        frame = {"height": height, "description": alt_text, "title": f"{y_title}, log scale"}
        return charts.finish(layers, frame, numbers, marks=placed, slopes=lines, named=names, right=right, left=left)


def _numbered(names: Iterable[str]) -> dict[str, str]:
    """`s0`, `s1` …: Vega-Lite writes a colour scale's domain into expressions, where no name from a file may stand."""
    return {name: f"s{number}" for number, name in enumerate(names)}


def _coloured(field: str, names: Mapping[str, str], colours: Mapping[str, str]) -> alt.Color:
    """The field's colour, each name by its number."""
    shades = [var(colours[name]) for name in names]
    return alt.Color(f"{field}:N", legend=None, scale=alt.Scale(domain=list(names.values()), range=shades))


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
