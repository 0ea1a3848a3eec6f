"""Speed against safe depth: time a layer of each network over how deep it may be, by type and remedy."""

from __future__ import annotations

from collections.abc import Sequence

from ....record import text
from ....record.model import Record
from ... import format
from ...columns import VARIANT, Column, axis, table
from ...dataset import Point, Runs
from ...sections import Figure, Key, Panel
from ..gpu import common
from . import charts
from .charts import Datum
from .stability_facts import DTYPES, chains, count, dtype, first_trouble, network, param, proper_depth, safe_depth

MOST_PANELS = 6  # networks whose speed is drawn; the table has them all

COLUMNS: tuple[Column[Point], ...] = (
    Column("network", lambda point: network(point.record)),
    Column("type", lambda point: dtype(point.record)),
    axis("remedy"),
    Column("safe depth", lambda point: safe_depth(point.record)),
    Column("within 10⁻⁶ … 10³", lambda point: proper_depth(point.record)),
    Column("a layer", lambda point: text.amount(layer_time(point), "µs")),
    VARIANT,
    Column("first trouble", lambda point: first_trouble(point.record)),
)


def figure(runs: Runs, points: Sequence[Point]) -> Figure | None:
    """Time a layer over safe depth, a panel for each network that was run in several types or with remedies.

    Of the CPU's variants the fastest, and beside it the GPU's. Each run has panels of its own: the names of two runs'
    points would lie on one another.
    """
    places = dict.fromkeys((point.run, point.record.device) for point in points)
    fastest = [chosen for place in places for chosen in chains(p for p in points if (p.run, p.record.device) == place)]
    known = [p for p in fastest if count(p.record, "safe_depth") is not None and count(p.record, "layers")]
    networks: dict[str, list[Point]] = {}
    for point in known:
        networks.setdefault(network(point.record) + runs.suffix(point.run), []).append(point)
    networks = {name: found for name, found in networks.items() if len(found) > 2}
    drawn = sorted(networks, key=lambda name: -len(networks[name]))[:MOST_PANELS]
    first = [network(networks[name][0].record) for name in networks]
    order = sorted(zip(first, networks, strict=True), key=lambda pair: first.index(pair[0]))
    panels = [_panel(name, networks[name]) for _, name in order if name in drawn]
    if not panels:
        return None
    shown = [point for found in networks.values() for point in sorted(found, key=lambda point: _rank(point.record))]
    caption = "Time a layer, up and down, and how deep the network may be"
    return Figure(
        "Speed against safe depth",
        panels,
        table(runs, caption, COLUMNS, shown, lambda point: point.run),
        "The y axis is the time of a layer, forward and backward, the x axis the safe depth: deeper networks lose "
        "outputs or gradients. Right and low is good. Narrow types are faster and allow fewer layers; a remedy "
        "allows more, at the cost of time. The largest depth tried is 100."
        + (
            " On the GPU each operation of a layer is a launch of its own, by CuPy."
            if any(common.on_gpu(point.record) for point in known)
            else ""
        ),
        [
            Key(format.value_of("dtype", name), colour)
            for name, colour in DTYPES.items()
            if any(param(point.record, "dtype") == name for point in known)
        ],
    )


def layer_time(point: Point) -> float:
    """Microseconds a layer."""
    return point.seconds.value / (count(point.record, "layers") or 1) * 1e6


def _rank(record: Record) -> tuple[bool, int]:
    """Without a remedy first, then narrow types first."""
    name = param(record, "dtype")
    return param(record, "remedy") != "plain", list(DTYPES).index(name) if name in DTYPES else 9


def _panel(name: str, points: Sequence[Point]) -> Panel:
    dots = [_dot(point) for point in points]
    layers = max(count(point.record, "layers") or 1 for point in points)
    about = f"Time a layer over safe depth, {name}"
    spec = charts.named_points(
        dots,
        {format.value_of("dtype", dtype): colour for dtype, colour in DTYPES.items()},
        x_title="layers that are safe",
        y_title="µs a layer",
        x_domain=(-2, layers * 1.04),
        y_domain=(min(dot["y"] for dot in dots) / 1.6, max(dot["y"] for dot in dots) * 1.6),
        log_x=False,
        alt_text=about,
    )
    return Panel(name, spec, about)


def _dot(point: Point) -> Datum:
    record = point.record
    safe, remedy = count(record, "safe_depth") or 0, param(record, "remedy")
    gpu = ["GPU"] if common.on_gpu(record) else []
    label = dtype(record) if remedy == "plain" else remedy
    microseconds = layer_time(point)
    return {
        "x": safe,
        "y": float(f"{microseconds:.5g}"),
        "kind": dtype(record),
        "label": f"{label} (GPU)" if gpu else label,
        "right": safe < 60,
        "fade": 0.45 if point.suspect else 1.0,
        "case": ", ".join([network(record), dtype(record), remedy, *gpu]),
        "more": f"safe for {safe_depth(record)} layers, {text.amount(microseconds, 'µs')} each, "
        f"{first_trouble(record)}",
    }
