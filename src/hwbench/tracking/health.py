"""Whether a machine does what it usually does: headline quantities of a check against earlier runs of the machine.

The verdict is that of `verdicts`, with the run-to-run deviation of the machine's own runs. Disturbances only slow down:
a quantity within the threshold of what is usual is good however it was disturbed, and so is one whose interval, widened
by the deviation, holds what is usual. It is bad where the whole interval is beyond the threshold and nothing disturbed
it. What is slower without that proof is doubtful, and is measured again.
"""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..analysis.bars import MEASURED, State, settled
from ..analysis.headline import CPU, CPU_RATES, UNITS, Headline, fastest
from ..analysis.measures import Catalogue
from ..analysis.reading import Reading
from ..errors import StoreError
from ..record import store
from ..record.estimate import Estimate, median_error
from ..record.facts import footprint
from ..record.microarchitectures import akin, title
from ..record.model import Machine, Record, key
from .comparison import Comparison
from .sides import Entry, Measurement, Side, machine_differences
from .verdicts import compare_sides

FEWEST = 3  # earlier runs that show what is usual, and how much it varies
MOST = 12  # runs of this machine, and of others, that are read, the newest
LOOKED_AT = 48  # files that are looked at to find them
LARGEST = 8 * 2**20  # bytes of a file that is read
THRESHOLD = 0.10  # slower by this matters
SIZES = 1.5  # footprints that differ by more are no figures of one level
FOLDERS = ("runs", "checks")


@dataclass(frozen=True)
class Judged:
    """A quantity, what was usual before (median, least and most of `runs` figures), and how many times it is slower."""

    now: Headline
    state: State
    usual: Estimate | None = None
    runs: int = 0
    slower: Estimate | None = None


@dataclass(frozen=True)
class History:
    """Earlier runs: `own` of this machine (or, with fewer than FEWEST of these, of its hardware), `cpu` of its CPU."""

    own: Sequence[Reading]
    cpu: Sequence[Reading]
    like: bool = False


def history(out: Path, here: Machine, without: Iterable[str], catalogue: Catalogue) -> History:
    """The finished runs and checks below a directory that are of this machine or this CPU, but for some."""
    paths = [path for folder in FOLDERS for path in (out / folder).glob("*/*.json") if path.name[0] != "."]
    named = [path for path in paths if akin(path.parent.name, here.name)]
    others = [path for path in paths if not akin(path.parent.name, here.name)]  # of a fleet they may be many, and newer
    taken = set(without)
    found = [one for some in (named, others) for one in _newest(some, here, taken, catalogue)]
    alike = [one for one in found if not machine_differences(one.run.machine, here)]
    own = [one for one in alike if akin(one.run.machine.name, here.name)]
    enough = len(own) >= FEWEST
    return History(own if enough else alike, found, like=not enough and len(alike) > len(own))


def _newest(paths: Iterable[Path], here: Machine, without: Container[str], catalogue: Catalogue) -> list[Reading]:
    """The newest finished runs of this CPU among files, MOST at most; what cannot be read is skipped."""
    found: list[Reading] = []
    for path in sorted(paths, key=lambda path: path.name.rpartition("-")[0][-16:], reverse=True)[:LOOKED_AT]:
        with contextlib.suppress(StoreError, OSError):  # another process may remove it
            if len(found) < MOST and path.stat().st_size < LARGEST:
                run = store.read(path)
                if run.finished and run.id not in without and title(run.machine.cpu) == title(here.cpu):
                    found.append(Reading(run, catalogue))
    return found


def judge(reading: Reading, earlier: Sequence[Reading], threshold: float = THRESHOLD) -> list[Judged]:
    """Each quantity of a check that the reading has, against the same case in earlier runs."""
    olds, news = [], []
    figures = {one.name: one for one in reading.headline if one.device == CPU and one.name in MEASURED}
    timed = [one for one in reading.records if one.timed and one.device == CPU]
    for name in figures:
        record = fastest(timed, CPU_RATES[name], reading.benches)
        if record is None:
            continue
        past = _calm([same for one in earlier if (same := _same(record, one.records)) is not None])
        news.append(_entry(name, [record]))
        if len(past) >= FEWEST:
            olds.append(_entry(name, past))
    told = {one.bench: one for one in compare_sides(_side(olds), _side(news), threshold).cases}
    base = {entry.bench: entry for entry in olds}
    return [_judged(figures[name], told[name], base.get(name), threshold) for name in figures]


def again(first: Sequence[Judged], second: Sequence[Judged]) -> list[Judged]:
    """What was judged, with the second figure and both verdicts of each quantity that was measured twice."""
    fresh = {one.now.name: one for one in second}
    return [
        replace(fresh[one.now.name], state=settled(one.state, fresh[one.now.name].state))
        if one.now.name in fresh and one.state in ("bad", "doubtful")
        else one
        for one in first
    ]


def _judged(now: Headline, told: Comparison, old: Entry | None, threshold: float) -> Judged:
    if old is None or told.ratio is None or told.low is None:
        return Judged(now, "unknown")
    slower = told.ratio > 1 + threshold and told.low > 1
    state: State = "bad" if told.verdict == "slower" else "doubtful" if slower else "good"
    values = [one.median if now.unit == UNITS["hops"] else 1 / one.median for one in old.measurements]
    usual = Estimate(float(np.median(values)), min(values), max(values))
    ratio = Estimate(told.ratio, told.low, told.high if told.high is not None else float("inf"))
    return Judged(now, state, usual, len(values), ratio)


def _same(record: Record, records: Sequence[Record]) -> Record | None:
    """The record of the same case, version and about the same footprint; None where there is none."""
    for one in records:
        if key(one) == key(record) and one.version == record.version and one.timed:
            mine, other = footprint(record), footprint(one)
            if not mine or not other or max(mine, other) <= SIZES * min(mine, other):
                return one
    return None


def _calm(records: Sequence[Record]) -> Sequence[Record]:
    """Those that nothing disturbed, where they are enough."""
    calm = [one for one in records if one.status == "ok"]
    return calm if len(calm) >= FEWEST else records


def _entry(name: str, records: Sequence[Record]) -> Entry:
    """A quantity in several runs, as seconds per unit of its work."""
    measurements = []
    for one in records:
        amount = one.counts[CPU_RATES[name].count]
        doubt = one.why or "suspect" if one.status == "suspect" else ""
        measurements.append(
            Measurement(float(np.median(one.samples)) / amount, median_error(one.samples) / amount, doubt)
        )
    return Entry(name, "", CPU, {}, measurements=measurements)


def _side(entries: Sequence[Entry]) -> Side:
    """A side whose benches declare nothing: here the machine's own limits are what is judged, and no controls."""
    return Side("", "", {}, entries)
