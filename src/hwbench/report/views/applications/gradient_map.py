"""Gradients by layer: a map for each type, a row for each activation and initialisation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ....record.model import Json
from ... import format
from ...dataset import Point
from ...sections import Figure, Key, Panel, Table
from . import charts
from .charts import Datum
from .stability_facts import (
    DTYPES,
    PROPER,
    chains,
    count,
    network,
    numbers_or_gaps,
    param,
    power,
    reached,
    safe_depth,
)

STRETCH = 4  # layers a cell, where the map is drawn from single networks
KINDS = {
    "smaller": "c1", "near 1": "line", "larger": "c2", "infinite": "bad", "zero": "ink-2",
}  # fmt: skip
DEPTHS = (1, 10, 20, 50, 100)  # depths in the table


@dataclass(frozen=True)
class NetworkRow:
    """One network: log₁₀ of the gradient's norm after each of `depths` layers, None where it was lost.

    `infinite`: from where on it is lost upwards.
    """

    name: str
    depths: Sequence[int]
    norms: Sequence[float | None]
    infinite: int | None
    safe: str

    def cells(self) -> Iterable[Datum]:
        """Stretches of the row, each up to the depth whose norm it shows."""
        for start, end, value in zip([0, *self.depths], self.depths, self.norms, strict=False):
            lost = "infinite" if self.infinite is not None and end >= self.infinite else "zero"
            yield {
                "row": self.name, "a": start, "b": end, "case": f"{end} layers",
                "kind": _kind(value) if value is not None else lost, "fade": _strength(value),
                "shown": power(value) if value is not None else f"lost: {lost}",
            }  # fmt: skip

    def shown(self, depth: int) -> str:
        """The norm after so many layers."""
        return power(dict(zip(self.depths, self.norms, strict=False)).get(depth))


@dataclass(frozen=True)
class GradientMap:
    """Rows by type, and why a type has none."""

    rows: Mapping[str, Sequence[NetworkRow]]
    lacking: Mapping[str, str] = field(default_factory=dict)


def figure(points: Sequence[Point]) -> Figure | None:
    """Gradient norms by layer, a panel for each type; networks without remedies."""
    found = (stored_map(point.record.facts.get("map")) for point in points)
    grid = next((one for one in found if one is not None), None) or map_of_points(points)
    panels, rows_of_table = [], []
    for dtype in DTYPES:
        name, rows = format.value_of("dtype", dtype), grid.rows.get(dtype, ())
        cells = [cell for row in rows for cell in row.cells()]
        if not cells:
            continue
        rows_of_table += [(name, row.name, *(row.shown(depth) for depth in DEPTHS), row.safe) for row in rows]
        about = f"Norm of the gradient by layer in {name}, for {len(rows)} networks"
        spec = charts.by_layer(cells, [row.name for row in rows], KINDS, x_title="layers from the loss", alt_text=about)
        panels.append(Panel(name, spec, about))
    if not panels:
        return None
    lacking = [f" {format.value_of('dtype', dtype)} was not computed: {why}." for dtype, why in grid.lacking.items()]
    head = ("type", "network", "after 1 layer", *(str(depth) for depth in DEPTHS[1:]), "safe depth")
    return Figure(
        "Gradients by layer",
        panels,
        Table("Norm of the gradient, which is 1 at the loss", head, rows_of_table),
        "Each row is a network of 100 layers; the gradient enters on the left with norm 1. Pale is within 10⁻⁶ … 10³, "
        "where the lecture wants it, strong is beyond, full colour beyond 10²⁰ either way. Where the outputs are "
        "lost in the forward pass there is no gradient, and the whole row is lost; the safe depth in the table says "
        "how deep such a network may be." + "".join(lacking),
        [
            Key("vanishing", "c1"),
            Key("between 0.3 and 3", "line"),
            Key("exploding", "c2"),
            Key("lost: infinite or NaN", "bad"),
            Key("lost: all zero", "ink-2"),
        ],
    )


def stored_map(stored: Json) -> GradientMap | None:
    """The map that a record keeps of all networks; None where there is none, or none that can be drawn."""
    try:
        names = [f"{activation}, {init}" for activation, init in stored["networks"]]
        depths = [int(depth) for depth in stored["depths"]]
        rows = {dtype: _rows(stored[dtype], names, depths) for dtype in DTYPES if dtype in stored}
        lacking = {dtype: str(stored["lacking"][dtype]) for dtype in DTYPES if dtype in stored["lacking"]}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None
    fitting = depths == sorted(set(depths)) and len(depths) <= 101 and len(names) <= 100
    return GradientMap(rows, lacking) if fitting and any(rows.values()) else None


def _rows(stored: Json, names: Sequence[str], depths: Sequence[int]) -> list[NetworkRow]:
    columns = (stored["log10_norms"], stored["overflow"], stored["safe_depth"])
    return [
        NetworkRow(name, depths, numbers_or_gaps(norms), overflow and int(overflow), reached(int(safe), max(depths)))
        for name, norms, overflow, safe in zip(names, *columns, strict=True)
    ]


def map_of_points(points: Sequence[Point]) -> GradientMap:
    """The same from networks that were measured one by one: what an older run has, or a GPU's."""
    rows: dict[str, list[NetworkRow]] = {}
    for point in chains(points):
        record = point.record
        if param(record, "remedy") != "plain":
            continue
        norms = numbers_or_gaps(record.facts.get("log10_norms"))
        depths = [depth for depth in range(1, len(norms)) if depth == 1 or depth % STRETCH == 0 or depth % 10 == 0]
        if depths:
            kept = [norms[depth] for depth in depths]
            row = NetworkRow(network(record), depths, kept, count(record, "overflow"), safe_depth(record))
            rows.setdefault(param(record, "dtype"), []).append(row)
    return GradientMap(rows)


def _kind(log10: float) -> str:
    return "near 1" if abs(log10) <= 0.5 else "larger" if log10 > 0 else "smaller"


def _strength(log10: float | None) -> float:
    """Pale where the lecture wants gradients, full beyond 10²⁰ either way."""
    if log10 is None or abs(log10) <= 0.5 or abs(log10) > 20:
        return 1.0
    return 0.3 if PROPER[0] <= log10 <= PROPER[1] else 0.7
