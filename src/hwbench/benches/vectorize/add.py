"""Interpreter against compiled loops: what c = a + b costs in a Python loop, in NumPy and in Numba.

A Python loop pays for every element: an index object, two lookups, two boxed floats, an addition dispatched by type. A
call of NumPy or Numba pays once per call, and then some 24 bytes of memory traffic an element. So each variant has a
time per call and a time per element, and there are break-even lengths between them.

The loop is the one people write, over NumPy arrays; the comprehension works on lists, where an element is an object
already. All others write into an existing array: allocation is another question (vectorize.temporaries).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
from numba import prange

from ...bench import Bench, Work
from ...kernels.compiling import compiled
from ...protocols import Cpu, DeviceArray, Facts, Gpu, OpenCl, OpenClArray, Results
from ...record import text
from ...record.phrases import compared, listed, marked

ELEMENT = 24  # bytes: two float64 read, one written
LISTED = 96  # bytes an element as three lists: a pointer of 8 and a float object of 24 in each
LONGEST_LOOP = 10**6  # a tenth of a second a call in the loop
AT_ONCE = ("numpy", "numba", "prange", "cupy", "cupy-copies", "opencl")  # the ways without a loop in Python

add = Bench(
    "vectorize.add",
    question="What does adding two arrays cost in a Python loop, in NumPy and in compiled loops?",
    axes={"n": (1, 10, 100, 1000, 10**4, 10**5, LONGEST_LOOP)},
    # A Python loop takes as long for an element at any n; the longest one is the headline.
    standard={"n": (1, 10, 100)},
    sweeps=(
        {"n": (1000, 10**4, 10**5, LONGEST_LOOP, 10**7), "variant": AT_ONCE},
        {"n": (LONGEST_LOOP,), "variant": ("loop", "numpy")},
    ),
    quick={"n": (1, 100, 10**4)},
    baseline="numpy",
    measures="ladder",
    limit="triad",
    tolerance=0.0,
    version=1,
)

# --- the ways to do it ------------------------------------------------------------------------------------------------


def loop_add(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """Element by element in Python: c = a + b."""
    for i in range(len(a)):
        c[i] = a[i] + b[i]


def list_add(a: list[float], b: list[float]) -> list[float]:
    """Two lists added, as a new one."""
    return [x + y for x, y in zip(a, b, strict=True)]


@compiled
def numba_add(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """The same loop, compiled; LLVM makes vectors of it."""
    for i in range(len(a)):
        c[i] = a[i] + b[i]


@compiled(parallel=True)
def prange_add(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """The compiled loop, a part of it on each thread."""
    for i in prange(len(a)):
        c[i] = a[i] + b[i]


# --- the bench --------------------------------------------------------------------------------------------------------


@add.inputs
def arrays(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays of `n` float64."""
    return rng.random(n), rng.random(n)


@add.reference
def reference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum: one rounding an element, in every variant."""
    total: np.ndarray = a + b
    return total


@add.counts
def counts(n: int) -> dict[str, float]:
    """STREAM's count of an add: three arrays, one operation an element."""
    return {"bytes": ELEMENT * n, "flops": n, "items": n, "calls": 1}


@add.memory
def memory(n: int) -> int:
    """The arrays, and where the loop is long enough for it the lists."""
    return (ELEMENT + (LISTED if n <= LONGEST_LOOP else 0)) * n


@add.variant("loop")
def loop(a: np.ndarray, b: np.ndarray) -> Work:
    """Python: for i in range(len(a)): c[i] = a[i] + b[i]."""
    c = unwritten(a)
    return Work(partial(loop_add, a, b, c), output=lambda: c, facts=facts(a))


@add.variant("comprehension")
def comprehension(a: np.ndarray, b: np.ndarray) -> Work:
    """Python: [x + y for x, y in zip(a, b)] of two lists."""
    return Work(partial(list_add, a.tolist(), b.tolist()), facts={"footprint": LISTED * len(a)})


@add.variant("numpy")
def numpy(a: np.ndarray, b: np.ndarray) -> Work:
    """NumPy: np.add(a, b, c)."""
    c = unwritten(a)
    return Work(partial(np.add, a, b, c), output=lambda: c, facts=facts(a))


@add.variant("numba")
def numba(a: np.ndarray, b: np.ndarray) -> Work:
    """Numba: the loop, compiled."""
    c = unwritten(a)
    return Work(partial(numba_add, a, b, c), output=lambda: c, facts=facts(a))


@add.variant("prange")
def threaded(a: np.ndarray, b: np.ndarray, device: Cpu) -> Work:
    """Numba: the loop with prange, on all CPUs that may be used."""
    c = unwritten(a)
    work: Work = device.pooled(partial(prange_add, a, b, c), output=lambda: c)
    return Work(
        work.call, output=work.output, timer=work.timer, facts={**work.facts, **facts(a, work.facts["threads"])}
    )


@add.variant("cupy", on="gpu")
def on_the_gpu(a: DeviceArray, b: DeviceArray, device: Gpu) -> Work:
    """CuPy: cupy.add(a, b, out=c) on arrays that are on the GPU; one wait at the end of a sample."""
    c = device.empty(len(a), a.dtype)
    c[...] = np.nan
    work: Work = device.host_timed(
        partial(device.xp.add, a, b, out=c), output=lambda: device.get(c), sync="end",
        facts={"footprint": ELEMENT * len(a), "l2_bytes": device.properties.l2},
    )  # fmt: skip
    return work


@add.variant("cupy-copies", on="gpu", inputs="host")
def there_and_back(a: np.ndarray, b: np.ndarray, device: Gpu) -> Work:
    """CuPy: cupy.asarray of both, cupy.add, cupy.asnumpy of the sum."""
    xp = device.xp
    found = [a]

    def call() -> None:
        found[0] = xp.asnumpy(xp.add(xp.asarray(a), xp.asarray(b)))

    work: Work = device.host_timed(call, output=lambda: found[0], sync="none", facts={"footprint": ELEMENT * len(a)})
    return work


@add.variant("opencl", on="opencl")
def by_opencl(a: OpenClArray, b: OpenClArray, device: OpenCl) -> Work:
    """OpenCL: a work-item an element, on arrays that are on the device; one wait at the end of a sample."""
    device.needs("f8")
    n = len(a)
    c = device.filled(n, np.float64(np.nan))
    group = min(n, 256)  # as people write it: a loop over a group's work-items is what a CPU's driver makes vectors of
    launch = device.launcher("vectorize.add", "add", -(-n // group), group, (a, b, c, np.uint32(n)))
    facts = {"footprint": ELEMENT * n, "l2_bytes": device.properties.l2}
    work: Work = device.host_timed(launch, output=c.get, facts=facts)
    return work


def unwritten(like: np.ndarray) -> np.ndarray:
    """An array of NaN, which no sum equals, with its pages touched."""
    return np.full_like(like, np.nan)


def facts(a: np.ndarray, threads: int = 1) -> Facts:
    """The bytes that one thread touches."""
    return {"footprint": ELEMENT * len(a) // threads}


# --- what it says -----------------------------------------------------------------------------------------------------

NAMES = {
    "loop": "the Python loop",
    "comprehension": "the comprehension",
    "numpy": "NumPy",
    "numba": "Numba",
    "prange": "prange",
    "cupy": "CuPy on the GPU",
    "cupy-copies": "CuPy with the way there and back",
    "opencl": "OpenCL",
}
RIVALS = (("numpy", "loop"), ("numba", "numpy"), ("prange", "numpy"))
CALLED = ("loop", "numpy", "numba", "prange", "cupy")
GPU_RIVALS = (("cupy", "numpy"), ("cupy-copies", "numpy"), ("opencl", "numpy"))


@add.finding
def finding(results: Results) -> Iterator[str]:
    """NumPy against the loop, the lengths from which one way beats another, and the time of a call."""
    lengths = sorted({int(record.params["n"]) for record in results.records})
    both = [n for n in lengths if results.find("loop", n=n) and results.find("numpy", n=n)]
    if both:
        n = both[-1]
        in_loop, in_numpy = (results.each("items", name, n=n) for name in ("loop", "numpy"))
        ratio = results.ratio("numpy", "loop", n=n)
        if in_loop is not None and in_numpy is not None and ratio is not None:
            yield marked(
                f"NumPy at n = {text.count(n)} takes {text.seconds(in_numpy)} per element against "
                f"{text.seconds(in_loop)} in a Python loop, {compared(ratio)}",
                results.find("loop", n=n), results.find("numpy", n=n),
            )  # fmt: skip
    told = [_crossovers(results, rivals) for rivals in (RIVALS, GPU_RIVALS)]
    yield from filter(None, told)
    calls = {name: call for name in CALLED if (call := results.each("calls", name, n=1)) is not None}
    if calls and not all(told):
        each = listed(f"{text.seconds(call)} in {NAMES[name]}" for name, call in calls.items())
        yield marked(f"A call for 1 element takes {each}", *(results.find(name, n=1) for name in calls))


def _crossovers(results: Results, rivals: tuple[tuple[str, str], ...]) -> str:
    """From which n on each way beats its rival; "" where none was measured."""
    found = [
        (f"{NAMES[fast]} {crossing}", (fast, slow))
        for fast, slow in rivals
        if (crossing := results.overtakes(fast, slow, NAMES[slow]))
    ]
    if not found:
        return ""
    said = listed(one for one, _ in found)
    ways = {name for _, pair in found for name in pair}
    return marked(said[0].upper() + said[1:], *(r for r in results.records if r.timed and r.variant in ways))
