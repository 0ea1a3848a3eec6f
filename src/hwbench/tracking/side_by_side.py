"""The headline quantities of two sides side by side: raw, and against the limits of each machine."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..analysis.headline import RATIO, TWELVE, Headline
from ..analysis.measures import Catalogue
from ..analysis.reading import Reading, Share
from ..record.estimate import Estimate
from .sides import Side


@dataclass(frozen=True)
class Quantity:
    """A headline quantity of both sides, with the share of its limit that each reaches, where one applies.

    `times` is the ratio of times, new over base: above 1 is slower; None for a quantity that is a ratio.
    """

    base: Headline
    new: Headline
    shares: tuple[Share | None, Share | None]
    times: Estimate | None

    @property
    def main(self) -> bool:
        """Whether it is one of the twelve."""
        return self.base.name in TWELVE


def quantities(base: Side, new: Side, catalogue: Catalogue | None = None) -> list[Quantity]:
    """What both sides measured, the twelve first; [] where one of them has no runs. Of several runs the median one."""
    olds, news = ([Reading(run, catalogue) for run in side.runs] for side in (base, new))
    found = []
    there = {(one.name, one.device) for reading in news for one in reading.headline}
    for name, device in dict.fromkeys((one.name, one.device) for reading in olds for one in reading.headline):
        if (name, device) in there:
            (old, old_share), (now, new_share) = (_median(readings, name, device) for readings in (olds, news))
            found.append(Quantity(old, now, (old_share, new_share), _times(old, now)))
    order = {name: place for place, name in enumerate(TWELVE)}
    return sorted(found, key=lambda one: order.get(one.base.name, len(order)))


def _median(readings: Sequence[Reading], name: str, device: str) -> tuple[Headline, Share | None]:
    """The quantity in the run where it is the median, and its share of the limit there."""
    each = [(one, reading) for reading in readings if (one := reading.get(name, device)) is not None]
    one, reading = sorted(each, key=lambda pair: pair[0].value)[len(each) // 2]
    return one, next(_shares(one, reading), None)


def _shares(one: Headline, reading: Reading) -> Iterator[Share | None]:
    if one.unit != RATIO:
        for record in reading.records:
            if record.device == one.device and record.timed and record.case.label == one.record:
                yield reading.share(record)


def _times(old: Headline, now: Headline) -> Estimate | None:
    """The ratio of times; the intervals of both are independent."""
    if old.unit == RATIO or min(old.value, now.value) <= 0:
        return None
    slow, fast = (now, old) if old.unit == "s" else (old, now)
    ratio = slow.value / fast.value
    if min(slow.low, fast.low) <= 0 or not math.isfinite(slow.high + fast.high):
        return Estimate(ratio, 0.0, math.inf)
    down = math.hypot(math.log(slow.value / slow.low), math.log(fast.high / fast.value))
    up = math.hypot(math.log(slow.high / slow.value), math.log(fast.value / fast.low))
    return Estimate(ratio, ratio * math.exp(-down), ratio * math.exp(up))
