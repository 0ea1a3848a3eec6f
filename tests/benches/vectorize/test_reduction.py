"""Reductions: every way is right within rounding, its error is told, and the loops wait or do not as they should."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwbench.analysis.findings import BenchResults
from hwbench.benches.vectorize import reduction
from hwbench.benches.vectorize.reduction import WAYS, bench, exact, exact_products
from hwbench.devices.cpu import CpuDevice
from inspection.answers import reading, verdict, work_of
from inspection.machine_code import moved_by_vectors, needs_x86, simple_loops
from inspection.told import STOLEN, doubt, said, spread

OPERATIONS = ("sum", "dot")


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


def values(operation: str, dtype: str, n: int, device: CpuDevice) -> dict[str, Any]:
    return {"operation": operation, "dtype": np.dtype(dtype), "n": n, "device": device}


@pytest.mark.parametrize("n", [1, 7, 1000])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("variant", bench.variants)
def test_the_answer_is_right_within_rounding(
    device: CpuDevice, variant: str, operation: str, dtype: str, n: int
) -> None:
    """Each way agrees with the exactly rounded answer, and says how far it is off."""
    given = values(operation, dtype, n, device)
    assert verdict(bench, variant, given) == ""
    work, _ = work_of(bench, variant, given)
    assert 0 <= work.facts["relative_error"] < np.finfo(dtype).eps * math.sqrt(n) * 2


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_element_left_out_is_caught(
    device: CpuDevice, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:  # fmt: skip
    """One element of a thousand is far more than rounding."""
    real = WAYS[operation]["numba"]
    monkeypatch.setitem(WAYS[operation], "numba", lambda a, b: real(a[:-1], b[:-1]))
    assert "differs" in verdict(bench, "numba", values(operation, "f8", 1000, device))


@given(st.lists(st.floats(0.0, 1.0, width=32), min_size=1, max_size=20))
def test_products_are_split_exactly(numbers: list[float]) -> None:
    """A product and what its rounding left are together the product, as fractions know it."""
    a = np.array(numbers) + 2.0**-20
    b = np.sqrt(a)
    product, error = exact_products(a, b)
    for x, y, p, e in zip(a, b, product, error, strict=True):
        assert Fraction(x) * Fraction(y) == Fraction(p) + Fraction(e)


def test_the_reference_is_rounded_once() -> None:
    """Where a running sum loses the small number, the reference has it."""
    a = np.array([1.0, 1e-17, 1e-17, 1e-16])
    assert exact(a, a, "sum") == 1.0000000000000002 > a.cumsum()[-1]
    assert exact(a, np.ones(4), "dot") == 1.0000000000000002


def test_in_float32_the_order_of_additions_shows(device: CpuDevice) -> None:
    """One running sum of a million float32 is off by ten times as much as NumPy's pairs, and more."""
    errors = {
        variant: work_of(bench, variant, values("sum", "f4", 10**6, device))[0].facts["relative_error"]
        for variant in ("numba", "numpy")
    }
    assert errors["numba"] > 10 * errors["numpy"]
    assert errors["numba"] > 1e-6


def test_counts() -> None:
    """A sum reads one array, a dot product two; an operation for each number."""
    f4 = {"dtype": np.dtype("f4"), "n": 10}
    assert bench.count({"operation": "sum", **f4}) == {"bytes": 40, "flops": 10, "items": 10, "calls": 1}
    assert bench.count({"operation": "dot", **f4}) == {"bytes": 80, "flops": 20, "items": 10, "calls": 1}


@needs_x86
@pytest.mark.parametrize("operation", OPERATIONS)
def test_only_fastmath_makes_vectors(operation: str) -> None:
    """In order each addition waits for the one before; with fastmath several vectors of sums are added to at a time."""
    a = np.ones(64)
    plain, fast = (simple_loops(WAYS[operation][way], a, a) for way in ("numba", "numba-fastmath"))
    assert any(sum("addsd" in line for line in loop) >= 4 for loop in plain)
    assert not any(line.split()[0].endswith("addpd") for loop in plain for line in loop)
    assert any(moved_by_vectors(loop, "add") >= 2 for loop in fast)


def test_long_arrays_are_not_for_python_loops() -> None:
    """Of the standard set only compiled ways get millions of elements."""
    for grid in bench.grids("standard"):
        assert "loop" not in grid["variant"] or max(grid["n"]) <= reduction.LONGEST_LOOP


TIMES = {"loop": (0, 100e-9), "numpy": (1e-6, 2e-10), "numba": (1e-7, 1e-9), "numba-fastmath": (1e-7, 1e-10)}


def reduced(operations: Sequence[str], dtype: str = "f8", **errors: float) -> BenchResults:
    """A reading of all ways at two lengths; the relative errors by way, of the longer."""
    rows: list[tuple[str, dict[str, Any], float]] = [
        (name, {"operation": operation, "dtype": dtype, "n": n}, fixed + each * n)
        for operation in operations
        for name, (fixed, each) in TIMES.items()
        for n in (1, 10**6)
    ]
    read = spread(reading(bench, rows, {"items": 10**6}))
    read.records = [
        msgspec.structs.replace(one, facts={"relative_error": errors[name]})
        if (name := one.variant.replace("-", "_")) in errors
        else one
        for one in read.records
    ]
    return read


def test_the_finding() -> None:
    """NumPy against the loop, and the price of keeping additions in order, for one operation and for two."""
    read = reduced(("sum",))
    assert said(read) == [
        "NumPy against the Python loop (float64): 498× faster (…) for a sum (n = 10⁶).",
        "Numba with fastmath against Numba adding in order (float64, 1 thread): 9.99× faster (…) for a sum (n = 10⁶).",
    ]
    both = said(reduced(("sum", "dot")))[0]
    assert both.endswith(": 498× faster (…) for a sum (n = 10⁶) and 497× faster (…) for a dot product (n = 10⁶).")
    assert [one.endswith(STOLEN) for one in said(doubt(read, "loop"))] == [True, False]
    assert said(reading(bench, [], {})) == []


def test_errors_are_those_of_float32_sums() -> None:
    """Every way whose error is known is listed; an exact one has none."""
    read = reduced(("sum",), "f4", numba=1.86e-5, numba_fastmath=1.86e-7, numpy=0.0)
    assert said(read) == [
        "Relative error of a sum of 10⁶ float32: 1.86 × 10⁻⁵ in Numba, 1.86 × 10⁻⁷ in Numba with fastmath and 0 in "
        "NumPy."
    ]
    assert said(reduced(("sum",), "f4", numpy=1e-9)) == [
        "Relative error of a sum of 10⁶ float32: 1.00 × 10⁻⁹ in NumPy."
    ]
    assert said(reduced(("sum",), "f4")) == []
