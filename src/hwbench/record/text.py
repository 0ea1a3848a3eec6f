"""Quantities as text: one form for terminal, page, findings and errors. docs/adding-a-bench.md has a table.

Each function takes a number or an `Estimate`, which is printed with its interval: `25.1 GB/s (24.9–25.3)`. A value
without an interval has three significant digits. With one, value and bounds have the same decimals: three digits of the
value, fewer (two at least) where half the interval would show more than two, more (four at most) where it would show
none. An interval that four digits do not show, or that is not finite, is left out. What is not finite is a dash.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from decimal import Decimal
from numbers import Integral
from typing import Literal, NamedTuple

from .estimate import Estimate

NOTHING = "–"
DOUBTFUL = "~"  # after a value
QUOTED = re.compile(r"'([^']{60})[^']+'?")  # a value that is cut
SPACE = "\u202f"  # between groups of three digits, from 10 000 on: narrow, never broken
SAME = 0.005  # times that differ by less are called the same
EVEN = 0.05  # an interval within this around 1 shows that two times are the same
_PREFIXES = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
# unit, its size, and the number from which the next unit is used
_SECONDS = (
    ("ps", 1e-12, 1000), ("ns", 1e-9, 1000), ("µs", 1e-6, 1000), ("ms", 1e-3, 1000), ("s", 1.0, 120),
    ("min", 60.0, 120), ("h", 3600.0, math.inf),
)  # fmt: skip
_TIMES = {unit: size for unit, size, _ in _SECONDS[:5]}
_SIZES = (
    ("B", 1.0, 1024), ("KiB", 2.0**10, 1024), ("MiB", 2.0**20, 1024), ("GiB", 2.0**30, 1024),
    ("TiB", 2.0**40, math.inf),
)  # fmt: skip
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LEAST, _MOST = 1e-3, 1e9  # beyond, a number is printed with a power of ten
_LARGEST = 1e290  # no quantity: leaves room for units and rounding


def seconds(value: float | Estimate | None) -> str:
    """`12.3 µs (12.1–12.6)`, from ps to h."""
    found = _estimate(value)
    if found is None:
        return NOTHING
    if not found.value:
        return "0 s"
    return _in_units(found, _SECONDS)


def size(value: float | Estimate | None) -> str:
    """`1.5 KiB`: bytes in binary units; exact sizes are common, so no zeros are kept after the point."""
    found = _estimate(value)
    return NOTHING if found is None else _in_units(found, _SIZES)


def rate(value: float | Estimate | None, unit: str) -> str:
    """`25.1 GB/s (24.9–25.3)`, from bytes a second: the unit that is asked for, and no other."""
    found = _estimate(value)
    return NOTHING if found is None else amount(found.scaled(1 / _PREFIXES.get(unit[0], 1.0)), unit)


def amount(value: float | Estimate | None, unit: str = "") -> str:
    """`25.1 GB/s (24.9–25.3)`, from a value that is in this unit already."""
    found = _estimate(value)
    if found is None:
        return NOTHING
    return _joined(*_figures(found), unit=f" {unit}" if unit else "")


def quantity(value: float | Estimate | None, unit: str) -> str:
    """An amount in this unit, but a time in the one that fits it: `21.2 ns` for 0.0212 µs."""
    found, factor = _estimate(value), _TIMES.get(unit)
    return amount(value, unit) if found is None or factor is None else seconds(found.scaled(factor))


def fitting(unit: str, values: Sequence[float]) -> tuple[str, float]:
    """For a column of values in this unit: the unit to print, of a time by their median, and the factor to it."""
    factor = _TIMES.get(unit)
    if factor is None or not values:
        return unit, 1.0
    middle = sorted(values)[len(values) // 2] * factor
    best = max((one for one in _TIMES.items() if one[1] <= middle), key=lambda one: one[1], default=("ps", 1e-12))
    return (unit, 1.0) if best[0] == unit else (best[0], factor / best[1])


def columns(value: float | Estimate | None) -> tuple[str, str]:
    """`25.1` and `24.9–25.3`: an amount and its interval, for two columns of a table whose heading has the unit."""
    found = _estimate(value)
    if found is None:
        return NOTHING, NOTHING
    middle, *ends = _figures(found)
    return middle, "–".join(ends) or NOTHING


def count(value: float | Estimate | None) -> str:
    """`52 000 (48 000–57 000)`: an integer as it is, a million `10⁶`, other numbers to three digits."""
    found = _estimate(value)
    if found is None:
        return NOTHING
    digits = f"{found.value:.0f}"
    if not isinstance(value, Estimate) and len(digits) > 6 and digits.strip("0") == "1":
        return f"10{_raised(len(digits) - 1)}"
    if isinstance(value, Integral) and len(digits) < 16:
        return _grouped(digits)
    return _joined(*_figures(found, most=0))


def share(value: float | Estimate | None) -> str:
    """`61%`, `0.12%`, `61.2% (60.1–62.4)`; without an interval whole percent from 10% on, two digits below."""
    found = _estimate(value)
    if found is None:
        return NOTHING
    if 0 < abs(found.value) < 1e-4 and not _bounded(found):
        return "<0.01%" if found.value > 0 else ">-0.01%"
    return _joined(*_figures(found.scaled(100), bare=2, least=0), unit="%")


def times(value: float | Estimate | None) -> str:
    """`1.24× (1.19–1.28)`: a factor, where the sentence says of what."""
    found = _estimate(value)
    return NOTHING if found is None else _joined(*_figures(found), unit="×")


def ratio(value: float | Estimate | None, *, interval: bool = True) -> str:
    """A ratio of times in words: `1.19× slower (1.15–1.23)`, `4.10× faster (4.00–4.20)`, `same (0.98–1.02)`.

    Where nothing can be told: `no clear difference (0.77–1.50)`.
    """
    found = _estimate(value)
    if found is None or found.value <= 0:
        return NOTHING
    same = {"none": "same", "unclear": "no clear difference"}.get(difference(found))
    if same:
        shown, unit = (same, *_figures(found._replace(value=1.0))[1:]), ""
    elif found.value > 1:
        shown, unit = _figures(found), "× slower"
    else:
        known = found if _bounded(found) else Estimate(found.value, 0.0, math.inf)
        shown, unit = _figures(known.inverse()), "× faster"
    return _joined(*(shown if interval else shown[:1]), unit=unit)


def difference(times: Estimate) -> Literal["none", "unclear", "some"]:
    """Whether two times differ, by their ratio: the one rule of tables and sentences.

    None or unclear where its interval holds 1 or it is within SAME of 1; unclear if the interval leaves EVEN around 1.
    """
    if abs(times.value - 1) >= SAME and not (_bounded(times) and times.low <= 1 <= times.high):
        return "some"
    return "unclear" if _bounded(times) and (times.low < 1 - EVEN or times.high > 1 + EVEN) else "none"


def power(log10: float | None) -> str:
    """`4.07 × 10¹⁷` from a decimal logarithm, for numbers that no float holds."""
    if log10 is None or not math.isfinite(log10):
        return NOTHING
    exponent = math.floor(log10)
    mantissa = f"{10 ** (log10 - exponent):.2f}"
    if mantissa == "10.00":
        mantissa, exponent = "1.00", exponent + 1
    return f"{mantissa} × 10{_raised(exponent)}"


def duration(value: float) -> str:
    """`1:05 min` or `12 s`, for elapsed and remaining time."""
    return f"{value:.0f} s" if value < 90 else f"{int(value) // 60}:{int(value) % 60:02d} min"


def printable(text: str) -> str:
    """`text` with control characters escaped, so that no escape sequence of a file or argument reaches a terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char == SPACE else repr(char)[1:-1] for char in text)


def brief(error: Exception) -> str:
    """What a decoder says of a file: values that it quotes are cut, so that the place at the end is seen."""
    return QUOTED.sub(r"'\1…'", printable(str(error)))[:300]


# --- how --------------------------------------------------------------------------------------------------------------


class _Places(NamedTuple):
    """Decimals after the point (negative: zeros before it), and whether the interval is printed."""

    decimals: int
    shown: bool


def _estimate(value: float | Estimate | None) -> Estimate | None:
    """The value as an estimate, without bounds if it had none; None where there is nothing to print."""
    if value is None or not abs(value.value if isinstance(value, Estimate) else value) < _LARGEST:
        return None
    return value if isinstance(value, Estimate) else Estimate(float(value), -math.inf, math.inf)


def _bounded(value: Estimate) -> bool:
    """An interval that can be printed: it holds the value, and its bounds are not a million times as far from zero."""
    low, middle, high = value.low, value.value, value.high
    return low <= middle <= high and max(-low, high) < min(1e6 * abs(middle), _LARGEST)


def _decimals(value: float, digits: int) -> int:
    """Decimals that give `value` this many significant digits, once it is rounded to them."""
    return digits - 1 - int(f"{value:.{digits - 1}e}".partition("e")[2])


def _places(value: Estimate, bare: int, least: int | None, most: int | None) -> _Places:
    """`bare` significant digits without an interval; `least` decimals at least and `most` at most."""
    alone = _decimals(value.value, bare)
    decimals = alone
    half = (value.high - value.low) / 2
    if _bounded(value) and half:
        decimals = max(_decimals(value.value, 2), min(alone, _decimals(half, 2)))
        if half < 10.0**-decimals:
            decimals = min(_decimals(value.value, 4), _decimals(half, 1))
    if least is not None:
        alone, decimals = max(alone, least), max(decimals, least)
    if most is not None:
        alone, decimals = min(alone, most), min(decimals, most)
    shown = _bounded(value) and len({_fixed(one, decimals) for one in value}) > 1
    return _Places(decimals if shown else alone, shown)


def _fixed(value: float, decimals: int) -> str:
    return f"{round(value, decimals) + 0.0:.{max(0, decimals)}f}"  # + 0.0: no "-0"


@functools.lru_cache(maxsize=8192)  # a page prints most of its quantities several times
def _figures(
    value: Estimate, *, bare: int = 3, least: int | None = None, most: int | None = None, zeros: bool = True
) -> tuple[str, ...]:
    """The value and, where they are printed, its bounds; without `zeros` none are kept at the end of a fraction."""
    if not abs(value.value) < _LARGEST:
        return (NOTHING,)
    decimals, shown = _places(value, bare, least, most)
    if not value.value:
        return ("0",)
    power = 0
    if not _LEAST <= abs(round(value.value, decimals)) < _MOST:
        power = 2 - _decimals(value.value, 3)
        decimals, shown = _places(value, bare, None, None)
        decimals += power
    scaled = [float(Decimal(one).scaleb(-power)) if power else one for one in (value if shown else value[:1])]
    printed = [_fixed(one, decimals) for one in scaled]
    while not zeros and all("." in one and one[-1] in "0." for one in printed):
        printed = [one[:-1] for one in printed]
    return tuple(_grouped(one) + (f" × 10{_raised(power)}" if power else "") for one in printed)


def _in_units(value: Estimate, units: Sequence[tuple[str, float, float]]) -> str:
    """In the first unit whose printed number is below the next unit's: 0.9999 ms is `1.00 ms`, never `1000 µs`."""
    sizes = units is _SIZES
    for unit, factor, end in units:
        here = Estimate(*(one / factor for one in value))
        if not abs(here.value) < min(1.1 * end, _LARGEST):  # two digits or more are printed: none brings it below `end`
            continue
        least = 0 if sizes else None
        most = 0 if unit == "B" else None
        if abs(round(here.value, _places(here, 3, least, most).decimals)) < end:
            return _joined(*_figures(here, least=least, most=most, zeros=not sizes), unit=f" {unit}")
    return NOTHING


def _joined(value: str, *ends: str, unit: str = "") -> str:
    return NOTHING if value == NOTHING else f"{value}{unit}" + (f" ({'–'.join(ends)})" if ends else "")


def _grouped(digits: str) -> str:
    whole, point, rest = digits.partition(".")
    return (f"{int(whole):,}".replace(",", SPACE) if len(whole.lstrip("-")) > 4 else whole) + point + rest


def _raised(power: int) -> str:
    return str(power).translate(_RAISED)
