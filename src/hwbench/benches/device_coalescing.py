"""Side by side or apart: what it costs when the 32 threads of a warp ask for addresses that do not lie together.

Memory answers in sectors of 32 bytes. Neighbouring threads that read neighbouring floats need 4 sectors a warp; at a
step of 8 floats each needs a sector of its own, and from there on a step costs no more bytes but more lines and pages.
GPUs have little cache a thread, so what a warp leaves of a sector is rarely used later.

`device.coalescing` reads the same elements from ever wider places; `device.layout` sums the fields of records that lie
one after the other (an array of structures, one row a thread) or field by field (a structure of arrays, one column a
thread): the opposite of what is good for one CPU thread. `device.banks` does the same to shared memory, whose 32 banks
of 4 bytes each answer one address at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import gcd
from typing import Any

import numpy as np

from ..bench import Bench, Work
from ._gpu import BLOCK, SECTOR, TILE, WARP, where

STEPS = (2, 4, 8, 16, 32)
SMALL = 256  # whole numbers below this: sums of 1024 stay below 2²⁴, so that nothing rounds

bench = Bench(
    "device.coalescing",
    question="What does a read cost when the threads of a warp do not read side by side?",
    axes={"n": (2**24,)},
    quick={"n": (2**22,)},
    baseline="contiguous",
    tolerance=0.0,
    core=False,
)


@bench.inputs
def elements(rng: np.random.Generator, n: int) -> np.ndarray:
    """The `n` float32 that are read, a multiple of a block."""
    whole = max(BLOCK, n // BLOCK * BLOCK)
    return np.resize(rng.random(min(whole, TILE), dtype=np.float32), whole)


@bench.reference
def unchanged(x: np.ndarray) -> np.ndarray:
    """The same elements, side by side."""
    return x


@bench.counts
def counts(x: np.ndarray) -> dict[str, float]:
    """Each element is read once and written once."""
    return {"items": x.size, "bytes": 8 * x.size}


@bench.memory
def memory(n: int) -> int:
    """The mean over the variants: all elements apart by 2 … 32, and their copy."""
    return 40 * n


def apart(step: int, offset: int = 0) -> Callable[..., Work]:
    """A builder for reads of every `step`-th element from `offset` on."""

    def read(device: Any, x: Any) -> Work:
        n = len(x)
        spread = device.empty(n * step + offset, np.float32)
        spread[offset::step][:n] = x
        to = device.empty(n, np.float32)
        launch = device.launcher(
            "device_coalescing", "pick", n // BLOCK, BLOCK, (spread, to, np.int32(step), np.int32(offset))
        )
        sectors = min(WARP, WARP * 4 * step // SECTOR) + (offset > 0)
        return cold(device, launch, to, 4 * n * step, sectors)

    what = f"threads {step} elements apart" if step > 1 else "side by side, one element off the line"
    read.__doc__ = f"to[i] = from[i·step + offset], {'side by side' if step == 1 and not offset else what}."
    return read


def cold(device: Any, launch: Callable[[], Any], to: Any, footprint: int, sectors: int) -> Work:
    """The work of a launch that finds nothing in L2."""
    to[...] = np.float32(np.nan)
    facts = where(device, footprint, sectors=sectors)
    work: Work = device.timed(launch, output=lambda: device.get(to), cold=True, facts=facts)
    return work


bench.variant("contiguous", on="gpu")(apart(1))
bench.variant("misaligned", on="gpu")(apart(1, offset=1))
for _step in STEPS:
    bench.variant(f"stride-{_step}", on="gpu")(apart(_step))


def by_index(device: Any, x: np.ndarray, order: np.ndarray) -> Work:
    """The work of to[i] = from[index[i]], where x lies scattered so that the answer is x itself."""
    scattered = np.empty_like(x)
    scattered[order] = x
    source, index, to = device.put(scattered), device.put(order), device.empty(len(x), np.float32)
    launch = device.launcher("device_coalescing", "pick_index", len(x) // BLOCK, BLOCK, (source, index, to))
    sectors = len(np.unique(order[:WARP] // (SECTOR // 4)))
    return cold(device, launch, to, x.nbytes + order.nbytes, sectors)


@bench.variant("indexed", on="gpu", inputs="host")
def indexed(device: Any, x: np.ndarray) -> Work:
    """to[i] = from[index[i]], in order: what reading the index adds, before any order does."""
    return by_index(device, x, np.arange(len(x), dtype=np.int32))


@bench.variant("gather", on="gpu", inputs="host")
def gather(device: Any, x: np.ndarray, rng: np.random.Generator) -> Work:
    """to[i] = from[index[i]], in random order."""
    return by_index(device, x, rng.permutation(len(x)).astype(np.int32))


@bench.finding
def finding(read: Any) -> Iterator[str]:
    """What steps, random reads and a misaligned start cost."""
    ratios = {step: read.ratio(f"stride-{step}", "contiguous") for step in STEPS}
    told = [f"{ratio.value:.3g}× at every {_ordinal(step)}" for step, ratio in ratios.items() if ratio is not None]
    if told:
        yield (
            f"Reading elements that lie apart takes {', '.join(told)} element: from the 8th on each thread of a warp "
            "needs a sector of 32 bytes for itself."
        )
    # An index is four bytes more to read for each element: who follows it in order reads it too.
    random, off = read.ratio("gather", "indexed"), read.ratio("misaligned", "contiguous")
    if random is not None:
        yield (
            f"Reading by an index in random order takes {random.value:.3g}× as long as by one in order "
            f"({random.low:.3g}–{random.high:.3g})."
        )
    if off is not None:
        yield f"Starting one element off the line takes {off.value:.3g}× as long: a fifth sector for each warp."


def _ordinal(step: int) -> str:
    return f"{step}{'nd' if step in (2, 32) else 'th'}"


# --- rows and columns, records and fields -----------------------------------------------------------------------------

ELEMENTS = 2**24  # in all, 64 MiB

layout_bench = Bench(
    "device.layout",
    question="Should the GPU find the fields of a record together, or each field of all records?",
    axes={"fields": (4, 32, 1024)},
    quick={"fields": (32,)},
    baseline="soa",
    tolerance=0.0,
    core=False,
)


@layout_bench.inputs
def records(rng: np.random.Generator, fields: int) -> np.ndarray:
    """Small whole numbers (float32), a row for each record."""
    return rng.integers(0, SMALL, (ELEMENTS // fields, fields), dtype=np.int16).astype(np.float32)


@layout_bench.reference
def totals(rows: np.ndarray) -> np.ndarray:
    """The sum of each record's fields, exact."""
    return np.asarray(rows.sum(axis=1, dtype=np.float32))


@layout_bench.counts
def layout_counts(rows: np.ndarray) -> dict[str, float]:
    """Each field is read and added once, each sum written."""
    return {"items": rows.size, "bytes": rows.nbytes + 4 * len(rows), "flops": rows.size}


@layout_bench.memory
def layout_memory() -> int:
    """The records twice, while they are turned round."""
    return 8 * ELEMENTS


@layout_bench.variant("soa", on="gpu")
def fields_together(device: Any, rows: Any) -> Work:
    """A structure of arrays: neighbouring threads read neighbouring floats (down the columns of a matrix)."""
    items, fields = rows.shape
    turned = device.empty((fields, items), np.float32)
    turned[...] = rows.T
    return summed(device, turned, items, fields, 1, items)


@layout_bench.variant("aos", on="gpu")
def records_together(device: Any, rows: Any) -> Work:
    """An array of structures: each thread reads a record of its own (along the rows of a matrix)."""
    items, fields = rows.shape
    return summed(device, rows, items, fields, fields, 1)


def summed(device: Any, source: Any, items: int, fields: int, item: int, field: int) -> Work:
    """The work of summing the fields, which lie `item` and `field` elements apart."""
    to = device.empty(items, np.float32)
    arguments = (source, to, np.int32(fields), np.int64(item), np.int64(field))
    launch = device.launcher("device_coalescing", "sum_fields", items // BLOCK, BLOCK, arguments)
    return cold(device, launch, to, 4 * items * fields, min(WARP, WARP * 4 * item // SECTOR))


@layout_bench.finding
def layout_finding(read: Any) -> Iterator[str]:
    """What records cost against fields."""
    ratios = {fields: read.ratio("aos", "soa", fields=fields) for fields in (4, 32, 1024)}
    told = [f"{ratio.value:.3g}× at {fields} fields" for fields, ratio in ratios.items() if ratio is not None]
    if told:
        yield (
            f"Records that lie one after the other take {', '.join(told)} as long as the same fields side by side. "
            "Down a column is the right way on a GPU, along a row on a CPU."
        )


# --- shared memory ----------------------------------------------------------------------------------------------------

WORDS = 8192  # as in the kernel
READS = 4096  # a thread: half of a millisecond where all 32 lanes meet in one bank
WAVES = 4  # blocks for each multiprocessor

banks_bench = Bench(
    "device.banks",
    question="What does it cost when the threads of a warp meet in one bank of shared memory?",
    axes={"stride": (1, 2, 4, 8, 16, 32, 33)},
    quick={"stride": (1, 32, 33)},
    baseline="shared",
    tolerance=0.0,
    together=("stride",),
    core=False,
)


@banks_bench.inputs
def words(rng: np.random.Generator) -> np.ndarray:
    """Small whole numbers (float32) to fill the shared memory of a block."""
    return rng.integers(0, SMALL, WORDS).astype(np.float32)


@banks_bench.reference
def bank_sums(seeds: np.ndarray, stride: int, device: Any) -> np.ndarray:
    """What each thread adds up: the words of one bank, over and over."""
    thread = np.arange(BLOCK)
    first = thread % WARP * stride + thread // WARP
    at = (first[:, None] + WARP * np.arange(WORDS // WARP)) % WORDS  # after so many steps a thread is round
    return np.tile(seeds[at].sum(axis=1) * (READS // (WORDS // WARP)), WAVES * device.properties.sm).astype("f4")


@banks_bench.counts
def bank_counts(device: Any) -> dict[str, float]:
    """Each thread reads 4096 words."""
    return {"items": READS * BLOCK * WAVES * device.properties.sm}


@banks_bench.memory
def bank_memory() -> int:
    """Next to nothing: what is read lies on the multiprocessors."""
    return 2**20


@banks_bench.variant("shared", on="gpu")
def shared(device: Any, seeds: Any, stride: int) -> Work:
    """Lane l reads word l · stride, then 32 words further on."""
    blocks = WAVES * device.properties.sm
    to = device.put(np.full(blocks * BLOCK, np.nan, np.float32))
    launch = device.launcher(
        "device_coalescing", "banks", blocks, BLOCK, (seeds, to, np.int32(stride), np.int32(READS))
    )
    facts = {"ways": gcd(stride, WARP)}
    work: Work = device.timed(launch, output=lambda: device.get(to), facts=facts)
    return work


@banks_bench.finding
def banks_finding(read: Any) -> Iterator[str]:
    """What conflicts cost, and what one word of padding saves."""
    free, worst, padded = (read.find("shared", stride=stride) for stride in (1, 32, 33))
    if free is None or worst is None:
        return
    ratio = read.versus(worst, free)
    text = (
        f"When all 32 threads of a warp meet in one bank of shared memory a read takes {ratio.value:.3g}× as long "
        f"({ratio.low:.3g}–{ratio.high:.3g})"
    )
    if padded is not None:
        text += f"; rows of 33 words instead of 32 bring it back to {read.versus(padded, free).value:.2f}×"
    yield f"{text}."
