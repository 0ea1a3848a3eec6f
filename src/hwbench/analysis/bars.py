"""Bars that a person sets for headline quantities: `dram.read.all=50GB/s` at least, `dram.latency=120ns` at most."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..errors import UsageError
from ..record import text, units
from .headline import CPU_NAMES, CPU_RATES, GPU_NAMES, UNITS, Headline

State = Literal["good", "bad", "doubtful", "unknown"]
KINDS = ("load", "copy", "triad", "fma", "latency")
# The quantities of a check: what a roofline's roofs need, and latency.
MEASURED = tuple(name for name, rate in CPU_RATES.items() if rate.measures in KINDS)
LISTED = "{l1,l2,l3,dram}.{latency,read.one,copy.all,triad.all,…} and peak.{f8,f4}.{one,all}"
SHOWN = {"B/s": "GB/s", "FLOP/s": "GFLOP/s", "Hz": "GHz"}


@dataclass(frozen=True)
class Bar:
    """A bar for a quantity, in its SI unit; `least`: values below it are bad, else those above it."""

    name: str
    value: float
    least: bool

    def state(self, found: Headline) -> State:
        """Bad where the whole interval is beyond the bar and nothing disturbed it; doubtful where only its value is."""
        if (found.value >= self.value) if self.least else (found.value <= self.value):
            return "good"
        beyond = found.high < self.value if self.least else found.low > self.value
        return "bad" if beyond and not found.doubt else "doubtful"

    @property
    def words(self) -> str:
        """`at least 50.0 GB/s`."""
        return f"at {'least' if self.least else 'most'} {shown(self.value, unit_of(self.name))}"


def bars(least: Sequence[str], most: Sequence[str]) -> list[Bar]:
    """The bars out of `NAME=QUANTITY` texts of `--min` and `--max`; UsageError says what is wrong with one."""
    return [_bar("--min", one, least=True) for one in least] + [_bar("--max", one, least=False) for one in most]


def _bar(option: str, stated: str, *, least: bool) -> Bar:
    name, equals, quantity = stated.partition("=")
    if not (name and equals and quantity):
        raise UsageError(f"{option} {stated}: is not of the form NAME=QUANTITY, such as dram.read.all=50GB/s")
    if name not in MEASURED:
        known = name in (*CPU_NAMES, *GPU_NAMES)
        close = difflib.get_close_matches(name, MEASURED, n=2, cutoff=0.6)
        why = "is not among what `hwbench check` measures" if known else "is no headline quantity"
        hint = f"did you mean {' or '.join(close)}?" if close and not known else f"those are {LISTED}"
        raise UsageError(f"{option} {name}: {why}; {hint}")
    try:
        value = units.parse_in(quantity, unit_of(name))
    except ValueError as error:
        raise UsageError(f"{option} {name}: {error}") from None
    if least == (unit_of(name) == "s"):
        better, other = ("lower", "--max") if least else ("higher", "--min")
        raise UsageError(f"{option} {name}: {better} is better; a bar on it is {other} {stated}")
    return Bar(name, value, least)


def settled(first: State, second: State) -> State:
    """The state of a quantity that was measured twice: good if it was good once, bad if it was bad twice."""
    if "good" in (first, second):
        return "good"
    return "bad" if first == second == "bad" else "doubtful"


def unit_of(name: str) -> str:
    """The SI unit of a quantity of a CPU."""
    return UNITS[CPU_RATES[name].count]


def shown(value: float, unit: str) -> str:
    """A value in an SI unit as it is printed: `50.0 GB/s`, `120 ns`."""
    return text.seconds(value) if unit == "s" else text.rate(value, SHOWN[unit])
