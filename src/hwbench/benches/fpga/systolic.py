"""The lecture's systolic array as hardware: simulated cycle by cycle, then compiled for an FPGA.

A PE multiplies two int8 and adds in each cycle; weights stay, and the sums have the bits that `rows` products need
(`_hardware.py`, in Amaranth). Yosys turns the array into look-up tables, flip-flops and multipliers, nextpnr places
and routes them for a small and a large Lattice ECP5. Seconds of the cases are the simulator's. The facts have the
cycles, the cells, the highest clock for each of three seeds (a placement is found by chance), and the seconds that
compiling took.

No FPGA is measured: the clock is nextpnr's static timing analysis for the slowest speed grade (6), register to
register. A PE has no pipeline register between multiplier and adder, so that it is the array of the slides.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from statistics import median

import numpy as np

from ...bench import Bench, Skip, Work
from ...kernels import ecp5
from ...protocols import Array, Cpu, Results
from ...record import phrases, text
from ...record.estimate import Estimate
from ...record.installing import command
from ...record.model import Answer, Record
from ...record.reasons import Reason, because
from ..peak import integer, matmul
from ._hardware import Simulation, source_of

SEEDS = (1, 2, 3)
LARGEST = 16  # rows or columns
LARGEST_BATCH = 4096
ROOM = 1 << 29  # bytes: a nextpnr with the database of its part takes 0.3 GB

PARTS = {
    # What each part has by the `available` of nextpnr's report.
    "ecp5-25k": ecp5.Part("LFE5U-25F", "25k", 24288, 24288, 28),
    "ecp5-85k": ecp5.Part("LFE5U-85F", "85k", 83640, 83640, 156),
}


def sides_of(array: str) -> tuple[int, int]:
    """Rows and columns of `8x8`; ValueError says what is wrong."""
    parts = array.strip().lower().replace("×", "x").split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts):
        raise ValueError(f"'{array}' is not two whole numbers such as 8x8")
    rows, columns = map(int, parts)
    if not (1 <= rows <= LARGEST and 1 <= columns <= LARGEST):
        raise ValueError(f"'{array}' goes beyond 1 to {LARGEST}")
    return rows, columns


def text_of_array(array: str) -> str:
    """An array as the axis states it: `8x8`."""
    return "x".join(map(str, sides_of(array)))


def batch_of(batch: str) -> int:
    """A number of columns of X; ValueError says what is wrong."""
    if not (batch.isascii() and batch.isdigit() and len(batch) < 6 and 1 <= int(batch) <= LARGEST_BATCH):
        raise ValueError(f"'{batch}' is no whole number from 1 to {LARGEST_BATCH}")
    return int(batch)


bench = Bench(
    "fpga.systolic",
    question="How large and how fast is a systolic array on an FPGA, and how long does compiling it take?",
    axes={"array": ("4x4", "8x8"), "batch": (32,)},
    baseline="simulated",
    measures="hardware array",
    answers=(
        Answer("gops", "multiplications and additions of int8 at the highest clock", "GOP/s", higher=True),
        Answer("clock", "highest clock, the middle of three seeds", "MHz", scale=1e-6, higher=True),
    ),
    quick={"array": ("4x4",)},
    full={"array": ("4x4", "8x8", "12x12")},
    tolerance=0.0,
    free={"array": text_of_array, "batch": batch_of},
    core=False,
    by_name=True,
)


@bench.inputs
def operands(rng: np.random.Generator, array: str, batch: int) -> tuple[Array, Array]:
    """W, columns × rows, and X, rows × batch, over the whole range of int8."""
    rows, columns = sides_of(array)
    return (
        rng.integers(-128, 128, (columns, rows)).astype(np.int8),
        rng.integers(-128, 128, (rows, batch)).astype(np.int8),
    )


@bench.reference
def product(w: Array, x: Array) -> Array:
    """Y = W X in int64: no sum of the array may differ by a bit."""
    y: Array = w.astype(np.int64) @ x.astype(np.int64)
    return y


@bench.counts
def counts() -> dict[str, float]:
    """One product."""
    return {"calls": 1}


@bench.memory
def memory() -> int:
    """The tools', which is most of it."""
    return ROOM


def closed_form(rows: int, columns: int, batch: int) -> int:
    """Cycles from the first weight to the last result: loading, then the pipeline from corner to corner."""
    return rows + (batch + rows + columns - 1)


def lacks_simulator() -> Reason | None:
    """Amaranth."""
    return _lacking("amaranth")


def lacks_tools() -> Reason | None:
    """Amaranth, and the tools that compile what it describes."""
    return _lacking("amaranth", *ecp5.TOOLS.values())


def _lacking(*packages: str) -> Reason | None:
    missing = ecp5.missing(packages)
    return because("needs_library", f"needs {phrases.listed(missing)}: {command('fpga')}") if missing else None


def simulated_product(array: str, w: Array, x: Array) -> tuple[Work, dict[str, object]]:
    """The simulation as work, and its facts."""
    rows, columns = sides_of(array)
    batch = x.shape[1]
    simulation = Simulation(w, x)
    simulation.compute()
    facts: dict[str, object] = {
        "rows": rows, "columns": columns, "cycles": simulation.cycles,
        "closed_form": closed_form(rows, columns, batch),
        "utilisation": batch / simulation.cycles if simulation.cycles else 0.0,
    }  # fmt: skip
    return Work(simulation.compute, output=lambda: simulation.y), facts


@bench.variant("simulated", needs=lacks_simulator)
def simulated(array: str, w: Array, x: Array) -> Work:
    """Simulated alone, signal by signal."""
    work, facts = simulated_product(array, w, x)
    return Work(work.call, output=work.output, facts=facts)


@bench.variant("ecp5-25k", needs=lacks_tools)
def ecp5_25k(device: Cpu, array: str, w: Array, x: Array) -> Work:
    """Simulated, and compiled for an LFE5U-25F: 24 288 look-up tables, 28 multipliers."""
    return compiled(device, PARTS["ecp5-25k"], array, w, x)


@bench.variant("ecp5-85k", needs=lacks_tools)
def ecp5_85k(device: Cpu, array: str, w: Array, x: Array) -> Work:
    """Simulated, and compiled for an LFE5U-85F: 83 640 look-up tables, 156 multipliers."""
    return compiled(device, PARTS["ecp5-85k"], array, w, x)


def compiled(device: Cpu, part: ecp5.Part, array: str, w: Array, x: Array) -> Work:
    """The simulation, and the facts of the array compiled for a part."""
    work, facts = simulated_product(array, w, x)
    rows, columns = sides_of(array)
    source = source_of(rows, columns)
    try:
        synthesis = ecp5.synthesised(source, device.busy)
        needed = synthesis.cells.get("MULT18X18D", 0)
        if needed > part.multipliers:
            side = isqrt(part.multipliers * rows * columns // needed)
            raise Skip(
                "no_such_case",
                f"needs {needed} multipliers; an {part.name} has {part.multipliers}, enough for {side} × {side}",
            )
        found = ecp5.placed(source, part, SEEDS, device.busy, at_once=device.host.usable)
    except ecp5.ToolError as error:
        raise Skip(error.code, error.detail) from None
    facts |= facts_of(part, rows * columns, synthesis, found)
    return Work(work.call, output=work.output, facts=facts)


def facts_of(part: ecp5.Part, elements: int, synthesis: ecp5.Synthesis, found: list[ecp5.Placed]) -> dict[str, object]:
    """What compiling found: cells, clocks by seed, the rate at the middle clock, the largest square that fits."""
    clocks = [one.clock for one in found]
    has = {"luts": part.luts, "flip_flops": part.flip_flops, "multipliers": part.multipliers}
    used = found[0].used
    room = {cell: has[cell] * elements // used[cell] for cell in has if used[cell]}
    scarce = min(room, key=lambda cell: room[cell])
    return {
        "part": part.name, **{cell: used[cell] for cell in has}, **{f"{cell}_of": many for cell, many in has.items()},
        "seeds": list(SEEDS), "clocks": clocks, "clock": median(clocks),
        "gops": 2e-9 * elements * median(clocks),
        "synthesis_s": round(synthesis.seconds, 2), "place_and_route_s": [round(one.seconds, 2) for one in found],
        "kept": all(one.kept for one in found), "largest": isqrt(room[scarce]), "limited_by": scarce,
        "tools": ecp5.versions(),
    }  # fmt: skip


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Size, clock and seconds of the largest array compiled; the rate beside the CPU's; cycles."""
    timed = [record for record in results.records if record.timed]
    made = sorted((r for r in timed if "clocks" in r.facts), key=lambda r: (_elements(r), r.facts["multipliers_of"]))
    if made:
        yield _size(made[-1])
        rate = f"It does {_rate(made[-1])} in int8"
        blas = results.beside(matmul.bench).fastest("flops", {"dtype": "f4", "threads": "all"})
        if blas is not None:
            done = blas.counts["flops"] / median(blas.samples)
            rate += f"; this CPU's matrix product {text.rate(done, 'GFLOP/s')} in float32{phrases.mark(blas)}"
        dots = integer.fastest(results.beside(integer.bench), "dot-int8")
        if dots is not None:
            rate += f"; this CPU {text.rate(integer.rate_of(dots).value, 'GOP/s')} in int8{phrases.mark(dots)}"
        facts = made[-1].facts
        yield (
            f"{rate}. {facts['largest']} × {facts['largest']} PEs are the most that fit into an {facts['part']} "
            f"({str(facts['limited_by']).replace('_', '-').replace('luts', 'look-up tables')} run out)."
        )
    if timed:
        exact = sum(record.facts["cycles"] == record.facts["closed_form"] for record in timed)
        yield f"Simulated cycles equal the closed form in {exact} of {phrases.counted(len(timed), 'product')}."


def _elements(record: Record) -> int:
    return int(record.facts["rows"] * record.facts["columns"])


def _size(record: Record) -> str:
    facts = record.facts
    clocks = [clock / 1e6 for clock in facts["clocks"]]
    clock = Estimate(median(clocks), min(clocks), max(clocks))
    spent = facts["synthesis_s"] + median(facts["place_and_route_s"])
    return (
        f"A systolic array of {facts['rows']} × {facts['columns']} int8 PEs on an {facts['part']} (compiled, not "
        f"measured): {text.count(facts['luts'])} of {text.count(facts['luts_of'])} look-up tables, "
        f"{text.count(facts['flip_flops'])} flip-flops, {facts['multipliers']} of {facts['multipliers_of']} "
        f"multipliers, a clock of {text.amount(clock, 'MHz')} over {len(clocks)} seeds; compiling takes "
        f"{text.seconds(spent)} a seed."
    )


def _rate(record: Record) -> str:
    values = [2e-9 * _elements(record) * clock for clock in record.facts["clocks"]]
    return text.amount(Estimate(median(values), min(values), max(values)), "GOP/s")
