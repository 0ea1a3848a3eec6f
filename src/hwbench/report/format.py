"""Cases and axis values as the page writes them."""

from __future__ import annotations

from ..analysis.reading import Share
from ..record import text
from ..record.measures import TOLERANCE
from ..record.model import Record, Scalar


def marked(share: Share | None) -> str:
    """A share of a limit, with a `?` where it is doubtful; a dash without one."""
    return text.NOTHING if share is None else share.text


def of_limit(share: Share | None) -> str:
    """A share with the name of its limit: `88% of L2 triad, 1 thread`; a dash without one."""
    return text.NOTHING if share is None else f"{marked(share)} of {share.limit.name}"


def share(value: float | None) -> str:
    """A share of what can be had, with a `?` where two measurements of one limit do not differ by as much."""
    return text.share(value) + "?" * (value is not None and value > TOLERANCE)


def value_of(axis: str, value: Scalar) -> str:
    """An axis value as a person writes it: `1 thread`, `10⁶`, `float64`."""
    if axis == "threads":
        return "all threads" if value == "all" else f"{value} thread{'s' * (value != 1)}"
    if axis == "n":
        return text.count(value) if isinstance(value, int) else str(value)
    if axis == "dtype":
        return {"f8": "float64", "f4": "float32", "f2": "float16", "bf16": "bfloat16"}.get(str(value), str(value))
    if axis == "chains":
        return f"{value} chain{'s' * (value != 1)}"
    if axis == "pages":
        return f"{value} pages"
    if axis == "gap" and value == "idle":
        return "idle, beside parked load threads"
    if axis == "order":
        return f"{value} order"
    return str(value)


def case(record: Record) -> str:
    """`stream.load simd, L1, float64, 1 thread`."""
    values = [value_of(axis, value) for axis, value in record.params.items()]
    return ", ".join([f"{record.bench} {record.variant}", *values])
