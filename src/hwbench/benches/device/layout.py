"""Rows or columns: sums over the fields of records, stored one record or one field after the other.

Neighbouring threads sum neighbouring records. In a structure of arrays (`soa`, one column a thread) they read
neighbouring floats; in an array of structures (`aos`, one row a thread) each reads a sector of its own: the opposite of
what is good for one CPU thread.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...bench import Bench, Work
from ...protocols import DeviceArray, Gpu, Results
from ...record import phrases
from .._gpu import BLOCK, SECTOR, SMALL, WARP, cold

WORTH = 1.1  # a ratio of times from which on another layout is worth the change
ELEMENTS = 2**26  # in all, 256 MiB: 65 536 threads where a record has 1024 fields

layout_bench = Bench(
    "device.layout",
    question="Which is faster on the GPU: an array of structures, or a structure of arrays?",
    axes={"fields": (4, 32, 1024)},
    quick={"fields": (32,)},
    baseline="soa",
    version=2,
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
    """The records twice, while they are transposed."""
    return 8 * ELEMENTS


@layout_bench.variant("soa", on="gpu")
def fields_together(device: Gpu, rows: DeviceArray) -> Work:
    """A structure of arrays: neighbouring threads read neighbouring floats (down the columns of a matrix)."""
    items, fields = rows.shape
    turned = device.empty((fields, items), np.float32)
    turned[...] = rows.T
    return summed(device, turned, items, fields, 1, items)


@layout_bench.variant("aos", on="gpu")
def records_together(device: Gpu, rows: DeviceArray) -> Work:
    """An array of structures: each thread reads a record of its own (along the rows of a matrix)."""
    items, fields = rows.shape
    return summed(device, rows, items, fields, fields, 1)


def summed(device: Gpu, source: DeviceArray, items: int, fields: int, item: int, field: int) -> Work:
    """The work of summing the fields, which lie `item` and `field` elements apart."""
    to = device.empty(items, np.float32)
    arguments = (source, to, np.int32(fields), np.int64(item), np.int64(field))
    launch = device.launcher("device.coalescing", "sum_fields", items // BLOCK, BLOCK, arguments)
    return cold(device, launch, to, 4 * items * fields, min(WARP, WARP * 4 * item // SECTOR))


@layout_bench.finding
def layout_finding(results: Results) -> Iterator[str]:
    """What records cost against fields."""
    ratios, told = [], []
    for fields in (4, 32, 1024):
        rows, columns = (results.find(name, fields=fields) for name in ("aos", "soa"))
        if rows is not None and columns is not None:
            ratios.append(results.versus(rows, columns))
            told.append(phrases.Item(f"{phrases.compared(ratios[-1])} with {fields} fields", (rows, columns)))
    if told:
        advice = "; store each field contiguously" * any(ratio.low > WORTH for ratio in ratios)
        yield f"An array of structures against a structure of arrays: {phrases.entries(told)}{advice}."
