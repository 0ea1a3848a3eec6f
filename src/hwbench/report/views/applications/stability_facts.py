"""Facts of the stability benches, out of a file that may hold anything, and how the page writes them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypeGuard

from ....record import text
from ....record.model import Json, Record
from ... import format
from ...dataset import Point

GRADIENTS, INITIALIZATION, ACTIVATIONS = "gradients", "initialization", "activations"
DTYPES = {"f2": "c2", "bf16": "c6", "f4": "c1", "f8": "c3"}  # and their colours
PROPER = (-6, 3)  # log₁₀ of the norms between which the lecture wants gradients
TROUBLES = {
    "overflow": "the gradient overflows",
    "underflow": "the gradient goes below the smallest normal number",
    "forward_overflow": "the outputs overflow",
    "forward_underflow": "the outputs go below the smallest normal number",
}


# --- facts ------------------------------------------------------------------------------------------------------------


def numbers_or_gaps(value: Json) -> list[float | None]:
    """A list of numbers in which None (or anything that is no finite number) is a gap; [] for what is no list."""
    if not isinstance(value, list):
        return []
    return [float(x) if _number(x) else None for x in value]


def count(record: Record, name: str) -> int | None:
    """A fact that is a whole number from 0 on."""
    value = record.facts.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def amount(record: Record, name: str) -> float | None:
    """A fact that is a finite number."""
    value = record.facts.get(name)
    return float(value) if _number(value) else None


def param(record: Record, name: str) -> str:
    """The value of an axis; "" where the record has none."""
    return str(record.params.get(name, ""))


def network(record: Record) -> str:
    """`relu, he`: activation and initialisation."""
    return f"{param(record, 'activation')}, {param(record, 'init')}"


def dtype(record: Record) -> str:
    """`float16`."""
    return format.value_of("dtype", param(record, "dtype"))


def _number(value: Json) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


# --- one point of several ---------------------------------------------------------------------------------------------


def chains(points: Iterable[Point]) -> list[Point]:
    """One point a network: the gradient is the same in all variants, and the compiled one is the fastest."""
    return preferred(points, ("numba", "numpy"))


def preferred(points: Iterable[Point], variants: Sequence[str]) -> list[Point]:
    """Of points with the same parameters that of the first of these variants, or of any other where none is there."""
    order = {variant: number for number, variant in enumerate(variants)}
    chosen: dict[tuple[str, ...], Point] = {}
    for point in points:
        place = tuple(f"{name}={value}" for name, value in sorted(point.record.params.items()))
        old = chosen.get(place)
        if old is None or order.get(point.record.variant, len(order)) < order.get(old.record.variant, len(order)):
            chosen[place] = point
    return list(chosen.values())


# --- as the page writes it --------------------------------------------------------------------------------------------


def power(log10: float | None) -> str:
    """`4.07 × 10¹⁷`; plain digits between 0.01 and 1000."""
    return text.amount(10**log10) if log10 is not None and -2 <= log10 < 3 else text.power(log10)


def logarithm(value: float | None) -> float | None:
    """log₁₀; None where there is none."""
    return math.log10(value) if value is not None and value > 0 else None


def decimals(value: float) -> str:
    """Five decimals, and no minus before a zero."""
    return f"{round(value, 5) + 0.0:.5f}"


def reached(safe: int, layers: int) -> str:
    """`24`, or `≥ 100` where no layer that was tried is too many."""
    return f"≥ {layers}" if safe >= layers else f"{safe}"


def safe_depth(record: Record) -> str:
    """How deep the network may be; a run before version 2 does not say."""
    return _depth(record, "safe_depth")


def proper_depth(record: Record) -> str:
    """How deep it may be for a norm within 10⁻⁶ … 10³."""
    return _depth(record, "proper_depth")


def _depth(record: Record, name: str) -> str:
    found, layers = count(record, name), count(record, "layers")
    return text.NOTHING if found is None or layers is None else reached(found, layers)


def first_trouble(record: Record) -> str:
    """What one layer more than the safe depth loses; a run before version 2 does not say."""
    safe, layers = count(record, "safe_depth"), count(record, "layers")
    if safe is None or layers is None:
        return text.NOTHING
    trouble = record.facts.get("trouble", text.NOTHING)
    said = TROUBLES.get(trouble, text.NOTHING) if isinstance(trouble, str) else "none"
    return f"{said}, with {safe + 1} layers" if said in TROUBLES.values() else said
