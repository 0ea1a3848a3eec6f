"""Parsing and formatting of quantities: `24KiB`, `1e6`, `8 B`. KiB is 2¹⁰ bytes, kB is 10³."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .estimate import Estimate

UNITS = {
    "": 1, "B": 1,
    "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_FORM = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z]*)\s*")


class NoQuantityError(ValueError):
    """A text has not the form of a quantity."""


def parse(text: str) -> int:
    """The whole number that `text` stands for; ValueError says what is wrong with it."""
    form = _FORM.fullmatch(text)
    if form is None or form[2] not in UNITS:
        raise NoQuantityError(f"'{text}' is no quantity such as 24KiB, 3MB or 1e6")
    whole = form[1].isdecimal() and len(form[1]) < 20  # an integer is exact beyond 2⁵³, a float is not
    value = (int(form[1]) if whole else float(form[1])) * UNITS[form[2]]
    if value >= 2**63:
        raise ValueError(f"'{text}' is too large")
    if value != int(value):
        raise ValueError(f"'{text}' is not a whole number of bytes or elements")
    return int(value)


def format_bytes(count: float) -> str:
    """`1536` as `1.5 KiB`: three significant digits, binary units."""
    for unit, size in (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count / size < 999.5 else f"{count / size:.0f} {unit}"
    return f"{count:.0f} B"


def exact(count: int) -> str:
    """The shortest quantity that `parse` turns back into `count`: `1536` as `1536B`, `2048` as `2KiB`."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size and count % size == 0:
            return f"{count // size}{unit}"
    return f"{count}B"


def octaves(first: int, last: int, points: int) -> tuple[int, ...]:
    """Sizes from `first` (a power of two) to `last`, `points` (1, 2 or 4) evenly spaced ones an octave.

    Even spacing inside an octave (4, 5, 6, 7, 8, 10 … KiB) keeps every size a multiple of the cache line.
    """
    sizes = []
    base = first
    while base <= last:
        sizes += [base + base * i // points for i in range(points)]
        base *= 2
    return tuple(size for size in sizes if size <= last)


def format_count(n: float) -> str:
    """`12 000`: two significant digits, at least whole; powers of ten from 10⁶."""
    power = round(math.log10(n)) if n >= 1 else 0
    if power >= 6 and n == 10**power:
        return f"10{str(power).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"
    digits = max(0, math.floor(math.log10(max(n, 1))) - 1)
    return f"{round(n / 10**digits) * 10**digits:,}".replace(",", " ")


def format_seconds(seconds: float) -> str:
    """`12.3 µs`, `2 s`: up to three significant digits, for sentences."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def padded_seconds(value: float) -> str:
    """`12.3 µs`, `2.00 s`: always three significant digits, for columns."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if value >= size:
            return f"{digits(value / size)} {unit}"
    return f"{digits(value * 1e9)} ns"


def digits(value: float) -> str:
    """Three significant digits, without an exponent from 0.01 to 10⁶."""
    value = float(f"{value:.3g}")
    size = abs(value)
    if 0.01 <= size < 1e6:
        return f"{value:.{max(0, 2 - math.floor(math.log10(size)))}f}"
    return f"{value:.3g}"


def interval(value: Estimate, unit: str) -> str:
    """`25.1 GB/s (24.9–25.3)`."""
    return f"{digits(value.value)} {unit} ({digits(value.low)}–{digits(value.high)})"


def duration(value: float) -> str:
    """`1:05 min` or `12 s`, for elapsed and remaining time."""
    return f"{value:.0f} s" if value < 90 else f"{int(value) // 60}:{int(value) % 60:02d} min"


def printable(text: str) -> str:
    """`text` with control characters escaped, so that no escape sequence of a file or argument reaches a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
