"""Whether more or less of a unit is better: asv reports every rise as a regression, even of GB/s."""

from __future__ import annotations

import re
from collections.abc import Iterable

TIME = r"(ns|[uµμ]s|ms|s|secs?|seconds?|mins?|minutes?|h|hours?|cycles?|clocks?|clk|ticks?)"
RATES = (
    rf"(/|\bper[ _]){TIME}$",  # GB/s, items per second, words/cycle
    r"\b(s\^?-1|[kMGT]?Hz|[kMGTP]?(FLOPS?|bps|ops))$",
    r"\b([fqrt]ps|ipc|speed-?up|throughput|bandwidth|(hit|success) ?-?rate)\b",
)
RATE = re.compile("|".join(f"({form})" for form in RATES), re.I)
# Less is better even per second: times of something, and counts of what goes wrong.
COST = re.compile(rf"^{TIME}\s*(/|per\b)|\b(miss(es)?|faults?|errors?|failures?|drops?|dropped|stalls?|lost)\b", re.I)
KNOWN = re.compile(rf"^({TIME}|([kMGT]i?)?(b|bytes?)|)$", re.I)  # less is certainly better


def higher_is_better(unit: str) -> bool:
    """Whether more is better: of rates it is, of times and bytes it is not."""
    return bool(RATE.search(unit.strip())) and not COST.search(unit.strip())


def direction_notes(units: Iterable[str]) -> list[str]:
    """A sentence where the better direction of a unit is only assumed."""
    unsure = sorted({unit for unit in units if not (KNOWN.match(unit) or RATE.search(unit) or COST.search(unit))})
    return [f"Of {', '.join(unsure)} less is taken to be better, as asv does."] if unsure else []
