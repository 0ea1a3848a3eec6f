"""What the issued bytes of a function take below the roofs: each from the nearest cache that can still hold it."""

from __future__ import annotations

from ..counting import Counts, Range
from .roofs import Roofs

# By the share of writes in the bytes of a call: the kernel whose mix is nearest.
MIXES = ((1 / 6, "load"), (5 / 12, "triad"), (3 / 4, "copy"), (1.0, "store"))


def mix(writes: float) -> str:
    """The kernel whose share of writes is nearest: none of a load's bytes, a third of a triad's, half of a copy's."""
    return next(kind for most, kind in MIXES if writes <= most or most == 1.0)


def asking(counts: Counts, roofs: Roofs, kind: str, threads: int, *, usual: bool = False, floor: float = 0.0) -> float:
    """The least seconds for the issued bytes, each from the nearest cache that can still hold it.

    Of what it is not known when it was used last, the compulsory bytes come from where the data lie and the rest from
    the nearest cache. `usual`: what ordinary code takes, at the geometric middle of an interval. `floor`: the bandwidth
    of the cache that held the data, where this is more than their size lets expect.
    """
    issued = (middle(counts.issued) if usual else counts.issued.low) if counts.issued else 0.0
    uses = [(one.nbytes, one.distance, mix(one.writes)) for one in counts.reuses]
    if not uses:
        uses = [(min(counts.compulsory, issued), counts.data or counts.footprint, kind)]
    rest = issued - sum(nbytes for nbytes, _, _ in uses)
    if rest > 0:
        uses.append((rest, 0.0, kind))
    bands = ((nbytes, roofs.band(which, size, threads, usual=usual)) for nbytes, size, which in uses)
    return sum(nbytes / max(band.value, floor) for nbytes, band in bands if band is not None)


def middle(given: Range | None) -> float:
    """The geometric middle of an interval; its low end where the other is not known, 0 where nothing is."""
    if given is None:
        return 0.0
    if not given.high < float("inf") or given.low <= 0:
        return float(given.low)
    return float((given.low * given.high) ** 0.5)
