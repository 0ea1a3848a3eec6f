"""Reductions: what a sum and a dot product cost, and how exact they are.

A sum reads 8 bytes (float32: 4) an element and adds one number; a dot product reads twice as much and does two
operations. In this order, from slow to fast:

    loop            a Python loop over an array: an index, a lookup, a boxed number and an addition for each element
    builtin         sum(list), and for the dot sum(map(mul, …)): the loop is C's, the numbers are Python's. Since 3.12
                    sum() of floats carries the rounding error along and is exact to the last bit or nearly so
    numba           the same loop compiled: additions stay in order, a dependent chain of 3 to 5 cycles each. LLVM may
                    not vectorize it, since another order rounds differently
    numba-fastmath  reassociation allowed: vectors, several partial sums, as fast as memory
    numpy           a.sum() adds pairwise in blocks of 128 with eight partial sums, nearly as fast; a.dot(b) is BLAS,
                    here on one thread like all others

The order decides the error too. One running sum of n numbers rounds n times at the size of the whole sum: the error
grows with √n and more. Partial sums, as vectors need, are shorter; NumPy's pairwise summation makes it log n. So the
fast variants are also the exact ones. Each record's facts hold `relative_error` against math.fsum of exactly the same
numbers (for the dot of their exact products).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from ...bench import Bench, Work
from ...kernels.compiling import compiled
from ...protocols import Call, Cpu, Results
from ...record import text
from ...record.estimate import Estimate
from ...record.model import Record, Scalar
from ...record.phrases import compared, largest, listed, marked, ranked

LONGEST_LOOP = 10**5
COMPILED = ("numpy", "numba", "numba-fastmath")

bench = Bench(
    "vectorize.reduction",
    question="What do a sum and a dot product cost in a loop, in NumPy and compiled, and how exact are they?",
    axes={"operation": ("sum", "dot"), "dtype": ("f8",), "n": (1000, LONGEST_LOOP)},
    sweeps=(
        {"n": (4 * 10**6,), "variant": COMPILED},
        {"operation": ("sum",), "dtype": ("f4",), "n": (4 * 10**6,), "variant": COMPILED},
    ),
    # What a call costs on short arrays is vectorize.add's question.
    standard={"n": (LONGEST_LOOP,)},
    quick={"n": (1000,)},
    full={"dtype": ("f4", "f8"), "n": (10, 100, 1000, 10**4, LONGEST_LOOP)},
    baseline="numpy",
    measures="reduction",
    limit="load",
    core=False,
)

# --- the ways to do it ------------------------------------------------------------------------------------------------


def loop_sum(a: np.ndarray, _b: np.ndarray) -> float:
    """Element by element in Python."""
    total = a.dtype.type(0)
    for i in range(len(a)):
        total += a[i]
    return total


def loop_dot(a: np.ndarray, b: np.ndarray) -> float:
    """Element by element in Python."""
    total = a.dtype.type(0)
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


def list_dot(a: list[float], b: list[float]) -> float:
    """Python's own sum of Python's own products."""
    return sum(map(operator.mul, a, b))


@compiled
def numba_sum(a: np.ndarray, _b: np.ndarray) -> float:
    """The loop compiled; the type of the sum is that of the elements."""
    total = a.dtype.type(0)
    for i in range(len(a)):
        total += a[i]
    return total


@compiled
def numba_dot(a: np.ndarray, b: np.ndarray) -> float:
    """The loop compiled."""
    total = a.dtype.type(0)
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@compiled(fastmath=True)
def fast_sum(a: np.ndarray, _b: np.ndarray) -> float:
    """The loop with reassociation allowed."""
    total = a.dtype.type(0)
    for i in range(len(a)):
        total += a[i]
    return total


@compiled(fastmath=True)
def fast_dot(a: np.ndarray, b: np.ndarray) -> float:
    """The loop with reassociation and fused multiply-adds allowed."""
    total = a.dtype.type(0)
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


WAYS: dict[str, dict[str, Callable[..., float]]] = {
    "sum": {"loop": loop_sum, "numba": numba_sum, "numba-fastmath": fast_sum},
    "dot": {"loop": loop_dot, "numba": numba_dot, "numba-fastmath": fast_dot},
}

# --- the bench --------------------------------------------------------------------------------------------------------


@bench.inputs
def numbers(rng: np.random.Generator, n: int, dtype: np.dtype, operation: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Two arrays of `n` numbers in [0, 1) and the right answer.

    All are positive, so that no digits cancel and an error is rounding alone.
    """
    a, b = rng.random(n, dtype=dtype.type), rng.random(n, dtype=dtype.type)
    return a, b, exact(a, b, operation)


@bench.reference
def reference(_a: np.ndarray, _b: np.ndarray, right: float) -> float:
    """The right answer."""
    return right


def exact(a: np.ndarray, b: np.ndarray, operation: str) -> float:
    """The sum or dot product rounded once (math.fsum)."""
    if operation == "sum":
        return math.fsum(a.astype(np.float64))
    product, error = exact_products(a.astype(np.float64), b.astype(np.float64))
    return math.fsum(np.concatenate([product, error]))


def exact_products(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a·b as float64 and what its rounding left, exactly (Dekker, Numerische Mathematik 18, 1971)."""

    def halves(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shifted = x * (2.0**27 + 1)
        high = shifted - (shifted - x)
        return high, x - high

    product = a * b
    (a1, a2), (b1, b2) = halves(a), halves(b)
    return product, a2 * b2 - (((product - a1 * b1) - a2 * b1) - a1 * b2)


@bench.counts
def counts(operation: str, dtype: np.dtype, n: int) -> dict[str, float]:
    """A sum reads one array and does one operation an element, a dot product two of each."""
    each = 1 if operation == "sum" else 2
    return {"bytes": each * dtype.itemsize * n, "flops": each * n, "items": n, "calls": 1}


@bench.memory
def memory(dtype: np.dtype, n: int) -> int:
    """Lists of Python's floats take 32 bytes an element; the arrays are shared."""
    return 2 * n * dtype.itemsize // 5 + (64 * n if n <= LONGEST_LOOP else 0)


def work_of(call: Call, a: np.ndarray, right: float, operation: str) -> Work:
    """The call, and how far it is off."""
    error = abs(float(call()) - right) / right if right else 0.0
    footprint = a.nbytes * (1 if operation == "sum" else 2)
    return Work(call, facts={"footprint": footprint, "relative_error": error})


@bench.variant("loop")
def loop(a: np.ndarray, b: np.ndarray, right: float, operation: str) -> Work:
    """Python: for i in range(len(a)): total += a[i]."""
    return work_of(partial(WAYS[operation]["loop"], a, b), a, right, operation)


@bench.variant("builtin")
def builtin(a: np.ndarray, b: np.ndarray, right: float, operation: str) -> Work:
    """Python: sum() of a list, or of the products of two."""
    first, second = a.tolist(), b.tolist()
    call: Call = partial(sum, first) if operation == "sum" else partial(list_dot, first, second)
    return work_of(call, a, right, operation)


@bench.variant("numpy")
def numpy(a: np.ndarray, b: np.ndarray, right: float, operation: str, device: Cpu) -> Work:
    """NumPy: a.sum(), a.dot(b) with one thread of BLAS."""
    if operation == "sum":
        return work_of(a.sum, a, right, operation)
    dot = work_of(partial(a.dot, b), a, right, operation)
    # From some 10 000 elements on OpenBLAS would use all cores, which is another question.
    work: Work = device.blas(dot.call, 1, output=dot.call, facts=dot.facts)
    return work


@bench.variant("numba")
def numba(a: np.ndarray, b: np.ndarray, right: float, operation: str) -> Work:
    """Numba: the loop compiled, additions in order."""
    return work_of(partial(WAYS[operation]["numba"], a, b), a, right, operation)


@bench.variant("numba-fastmath")
def numba_fastmath(a: np.ndarray, b: np.ndarray, right: float, operation: str) -> Work:
    """Numba: the loop compiled with fastmath."""
    return work_of(partial(WAYS[operation]["numba-fastmath"], a, b), a, right, operation)


# --- what it says -----------------------------------------------------------------------------------------------------

NAMES = {"numba": "Numba", "numba-fastmath": "Numba with fastmath", "numpy": "NumPy"}
OPERATIONS = {"sum": "sum", "dot": "dot product"}


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """NumPy against the Python loop, what keeping the order of additions costs, and errors in float32."""
    found = []
    for fast, slow, head in (
        ("numpy", "loop", "NumPy against the Python loop (float64)"),
        ("numba-fastmath", "numba", "Numba with fastmath against Numba adding in order (float64, 1 thread)"),
    ):
        ratios, said = _compared(results, fast, slow, "f8")
        if ratios:
            found.append((largest(ratios), f"{head}: {said}"))
    yield from ranked(found)
    sums = [r for r in results.records if r.timed and (r.params["operation"], r.params["dtype"]) == ("sum", "f4")]
    n = max((int(r.params["n"]) for r in sums), default=0)
    off = {
        record.variant: record
        for record in sums
        if int(record.params["n"]) == n and isinstance(record.facts.get("relative_error"), float)
    }
    known = {name: off[name] for name in NAMES if name in off}
    if known:
        each = listed(f"{text.amount(one.facts['relative_error'])} in {NAMES[name]}" for name, one in known.items())
        yield marked(f"Relative error of a sum of {text.count(n)} float32: {each}", *known.values())


def _compared(results: Results, fast: str, slow: str, dtype: str) -> tuple[list[Estimate], str]:
    """One way against another for each operation, at the largest n where both were timed: ratios, and in words."""
    ratios: list[Estimate] = []
    said: list[str] = []
    used: list[Record | None] = []
    for operation, name in OPERATIONS.items():
        place: dict[str, Scalar] = {"operation": operation, "dtype": dtype}
        lengths = {
            int(r.params["n"]) for r in results.records if r.variant == slow and place.items() <= r.params.items()
        }
        both = {n: ratio for n in lengths if (ratio := results.ratio(fast, slow, n=n, **place)) is not None}
        if both:
            n = max(both)
            ratios.append(both[n])
            said.append(f"{compared(both[n])} for a {name} (n = {text.count(n)})")
            used += (results.find(fast, n=n, **place), results.find(slow, n=n, **place))
    return ratios, marked(listed(said), *used)
