"""Numerical stability: what became of gradients by layer, how deep a network may be in which type, and its speed."""

from __future__ import annotations

from ...dataset import Runs
from ...sections import Block, Section
from . import depth_and_speed, expansions, gradient_map, learning_rates, lecture_figures, variances
from .stability_facts import ACTIVATIONS, GRADIENTS, INITIALIZATION


def view(runs: Runs) -> Section | None:
    """Maps and charts of the stability benches; None where none was measured."""
    points = {kind: runs.measuring(kind) for kind in (GRADIENTS, INITIALIZATION, ACTIVATIONS, learning_rates.MEASURES)}
    if not any(points.values()):
        return None
    blocks: list[Block | None] = [
        lecture_figures.table(runs, points),
        gradient_map.figure(points[GRADIENTS]),
        depth_and_speed.figure(runs, points[GRADIENTS]),
        learning_rates.figure(runs, points[learning_rates.MEASURES]),
        *variances.figures(points[INITIALIZATION]),
        expansions.table(runs, points[ACTIVATIONS]),
    ]
    intro = [
        "A gradient goes down a network as a product of one matrix a layer. If each stretches it a little it "
        "explodes, if each shrinks it a little "
        "it vanishes; how soon that matters is a question of the floating-point type. The lecture wants gradients "
        "between 10⁻⁶ and 10³; a table below says up to which depth a network stays there.",
        "Each network keeps weights and gradients in the named type; the bench measures its time and records what "
        "happens to its gradient.",
    ]
    shown = [block for block in blocks if block is not None]
    return Section("stability", "Stability", "Numerical stability", intro, shown, topic="lecture")
