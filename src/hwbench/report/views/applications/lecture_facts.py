"""What slides of the lecture ask and no bench's finding tells: sentences made from the facts of records."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ....record import text
from ....record.model import Record
from ....record.phrases import listed
from ...dataset import Point, Runs
from .stability_facts import (
    ACTIVATIONS,
    GRADIENTS,
    INITIALIZATION,
    amount,
    chains,
    count,
    dtype,
    numbers_or_gaps,
    param,
    power,
    safe_depth,
)

ARRAYS = "systolic array"
FACTORS = {"orthogonal-1.5": "1.5", "orthogonal-0.8": "0.8"}
INITS = {"he": "He", "xavier-normal": "Xavier", "normal-0.01": "N(0, 0.01²)"}
NAMES = {"tanh": "tanh", "relu": "ReLU", "4sigmoid-2": "4 sigmoid − 2", "sigmoid": "sigmoid"}


def of(name: str, runs: Runs) -> str:
    """The sentence of this name from the first run that has it, after the run's name where there are several; or ""."""
    if name not in TOLD:
        return ""
    kind, tell = TOLD[name]
    points = runs.measuring(kind)
    for run, label in enumerate(runs.labels):
        if said := tell([point for point in points if point.run == run]):
            return f"{label}: {said}" if runs.several else said
    return ""


def _powers(points: Sequence[Point]) -> str:
    """The norm of a gradient behind all layers by its factor, in the widest type that keeps it."""
    found: dict[str, tuple[str, str, int]] = {}
    for wanted in ("f8", "f4"):
        for point in chains(points):
            record = point.record
            factor = FACTORS.get(param(record, "init"), "")
            plain = (param(record, "activation"), param(record, "remedy")) == ("identity", "plain")
            norms = numbers_or_gaps(record.facts.get("log10_norms"))
            if factor and plain and param(record, "dtype") == wanted and norms and norms[-1] is not None:
                found.setdefault(factor, (power(norms[-1]), dtype(record), len(norms) - 1))
    told = [f"{found[one][0]} after {found[one][2]} layers at {one} a layer ({found[one][1]})"
            for one in FACTORS.values() if one in found]  # fmt: skip
    return f"Norm of a gradient: {listed(told)}." if told else ""


def _relu(points: Sequence[Point]) -> str:
    return _survived(points, "relu")


def _sigmoid(points: Sequence[Point]) -> str:
    return _survived(points, "sigmoid")


def _survived(points: Sequence[Point], activation: str) -> str:
    """How deep float16 carries outputs and gradient by initialisation, and the norm that is left where all is kept."""
    told = []
    for point in chains(points):
        record = point.record
        asked = tuple(param(record, name) for name in ("activation", "dtype", "remedy"))
        init, safe = param(record, "init"), count(record, "safe_depth")
        if asked != (activation, "f2", "plain") or init not in INITS or safe is None:
            continue
        norm = (numbers_or_gaps(record.facts.get("log10_norms")) or [None])[-1]
        kept = f" (norm of the gradient {power(norm)})" if norm is not None else ""
        told.append((-safe, f"{safe_depth(record)} with {INITS[init]}{kept}"))
    if not told:
        return ""
    return f"Layers that float16 survives with {NAMES[activation]}: {listed([said for _, said in sorted(told)])}."


def _unlike(points: Sequence[Point]) -> str:
    """What Xavier leaves of both variances where widths differ, and the verdict."""
    for point in points:
        record = point.record
        if tuple(param(record, name) for name in ("init", "shape", "activation")) != (
            "xavier-normal", "alternating", "identity",
        ):  # fmt: skip
            continue
        forward, backward = (numbers_or_gaps(record.facts.get(name)) for name in ("forward", "backward"))
        if len(forward) < 2 or not backward or not forward[-1] or not backward[0]:
            continue
        layers, ends = len(forward) - 1, (forward[-1], backward[0])
        each = " and ".join(text.amount(end ** (1 / layers)) for end in ends if end > 0)
        kept = all(0.5 <= end <= 2 for end in ends)
        verdict = "both are kept" if kept else "a compromise that keeps neither"
        return (
            f"Xavier, {layers} layers of unlike width: output variance {text.amount(ends[0])} and gradient variance "
            f"{text.amount(ends[1])} of 1, {each} a layer: {verdict}."
        )
    return ""


def _near_x(points: Sequence[Point]) -> str:
    """The fitted first two coefficients of each activation at 0."""
    found: dict[str, str] = {}
    for point in points:
        fitted = numbers_or_gaps(point.record.facts.get("taylor"))
        name = param(point.record, "activation")
        if name in NAMES and len(fitted) == 4 and fitted[0] is not None and fitted[1] is not None:
            found.setdefault(
                name, f"{fitted[0] + 0.0:.3f} + {fitted[1]:.3f} x for {NAMES[name]}".replace("-0.000", "0.000")
            )
    told = [found[name] for name in NAMES if name in found]
    return f"Fitted at 0: {listed(told)}." if told else ""


def _until_seven(points: Sequence[Point]) -> str:
    """The cycles of the lecture's product, without those that load the weights."""
    for point in points:
        record = point.record
        cycles, rows, closed = (count(record, name) for name in ("cycles", "rows", "closed_form"))
        asked = tuple(param(record, name) for name in ("array", "shape"))
        if record.variant != "weight-stationary" or asked != ("3x3", "3x3x2") or cycles is None or rows is None:
            continue
        return (
            f"{cycles - rows} cycles from the first input to the last sum, after {rows} that load the weights "
            f"(simulated {cycles}, closed form {closed})."
        )
    return ""


def _first_compilation(points: Sequence[Point]) -> str:
    """Seconds of compiling the largest array for one seed."""
    spent: list[tuple[float, Record]] = []
    for point in points:
        placing = numbers_or_gaps(point.record.facts.get("place_and_route_s"))
        once, synthesis = placing[0] if placing else None, amount(point.record, "synthesis_s")
        if once is not None and synthesis is not None:
            spent.append((synthesis + once, point.record))
    if not spent:
        return ""
    longest, record = max(spent, key=lambda one: one[0])
    sides = f"{count(record, 'rows')} × {count(record, 'columns')}"
    return f"Compiling {sides} PEs for a small part took {text.seconds(longest)} with one seed."


TOLD: dict[str, tuple[str, Callable[[Sequence[Point]], str]]] = {
    "powers": (GRADIENTS, _powers),
    "relu": (GRADIENTS, _relu),
    "sigmoid": (GRADIENTS, _sigmoid),
    "unlike widths": (INITIALIZATION, _unlike),
    "near x": (ACTIVATIONS, _near_x),
    "until seven": (ARRAYS, _until_seven),
    "compilation": ("hardware array", _first_compilation),
}
