"""Temporaries: one pass or three, the answer is the same to the bit."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from hwbench.analysis.findings import BenchResults
from hwbench.benches.vectorize import temporaries
from hwbench.benches.vectorize.temporaries import bench
from hwbench.devices.cpu import CpuDevice
from inspection.answers import reading, verdict, work_of
from inspection.machine_code import moved_by_vectors, needs_x86, simple_loops
from inspection.told import STOLEN, doubt, said, spread


@pytest.fixture(scope="module")
def device() -> Iterator[CpuDevice]:
    made = CpuDevice()
    yield made
    made.close()


@pytest.mark.parametrize("n", [1, 7, 1000, 4097])
@pytest.mark.parametrize("variant", bench.variants)
def test_the_answer_is_the_same_to_the_bit(device: CpuDevice, variant: str, n: int) -> None:
    """Three roundings an element: a fused multiply-add, which rounds twice, would not pass."""
    assert verdict(bench, variant, {"n": n, "device": device}) == ""


@pytest.mark.parametrize(("variant", "kernel"), [("numba", "fused"), ("prange", "fused_prange")])
def test_an_element_left_out_is_caught(
    device: CpuDevice, monkeypatch: pytest.MonkeyPatch, variant: str, kernel: str
) -> None:
    """What was not written is no number."""
    real = getattr(temporaries, kernel)
    monkeypatch.setattr(temporaries, kernel, lambda *arrays: real(*(array[:-1] for array in arrays)))
    assert "differs" in verdict(bench, variant, {"n": 100, "device": device})


def test_counts(device: CpuDevice) -> None:
    """Four arrays read and one written, three operations an element; a thread of prange has its part of them."""
    assert bench.count({"n": 10}) == {"bytes": 400, "flops": 30, "items": 10, "calls": 1}
    work, _ = work_of(bench, "prange", {"n": 1000, "device": device})
    assert work.facts["footprint"] == 40_000 // work.facts["threads"]


@needs_x86
def test_the_loop_is_one_of_vectors_without_fused_multiply_adds() -> None:
    """LLVM takes several elements at a time, and rounds as NumPy does."""
    arrays = [np.ones(64) for _ in range(5)]
    loops = simple_loops(temporaries.fused, *arrays)
    assert any(moved_by_vectors(loop, "mul") >= 2 for loop in loops)
    assert not any("fmadd" in line for loop in loops for line in loop)


def fused(*names: str) -> BenchResults:
    """A reading at two lengths; prange on four threads."""
    cost = {"numpy": (1e-6, 4e-9), "numpy-out": (1e-6, 3e-9), "numba": (1e-7, 2e-9), "prange": (1e-5, 1e-9)}
    rows = [(name, {"n": n}, cost[name][0] + cost[name][1] * n) for name in names for n in (1000, 10**6)]
    read = spread(reading(bench, rows, {"items": 10**6}))
    read.records = [
        msgspec.structs.replace(one, facts={"threads": 4 if one.variant == "prange" else 1}) for one in read.records
    ]
    return read


def test_the_finding() -> None:
    """Passes and cores are told at the largest n, then new memory, then from which n each way wins."""
    read = fused("numpy", "numpy-out", "numba", "prange")
    sentences = said(read)
    assert sentences[:2] == [
        "NumPy takes 4.00 ns (…) per element for a*b + c*d at n = 10⁶; without temporary arrays: 2.00× faster (…) in "
        "one fused loop and 3.96× faster (…) in a fused prange on 4 threads.",
        "NumPy with out= at n = 10⁶ is 1.33× faster than without (…).",
    ]
    assert sentences[2].startswith(
        "The fused loop beats NumPy at every length from n = 1000 and the fused prange beats NumPy from n ≈ "
    )
    assert [one.endswith(STOLEN) for one in said(doubt(read, "numpy-out"))] == [False, True, False]
    assert said(reading(bench, [], {})) == []


def test_one_way_alone() -> None:
    """The fused loop alone is no list; NumPy alone is compared with nothing."""
    assert said(fused("numpy", "numba")) == [
        "NumPy takes 4.00 ns (…) per element for a*b + c*d at n = 10⁶; without temporary arrays: 2.00× faster (…) in "
        "one fused loop.",
        "The fused loop beats NumPy at every length from n = 1000.",
    ]
    assert said(fused("numpy")) == []


def told(faults: list[float] | None, in_place: float = 2e-2) -> str:
    """What is said at n = 10⁷, two calls a sample, of so many page faults in each round."""
    rows = [("numpy", {"n": 10**7}, 4e-2), ("numpy-out", {"n": 10**7}, in_place)]
    read = spread(reading(bench, rows, {"items": 10**7}))
    telemetry = {} if faults is None else {"faults": faults}
    read.records = [msgspec.structs.replace(one, loops=2, telemetry=telemetry) for one in read.records]
    return " ".join(said(read))


def test_new_memory_is_told_of_where_pages_were_new() -> None:
    """160 MB of temporaries are 76 huge pages a call or 39 000 small ones; a heap that keeps them takes no faults."""
    assert told([160.0] * 9) == (
        "NumPy with out= at n = 10⁷ is 2.00× faster than without (…): without it, each call takes new pages (80 page "
        "faults)."
    )
    assert "(39\u202f100 page faults)" in told([78200.0] * 9)
    same = told([0.0] * 8 + [400.0], 4e-2)
    assert same.endswith("is as fast as without (…): the heap reuses the pages of the temporaries.")
    assert "pages" not in told(None)


def test_a_cause_is_told_only_of_what_it_explains() -> None:
    """New pages explain no equal times, and reused ones no gain."""
    assert "pages" not in told([160.0] * 9, 4e-2)
    assert "pages" not in told([0.0] * 9)


def test_the_longest_temporaries_are_more_than_the_heap_keeps() -> None:
    """glibc's threshold for memory of its own rises to 32 MiB at most (DEFAULT_MMAP_THRESHOLD_MAX)."""
    assert 8 * max(n for grid in bench.grids("standard") for n in grid["n"]) > 2**25
