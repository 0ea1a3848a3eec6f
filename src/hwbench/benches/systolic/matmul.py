"""A systolic array, the heart of the TPU in the lecture: how many cycles a product takes, and how busy the array is.

The array is simulated (`_simulator.py`): seconds are the simulator's, cycles the hardware's. The lecture's example is a
3 × 3 array that multiplies Y = W X, 3 × 3 by 3 × 2. Its frames run from time 0, with the weights in place and x waiting
outside, to time 7, when the last result has left; y₁₁ leaves at time 4.

A tile's operand streams for n cycles through an array whose pipeline is rows + columns deep, and each tile's weights
take `rows` cycles to load. So a small batch n cannot keep a large array busy, however fast the memory: utilisation is
about n / max(n, rows) for many tiles, and about n / (n + 2 rows + columns) for one. That is why accelerators want large
batches.

Operands are whole numbers from −8 to 7 in f4, so that every sum is exact and results are compared bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Array, Cpu, Results, Values
from ...record import phrases, text
from ...record.model import Answer, Record
from ._simulator import MOST_CYCLES, SystolicArray, frames
from ._tiling import FLOWS, Tiling, array_of, shape_of

LONGEST = 20_000_000_000  # simulated PE-cycles: a minute a call
FRAMED = 36  # the most PEs, and cycles, of an array whose frames are facts
LAYER = "256x256x32"
BATCHES = tuple(2**i for i in range(13))  # 1 … 4096


def text_of_array(text: str) -> str:
    """An array as the axis states it: `128x128`."""
    return "x".join(map(str, array_of(text)))


def text_of_shape(text: str) -> str:
    """A product as the axis states it: `256x256x64` is m × k × n."""
    return "x".join(map(str, shape_of(text)))


bench = Bench(
    "systolic.matmul",
    question="How many cycles does a systolic array take for a product, and how busy does it stay?",
    axes={"array": ("3x3",), "shape": ("3x3x2",)},
    baseline="blas",
    measures="systolic array",
    answers=(
        Answer("cycles", "cycles of a product", "cycles", higher=False),
        Answer("utilisation", "processing elements at work", "%", scale=100.0, higher=True),
    ),
    version=3,
    core=False,
    sweeps=(
        {"variant": FLOWS, "array": ("3x3",), "shape": ("48x48x32",)},
        {"variant": "weight-stationary", "array": ("8x8", "32x32", "256x256"), "shape": (LAYER,)},
        {"array": ("128x128",), "shape": (LAYER,)},
    ),
    full_sweeps=({"variant": FLOWS, "array": ("4x4",), "shape": ("48x48x32",)},),
    full={"array": ("3x3", "4x2", "2x5"), "shape": ("3x3x2", "5x7x4")},
    tolerance=0.0,
    free={"array": text_of_array, "shape": text_of_shape},
)


@bench.inputs
def operands(rng: np.random.Generator, shape: str) -> tuple[Array, Array]:
    """W, m × k, and X, k × n."""
    m, k, n = shape_of(shape)
    return rng.integers(-8, 8, (m, k)).astype(np.float32), rng.integers(-8, 8, (k, n)).astype(np.float32)


@bench.reference
def product(w: Array, x: Array) -> Array:
    """W X in float64, which holds it exactly."""
    return (w.astype(np.float64) @ x.astype(np.float64)).astype(np.float32)


@bench.counts
def counts(shape: str) -> dict[str, float]:
    """A multiply-add for each m, k and n."""
    m, k, n = shape_of(shape)
    return {"flops": 2 * m * k * n}


@bench.memory
def memory(array: str, shape: str) -> int:
    """Operands, results, and 12 registers a PE: eight for numbers, four for tags; links take little."""
    rows, columns = array_of(array)
    m, k, n = shape_of(shape)
    return 4 * (m * k + k * n + 2 * m * n + 12 * rows * columns)


def simulated(flow: str, w: Array, x: Array, array: str) -> Work:
    """The product on one kind of array; a first simulation counts its facts, in cycles of the hardware."""
    (m, k), n = w.shape, x.shape[1]
    rows, columns = array_of(array)
    tiling = Tiling(flow, rows, columns, m, k, n)
    work = tiling.cycles * tiling.r * tiling.c
    if work > LONGEST or tiling.cycles > MOST_CYCLES:
        raise Skip(
            "too_long",
            f"would take {tiling.cycles:.2g} cycles and {work:.2g} PE-cycles; at most {MOST_CYCLES:.0e} and "
            f"{LONGEST:.0e} are simulated",
        )
    y = np.zeros((m, n), np.float32)
    systolic = SystolicArray.of(tiling, w, x, y)
    outcome = systolic.compute()
    by_batch = [Tiling(flow, rows, columns, m, k, batch) for batch in BATCHES]
    facts: Values = {
        "rows": rows,
        "columns": columns,
        "used_rows": tiling.r,
        "used_columns": tiling.c,
        "tiles": tiling.tiles,
        "cycles": outcome.cycles,
        "closed_form": tiling.cycles,
        "single_buffer": Tiling(flow, rows, columns, m, k, n, False).cycles,
        "pe_cycles": outcome.cycles * tiling.r * tiling.c,
        "utilisation": m * k * n / (rows * columns * outcome.cycles),
        "words": outcome.words,
        "words_per_cycle": sum(outcome.words.values()) / outcome.cycles,
        "batches": list(BATCHES),
        "cycles_by_batch": [one.cycles for one in by_batch],
    }
    if flow == "weight-stationary" and tiling.tiles == 1 and max(rows * columns, tiling.cycles) <= FRAMED:
        facts |= {"w": w, "x": x, "y": product(w, x), "frames": frames(tiling, w, x)}
    return Work(systolic.compute, output=lambda: y, repeat=systolic.compute, facts=facts)


@bench.variant("weight-stationary")
def weight_stationary(w: Array, x: Array, array: str) -> Work:
    """Simulated: weights stay, x moves right, sums move down, the next tile's weights come down meanwhile."""
    return simulated("weight-stationary", w, x, array)


@bench.variant("output-stationary")
def output_stationary(w: Array, x: Array, array: str) -> Work:
    """Simulated: sums stay, w moves right, x moves down, finished sums leave upwards meanwhile."""
    return simulated("output-stationary", w, x, array)


@bench.variant("blas")
def blas(device: Cpu, w: Array, x: Array) -> Work:
    """NumPy's product on one core of the CPU itself, to compare with the simulator, which has one core too."""
    y = np.zeros((len(w), x.shape[1]), np.float32)
    work: Work = device.blas(lambda: np.matmul(w, x, out=y), 1, output=lambda: y)
    return work


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """How busy arrays are, what double buffering saves, how fast and how exact the simulator is."""
    simulations = [r for r in results.records if r.timed and r.variant in FLOWS]
    stay = sorted(
        (r for r in simulations if r.variant == FLOWS[0] and r.params["shape"] == LAYER),
        key=lambda r: (r.facts["rows"] * r.facts["columns"], r.facts["tiles"]),
    )
    if stay:
        ends = dict.fromkeys((0, len(stay) - 1))
        busy = [f"{text.share(stay[at].facts['utilisation'])} of an array of {_array(stay[at])}" for at in ends]
        m, k, n = shape_of(LAYER)
        yield f"PEs in use on a {m} × {k} layer with a batch of {n}, weight-stationary: {phrases.listed(busy)}."
        saved = max(stay, key=lambda r: r.facts["single_buffer"] / r.facts["cycles"])
        before, after = saved.facts["single_buffer"], saved.facts["cycles"]
        if before > after:
            yield (
                f"Loading the next tile's weights while computing saves most on an array of {_array(saved)}: "
                f"{text.count(after)} cycles instead of {text.count(before)}, {text.ratio(after / before)}."
            )
    if simulations:
        slow, fast = min(simulations, key=_speed), max(simulations, key=_speed)
        told = [
            f"{text.amount(_speed(r) / 1e6)} ({r.variant}, {_array(r)}){phrases.mark(r)}"
            for r in ((slow,) if fast is slow else (slow, fast))
        ]
        exact = sum(record.facts["cycles"] == record.facts["closed_form"] for record in simulations)
        products = phrases.counted(len(simulations), "product")
        yield (
            f"Simulator speed on 1 thread: {' to '.join(told)} million PE-cycles per second; "
            f"cycles equal the closed form in {exact} of {products}."
        )


def _array(record: Record) -> str:
    """`128 × 128`."""
    return str(record.params["array"]).replace("x", " × ")


def _speed(record: Record) -> float:
    """PE-cycles a second, by the median."""
    return float(record.facts["pe_cycles"] / np.median(record.samples))
