"""Adding two arrays: every way gives the same sum, and the crossovers are where the times say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hwbench.analysis.findings import BenchResults
from hwbench.benches.vectorize import add as benches_vectorize_add
from hwbench.benches.vectorize.add import add
from hwbench.devices.cpu import CpuDevice
from inspection.answers import reading, verdict, work_of
from inspection.told import STOLEN, doubt, said, spread


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


@pytest.mark.parametrize("n", [1, 2, 7, 1000, 4097])
@pytest.mark.parametrize("variant", [name for name, one in add.variants.items() if one.on == "cpu"])
def test_the_answer_is_the_sum(device: CpuDevice, variant: str, n: int) -> None:
    """Each variant gives bit for bit what NumPy does, for odd lengths too."""
    assert verdict(add, variant, {"n": n, "device": device}) == ""


@pytest.mark.parametrize(
    ("variant", "kernel"), [("loop", "loop_add"), ("numba", "numba_add"), ("prange", "prange_add")]
)
def test_a_kernel_that_leaves_one_out_is_caught(
    device: CpuDevice, monkeypatch: pytest.MonkeyPatch, variant: str, kernel: str
) -> None:
    """An element that was not written is no answer, since the array holds no number before."""
    real = getattr(benches_vectorize_add, kernel)
    monkeypatch.setattr(benches_vectorize_add, kernel, lambda a, b, c: real(a[:-1], b[:-1], c[:-1]))
    assert "differs" in verdict(add, variant, {"n": 100, "device": device})


def test_a_comprehension_off_by_a_bit_is_caught(device: CpuDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum is one rounding, so nothing but equality passes."""
    monkeypatch.setattr(
        benches_vectorize_add, "list_add", lambda a, b: [(x + y) * (1 + 2**-52) for x, y in zip(a, b, strict=True)]
    )
    assert "differs" in verdict(add, "comprehension", {"n": 100, "device": device})


def test_counts_and_memory() -> None:
    """24 bytes, one operation an element; where loops are measured the lists need memory beside the arrays."""
    assert add.count({"n": 10}) == {"bytes": 240, "flops": 10, "items": 10, "calls": 1}
    assert add.ask("memory", {"n": 10**6}) == 120 * 10**6
    assert add.ask("memory", {"n": 10**7}) == 24 * 10**7


def test_threads_of_prange_are_told(device: CpuDevice) -> None:
    """The facts have the threads that prange runs on, and the footprint of one of them."""
    work, _ = work_of(add, "prange", {"n": 1000, "device": device})
    assert work.facts["footprint"] == 24_000 // work.facts["threads"]


def test_long_arrays_are_not_for_python_loops() -> None:
    """Of the standard set only ways without a loop get 10⁷ elements; the loop has its headline and short arrays."""
    taken: dict[str, set[object]] = {}
    for grid in add.grids("standard"):
        for variant in grid["variant"]:
            taken.setdefault(variant, set()).update(grid["n"])
    assert {name for name, ns in taken.items() if 10**7 in ns} == set(add.variants) - {"loop", "comprehension"}
    assert taken["loop"] == {1, 10, 100, 10**6}
    assert taken["numpy"] == {10**k for k in range(8)}


COST: dict[str, tuple[float, float]] = {
    "loop": (0, 100e-9), "numpy": (1e-6, 1e-9), "numba": (2e-6, 0.9e-9), "prange": (20e-6, 0.5e-9),
    "cupy": (1e-5, 0.1e-9), "cupy-copies": (1e-5, 5e-9),
}  # fmt: skip


def added(*names: str) -> BenchResults:
    """A reading of a call's cost and an element's, at five lengths."""
    rows: list[tuple[str, dict[str, Any], float]] = [
        (name, {"n": n}, COST[name][0] + COST[name][1] * n) for n in (1, 10, 100, 10**4, 10**6) for name in names
    ]
    return spread(reading(add, rows, {"items": 10**6, "calls": 1}))


def test_the_finding() -> None:
    """100 ns an element in the loop and 1 µs + 1 ns in NumPy cross at about ten elements."""
    read = added("loop", "numpy", "prange")
    sentences = said(read)
    assert sentences[0] == (
        "NumPy at n = 10⁶ takes 1.00 ns (…) per element against 100 ns (…) in a Python loop, 99.9× faster (…)."
    )
    assert sentences[1].startswith("NumPy beats the Python loop from n ≈ 11 (…) and prange beats NumPy from n ≈ ")
    assert sentences[2] == (
        "A call for 1 element takes 100 ns (…) in the Python loop, 1.00 µs (…) in NumPy and 20.0 µs (…) in prange."
    )
    assert all(one.endswith(STOLEN) for one in said(doubt(read, "numpy")))
    assert said(reading(add, [], {})) == []


def test_one_rival_and_a_gpu() -> None:
    """A single crossover stands alone; a GPU has a sentence of its own in place of the calls."""
    assert said(added("loop", "numpy"))[1] == "NumPy beats the Python loop from n ≈ 11 (…)."
    sentences = said(added("loop", "numpy", "numba", "prange", "cupy", "cupy-copies"))
    assert len(sentences) == 3
    assert sentences[2].startswith("CuPy on the GPU beats NumPy from n ≈ ")
    assert "and CuPy with the way there and back is not faster than NumPy up to n = 10⁶" in sentences[2]


def test_ways_alone_are_not_compared() -> None:
    """Without NumPy there is the time of a call alone."""
    assert said(added("loop")) == ["A call for 1 element takes 100 ns (…) in the Python loop."]
