"""The clock under load: the rate of a card's first second, what it keeps up after half a minute, and the power for it.

A card begins at its boost clock. Under multiply-adds or products of matrices it reaches its power limit within a
second, later its temperature's, and the clock falls; a figure of ten milliseconds shows nothing of that. Before the
samples each case works for `seconds` without a pause: its rate, clock, power and temperature are in the facts. `boost`
is the median of the first second, `sustained` that of the last third. Power over the sustained rate gives the joules of
an operation or of a byte.

The work is that of `device.peak` (float32, eight chains), of `device.stream` (a copy in memory) and of `device.matmul`
(bfloat16, on random numbers). The samples are of the warm card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Array, Facts, Gpu, Results
from ...record import phrases, text
from ...record.model import Record
from . import matmul, peak, stream

N = 8192  # rows of the matrices
COPIED = 2**30  # bytes of the two arrays: far more than any L2
STEP_S = 0.05  # of work between two readings
MOST = 400  # calls of a step, which the queue behind the gate holds
BOOST_S = 1.0
KEPT = 64  # readings in the facts
F4 = np.dtype("f4")

bench = Bench(
    "device.clock",
    question="Which rate, clock and power does the GPU keep up, and how far do they lie below its first second?",
    axes={"work": ("fma", "copy", "product"), "seconds": (30,)},
    quick={"seconds": (5,)},
    baseline="load",
    tolerance=0.0,
    core=False,
    may_cap=True,
)


class Reading(NamedTuple):
    """One step: when it ended, seconds of a call in it, and what the driver told."""

    at_s: float
    call_s: float
    told: dict[str, float]


NOTHING = np.empty(0, np.float32)  # in the place of arrays that a work has not


@bench.inputs
def inputs(rng: np.random.Generator, work: str) -> tuple[Array, Array, Array]:
    """Those of the bench whose work it is."""
    if work == "fma":
        return peak.seeds(rng, F4), NOTHING, NOTHING
    if work == "copy":
        return *stream.tiles(rng, COPIED, "copy"), NOTHING
    if work == "product":
        return matmul.factors_of_product(rng, N, "bf16")
    raise Skip("bad_value", f"'{work}' is no work of this bench; there are {', '.join(map(str, bench.axes['work']))}")


@bench.reference
def reference(first: Array, second: Array, third: Array, device: Gpu, work: str) -> Array:
    """That of the bench whose work it is."""
    if work == "fma":
        return peak.ends(first, device, F4, 8)
    if work == "copy":
        return np.asarray(stream.reference(first, second, device, COPIED, "copy"))
    return matmul.probe(first, second, third)


@bench.counts
def counts(device: Gpu, work: str) -> dict[str, float]:
    """FLOPs, and bytes read and written."""
    if work == "fma":
        return peak.flops(device, F4, 8)
    return {"bytes": 4 * stream.elements(COPIED, "copy") * 2} if work == "copy" else {"flops": 2.0 * N**3}


@bench.memory
def memory(work: str) -> int:
    """That of the bench whose work it is."""
    return {"fma": peak.peak_memory(), "copy": COPIED}.get(work, matmul.matmul_memory(N))


@bench.variant("load", on="gpu", inputs="host")
def load(
    device: Gpu, first: Array, second: Array, third: Array, work: str, seconds: int, rng: np.random.Generator
) -> Work:
    """CUDA C++ or cuBLAS, without a pause for as many seconds, then timed."""
    if work == "fma":
        made = peak.fma(device, device.put(first), F4, 8)
    elif work == "copy":
        wide = stream.bench.variants["bytes16"].build
        made = wide(device, device.put(first), device.put(second), COPIED, "copy")
    else:
        made = matmul.cublas(device, first, second, third, "bf16", N, rng)
    assert made.timer is not None
    readings = under_load(made.timer, seconds, device.readings)
    facts: Facts = {**made.facts, **summed_up(readings), "seconds": seconds}
    return Work(call=made.call, output=made.output, timer=made.timer, close=made.close, most=made.most, facts=facts)


def under_load(timer: Callable[[int], float], seconds: float, told: Callable[[], dict[str, float]]) -> list[Reading]:
    """Work for `seconds` of the GPU's time in steps of STEP_S, and read what the driver tells after each."""
    passed = timer(1)
    calls = min(MOST, max(1, round(STEP_S / passed)))
    found = []
    while passed < seconds:
        step = timer(calls)
        passed += step
        found.append(Reading(passed, step / calls, told()))
    return found


def summed_up(readings: Sequence[Reading]) -> dict[str, float | list[float]]:
    """The facts: seconds a call, clock and power of the first second and of the last third, and some readings."""
    if not readings:
        return {}
    whole = readings[-1].at_s
    parts = {
        "boost": [one for one in readings if one.at_s <= BOOST_S] or readings[:1],
        "sustained": [one for one in readings if one.at_s >= whole * 2 / 3],
    }
    facts: dict[str, float | list[float]] = {}
    for name, part in parts.items():
        facts[f"{name}_call_s"] = float(np.median([one.call_s for one in part]))
        for fact, gauge in (
            ("clock_hz", "gpu_clock_hz"),
            ("power_w", "gpu_power_w"),
            ("temperature_c", "gpu_temperature_c"),
        ):
            if known := [one.told[gauge] for one in part if gauge in one.told]:
                facts[f"{name}_{fact}"] = float(np.median(known))
    kept = readings[:: -(-len(readings) // KEPT)]
    facts["at_s"] = [float(f"{one.at_s:.4g}") for one in kept]
    facts["call_s"] = [float(f"{one.call_s:.4g}") for one in kept]
    return facts


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """Of each work what is left of the first second, at which clock, and what an operation or a byte takes."""
    names = {"fma": "multiply-adds in float32", "copy": "copying", "product": "a product in bfloat16"}
    for work, name in names.items():
        record = results.find("load", work=work)
        if record is None or not record.facts.get("sustained_call_s") or not record.facts.get("boost_call_s"):
            continue
        facts = record.facts
        count, unit = ("bytes", "GB/s") if work == "copy" else ("flops", "TFLOP/s")
        boost, kept = (_rate(record, count, part) for part in ("boost", "sustained"))
        share = text.share(kept / boost)
        said = f"After {facts.get('seconds', 0):g} s of {name} the GPU keeps {share} of its first second"
        said = f"{said}: {text.rate(kept, unit)}"
        if facts.get("sustained_clock_hz"):
            said += f" at {text.rate(float(facts['sustained_clock_hz']), 'GHz')}"
        if facts.get("sustained_power_w"):
            power = float(facts["sustained_power_w"])
            of = "byte" if work == "copy" else "FLOP"
            said += f" and {text.amount(power, 'W')}, {text.amount(power / kept * 1e12, 'pJ')} for each {of}"
        yield phrases.marked(said, record)


def _rate(record: Record, count: str, part: str) -> float:
    """Bytes or FLOPs a second in a part of the load."""
    return record.counts[count] / float(record.facts[f"{part}_call_s"])
