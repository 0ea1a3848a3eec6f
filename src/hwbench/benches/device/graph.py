"""Small steps one after the other: launched each by itself, in a graph, and in one kernel that stays on the device.

A simulation, a solver or a network of small layers is a row of short kernels, each of which needs the one before. What
starting them costs shows against what they do: `n` elements, each of which takes its neighbour's value plus one.

`python` launches each step from Python and waits at the end, by the host's clock: what a program gets. `queued` is the
same as the GPU sees it, all steps in its queue before it begins. `graph` is a CUDA graph of the steps, started as one.
`persistent` is one cooperative launch whose blocks wait for one another between two steps, at a counter in memory.
The arrays are in L2 at all sizes on large cards; `footprint` and `l2_bytes` in the facts tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ...bench import Bench, Skip, Work
from ...protocols import Array, Call, DeviceArray, Gpu, Results
from ...record import phrases, text
from ...record.model import Record
from .._gpu import BLOCK, in_a_graph, needs_capability, where

STEPS = 100  # of a call
LARGEST = 2**20  # whole numbers below this: with what the steps add they stay below 2²⁴
WORTH = 1.1  # × the time of another way from which on that way is worth it

bench = Bench(
    "device.graph",
    question="What do small kernels cost one after the other, and up to which size does a graph or one kernel help?",
    axes={"n": (2**10, 2**14, 2**18, 2**22)},
    quick={"n": (2**10, 2**18)},
    full={"n": tuple(2**i for i in range(8, 23, 2))},
    words={"n": "elements a step"},
    baseline="python",
    leading="calls",
    tolerance=0.0,
    core=False,
)


@bench.inputs
def numbers(rng: np.random.Generator, n: int) -> Array:
    """Whole numbers (float32)."""
    return rng.integers(0, LARGEST, n).astype(np.float32)


@bench.reference
def reference(x: Array) -> Array:
    """Each element is that of so many places further on, plus the number of steps."""
    return np.roll(x, -STEPS) + np.float32(STEPS)


@bench.counts
def counts() -> dict[str, float]:
    """The steps of a call."""
    return {"calls": STEPS}


@bench.memory
def memory(n: int) -> int:
    """What the first step reads, and two arrays that the others go between."""
    return 12 * n


class Steps(NamedTuple):
    """The arrays of the steps, their grid, and what each work is made with."""

    given: DeviceArray
    between: tuple[DeviceArray, DeviceArray]
    grid: int
    output: Callable[[], Array]
    facts: dict[str, str | int | float | bool]


def steps_of(device: Gpu, x: DeviceArray, n: int) -> Steps:
    """As many blocks for all ways: all that fit the device at a time, or as many as there are elements for."""
    needs_capability(device, (6, 0), "cooperative launches")
    if not 0 < n < 2**31 - BLOCK * 2**16:
        raise Skip("bad_value", f"a step has from 1 to 2\N{SUPERSCRIPT THREE}\N{SUPERSCRIPT ONE} elements, not {n}")
    most = device.properties.sm * device.resident("device.graph", "advance_all", BLOCK)
    grid = max(1, min(-(-n // BLOCK), most))
    between = device.put(np.full(n, np.nan, np.float32)), device.put(np.full(n, np.nan, np.float32))
    last = between[(STEPS - 1) % 2]
    facts = where(device, 12 * n, blocks=grid, steps=STEPS)
    return Steps(x, between, grid, lambda: device.get(last), dict(facts))


def launches(device: Gpu, made: Steps, n: int) -> Call:
    """Launches of all steps, one after the other."""
    ends = [(made.given, made.between[0]), made.between, made.between[::-1]]
    first, *turns = (
        device.launcher("device.graph", "advance", made.grid, BLOCK, (*pair, np.int32(n))) for pair in ends
    )

    def call() -> None:
        first()
        for step in range(STEPS - 1):
            turns[step % 2]()

    return call


@bench.variant("python", on="gpu")
def from_python(device: Gpu, x: DeviceArray, n: int) -> Work:
    """CUDA C++, each step launched from Python, waiting once at the end."""
    made = steps_of(device, x, n)
    work: Work = device.host_timed(launches(device, made, n), output=made.output, sync="end", facts=made.facts)
    return work


@bench.variant("queued", on="gpu")
def queued(device: Gpu, x: DeviceArray, n: int) -> Work:
    """The same, as the GPU sees them: all in its queue before it begins."""
    made = steps_of(device, x, n)
    work: Work = device.timed(launches(device, made, n), output=made.output, launches=STEPS, facts=made.facts)
    return work


@bench.variant("graph", on="gpu")
def as_a_graph(device: Gpu, x: DeviceArray, n: int) -> Work:
    """A CUDA graph of the steps, started as one."""
    made = steps_of(device, x, n)
    launch = in_a_graph(device, launches(device, made, n))
    work: Work = device.timed(launch, output=made.output, launches=STEPS, facts=made.facts)
    return work


@bench.variant("persistent", on="gpu")
def in_one_kernel(device: Gpu, x: DeviceArray, n: int) -> Work:
    """One cooperative launch, all blocks waiting for one another after each step."""
    made = steps_of(device, x, n)
    state = device.put(np.zeros(2, np.uint32))
    arguments = (x, *made.between, np.int32(n), np.int32(STEPS), state)
    launch = device.launcher("device.graph", "advance_all", made.grid, BLOCK, arguments, cooperative=True)
    work: Work = device.timed(launch, output=made.output, facts=made.facts)
    return work


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """What a step of the fewest elements takes in each way; up to how many another way than launching is faster."""
    names = {
        "python": "launched from Python", "queued": "queued", "graph": "in a graph", "persistent": "in one kernel",
    }  # fmt: skip
    sizes = sorted({int(record.params["n"]) for record in results.records if record.timed})
    if not sizes:
        return
    told = [
        phrases.Item(f"{text.seconds(results.each('calls', name, n=sizes[0]))} {way}", (record,))
        for name, way in names.items()
        if (record := results.find(name, n=sizes[0])) is not None
    ]
    if told:
        yield f"A step of {text.count(sizes[0])} elements takes {phrases.entries(told)}."
    for name, way in (("graph", "a graph"), ("persistent", "one kernel with barriers")):
        pairs = [(n, pair) for n in sizes if (pair := _pair(results, name, n)) is not None]
        if not pairs:
            continue
        worth = [(n, pair) for n, pair in pairs if results.versus(*pair).low > WORTH]
        if worth:
            n, pair = worth[-1]
            most = "At least up" if n == pairs[-1][0] else "Up"
            compared = phrases.against(results.versus(*pair[::-1]), "launches from Python")
            yield phrases.marked(
                f"{most} to steps of {text.count(n)} elements {way} helps: there it is {compared}", *pair
            )
        else:
            shown = [record for _, pair in pairs for record in pair]
            yield phrases.marked(
                f"{way.capitalize()} gains nothing over launches from Python at any of these sizes", *shown
            )


def _pair(results: Results, name: str, n: int) -> tuple[Record, Record] | None:
    """The record of launches from Python, and of another way."""
    python, other = results.find("python", n=n), results.find(name, n=n)
    return None if python is None or other is None else (python, other)
