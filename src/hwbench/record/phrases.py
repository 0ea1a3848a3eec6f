"""Parts of sentences that findings share: lists, plurals, comparisons, levels, shares of a limit, marks of doubt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from . import text
from .estimate import Estimate
from .model import Record

MOST = 3  # sentences of a bench
EVEN = 0.05  # an interval within this around 1 shows that two times are the same
ABOVE = 1.05  # a larger share of a limit is no share: the limit or the figure is wrong


def listed(items: Iterable[str], conjunction: str = "and") -> str:
    """`A`, `A and B`, `A, B and C`."""
    *first, last = [*items] or [""]
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 thread`, `2 threads`."""
    return f"{text.count(number)} {noun if number == 1 else plural or f'{noun}s'}"


def level(size: object) -> str:
    """`L2`; `memory` for DRAM."""
    return "memory" if size == "DRAM" else str(size)


def against(ratio: Estimate, base: str) -> str:
    """A ratio of times after `is`: `1.19× slower than NumPy (1.15–1.23)`, `as fast as NumPy (0.98–1.02)`.

    Where the interval holds 1 and is wide: `not clearly faster or slower than NumPy (0.77–1.50)`.
    """
    shown, _, interval = text.ratio(ratio).partition(" (")
    wide = ratio.low < 1 - EVEN or ratio.high > 1 + EVEN
    if shown == "same":
        shown = "not clearly faster or slower than" if wide else "as fast as"
    elif shown != text.NOTHING:
        shown = f"{shown} than"
    return f"{shown} {base}" + (f" ({interval}" if interval else "")


def differs(ratio: Estimate | None) -> bool:
    """Whether a ratio of times shows a difference: its interval does not hold 1."""
    return ratio is not None and not text.ratio(ratio).startswith(("same", text.NOTHING))


def of_limit(share: float | Estimate, limit: str) -> str:
    """`61% of the peak`, with a mark where it is above what a limit allows."""
    value = share.value if isinstance(share, Estimate) else share
    return f"{text.share(share)} of {limit}" + " (suspect: above the limit)" * (value > ABOVE)


def marked(said: str, *records: Record | None) -> str:
    """The sentence with its full stop; before it the reasons of the suspect ones among the records that it rests on."""
    suspect = [one for one in records if one is not None and one.status == "suspect"]
    if not suspect:
        return f"{said}."
    doubts = dict.fromkeys(doubt.words for one in suspect for doubt in one.reasons)
    return f"{said} (suspect: {'; '.join(doubts) or 'no reason is known'})."


def ranked(found: Iterable[tuple[float, str]], most: int = MOST) -> list[str]:
    """The sentences of the largest effects, each a factor: 0.5 counts as much as 2."""

    def size(one: tuple[float, str]) -> float:
        return -abs(math.log(one[0])) if 0 < one[0] < math.inf else 0.0

    return [said for _, said in sorted(found, key=size)[:most]]


def largest(ratios: Sequence[Estimate]) -> float:
    """The ratio that is furthest from 1; 1 without any."""
    return max((one.value for one in ratios if one.value > 0), key=lambda value: abs(math.log(value)), default=1.0)
