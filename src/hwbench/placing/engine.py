"""One engine behind all doors: counts, time and roof of a function become a point."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..analysis.limits import Limit
from ..counting import Counts, Range, count
from ..devices import Device
from ..errors import UsageError
from ..protocols import Call
from ..record import text
from ..record.estimate import Estimate, estimate, paired_ratio
from ..record.measures import TOLERANCE
from ..record.model import Record
from ..record.phrases import counted
from . import gpu_roofs, on_gpu, probe, timing
from .advice import advise
from .asked import asking, mix
from .curve import DASH, Band
from .gpu_roofs import GpuRoofs
from .model import Advice, Beside, Point
from .roofs import Roofs
from .subject import Function, Inputs

EMPTY_S = 2e-7  # a call of a Python function that does nothing takes about this long; a function must take longer
LEAST_LOOP = 512  # bytes


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

    Where the CPU's roofs come from, the devices that time it, how to stop, who is told what is left out, and whether
    counters are asked for. Roofs are asked for when a function needs them: one of CuPy does not need the CPU's.
    """

    cpu_roofs: Callable[[], Roofs]
    devices: Mapping[str, Device]
    stop: Callable[[], None] = lambda: None
    tell: Callable[[str], None] = unsaid
    hardware: bool = False
    loops: bool = True  # whether ordinary loops are timed beside it, which predictions take for what a rewrite reaches
    watch: Callable[[str], None] = unsaid  # what begins now, "" when it has ended
    gpu: Callable[[str], Device] = on_gpu.opened
    gpu_roofs: Callable[[str, Callable[[str], object], Callable[[], None]], GpuRoofs] = gpu_roofs.get
    _gpus: dict[str, GpuRoofs] = field(default_factory=dict, init=False)

    @functools.cached_property
    def roofs(self) -> Roofs:
        """Those of the CPU, asked for once."""
        return self.cpu_roofs()

    def roofs_of(self, gpu: str) -> GpuRoofs:
        """Those of a GPU, asked for once."""
        if gpu not in self._gpus:
            self._gpus[gpu] = self.gpu_roofs(gpu, self.tell, self.stop)
        return self._gpus[gpu]


def place(
    name: str, function: Function, inputs: Inputs, setting: Setting, *, n: int | None = None,
    declared: Declared = NOTHING_DECLARED, variants: Mapping[str, Function] | None = None,
) -> dict[str, Point]:  # fmt: skip
    """The points of a function (under its name) and of its variants, timed in the same rounds.

    UsageError in one line for a function that cannot be placed. A variant that cannot be is told and left out.
    """
    declared = declared.at(n)
    probe.check_inputs(name, inputs)
    if not on_gpu.arrays(function, inputs):
        _ = setting.roofs  # measured before a call, which may leave threads running and memory taken
    counts, probed, known = {}, {}, {}
    for one, each in {name: function, **(variants or {})}.items():
        try:
            probed[one] = _probed(one, each, inputs, setting)
            counts[one] = _counts(one, each, inputs, setting)
            known[one] = each
        except UsageError as error:
            if one == name:
                raise
            setting.tell(f"left out: {error}")
    here = on_gpu.kinds(name, {one: counts[one] for one in known})
    for one in [one for one in known if one not in here]:
        places = ("a GPU", "the CPU") if counts[one].kind == "cupy" else ("the CPU", "a GPU")
        setting.tell(f"left out: {one} runs on {places[0]}, and {name} on {places[1]}")
        del known[one]
    calls: dict[str, Call] = {
        one: functools.partial(variant, *inputs.args, **inputs.kwargs) for one, variant in known.items()
    }
    if counts[name].kind == "cupy":
        return _on_gpu(name, known, calls, counts, inputs, setting, n, declared)
    compared = beside(counts[name].compulsory, probed[name].written, probed[name].made, setting)
    calls |= compared
    slowest = max(one.seconds for one in probed.values())
    points = {}
    with probe.quiet():
        records = timing.measure(calls, setting.devices, slowest, stop=setting.stop)
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
            loops = _beside(record, records, probed[name].made)
            points[one] = point(
                one, stated, timed.seconds, setting.roofs, n=n, threads=threads, written=probed[one].written,
                made=probed[one].made, pages=spent.pages, beside=loops, doubts=doubts,
                declared=one == name and declared != NOTHING_DECLARED,
            )  # fmt: skip
    return points


def _on_gpu(
    name: str, known: Mapping[str, Function], calls: Mapping[str, Call], counts: Mapping[str, Counts], inputs: Inputs,
    setting: Setting, n: int | None, declared: Declared,
) -> dict[str, Point]:  # fmt: skip
    """The points of functions of CuPy, timed in the same rounds on the GPU that holds their arrays."""
    on = on_gpu.device_of(name, known[name], inputs)
    device = setting.gpu(on)
    roofs = setting.roofs_of(on)
    points, probed = {}, {}
    for one, variant in known.items():
        with probe.guarded(one):
            probed[one] = on_gpu.written(variant, inputs)
    with probe.quiet():
        times = on_gpu.measured(calls, device, setting.stop)
        for one in known:
            stated = _declared(one, counts[one], declared) if one == name else counts[one]
            points[one] = point(
                one, stated, times[one].seconds, roofs, n=n, written=probed[one][0], made=probed[one][1],
                doubts=[times[one].doubt] if times[one].doubt else [],
                declared=one == name and declared != NOTHING_DECLARED, advising=on_gpu.advise,
            )  # fmt: skip
    return points


LOOP, LOOPS = " one loop", " on all threads"  # no function has such a name


def beside(compulsory: int, written: int, made: int, setting: Setting) -> dict[str, Call]:
    """Ordinary loops that read and write as many bytes, to be timed beside the function; none where there are none.

    They write into a new array at each call where the function makes what it writes.
    """
    if not setting.loops or compulsory < LEAST_LOOP:
        return {}
    from ..kernels import ordinary  # imports Numba

    writes = min(written, compulsory)
    reads, a, b, c, out = ordinary.memory(compulsory - writes, writes)
    if made and len(out):
        ways = {LOOP: ordinary.MAKE, LOOPS: ordinary.MAKE_TOGETHER}
        return {name: functools.partial(make[reads - 1], *(a, b, c)[:reads]) for name, make in ways.items()}
    return {
        LOOP: functools.partial(ordinary.move, reads, a, b, c, out),
        LOOPS: functools.partial(ordinary.move_together, reads, a, b, c, out),
    }


def _beside(record: Record, records: Mapping[str, Record], made: int) -> Beside | None:
    """What the loops take where the function takes its median: paired by round, so that both are disturbed alike."""
    known = [records[one] for one in (LOOP, LOOPS) if one in records and records[one].timed]
    if len(known) < 2:
        return None
    taken = estimate(record.samples).value
    ratios = [paired_ratio(record.samples, loop.samples[: len(record.samples)]).value for loop in known]
    return Beside(taken / ratios[0], taken / ratios[1], made=bool(made))


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
    advising: Callable[[Point, Any, str], tuple[Advice, ...]] = advise,
) -> Point:  # fmt: skip
    """The point of a function whose time is known; UsageError where there is no roof for it."""
    kind = mix(written / counts.compulsory if counts.compulsory else 0.0)
    data = counts.data or counts.footprint
    level, held = roofs.level(data, threads), roofs.roof(kind, data, threads)
    peak, flops = roofs.peak(counts.dtype, threads), counts.flops.low if counts.flops else 0.0
    if not counts.compulsory and not flops:
        raise UsageError(
            f"{name}: takes and gives no array and has no flops that are known, so that no roof bounds it"
            + (f" (not seen: {', '.join(counts.unknown)})" if counts.unknown else "")
        )
    if held is None or peak is None:
        what = level if held is None else f"arithmetic in '{counts.dtype}'"
        raise UsageError(
            f"{name}: no roof was measured for {what} on {counted(threads, 'thread')}; --refresh measures them"
        )
    slope, band = held, roofs.band(kind, data, threads)
    roof, share = _share(counts.compulsory, flops, slope, peak, seconds.value)
    if share > TOLERANCE and roof is slope:  # nearer caches held more of the data than is usual
        slope = _nearer(slope, band, counts.compulsory / seconds.value, kind, roofs, threads)
        roof, share = _share(counts.compulsory, flops, slope, peak, seconds.value)
    said = list(doubts or [])
    note = ""
    if slope is not held and share <= TOLERANCE:
        note = (
            f"part of its {text.size(data)} stayed in {slope.level}, so the share is of the {slope.level} roof; "
            f"{text.amount(held.shown, held.metric.unit)} are usual of this size"
        )
    issued = None
    if counts.issued is not None:
        floor = slope.value if slope is not held else 0.0
        asked = max(asking(counts, roofs, kind, threads, floor=floor), counts.compulsory / slope.value)
        issued = max(asked, flops / peak.value) / seconds.value
    if declared and issued is not None and max(share, issued) > TOLERANCE:
        raise UsageError(
            f"{name}: what is declared cannot be true: {text.amount(issued)} times its roof, {roof.name} "
            f"({text.amount(roof.shown, roof.metric.unit)}); at most {text.amount(TOLERANCE)} is possible"
        )
    if issued is not None and issued > max(TOLERANCE, share):  # caches that served it at once, not in turn
        issued = None
    if share > TOLERANCE:
        said.append(
            f"faster than its roof, {roof.name}: the roof was disturbed when it was measured; --refresh measures it "
            "again"
        )
    elif roof.suspect:
        said.append(f"its roof, {roof.name}, was disturbed: {roof.suspect}; --refresh measures it again")
    spread = band if band is not None and roof is held and band.high > TOLERANCE * band.low else None
    at = Point(
        n, seconds, counts, threads, slope.level, roof, share, issued, made=made, pages=pages, beside=beside,
        band=spread, note=note, doubt="; ".join(said),
    )  # fmt: skip
    return replace(at, advice=advising(at, roofs, kind))


def _nearer(slope: Limit, band: Band | None, rate: float, kind: str, roofs: Roofs, threads: int) -> Limit:
    """The slowest roof above this one that allows the rate; the fastest of all where none does."""
    above = [found for level in reversed(roofs.levels) if (found := roofs.slope(kind, level, threads)) is not None]
    if band is not None and band.high > slope.value:
        above.insert(0, replace(slope, value=band.high, level=band.level.partition(DASH)[0]))
    above = [one for one in above if one.value > slope.value]
    return next((one for one in above if rate <= TOLERANCE * one.value), above[-1] if above else slope)


def _share(moved: float, flops: float, slope: Limit, peak: Limit, seconds: float) -> tuple[Limit, float]:
    """The roof that bounds this work, and the least time under it over the time taken."""
    by_memory, by_arithmetic = moved / slope.value, flops / peak.value
    return (slope, by_memory / seconds) if by_memory >= by_arithmetic else (peak, by_arithmetic / seconds)
