"""Cases and axis values as the page writes them."""

from __future__ import annotations

import re

from ..analysis.reading import Share
from ..record import text
from ..record.facts import threads_of
from ..record.measures import TOLERANCE
from ..record.model import Record, Scalar
from ..record.phrases import precision

SIDES = re.compile(r"\b(\d+)x(\d+)\b")  # of an array: `128x128`


def marked(share: Share | None) -> str:
    """A share of a limit, with a `~` where it is doubtful; a dash without one."""
    return text.NOTHING if share is None else share.text


def of_limit(share: Share | None) -> str:
    """A share with the name of its limit: `88% of L2 triad, 1 thread`; a dash without one."""
    return text.NOTHING if share is None else f"{marked(share)} of {share.limit.name}"


def share(value: float | None) -> str:
    """A share of what can be had, with a `~` where two measurements of one limit do not differ by as much."""
    return text.share(value) + text.DOUBTFUL * (value is not None and value > TOLERANCE)


def value_of(axis: str, value: Scalar, threads: int = 0) -> str:
    """An axis value as a person writes it: `1 thread`, `10⁶`, `float64`; `all 2 threads` if the number is given."""
    if axis == "threads":
        every = f"all {threads} threads" if threads > 1 else "all threads"
        return every if value == "all" else f"{value} thread{'s' * (value != 1)}"
    if axis == "n":
        return text.count(value) if isinstance(value, int) else str(value)
    if axis == "dtype":
        return precision(str(value))
    if axis == "chains":
        return "best number of chains" if value == "best" else f"{value} chain{'s' * (value != 1)}"
    if axis == "pages":
        return f"{value} pages"
    if axis == "gap" and value == "idle":
        return "idle, beside parked load threads"
    if axis == "order":
        return f"{value} order"
    return SIDES.sub(r"\1 × \2", str(value))


def labelled(axis: str, value: Scalar, threads: int = 0, name: str = "") -> str:
    """The same where no heading names the axis: `units = 1` for a bare number, of the axis in words where given."""
    shown = value_of(axis, value, threads)
    bare = isinstance(value, int | float) and shown in (str(value), text.count(value))
    return f"{name or axis} = {shown}" if bare else shown


def case(record: Record) -> str:
    """`stream.load simd, L1, float64, 1 thread`."""
    values = [labelled(axis, value, threads_of(record)) for axis, value in record.params.items()]
    return ", ".join([f"{record.bench} {record.variant}", *values])
