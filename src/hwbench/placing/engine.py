"""One engine behind all doors: counts, time and roof of a function become a point."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from ..analysis.limits import Limit
from ..counting import Counts, Range, count
from ..devices import Device
from ..errors import UsageError
from ..protocols import Call
from ..record import text
from ..record.estimate import Estimate, quantile
from ..record.measures import TOLERANCE
from ..record.model import Record
from ..record.phrases import counted
from . import probe, timing
from .advice import advise
from .model import Beside, Point
from .roofs import Roofs
from .subject import Function, Inputs

EMPTY_S = 2e-7  # a call of a Python function that does nothing takes about this long; a function must take longer
LEAST_LOOP = 512  # bytes
# By the share of writes in the bytes of a call: the kernel whose mix is nearest.
MIXES = ((1 / 6, "load"), (5 / 12, "triad"), (3 / 4, "copy"), (1.0, "store"))


@dataclass(frozen=True)
class Declared:
    """What the user says that a call needs, in place of what is counted."""

    bytes: float | None = None
    flops: float | None = None
    each: tuple[str, ...] = ()  # those that are stated for each n

    def at(self, n: int | None) -> Declared:
        """The amounts of a call at this n."""
        amounts = {name: getattr(self, name) for name in ("bytes", "flops")}
        for name in self.each:
            amounts[name] *= n or 1
        return Declared(**amounts)


NOTHING_DECLARED = Declared()


def unsaid(_line: str) -> None:
    """Say nothing."""


@dataclass
class Setting:
    """What placing needs beside the function.

    The roofs, the devices that time it, how to stop, who is told what is left out, and whether counters are asked for.
    """

    roofs: Roofs
    devices: Mapping[str, Device]
    stop: Callable[[], None] = lambda: None
    tell: Callable[[str], None] = unsaid
    hardware: bool = False
    loops: bool = True  # whether ordinary loops are timed beside it, which predictions take for what a rewrite reaches
    watch: Callable[[str], None] = unsaid  # what begins now, "" when it has ended


def place(
    name: str, function: Function, inputs: Inputs, setting: Setting, *, n: int | None = None,
    declared: Declared = NOTHING_DECLARED, variants: Mapping[str, Function] | None = None,
) -> dict[str, Point]:  # fmt: skip
    """The points of a function (under its name) and of its variants, timed in the same rounds.

    UsageError in one line for a function that cannot be placed. A variant that cannot be is told and left out.
    """
    declared = declared.at(n)
    probe.check_inputs(name, inputs)
    counts, probed, known = {}, {}, {}
    for one, each in {name: function, **(variants or {})}.items():
        try:
            probed[one] = _probed(one, each, inputs, setting)
            counts[one] = _counts(one, each, inputs, setting)
            if counts[one].kind == "cupy":
                raise UsageError(
                    f"{one}: runs on a GPU, and the roofs are those of the CPU; hwbench run device --device gpu "
                    "measures what the GPU can do"
                )
            known[one] = each
        except UsageError as error:
            if one == name:
                raise
            setting.tell(f"left out: {error}")
    calls: dict[str, Call] = {
        one: functools.partial(variant, *inputs.args, **inputs.kwargs) for one, variant in known.items()
    }
    calls |= beside(counts[name].compulsory, probed[name].written, setting)
    slowest = max(one.seconds for one in probed.values())
    points = {}
    with probe.quiet():
        records = timing.measure(calls, setting.devices, slowest, stop=setting.stop)
        loops = _beside(records)
        for one in known:
            record = records[one]
            if not record.timed:
                raise UsageError(f"{one}: could not be timed: {record.why}")
            timed = timing.timed(record)
            _check_time(one, timed.seconds)
            spent = timing.spent(calls[one], timed.seconds.value)
            stated = _declared(one, counts[one], declared) if one == name else counts[one]
            threads = min(timing.threads(stated.parallel, _pool(stated), spent.cores), setting.roofs.threads)
            doubts = [doubt for doubt in (probed[one].doubt, timed.doubt) if doubt]
            points[one] = point(
                one, stated, timed.seconds, setting.roofs, n=n, threads=threads, written=probed[one].written,
                made=probed[one].made, pages=spent.pages, beside=loops, doubts=doubts,
                declared=one == name and declared != NOTHING_DECLARED,
            )  # fmt: skip
    return points


LOOP, LOOPS = " one loop", " on all threads"  # no function has such a name


def beside(compulsory: int, written: int, setting: Setting) -> dict[str, Call]:
    """Ordinary loops that read and write as many bytes, to be timed beside the function; none where there are none."""
    if not setting.loops or compulsory < LEAST_LOOP:
        return {}
    from ..kernels import ordinary  # imports Numba

    writes = min(written, compulsory)
    memory = ordinary.memory(compulsory - writes, writes)
    return {
        LOOP: functools.partial(ordinary.move, *memory), LOOPS: functools.partial(ordinary.move_together, *memory)
    }  # fmt: skip


def _beside(records: Mapping[str, Record]) -> Beside | None:
    """What the loops take undisturbed: the quarter of their samples that is fastest bounds the rest."""
    known = [records[one] for one in (LOOP, LOOPS) if one in records and records[one].timed]
    return Beside(*(quantile(one.samples, 0.25) for one in known)) if len(known) == 2 else None


def _probed(name: str, function: Function, inputs: Inputs, setting: Setting) -> probe.Probed:
    setting.watch("is called")
    found = probe.probe(name, function, inputs)
    setting.watch("")
    return found


def _counts(name: str, function: Function, inputs: Inputs, setting: Setting) -> Counts:
    setting.watch("is counted")
    try:
        with probe.guarded(name):
            return count(function, inputs.args, inputs.kwargs, hardware=setting.hardware)
    finally:
        setting.watch("")


def _check_time(name: str, seconds: Estimate) -> None:
    if seconds.value < EMPTY_S:
        raise UsageError(
            f"{name}: a call takes {text.seconds(seconds.value)}, no longer than Python needs to call it; give it more "
            "work"
        )


def _declared(name: str, counts: Counts, declared: Declared) -> Counts:
    """The counts with what was declared; UsageError where it is less than any code needs."""
    if declared.bytes is not None and declared.bytes < counts.compulsory:
        raise UsageError(
            f"{name}: {text.size(declared.bytes)} are declared, and its arguments and results alone have "
            f"{text.size(counts.compulsory)}; declare at least these, or nothing"
        )
    issued = counts.issued if declared.bytes is None else Range(declared.bytes, declared.bytes)
    flops = counts.flops if declared.flops is None else Range(declared.flops, declared.flops)
    return replace(counts, issued=issued, flops=flops)


def _pool(counts: Counts) -> int:
    """Threads of the pool that the function may use: Numba's, or that of NumPy's BLAS."""
    if counts.kind == "numba" and "numba" in sys.modules:
        return int(sys.modules["numba"].get_num_threads())
    if counts.parallel:
        from threadpoolctl import threadpool_info

        return max((int(one["num_threads"]) for one in threadpool_info() if one["user_api"] == "blas"), default=1)
    return 1


# --- under which roof -------------------------------------------------------------------------------------------------


def point(
    name: str, counts: Counts, seconds: Estimate, roofs: Roofs, *, n: int | None = None, threads: int = 1,
    written: int = 0, made: int = 0, pages: float = 0.0, beside: Beside | None = None,
    doubts: list[str] | None = None, declared: bool = False,
) -> Point:  # fmt: skip
    """The point of a function whose time is known; UsageError where there is no roof for it."""
    kind = mix(written / counts.compulsory if counts.compulsory else 0.0)
    level = roofs.level(counts.footprint, threads)
    slope, peak = roofs.slope(kind, level, threads), roofs.peak(counts.dtype, threads)
    flops = counts.flops.low if counts.flops else 0.0
    if not counts.compulsory and not flops:
        raise UsageError(
            f"{name}: takes and gives no array and has no flops that are known, so that no roof bounds it"
            + (f" (not seen: {', '.join(counts.unknown)})" if counts.unknown else "")
        )
    if slope is None or peak is None:
        raise UsageError(
            f"{name}: no roof was measured for {level} on {counted(threads, 'thread')}; --refresh measures them"
        )
    roof, share = _share(counts.compulsory, flops, slope, peak, seconds.value)
    if share > TOLERANCE and counts.compulsory / slope.value >= flops / peak.value:
        # Data that lie partly in a nearer cache are bounded by that one.
        for nearer in reversed(roofs.levels[: roofs.levels.index(level)] if level in roofs.levels else []):
            if (better := roofs.slope(kind, nearer, threads)) is not None and better.value > slope.value:
                level, slope = nearer, better
                roof, share = _share(counts.compulsory, flops, slope, peak, seconds.value)
                if share <= TOLERANCE:
                    break
    issued = None
    if counts.issued is not None:
        issued = _share(counts.issued.low, flops, slope, peak, seconds.value)[1]
    said = list(doubts or [])
    if declared and issued is not None and max(share, issued) > TOLERANCE:
        raise UsageError(
            f"{name}: what is declared cannot be true: {text.amount(issued)} times its roof, {roof.name} "
            f"({text.amount(roof.shown, roof.metric.unit)}); at most {text.amount(TOLERANCE)} is possible"
        )
    if share > TOLERANCE:
        said.append(
            f"faster than its roof, {roof.name}: the roof was disturbed when it was measured; --refresh measures it "
            "again"
        )
    elif roof.suspect:
        said.append(f"its roof, {roof.name}, was disturbed: {roof.suspect}; --refresh measures it again")
    at = Point(
        n, seconds, counts, threads, level, roof, share, issued, made=made, pages=pages, beside=beside,
        doubt="; ".join(said),
    )  # fmt: skip
    return replace(at, advice=advise(at, roofs, kind))


def mix(writes: float) -> str:
    """The kernel whose share of writes is nearest: none of a load's bytes, a third of a triad's, half of a copy's."""
    return next(kind for most, kind in MIXES if writes <= most or most == 1.0)


def _share(moved: float, flops: float, slope: Limit, peak: Limit, seconds: float) -> tuple[Limit, float]:
    """The roof that bounds this work, and the least time under it over the time taken."""
    by_memory, by_arithmetic = moved / slope.value, flops / peak.value
    return (slope, by_memory / seconds) if by_memory >= by_arithmetic else (peak, by_arithmetic / seconds)
