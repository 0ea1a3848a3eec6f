"""Branches: what a mispredicted one costs.

A core speculates some hundred instructions beyond the last one it has retired. At a branch it predicts where to go on;
after a misprediction everything from the wrong path is discarded and the pipeline refills: 10 to 20 cycles. The loop
adds up all elements at or above a threshold. `shuffled` and `sorted` are the same kernel on the same elements: `if
value >= threshold: total += value`. In the sorted array the branch goes one way up to a point and the other way after
it: one misprediction. Shuffled, with a share p of the elements above the threshold, no predictor beats guessing the
likelier way, and mispredicts min(p, 1 - p) of the elements: the cost over p is a tent with its top at p = 0.5, and that
height over 0.5 is the price of one misprediction.

`branch-free` adds value or 0 by a mask or a conditional move: the same time whatever the data, about that of a
predicted branch, far less than a mispredicted one. Compilers choose either for such a loop; here an empty assembly
statement keeps the branch in the first kernel and vectors out of both, so that they differ in nothing else.

With few elements a second pass over the shuffled array is predicted: predictors remember the outcomes of some thousand
branches and more (`--param n=4096`). 2¹⁸ outcomes exceed any predictor, and 2¹⁸ bytes fit L2, where reading them in
sequence costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Work
from ...kernels.compiling import Kernel, compiled
from ...kernels.simd import byte_at, opaque
from ...protocols import Results
from ...record import text
from ...record.phrases import against, marked

THRESHOLD = 128
LONGEST = 2**18  # elements of one byte


@compiled
def add_if(address: int, n: int, passes: int) -> int:
    """The sum of the elements from THRESHOLD on, with a branch: LLVM may not execute an assembly statement early."""
    total = 0
    for _ in range(passes):
        total = opaque(0)
        for i in range(n):
            value = byte_at(address + i)
            if value >= THRESHOLD:
                total = opaque(total + value)
    return total


@compiled
def add_either(address: int, n: int, passes: int) -> int:
    """The same without a branch: the value or 0 is added."""
    total = 0
    for _ in range(passes):
        total = opaque(0)
        for i in range(n):
            value = byte_at(address + i)
            total = opaque(total + (value if value >= THRESHOLD else 0))
    return total


# --- the bench --------------------------------------------------------------------------------------------------------


def share_of(text: str) -> float:
    """A share from the command line."""
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise ValueError(f"'{text}' is no share between 0 and 1")
    return share


bench = Bench(
    "branch.prediction",
    question="What does a mispredicted branch cost?",
    axes={"share": (0.0, 0.1, 0.25, 0.5, 1.0), "n": (LONGEST,)},
    baseline="sorted",
    measures="branches",
    standard={"share": (0.0, 0.25, 0.5)},  # all taken costs what none costs, and 0.1 lies on the line between
    quick={"share": (0.0, 0.5)},
    full={
        "share": (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0),
        "n": (2**10, 2**12, 2**14, 2**16, LONGEST),
    },
    free={"share": share_of},
    core=False,
)


@bench.inputs
def elements(rng: np.random.Generator, n: int, share: float) -> np.ndarray:
    """Bytes in random order, of which `share`, rounded to whole elements, are from THRESHOLD on."""
    above = round(share * n)
    values = rng.integers(0, THRESHOLD, n, dtype=np.uint8)
    values[:above] += THRESHOLD
    shuffled: np.ndarray = rng.permutation(values)
    return shuffled


@bench.reference
def reference(a: np.ndarray) -> int:
    """The sum by NumPy."""
    return int(a[a >= THRESHOLD].sum(dtype=np.int64))


@bench.counts
def counts(n: int) -> dict[str, float]:
    """One comparison an element."""
    return {"items": n}


@bench.memory
def memory(n: int) -> int:
    """A byte an element."""
    return n


@bench.variant("sorted")
def in_order(a: np.ndarray) -> Work:
    """A branch, on sorted elements: it goes one way, then the other."""
    return work_of(add_if, np.sort(a))


@bench.variant("shuffled")
def out_of_order(a: np.ndarray) -> Work:
    """The same branch on the same elements in random order."""
    return work_of(add_if, a)


@bench.variant("branch-free")
def without_branch(a: np.ndarray) -> Work:
    """A mask instead of the branch, on the elements in random order."""
    return work_of(add_either, a)


def work_of(kernel: Kernel, a: np.ndarray) -> Work:
    """One pass over the elements a call."""
    facts = {"footprint": a.nbytes, "taken": float((a >= THRESHOLD).mean())}
    return Work(
        lambda: kernel(a.ctypes.data, len(a), 1), repeat=lambda n: kernel(a.ctypes.data, len(a), n), facts=facts
    )


@bench.finding
def finding(results: Results) -> Iterator[str]:
    """The price of one misprediction in time and in cycles, and what the branch-free loop gains."""
    pair, each = results.pair("mispredict"), results.headline("mispredict")
    if pair is None or each is None:
        return
    slow, fast = pair
    clocks = slow.telemetry.get("clock_hz", [])
    hz = float(np.median(clocks)) if clocks else 0.0
    clock = f", {text.amount(each.value * hz, 'cycles')} at {text.rate(hz, 'GHz')} during this case" if hz else ""
    compared = against(results.versus(slow, fast), "over sorted data")
    taken = text.share(slow.facts["taken"])
    yield marked(
        f"A mispredicted branch costs {text.seconds(each)}{clock}: with {taken} of the branches taken in "
        f"random order, the loop (1 thread) is {compared}",
        slow, fast,
    )  # fmt: skip
    free = results.find("branch-free", **slow.params)
    if free is not None:
        yield marked(
            f"The branch-free loop (1 thread) is {against(results.versus(free, slow), 'the mispredicted branch')} and "
            f"{against(results.versus(free, fast), 'the predicted branch')}",
            slow, fast, free,
        )  # fmt: skip
