"""Numbers, cases and times as the page writes them."""

from __future__ import annotations

import math

from ..analysis.reading import Share
from ..record.estimate import Estimate
from ..record.model import Record, Scalar
from ..record.units import digits, format_bytes

NOTHING = "–"


def number(value: float | None, unit: str = "") -> str:
    """Three significant digits and the unit; a dash for what is not there."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{digits(value)} {unit}".rstrip()


def percent(share: float | None) -> str:
    """`61%`, `0.12%`."""
    if share is None or not math.isfinite(share):
        return NOTHING
    return f"{digits(100 * share)}%" if share < 0.0995 else f"{100 * share:.0f}%"


def marked(share: Share | None) -> str:
    """A share of a limit as `percent`, with a `?` where it is doubtful."""
    if share is None:
        return NOTHING
    return percent(share.value) + "?" * bool(share.doubt)


def bounds(value: Estimate) -> str:
    """`24.9–25.3`; a dash where too few samples bound nothing."""
    if not (math.isfinite(value.low) and math.isfinite(value.high)) or value.low == 0:
        return NOTHING
    return f"{digits(value.low)}–{digits(value.high)}"


def compared(ratio: Estimate) -> str:
    """A ratio of times in words: `13.2× slower`, `4.1× faster`, `same` where the interval holds 1."""
    if ratio.low <= 1 <= ratio.high or abs(ratio.value - 1) < 0.005:
        return "same"
    if ratio.value > 1:
        return f"{digits(ratio.value)}× slower"
    return f"{digits(1 / ratio.value)}× faster"


def value_of(axis: str, value: Scalar) -> str:
    """An axis value as a person writes it: `1 thread`, `10⁶`, `float64`."""
    if axis == "threads":
        return "all threads" if value == "all" else f"{value} thread{'s' * (value != 1)}"
    if axis == "n":
        return elements(value)
    if axis == "dtype":
        return {"f8": "float64", "f4": "float32", "f2": "float16", "bf16": "bfloat16"}.get(str(value), str(value))
    if axis == "chains":
        return f"{value} chain{'s' * (value != 1)}"
    if axis == "pages":
        return f"{value} pages"
    if axis == "order":
        return f"{value} order"
    return str(value)


def elements(n: Scalar) -> str:
    """`10⁶` for a power of ten, `1500` for another count."""
    if isinstance(n, int) and n >= 1000:
        exponent = round(math.log10(n))
        if n == 10**exponent:
            return "10" + "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(exponent))
    return str(n)


def case(record: Record) -> str:
    """`stream.load simd, L1, float64, 1 thread`."""
    values = [value_of(axis, value) for axis, value in record.params.items()]
    return ", ".join([f"{record.bench} {record.variant}", *values])


def short_bytes(count: float) -> str:
    """`32 KiB`."""
    return format_bytes(count)
