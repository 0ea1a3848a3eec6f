"""Variances by layer: outputs and gradients of initialisations and activations, beside their closed form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....record.model import Record
from ...dataset import Point
from ...sections import Figure, Key, Panel, Table
from . import charts
from .charts import Datum
from .stability_facts import logarithm, network, numbers_or_gaps, param, power, preferred

SLOTS = ("c1", "c2", "c3", "c4", "c6", "c7")
HEAD = ("of", "network", "halfway", "theory", "at the end", "theory")


def figures(points: Sequence[Point]) -> list[Figure]:
    """By initialisation, by activation, and for layers of unlike width: those that were measured."""
    numpy = [point.record for point in preferred(points, ("numpy",))]
    square = [record for record in numpy if param(record, "shape") == "square"]
    by_init = {param(r, "init"): r for r in square if param(r, "activation") == "identity"}
    by_activation = {network(r): r for r in square if param(r, "init") == "xavier-normal" or network(r) == "relu, he"}
    alternating = {param(r, "init"): r for r in numpy if param(r, "shape") == "alternating"}
    found = [
        _figure(
            "Variance by layer and initialisation",
            by_init,
            "20 layers of 128 units without activation. Dots were measured, dashed lines are the closed form: n γ a "
            "layer, where γ is the variance of a weight. "
            "Xavier keeps both at 1, He doubles them, N(0, 0.01) loses a factor of 78 a layer and leaves the chart.",
        ),
        _figure(
            "Variance by layer and activation",
            by_activation,
            "The mean square of outputs and gradients behind an activation. Dashed: theory for infinitely wide "
            "layers. sigmoid's outputs sit around ½ and its "
            "slope of at most ¼ shrinks gradients at every layer; 4 sigmoid - 2 avoids this, since it is close to x "
            "near 0, as tanh is; relu needs He's factor. "
            "One network of finite width deviates from theory, more so with depth.",
        ),
        _figure(
            "Layers of unlike width",
            alternating,
            "Layers of 64 and 192 units alternate. Outputs need n_in γ = 1 and gradients n_out γ = 1, which cannot "
            "both hold; Xavier is a compromise, He serves only outputs behind a relu.",
        ),
    ]
    return [figure for figure in found if figure is not None]


def _figure(title: str, networks: Mapping[str, Record], text: str) -> Figure | None:
    """A panel for outputs and one for gradients; None where no network has them."""
    colours = {name: SLOTS[i % len(SLOTS)] for i, name in enumerate(networks)}
    panels, rows = [], []
    for way, label in (("forward", "outputs"), ("backward", "gradients")):
        dots: list[Datum] = []
        for name, record in networks.items():
            measured, theory = (numbers_or_gaps(record.facts.get(key)) for key in (way, f"expected_{way}"))
            dots += _dots(name, measured, theory)
            if measured and theory:
                end = -1 if way == "forward" else 0
                shown = (measured[len(measured) // 2], theory[len(theory) // 2], measured[end], theory[end])
                rows.append((label, name, *(power(logarithm(value)) for value in shown)))
        if not dots:
            continue
        seen = [value for dot in dots for value in (dot["value"], dot["theory"])]
        domain = (max(min(seen) / 2, 1e-9), min(max(seen) * 2, 1e9))
        about = f"Mean square of {label} by layer, {', '.join(networks)}, beside the closed form"
        spec = charts.against_theory(
            dots, colours, domain, x_title="layer, the input is 0", y_title=f"mean square of {label}", alt_text=about
        )
        panels.append(Panel(label, spec, about))
    if not panels:
        return None
    table = Table("Mean squares; the end is the last layer for outputs, the first for gradients", HEAD, rows)
    return Figure(title, panels, table, text, [Key(name, colour) for name, colour in colours.items()])


def _dots(name: str, measured: Sequence[float | None], theory: Sequence[float | None]) -> list[Datum]:
    """The layers that have both, and both above 0."""
    return [
        {
            "series": name,
            "x": layer,
            "value": value,
            "theory": expected,
            "shown": power(logarithm(value)),
            "expected": power(logarithm(expected)),
        }
        for layer, (value, expected) in enumerate(zip(measured, theory, strict=False))
        if value is not None and expected is not None and value > 0 and expected > 0
    ]
