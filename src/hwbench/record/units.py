"""Quantities that people write: `24KiB`, `1e6`, `50GB/s`. KiB is 2¹⁰ bytes, kB is 10³. `text` prints them."""

from __future__ import annotations

import re

UNITS = {
    "": 1, "B": 1,
    "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
PREFIXES = {
    "": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40,
}  # fmt: skip
TIMES = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9, "ps": 1e-12}
EXAMPLES = {"B/s": "50GB/s", "FLOP/s": "100GFLOP/s", "s": "120ns", "Hz": "3GHz"}
_FORM = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*([A-Za-z]*)\s*")

_MEASURE = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?)\s*([A-Za-zµμ]+(?:/s)?)\s*")


class NoQuantityError(ValueError):
    """A text has not the form of a quantity."""


def parse(text: str) -> int:
    """The whole number that `text` stands for; ValueError says what is wrong with it."""
    form = _FORM.fullmatch(text)
    if form is None or form[2] not in UNITS:
        raise NoQuantityError(f"'{text}' is not a quantity such as 24KiB, 3MB or 1e6")
    whole = form[1].isdecimal() and len(form[1]) < 20  # an integer is exact beyond 2⁵³, a float is not
    value = (int(form[1]) if whole else float(form[1])) * UNITS[form[2]]
    if value >= 2**63:
        raise ValueError(f"'{text}' is too large")
    if value != int(value):
        raise ValueError(f"'{text}' is not a whole number of bytes or elements")
    return int(value)


def parse_in(text: str, unit: str) -> float:
    """The value of `text` in an SI unit of EXAMPLES: `50GB/s` in B/s is 5e10; ValueError says what is wrong with it."""
    form = _MEASURE.fullmatch(text)
    said = form[2] if form else ""
    known = TIMES if unit in TIMES else {f"{prefix}{unit}": size for prefix, size in PREFIXES.items()}
    factor = known.get(said)
    if form is None or factor is None or not 0 < (value := float(form[1]) * factor) < 1e30:
        raise NoQuantityError(f"'{text}' is not a quantity in {unit} such as {EXAMPLES[unit]}")
    return value


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
