"""What a metric is and which way is better, by its unit and name: to asv every rise is a regression, even of GB/s."""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from ..record import text

Kind: TypeAlias = Literal["time", "memory", "count"]
"""What repeats alike from run to run: times and rates, memory, and whatever else a project tracks."""

TIME = r"(ns|[uµμ]s|ms|s|secs?|seconds?|mins?|minutes?|h|hours?|cycles?|clocks?|clk|ticks?)"
RATES = (
    rf"(/|\bper[ _]){TIME}$",  # GB/s, items per second, words/cycle
    r"\b(s\^?-1|[kMGT]?Hz|[kMGTP]?(FLOPS?|bps|ops))$",
    r"\b([fqrt]ps|ipc|speed-?up|throughput|bandwidth|(hit|success) ?-?rate)\b",
)
RATE = re.compile("|".join(f"({form})" for form in RATES), re.I)
# Less is better even per second: times of something, and counts of what goes wrong.
COST = re.compile(rf"^{TIME}\s*(/|per\b)|\b(miss(es)?|faults?|errors?|failures?|drops?|dropped|stalls?|lost)\b", re.I)
BYTES = re.compile(r"^([kKMGT]i?)?(b|bytes?)$", re.I)
ASSUMED = "is taken to be better"
ONLY_TIME = re.compile(rf"^{TIME}$", re.I)
# What names of metrics call good where more of it is better.
GOOD = re.compile(
    r"(^|[\b_. ])(accurac(y|ies)|scores?|precision|recall|f1|r2|auc|ap|quality|coverage|likelihood|speed_?up|throughput"
    r"|bandwidth|rewards?|hits?)([\b_. (]|$)",
    re.I,
)


class Direction(NamedTuple):
    """Whether more is better, and whether the unit, the name or the project says so; else it is asv's convention."""

    higher: bool = False
    sure: bool = True


def unit_of(stated: str, name: str) -> str:
    """The unit of a metric of asv: as stated, else by the name's prefix; "" where nothing tells it."""
    if stated:
        return {"seconds": "s", "unit": "", "units": ""}.get(stated, stated)
    prefix = name.rpartition(".")[2].partition("_")[0].lower()
    return {"time": "s", "timeraw": "s", "mem": "bytes", "peakmem": "bytes"}.get(prefix, "")


@functools.lru_cache(maxsize=1024)
def kind_of(unit: str) -> Kind:
    """What kind of metric a unit is of."""
    if BYTES.match(unit):
        return "memory"
    return "time" if ONLY_TIME.match(unit) or RATE.search(unit) or re.match(rf"^{TIME}\s*(/|per\b)", unit) else "count"


def direction(unit: str, name: str = "", higher: Iterable[str] = ()) -> Direction:
    """Which way is better; `higher` are globs of names of which more is, as the project says."""
    if any(fnmatch.fnmatchcase(name, glob) for glob in higher):
        return Direction(higher=True)
    if higher_is_better(unit):
        return Direction(higher=True)
    if ONLY_TIME.match(unit) or BYTES.match(unit) or COST.search(unit):
        return Direction()
    return Direction(bool(GOOD.search(unit) or GOOD.search(name)), sure=False)


def higher_is_better(unit: str) -> bool:
    """Whether more is better by the unit alone: of rates it is, of times and bytes it is not."""
    return bool(RATE.search(unit.strip())) and not COST.search(unit.strip())


def words(unit: str, higher: bool) -> tuple[str, str]:
    """What a change for the worse and one for the better are called: `slower`, `faster`; of memory `more`, `less`."""
    if kind_of(unit) == "time":
        return "slower", "faster"
    return ("less", "more") if higher else ("more", "less")


def printed(value: float, unit: str) -> str:
    """`1.31 ms`, `24.1 MiB`, `31.0 GB/s`: a value of this unit as a reader writes it."""
    if unit == "s":
        return text.seconds(value)
    return text.size(value) if unit in ("bytes", "byte", "B") else text.amount(value, unit)


def direction_notes(found: Mapping[str, Direction]) -> list[str]:
    """A sentence for the names, or units, of which the better direction is only assumed."""
    notes = []
    for higher, way in ((False, "less"), (True, "more")):
        unsure = sorted({name for name, one in found.items() if not one.sure and one.higher is higher})
        if unsure:
            more = f" and {len(unsure) - 5} more" if len(unsure) > 5 else ""
            why = "as asv does" if not higher else "by the name"
            notes.append(
                f"Of {', '.join(unsure[:5])}{more} {way} {ASSUMED}, {why}; --higher-is-better GLOB, or "
                "`direction` in [tool.hwbench.compare], says otherwise."
            )
    return notes
