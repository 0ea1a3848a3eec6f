"""Rows and columns: every variant adds up the whole matrix, and walks it as it says."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import pytest

from doubles.scripted import ScriptedDevice
from hwbench.bench import Skip
from hwbench.benches import _partitions
from hwbench.benches.access import row_column as module
from hwbench.benches.access.row_column import row_column, shape
from inspection.answers import reading, verdict, work_of
from inspection.assembly import assembly
from inspection.told import STOLEN, doubt, said, spread

SIZES = [1024, 2000, 16 * 2**10, 777_777]


def values(size: int = 16 * 2**10, dtype: str = "f8", layout: str = "C") -> dict[str, Any]:
    return {"size": size, "dtype": np.dtype(dtype), "layout": layout}


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("variant", row_column.variants)
def test_the_answer_is_the_sum(variant: str, size: int, dtype: str, layout: str) -> None:
    """Each variant gives the exact sum for odd sizes, both data types and both layouts."""
    assert verdict(row_column, variant, values(size, dtype, layout)) == ""


@pytest.mark.parametrize("variant", ["row", "column"])
def test_repetitions_give_one_sum(variant: str) -> None:
    """The passes inside a kernel each add up the whole matrix, and do not add to one another."""
    work, (a, partitions) = work_of(row_column, variant, values())
    assert partitions.parts == work.facts["parts"] == 1
    assert work.output is None
    assert work.call() == a.sum()
    assert work.repeat is not None
    assert work.repeat(3) == a.sum()


@pytest.mark.parametrize(("variant", "kernel"), [("row", "sum_by_rows"), ("column", "sum_by_columns")])
def test_a_kernel_that_leaves_one_out_is_caught(monkeypatch: pytest.MonkeyPatch, variant: str, kernel: str) -> None:
    """The check tells a sum that lacks a single element, in f4 as in f8."""
    real = getattr(module, kernel)
    monkeypatch.setattr(module, kernel, lambda a, passes: real(a, passes) - a[-1, -1])
    for dtype in ("f4", "f8"):
        given = values(2**22, dtype)  # a million elements: one is less than f4's usual tolerance
        a = row_column.make_inputs({**given, "rng": np.random.default_rng(7), "device": ScriptedDevice()})[0]
        assert a[-1, -1] != 0
        assert "differs" in verdict(row_column, variant, given)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("size", [1024, 16 * 2**10, 24 * 2**10, 2**19, 2**23])
def test_rows_and_columns_are_alike(size: int, layout: str, dtype: str) -> None:
    """As many rows as columns, so that a Python loop over either makes as many calls, and a step of odd lines."""
    [rows, columns] = (work_of(row_column, name, values(size, dtype, layout))[0] for name in ("row", "numpy-column"))
    assert rows.facts == columns.facts
    assert rows.facts["rows"] == rows.facts["columns"]
    _, (a, _partitions) = work_of(row_column, "row", values(size, dtype, layout))
    assert max(a.strides) % 128 == 64
    assert max(a.strides) == a.strides[layout == "F"]


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("size", [1024, 16 * 2**10, 2**19, 2**23, 2**26])
def test_shape(size: int, itemsize: int) -> None:
    """The largest square of odd lines that fits; from 8 MiB a step is a page."""
    side, parts = shape(size, itemsize)
    further = side + 2 * 64 // itemsize
    assert side * side * itemsize <= size < further * further * itemsize
    assert side * itemsize % 128 == 64
    assert parts == 1
    if size >= 2**23 and itemsize == 8:
        assert side * itemsize > 4096


def test_too_small_a_matrix_is_skipped() -> None:
    """A row has a line at least, and there are as many rows as elements in it."""
    with pytest.raises(Skip, match="511 bytes are too few: a square whose rows are a line long has 512"):
        shape(511, 8)


@pytest.mark.parametrize("itemsize", [4, 8])
@pytest.mark.parametrize("size", [2**28, 570 * 2**20, 3 * 2**28, 1920 * 2**20 + 12345, 2**33, 12 * 2**32])
def test_shape_in_bands(size: int, itemsize: int) -> None:
    """All bands are equal, of rows and of columns, whole lines wide, and not much of the size is lost."""
    side, parts = shape(size, itemsize)
    assert 0.6 < parts / _partitions.parts_of(size, module.SHARE) < 1.4
    assert parts >= 3
    assert side * itemsize // 64 % parts == 0
    assert side * itemsize % 128 == 64
    assert 0.94 * size < side * side * itemsize <= size


CUT = 2**20  # the size of a matrix, which for these tests is cut into bands


@pytest.fixture
def bands(monkeypatch: pytest.MonkeyPatch) -> int:
    """How many bands a matrix of `CUT` bytes is cut into."""
    monkeypatch.setattr(_partitions, "PART", 2**19)
    return 9


@pytest.mark.parametrize("layout", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("variant", row_column.variants)
def test_the_answer_of_bands_is_the_sum(variant: str, dtype: str, layout: str, bands: int) -> None:
    """What is checked is the sum of the first two bands, of rows or of columns."""
    assert verdict(row_column, variant, values(CUT, dtype, layout)) == ""


@pytest.mark.parametrize("variant", row_column.variants)
def test_a_call_sums_one_band_and_the_next_call_the_next(variant: str, bands: int) -> None:
    """Bands of rows or of columns, equal in elements, one after the other and round again; counts are of one."""
    work, (a, partitions) = work_of(row_column, variant, values(CUT))
    assert work.repeat is None
    assert work.facts["parts"] == partitions.parts == bands
    assert work.facts["footprint"] == a.nbytes
    parts = np.split(a, bands, axis=1 if "column" in variant else 0)
    assert [work.call() for _ in range(bands + 1)] == [part.sum() for part in (*parts, parts[0])]
    assert row_column.count(values(CUT), (a, partitions)) == {
        "bytes": parts[0].nbytes,
        "flops": parts[0].size,
        "items": parts[0].size,
    }


def test_variants_share_their_turns(bands: int) -> None:
    """A variant goes on where another ended, so that it does not find in a cache what that one has just visited."""
    row, (a, partitions) = work_of(row_column, "row", values(CUT))
    in_numpy = row_column.build("numpy-row", values(CUT), (a, partitions))
    parts = np.split(a, bands)
    assert [row.call(), in_numpy.call(), row.call()] == [part.sum() for part in parts[:3]]


@pytest.mark.parametrize("wrong", [0, 1])
@pytest.mark.parametrize(("variant", "kernel"), [("row", "sum_by_rows"), ("column", "sum_by_columns")])
def test_a_wrong_band_is_caught(
    monkeypatch: pytest.MonkeyPatch, variant: str, kernel: str, wrong: int, bands: int
) -> None:
    """The check tells where the checked call's band lacks a single one, or that of the call that follows it."""
    real = getattr(module, kernel)
    done: list[float] = []

    def one_less(a: np.ndarray, passes: int) -> float:
        done.append(real(a, passes) - (len(done) == wrong))
        return done[-1]

    monkeypatch.setattr(module, kernel, one_less)
    assert "differs" in verdict(row_column, variant, values(CUT))
    assert len(done) == 2


def test_a_variant_that_takes_no_turns_is_caught(monkeypatch: pytest.MonkeyPatch, bands: int) -> None:
    """Whoever visits one band again and again, and so finds it in a cache, gives another sum."""
    monkeypatch.setattr(_partitions.Partitions, "take", lambda self: 0)
    assert "differs" in verdict(row_column, "column", values(CUT))


def test_counts() -> None:
    """Each element is read once and added once; the bytes are the matrix's."""
    _, (a, partitions) = work_of(row_column, "row", values())
    assert row_column.count(values(), (a, partitions)) == {"bytes": a.nbytes, "flops": a.size, "items": a.size}


@pytest.mark.parametrize("given", ["whole", "bands"])
def test_rows_are_vectors_and_columns_are_not(given: str) -> None:
    """LLVM adds whole vectors of a row from memory, and of a column single elements: the loops are not interchanged."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("reads x86 assembly")
    a = np.ones((9, 9))
    walked = {"whole": (a, a), "bands": (a[3:6], a[:, 3:6])}[given]
    rows, columns = map(assembly, (module.sum_by_rows, module.sum_by_columns), walked, (1, 1))

    def from_memory(text: str, operation: str) -> int:
        return sum(operation in line and "(" in line for line in text.splitlines())

    assert from_memory(rows, "addpd") >= 4
    # The unrolled loop; packed additions stand here too, for the case that a matrix of one column is contiguous. Of
    # bands, which never are, older LLVMs (Numba 0.62) fill a vector with elements, each from its own row: by a gather
    # of four, or by pairs of movsd and movhpd.
    single = {"addsd": 1, "gatherqpd": 4, "movhpd": 2}
    assert sum(count * from_memory(columns, name) for name, count in single.items()) >= 8
    assert given == "whole" or not from_memory(columns, "addpd")
    assert from_memory(rows, "addsd") < 8


def both(size: str, ratio: float, in_numpy: float = 4.0, dtype: str = "f8") -> list[tuple[str, dict[str, Any], float]]:
    """Rows of the four variants at one size."""
    params = {"size": size, "dtype": dtype, "layout": "C"}
    times = {"row": 1.0, "column": ratio, "numpy-row": 2.0, "numpy-column": 2.0 * in_numpy}
    return [(name, params, seconds) for name, seconds in times.items()]


def test_the_finding_tells_the_largest_effect_first() -> None:
    """The sentence has the ratio with its interval, the level and the data type; nearer levels and NumPy follow."""
    sentences = said(spread(reading(row_column, both("L1", 3.0) + both("DRAM", 13.0), {"items": 10})))
    assert sentences == [
        "Summing down columns in memory (float64, 1 thread) is 13.0× slower than along rows (…): it uses 8 "
        "bytes of each 64-byte line that it fetches.",
        "A call of NumPy for each column in memory (float64, 1 thread) is 4.00× slower than a call for each row (…).",
        "Column sums against row sums in nearer levels (float64, 1 thread): 3.00× slower (…) in L1: column elements "
        "are not loaded as vectors.",
    ]


def test_levels_are_listed_and_doubt_is_marked() -> None:
    """Two nearer levels are joined by `and`; L1 alone gives no reason that holds for memory only."""
    rows = both("L1", 30.0) + both("L2", 9.0) + both("DRAM", 13.0)
    sentences = said(doubt(reading(row_column, rows, {"items": 10}), size="L2"))
    assert sentences[0].startswith(
        "Column sums against row sums in nearer levels (float64, 1 thread): 30.0× slower in L1 and 9.00× slower in L2: "
    )
    assert sentences[0].endswith(STOLEN)
    [alone, _] = said(reading(row_column, both("L1", 1.0), {"items": 10}))[::-1]
    assert alone == "Summing down columns in L1 (float64, 1 thread) is as fast as along rows."
    two_types = both("DRAM", 13.0) + both("DRAM", 20.0, dtype="f4")
    assert "it uses 4 bytes of each" in said(reading(row_column, two_types, {"items": 10}))[0]


def test_a_cause_needs_a_clear_difference() -> None:
    """Columns that are as fast in any nearer level get no reason, nor do those that are as fast in memory."""
    rows = both("L1", 1.0) + both("L2", 9.0) + both("DRAM", 1.0)
    told = said(spread(reading(row_column, rows, {"items": 10})))
    assert "no difference (…) in L1 and 9.00× slower (…) in L2." in " ".join(told)
    assert "Summing down columns in memory (float64, 1 thread) is as fast as along rows (…)." in told


def test_without_records_nothing_is_found() -> None:
    """A run in which one of the two is missing has no finding."""
    params = {"size": "L1", "dtype": "f8", "layout": "C"}
    assert list(row_column.hooks["finding"](reading(row_column, [("row", params, 1.0)], {}))) == []
    assert list(row_column.hooks["finding"](reading(row_column, [], {}))) == []
