"""Two or more runs: the twelve headline quantities side by side, and how each run differs from the first."""

from __future__ import annotations

from ...analysis.headline import CPU_RATES, TWELVE, Headline
from ...record import text
from ...record.estimate import unpaired_ratio
from ...record.phrases import counted
from ...record.reasons import words_of
from ..dataset import Runs
from ..sections import Section, Table

NAMES = {
    "l1.latency": "L1 latency", "l2.latency": "L2 latency", "l3.latency": "L3 latency",
    "dram.latency": "Memory latency", "l2.read.one": "Reading L2, one thread", "l3.read.one": "Reading L3, one thread",
    "dram.read.one": "Reading memory, one thread", "dram.read.all": "Reading memory, all threads",
    "dram.triad.all": "Triad in memory, all threads", "peak.f8.one": "FP64 peak, one thread",
    "peak.f8.all": "FP64 peak, all threads", "call.numpy": "A NumPy call on one element",
}  # fmt: skip
PHONE = 2  # runs for which a phone has room side by side
UNITS = {"B/s": ("GB/s", 1e-9), "FLOP/s": ("GFLOP/s", 1e-9), "s": ("ns", 1e9)}


def view(runs: Runs) -> Section | None:
    """A row for each quantity that any run has; None for a lone run."""
    if not runs.several:
        return None
    first, *others = range(len(runs))
    head = ["quantity", "unit"]
    for index in range(len(runs)):
        head += [runs.labels[index], *(["against the first"] if index != first else [])]
    rows = []
    doubts: list[str] = []
    for name in TWELVE:
        found = [reading.get(name) for reading in runs.readings]
        if not any(found):
            continue
        unit, scale = next(UNITS[one.unit] for one in found if one is not None)
        cells = [NAMES[name], unit, _value(found[first], scale)]
        for index in others:
            cells += [_value(found[index], scale), _against(runs, index, name)]
        rows.append(cells)
        doubts += [
            f"{NAMES[name]}, {label}: {', '.join(map(words_of, one.doubt))}"
            for label, one in zip(runs.labels, found, strict=True)
            if one is not None and one.doubt
        ]
    if not rows:
        return None
    intro = [
        "The twelve headline quantities of each run, medians with the number of threads where they are more than one. "
        "The difference to the first run is a ratio of times with its 95% interval, so that more is faster for "
        "bandwidths as for latencies. Runs share no rounds: what changed on the machine between them is in the ratio.",
    ]
    if doubts:
        intro.append(f"{text.DOUBTFUL} doubtful: {'; '.join(doubts)}.")
    caption = "Headline quantities side by side"
    blocks = [Table(caption, head, rows, fits=len(runs) == PHONE)]
    return Section("side-by-side", "Side by side", "Runs side by side", intro, blocks, topic="summary")


def _value(found: Headline | None, scale: float) -> str:
    if found is None:
        return text.NOTHING
    threads = f" ({counted(found.threads, 'thread')})" if found.threads and found.threads > 1 else ""
    return text.amount(found.value * scale) + text.DOUBTFUL * bool(found.doubt) + threads


def _against(runs: Runs, index: int, name: str) -> str:
    """The run against the first: `1.27× faster (1.24–1.30)`, with a `~` where either figure is doubtful."""
    rate = CPU_RATES[name]
    base, found = (runs.readings[run].fastest(rate) for run in (0, index))
    if base is None or found is None:
        return text.NOTHING
    times = unpaired_ratio(*([seconds / one.counts[rate.count] for seconds in one.samples] for one in (found, base)))
    return text.ratio(times) + text.DOUBTFUL * (found.status == "suspect" or base.status == "suspect")
