"""What placing a function says: a point for each n, with its roof, its shares and advice."""

from __future__ import annotations

from dataclasses import dataclass

from ..analysis.limits import Limit
from ..counting import Counts, Range
from ..record.estimate import Estimate
from ..record.model import JsonObject
from .curve import Band

UNITS = {"GB/s": "B/s", "GFLOP/s": "FLOP/s"}


@dataclass(frozen=True)
class Gain:
    """How many times as fast a rewrite is: what to expect, and the bound that the best roofs set."""

    expected: float
    at_most: float


@dataclass(frozen=True)
class Advice:
    """One sentence about what would make a function faster."""

    code: str
    text: str
    gain: Gain


@dataclass(frozen=True)
class Bytes:
    """Bytes of a call: what any code must move, what this code asks for, and what counters saw; None: not known."""

    compulsory: int
    issued: Range | None
    moved: Range | None


@dataclass(frozen=True)
class Beside:
    """Seconds of an ordinary loop over the compulsory bytes, timed in the same rounds: on one thread, and on all.

    `made`: into a new array at each call, as the function.
    """

    one: float
    every: float
    made: bool = False


@dataclass(frozen=True)
class Point:
    """A function at one size of its inputs.

    `share` is the least time that the roof allows for the compulsory bytes and flops, over the median; `share_issued`
    the same for the issued bytes, None where these are not known or came from several caches at once. A call makes
    results of `made` bytes anew, and spends `pages` seconds in the kernel for new pages. Where two levels serve its
    data, `band` has the bandwidths that bound its roof; `note` says why another roof counts than that of its size.
    `doubt` says what disturbed it, "" for nothing.
    """

    n: int | None
    seconds: Estimate
    counts: Counts
    threads: int
    level: str
    roof: Limit
    share: float
    share_issued: float | None
    made: int = 0
    pages: float = 0.0
    beside: Beside | None = None
    band: Band | None = None
    note: str = ""
    advice: tuple[Advice, ...] = ()
    doubt: str = ""

    @property
    def bytes(self) -> Bytes:
        """The three byte counts."""
        return Bytes(self.counts.compulsory, self.counts.issued, self.counts.moved)

    @property
    def unit(self) -> str:
        """The SI unit of the roof: B/s or FLOP/s."""
        return UNITS[self.roof.metric.unit]

    @property
    def intensity(self) -> float | None:
        """Flops a compulsory byte, the fewest that are possible; None where either is not known."""
        flops = self.counts.flops
        return flops.low / self.counts.compulsory if flops and flops.low and self.counts.compulsory else None


@dataclass(frozen=True)
class Placed:
    """A function by its name, and its points by ascending n."""

    name: str
    points: tuple[Point, ...]


def as_json(placed: Placed) -> JsonObject:
    """The function as plain data, in SI units."""
    return {"function": placed.name, "points": [_point(point) for point in placed.points]}


def _point(point: Point) -> JsonObject:
    return {
        "n": point.n,
        "seconds": point.seconds.value,
        "low": point.seconds.low,
        "high": finite(point.seconds.high),
        "bytes": {
            "compulsory": point.counts.compulsory,
            "issued": _range(point.counts.issued),
            "moved": _range(point.counts.moved),
        },
        "flops": _range(point.counts.flops),
        "threads": point.threads,
        "level": point.level,
        "roof": {
            "name": point.roof.name, "value": point.roof.value, "unit": point.unit,
            "low": point.band.low if point.band else point.roof.value,
            "high": point.band.high if point.band else point.roof.value,
        },
        "share": point.share,
        "share_issued": point.share_issued,
        "unknown": list(point.counts.unknown),
        "advice": [
            {"code": one.code, "text": one.text,
             "gain": {"expected": one.gain.expected, "at_most": one.gain.at_most}}
            for one in point.advice
        ],
    }  # fmt: skip


def _range(given: Range | None) -> list[float | None] | None:
    """`[low, high]`, an end that is not known as null."""
    return None if given is None else [given.low, finite(given.high)]


def finite(value: float) -> float | None:
    """The value; None where it is infinite, which JSON cannot say."""
    return value if value < float("inf") else None
