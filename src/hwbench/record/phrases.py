"""Parts of sentences that findings share: lists, plurals, comparisons, levels, shares of a limit, marks of doubt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from . import text
from .estimate import Estimate
from .measures import TOLERANCE
from .model import Record

MOST = 3  # sentences of a bench
_PRECISIONS = {
    "f2": "float16", "f4": "float32", "f8": "float64", "f16": "float16", "bf16": "bfloat16", "i4": "int32",
}  # fmt: skip
ABOVE, SUSPECT_LIMIT = "above_limit", "suspect_limit"  # codes of doubts about a share of a limit
DOUBTS: dict[tuple[str, ...], str] = {
    (): "",
    (ABOVE,): " (suspect: above the limit)",
    (SUSPECT_LIMIT,): " (suspect limit)",
    (ABOVE, SUSPECT_LIMIT): " (suspect: above a suspect limit)",
}


class Share(Protocol):
    """A share of a limit as a reading gives it: the value, as text with a `~` where it is doubtful, and the doubts."""

    @property
    def value(self) -> float:
        """The share, 1 at the limit."""

    @property
    def text(self) -> str:
        """`61%`, `120%~`."""

    @property
    def doubt(self) -> Sequence[str]:
        """Codes of doubts, ABOVE first."""


def listed(items: Iterable[str], conjunction: str = "and") -> str:
    """`A`, `A and B`, `A, B and C`."""
    *first, last = [*items] or [""]
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def precision(name: str) -> str:
    """`float64` for `f8`, and so on; names that are no abbreviation of NumPy's stay: `tf32`, `fp8`."""
    return _PRECISIONS.get(name, name)


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
    same = {"none": "as fast as", "unclear": "not clearly faster or slower than"}.get(text.difference(ratio))
    return f"{same or f'{text.ratio(ratio, interval=False)} than'} {base}{_interval(ratio)}"


def compared(ratio: Estimate) -> str:
    """A ratio of times whose base the sentence has named: `1.19× slower (1.15–1.23)`, `no difference (0.98–1.02)`."""
    return f"no difference{_interval(ratio)}" if text.difference(ratio) == "none" else text.ratio(ratio)


def differs(ratio: Estimate | None) -> bool:
    """Whether a ratio of times shows a difference: its interval does not hold 1."""
    return ratio is not None and ratio.value > 0 and text.difference(ratio) == "some"


def slower(ratio: Estimate | None) -> bool:
    """Whether a ratio of times shows a clear slowdown, so that its cause may be stated."""
    return ratio is not None and ratio.value > 1 and differs(ratio)


def of_limit(share: float | Estimate | Share, limit: str) -> str:
    """`61% of the peak`, with what is doubtful about it: that it is above the limit, or that the limit is suspect."""
    if isinstance(share, float | int | Estimate):
        value = share.value if isinstance(share, Estimate) else share
        shown, doubt = text.share(share), (ABOVE,) * (value > TOLERANCE)
    else:
        shown, doubt = text.share(share.value), tuple(share.doubt)
    return f"{shown} of {limit}{DOUBTS[doubt]}"


def mark(*records: Record | None) -> str:
    """` (suspect: the clock drifted)`, with the reasons of the suspect ones among the records; "" where none is."""
    doubts = _doubts(records)
    return f" (suspect: {'; '.join(doubts)})" if doubts else ""


def marked(said: str, *records: Record | None) -> str:
    """The sentence with its full stop, and before it the mark of the records that it rests on."""
    return f"{said}{mark(*records)}."


class Item(NamedTuple):
    """An entry of a list, and the records that it rests on."""

    words: str
    records: tuple[Record, ...] = ()


def entries(items: Sequence[Item]) -> str:
    """The list with its marks: one at the end where all entries have the same, else one at each suspect entry.

    A reason is given where it first occurs: `3 in f4 (suspect: the clock drifted), 5 in f8 (suspect) and 7 in f2`.
    """
    doubts = [_doubts(item.records) for item in items]
    if all(found == doubts[0] for found in doubts):
        return listed(item.words for item in items) + mark(*(items[0].records if items else ()))
    told: set[str] = set()
    shown = []
    for item, found in zip(items, doubts, strict=True):
        reason = f": {found[0]}" if found and found[0] not in told else ""
        told.update(found[:1])
        shown.append(item.words + (f" (suspect{reason})" if found else ""))
    return listed(shown)


def ranked(found: Iterable[tuple[float, str]], most: int = MOST) -> list[str]:
    """The sentences of the largest effects, each a factor: 0.5 counts as much as 2."""

    def size(one: tuple[float, str]) -> float:
        return -abs(math.log(one[0])) if 0 < one[0] < math.inf else 0.0

    return [said for _, said in sorted(found, key=size)[:most]]


def largest(ratios: Sequence[Estimate]) -> float:
    """The ratio that is furthest from 1; 1 without any."""
    return max((one.value for one in ratios if one.value > 0), key=lambda value: abs(math.log(value)), default=1.0)


def _doubts(records: Iterable[Record | None]) -> list[str]:
    """Why the suspect ones among the records are so, each reason once; [] where none is suspect."""
    suspect = [one for one in records if one is not None and one.status == "suspect"]
    reasons = dict.fromkeys(doubt.words for one in suspect for doubt in one.reasons)
    return [*reasons] or ["no reason is known"] * bool(suspect)


def _interval(ratio: Estimate) -> str:
    """` (1.15–1.23)` of what `text.ratio` prints; "" where it prints none."""
    shown, alone = text.ratio(ratio), text.ratio(ratio, interval=False)
    return shown.removeprefix(alone)
