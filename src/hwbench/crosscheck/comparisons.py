"""The comparisons: for each tool, our cases that do the same work, and how both sides run them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from ..bench import Bench, Skip
from ..benches.clock import frequency
from ..benches.device import peak
from ..benches.device import stream as on_device
from ..benches.latency import chase, core_to_core
from ..benches.parallel import overhead
from ..benches.peak import fma
from ..benches.stream import stream
from ..devices.cpu import CpuDevice
from ..devices.opencl import OpenClDevice
from ..host import opencl_probe
from ..kernels.cpu_features import widths
from ..protocols import Facts, Values
from ..record.model import LEVELS, Scalar
from .our_side import Ours, calibrate
from .tools import c_loops, clpeak, likwid, mbw
from .tools import stream as mccalpin

TRIAD_TIMES = 10  # repetitions a call, as in STREAM
LEAST_MIB = 16  # of mbw's array
EMPTY = 100  # elements of a prange that does next to nothing
OWN = "CPU kernels"  # what an OpenCL device that is this CPU is compared with: hwbench's own


@dataclass(frozen=True)
class Pair:
    """Both sides of a comparison, ready to run: each returns seconds for the work in `counts`."""

    ours: Callable[[], float]
    theirs: Callable[[], float]
    counts: Mapping[str, float]
    command: str
    facts: Facts


@dataclass(frozen=True)
class Cell:
    """One comparison: a variant of a bench at some axis values, and the tool that does the same work.

    `floor` says that the tool does less: its time is what ours cannot fall below, and no ratio is too low. `sampled`
    cells are what `hwbench verify` measures where nothing is selected. `prepare` gets the device, the resolved values,
    the seconds of a sample and a stack for what must be closed; it raises Skip where the comparison is impossible.
    `missing` says in advance why the tool cannot run here. Comparisons next to each other with the same `run` share the
    tool's runs: in each round it runs once, and ours one after the other.
    """

    bench: Bench
    variant: str
    params: Mapping[str, Scalar]
    tool: str
    test: str
    prepare: Callable[[Cell, CpuDevice, Values, float, ExitStack], Pair] = field(repr=False)
    missing: str = ""
    floor: bool = False
    sampled: bool = True
    run: str = ""

    @property
    def name(self) -> str:
        """`stream.load/simd L1 f8 2 4K likwid-bench`: shown in the table, and matched by a selection."""
        values = " ".join(str(value) for value in self.params.values())
        return f"{self.bench.name}/{self.variant} {values} {self.tool}"


def cells(device: CpuDevice, pages: str, binary: Path | None) -> list[Cell]:
    """All comparisons: likwid-bench first, then the clock, C compiled here, STREAM and mbw."""
    threads = sorted({1, device.host.usable})
    return [
        *_likwid(threads, pages),
        *_clocks(threads),
        *_chases(),
        *_core_to_core(),
        *_regions(device),
        *_triads(threads, pages),
        *_stream(device, binary),
        *_mbw(),
        *_opencl(),
        *_own(),
    ]


# --- likwid-bench -----------------------------------------------------------------------------------------------------

# Our row and variant, the base name of likwid's test, and the levels where the comparison is meaningful: non-temporal
# stores, and loads of several streams at once, are for memory.
KERNELS = (
    (stream.load_bench, "simd", "load", LEVELS[:-1]),
    (stream.load_bench, "simd-streams", "load", LEVELS[-1:]),
    (stream.store_bench, "simd", "store", LEVELS),
    (stream.store_bench, "simd-nt", "store_mem", LEVELS[-1:]),
    (stream.copy_bench, "simd", "copy", LEVELS),
    (stream.copy_bench, "simd-nt", "copy_mem", LEVELS[-1:]),
    (stream.triad_bench, "simd", "stream", LEVELS),
    (stream.triad_bench, "simd-nt", "stream_mem", LEVELS[-1:]),
)


def _likwid(threads: list[int], pages: str) -> Iterator[Cell]:
    width = widths()[-1]
    missing = likwid.why_not()
    for count in threads:
        for bench, variant, base, levels in KERNELS:
            for level in levels:
                params: dict[str, Scalar] = {"size": level, "dtype": "f8", "threads": count, "pages": pages}
                # A sample: caches on one thread, memory on all.
                sampled = count == (threads[-1] if level == LEVELS[-1] else 1)
                yield Cell(bench, variant, params, likwid.TOOL, base, _beside_likwid, missing, sampled=sampled)
        for dtype, base in (("f8", "peakflops"), ("f4", "peakflops_sp")):
            params = {"dtype": dtype, "threads": count, "chains": fma.BEST}
            yield Cell(fma.bench, str(width), params, likwid.TOOL, base, _beside_likwid, missing, sampled=dtype == "f8")


def _beside_likwid(cell: Cell, device: CpuDevice, values: Values, seconds: float, _stack: ExitStack) -> Pair:
    flops = cell.bench is fma.bench
    threads = values["threads"]
    size = device.size("L1", threads) if flops else values["size"]
    test = likwid.best_test(cell.test, widths()[-1], fma=flops or cell.test.startswith("stream"))
    tool = likwid.Likwid(test, size, threads, seconds)
    if not flops:
        values["size"] = tool.footprint  # likwid rounds the size; both sides use the rounded one
    ours = Ours(device, cell.bench, cell.variant, values, seconds)
    amount = ours.counts["flops" if flops else "bytes"]

    def theirs() -> float:
        said = tool.run(tool.iterations)
        return amount / (said.flops if flops else said.bytes)

    return Pair(ours, theirs, ours.counts, tool.command, {"footprint": tool.footprint, "threads": threads})


# --- the clock --------------------------------------------------------------------------------------------------------


def _clocks(threads: list[int]) -> Iterator[Cell]:
    for count in threads:
        for dtype in ("f8", "f4"):
            params: dict[str, Scalar] = {"dtype": dtype, "threads": count, "chains": fma.BEST}
            yield Cell(
                fma.bench, str(widths()[-1]), params, "clock", "lanes × 2 × units × clock", _beside_clock,
                sampled=dtype == "f8" and count == 1,
            )  # fmt: skip


def _beside_clock(cell: Cell, device: CpuDevice, values: Values, seconds: float, _stack: ExitStack) -> Pair:
    """The peak as lanes × 2 × units × clock, where `clock.frequency` measures the clock under load for each sample."""
    ours = Ours(device, cell.bench, cell.variant, values, seconds)
    threads = min(values["threads"], device.cores)
    lanes = int(cell.variant) // 8 // values["dtype"].itemsize
    counted = frequency.CHAIN * frequency.STEPS

    def clock(units: int) -> Callable[[], float]:
        chain = Ours(device, frequency.bench, cell.variant, {"threads": threads, "units": units}, seconds)
        return lambda: counted / chain()

    once = 2 * lanes * threads  # FLOP a cycle with one busy unit on each core
    light = clock(1)
    units = frequency.units_of(ours.counts["flops"] / min(ours() for _ in range(3)) / (once * max(light(), light())))
    loaded = light if units == 1 else clock(2)

    def theirs() -> float:
        seconds: float = ours.counts["flops"] / (once * units * loaded())
        return seconds

    said = f"{lanes} lanes × 2 × {units} unit{'s' * (units > 1)} × clock.frequency/{cell.variant} units={min(units, 2)}"
    return Pair(ours, theirs, ours.counts, said, {"threads": threads, "units": units})


# --- C, compiled here -------------------------------------------------------------------------------------------------


def _chases() -> Iterator[Cell]:
    for pages in ("4K", "huge"):
        for level in LEVELS:
            params: dict[str, Scalar] = {"size": level, "pages": pages, "order": "random"}
            yield Cell(
                chase.bench, "follow", params, "C loop", "chase.c", _beside_c_chase, c_loops.why_not(),
                sampled=pages == "4K",
            )  # fmt: skip


def _beside_c_chase(cell: Cell, device: CpuDevice, values: Values, seconds: float, stack: ExitStack) -> Pair:
    """Both chase the same ring at the same addresses, so that pages and cache sets are the same."""
    (lines,) = cell.bench.make_inputs({**values, "device": device, "rng": np.random.default_rng(0)})
    stack.callback(device.reclaim)
    buffer = chase.place(device, lines, str(values["pages"]))
    stack.callback(buffer.close)
    library = stack.enter_context(c_loops.built(cell.test, c_loops.CHASE_FLAGS))
    ours = chase.walk(device, buffer, lines, chase.chase)
    function = c_loops.chase_function(library)
    theirs = chase.walk(device, buffer, lines, lambda address, hops, _gate: function(address, hops))
    ours.call()
    theirs.call()
    if ours.output is None or theirs.output is None or ours.output() != theirs.output():
        raise AssertionError("the C loop and ours end on different lines of one ring")
    loops = calibrate(lambda n: device.time(ours, n), seconds)
    return Pair(
        lambda: device.time(ours, loops) / loops,
        lambda: device.time(theirs, loops) / loops,
        cell.bench.count(values, (lines,)),
        c_loops.command(cell.test, c_loops.CHASE_FLAGS),
        {"footprint": len(lines) * chase.LINE, "threads": 1},
    )


def _core_to_core() -> Iterator[Cell]:
    for variant in ("store", "exchange"):
        yield Cell(
            core_to_core.bench, variant, {"pairs": "all"}, "C threads", "bounce.c", _beside_c_bounce, c_loops.why_not()
        )


def _beside_c_bounce(cell: Cell, device: CpuDevice, values: Values, seconds: float, stack: ExitStack) -> Pair:
    """The same pairs of CPUs, one after the other, on threads of C."""
    bounce = c_loops.bounce_function(stack.enter_context(c_loops.built(cell.test, c_loops.BOUNCE_FLAGS)))
    ours = Ours(device, cell.bench, cell.variant, values, seconds)
    cpus = device.host.order
    pairs = [(cpus[one], cpus[other]) for one, other in core_to_core.pairs_of(device)]
    trips = core_to_core.trips(device)

    def theirs() -> float:
        loops = max(1, ours.loops)
        taken = [bounce(*pair, trips * loops, int(cell.variant == "exchange")) for pair in pairs]
        if min(taken) < 0:
            raise Skip("tool_failed", "the compiled bounce.c could not start two threads")
        return sum(taken) / loops

    return Pair(ours, theirs, ours.counts, c_loops.command(cell.test, c_loops.BOUNCE_FLAGS), {"threads": 2})


def _regions(device: CpuDevice) -> Iterator[Cell]:
    reason = c_loops.why_not() or ("" if device.host.usable > 1 else "needs 2 CPUs; 1 may be used")
    yield Cell(overhead.bench, "omp", {"n": EMPTY}, "C, empty region", "region.c", _beside_c_region, reason, floor=True)


def _beside_c_region(cell: Cell, device: CpuDevice, values: Values, seconds: float, stack: ExitStack) -> Pair:
    """A prange over next to nothing, and a region with nothing in it: what OpenMP takes of a prange's time."""
    program = stack.enter_context(c_loops.built(cell.test, c_loops.REGION_FLAGS))
    ours = Ours(device, cell.bench, cell.variant, values, seconds)
    threads = device.host.usable
    times = calibrate(lambda n: c_loops.region_seconds(program, n, threads) * n, seconds)
    said = f"{c_loops.command(cell.test, c_loops.REGION_FLAGS)}; OMP_NUM_THREADS={threads} region {times}"
    return Pair(ours, lambda: c_loops.region_seconds(program, times, threads), {"calls": 1}, said, {"threads": threads})


def _triads(threads: list[int], pages: str) -> Iterator[Cell]:
    for count in threads:
        for variant in ("simd-nt", "numba"):
            params: dict[str, Scalar] = {"size": "DRAM", "dtype": "f8", "threads": count, "pages": pages}
            yield Cell(
                stream.triad_bench, variant, params, "C with OpenMP", "triad.c", _beside_c_triad, c_loops.why_not(),
                sampled=count == threads[-1],
            )  # fmt: skip


def _beside_c_triad(cell: Cell, device: CpuDevice, values: Values, seconds: float, stack: ExitStack) -> Pair:
    program = stack.enter_context(c_loops.built(cell.test, c_loops.TRIAD_FLAGS))
    ours = Ours(device, cell.bench, cell.variant, values, seconds)
    threads, huge = values["threads"], values["pages"] == "huge"
    elements = int(ours.counts["bytes"]) // 24  # three arrays of float64

    def theirs() -> float:
        return c_loops.triad_seconds(program, elements, TRIAD_TIMES, threads, huge=huge)

    said = f"{c_loops.command(cell.test, c_loops.TRIAD_FLAGS)}; triad {elements} {TRIAD_TIMES} {int(huge)}"
    return Pair(ours, theirs, ours.counts, said, {"footprint": 24 * elements // threads, "threads": threads})


# --- tools that have their own sizes ----------------------------------------------------------------------------------


def _stream(device: CpuDevice, binary: Path | None) -> Iterator[Cell]:
    missing = mccalpin.why_not(binary)
    for row in (stream.copy_bench, stream.scale_bench, stream.add_bench, stream.triad_bench):
        params: dict[str, Scalar] = {"size": "DRAM", "dtype": "f8", "threads": device.host.usable, "pages": "4K"}
        yield Cell(row, "simd-nt", params, "STREAM", str(binary or ""), _beside_stream, missing)


def _beside_stream(cell: Cell, device: CpuDevice, values: Values, seconds: float, _stack: ExitStack) -> Pair:
    binary, threads = Path(cell.test), values["threads"]
    first = mccalpin.run(binary, threads)
    row = cell.bench.name.partition(".")[2]
    arrays = 3 if row in ("add", "triad") else 2
    values["size"] = arrays * 8 * first.elements // threads
    ours = Ours(device, cell.bench, cell.variant, values, seconds, best_of=max(2, first.times - 1))

    def theirs() -> float:
        return ours.counts["bytes"] / mccalpin.run(binary, threads).rates[row]

    return Pair(
        ours, theirs, ours.counts, f"OMP_NUM_THREADS={threads} {binary.name}",
        {"footprint": values["size"], "threads": threads},
    )  # fmt: skip


def _mbw() -> Iterator[Cell]:
    for variant, method in (("numpy", "memcpy"), ("numba", "loop")):
        params: dict[str, Scalar] = {"size": "DRAM", "dtype": "f8", "threads": 1, "pages": "4K"}
        yield Cell(stream.copy_bench, variant, params, mbw.TOOL, method, _beside_mbw, mbw.why_not())


def _beside_mbw(cell: Cell, device: CpuDevice, values: Values, seconds: float, _stack: ExitStack) -> Pair:
    mebibytes = max(LEAST_MIB, values["size"] // 2 // 2**20)
    values["size"] = 2 * mebibytes * 2**20
    ours = Ours(device, cell.bench, cell.variant, values, seconds)
    arguments = mbw.arguments(cell.test, mebibytes, TRIAD_TIMES)

    def theirs() -> float:
        return ours.counts["bytes"] / mbw.rate(arguments)

    return Pair(ours, theirs, ours.counts, " ".join(arguments), {"footprint": values["size"], "threads": 1})


def _opencl() -> Iterator[Cell]:
    """Each OpenCL device beside clpeak: reading by the width of an access, and the best peak of all widths."""
    missing = clpeak.why_not()
    devices = [] if missing else enumerate(opencl_probe.probe().devices)
    names = [f"opencl:{number}" for number, one in devices if not one.why] or ["opencl:0"]
    missing = missing or opencl_probe.probe().why
    for name in names:
        section = "Global memory bandwidth"
        beside = partial(_beside_clpeak, clpeak.Runs(section))
        for width, said in ((4, "float"), (16, "float4"), (64, "float16")):
            params: dict[str, Scalar] = {"device": name, "kernel": "read"}
            yield Cell(
                on_device.bench, f"opencl{width}", params, clpeak.TOOL, f"{section}/{said}", beside, missing,
                sampled=False, run=f"{clpeak.TOOL} {name} {section}",
            )  # fmt: skip
        for dtype, section in (("f4", "Single-precision"), ("f8", "Double-precision")):
            params = {"device": name, "dtype": dtype, "chains": 8}
            beside = partial(_beside_clpeak, clpeak.Runs(section))
            yield Cell(peak.peak, "opencl", params, clpeak.TOOL, f"{section}/", beside, missing, sampled=False)


def _by_opencl(cell: Cell, seconds: float) -> tuple[opencl_probe.Found, Ours, float]:
    """The OpenCL device that a cell names, our side on it, and the bytes or operations of a call."""
    number = int(str(cell.params["device"]).partition(":")[2])
    found = opencl_probe.probe().devices[number]
    device = OpenClDevice(number, found)
    wanted = {axis: value for axis, value in cell.params.items() if axis != "device"}
    moving = cell.bench is on_device.bench
    values = device.resolve(wanted | ({"size": "HBM"} if moving else {}))
    ours = Ours(device, cell.bench, cell.variant, values, seconds)
    return found, ours, ours.counts["bytes" if moving else "flops"]


def _beside_clpeak(
    runs: clpeak.Runs, cell: Cell, _device: CpuDevice, _values: Values, seconds: float, _stack: ExitStack
) -> Pair:
    section, _, width = cell.test.partition("/")
    found, ours, amount = _by_opencl(cell, seconds)
    command = clpeak.arguments(found.place, section)

    def theirs() -> float:
        return amount / runs.rate(command, width)

    return Pair(ours, theirs, ours.counts, f"{' '.join(command)}: {width or 'best'}", {"device": found.title})


def _own() -> Iterator[Cell]:
    """Each OpenCL device that is this CPU, beside the CPU's kernels: loads of four streams, plain stores, the peak."""
    here = [(f"opencl:{i}", one) for i, one in enumerate(opencl_probe.probe().devices) if one.here and not one.why]
    for name, found in here:
        for kernel, own, variant in (
            ("read", stream.load_bench, "simd-streams"), ("write", stream.store_bench, "simd"),
            ("copy", stream.copy_bench, "simd"), ("triad", stream.triad_bench, "simd"),
        ):  # fmt: skip
            params: dict[str, Scalar] = {"device": name, "kernel": kernel}
            yield Cell(on_device.bench, "opencl64", params, OWN, f"{own.name}/{variant}", _beside_own, sampled=False)
        for dtype in ("f4", "f8") if found.doubles else ("f4",):
            params = {"device": name, "dtype": dtype, "chains": 8}
            yield Cell(peak.peak, "opencl", params, OWN, f"{fma.bench.name}/{widths()[-1]}", _beside_own, sampled=False)


def _beside_own(cell: Cell, device: CpuDevice, _values: Values, seconds: float, _stack: ExitStack) -> Pair:
    found, ours, amount = _by_opencl(cell, seconds)
    name, _, variant = cell.test.partition("/")
    streams = (stream.load_bench, stream.store_bench, stream.copy_bench, stream.triad_bench)
    bench = next(one for one in (fma.bench, *streams) if one.name == name)
    params: dict[str, Scalar] = {"dtype": cell.params.get("dtype", "f8"), "threads": device.host.usable}
    params |= {"chains": fma.BEST} if bench is fma.bench else {"size": LEVELS[-1], "pages": "4K"}
    own = Ours(device, bench, variant, device.resolve(params), seconds)
    factor = amount / own.counts["flops" if bench is fma.bench else "bytes"]
    said = f"{cell.test} {' '.join(f'{axis}={value}' for axis, value in params.items())}"
    return Pair(ours, lambda: own() * factor, ours.counts, said, {"device": found.title})


def skippable(cell: Cell, device: CpuDevice) -> Values:
    """The resolved axis values; Skip where the tool is missing, or this machine lacks the level or page size."""
    if cell.missing:
        raise Skip("needs_tool", cell.missing)
    values = device.resolve(cell.params)
    if reason := cell.bench.lacks(cell.variant, {**values, "device": device}):
        raise Skip(reason.code, reason.detail)
    return values
