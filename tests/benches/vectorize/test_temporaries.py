"""Temporaries: one pass or three, the answer is the same to the bit."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from hwbench.benches.vectorize import temporaries
from hwbench.benches.vectorize.temporaries import bench
from hwbench.devices.cpu import CpuDevice
from inspection.answers import reading, verdict, work_of
from inspection.machine_code import moved_by_vectors, needs_x86, simple_loops


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


def test_the_finding() -> None:
    """New memory, passes and cores are told at the largest n, then from which n each way wins."""
    cost = {"numpy": (1e-6, 4e-9), "numpy-out": (1e-6, 3e-9), "numba": (1e-7, 2e-9), "prange": (1e-5, 1e-9)}
    rows = [(name, {"n": n}, fixed + each * n) for name, (fixed, each) in cost.items() for n in (1000, 10**6)]
    said = list(bench.hooks["finding"](reading(bench, rows, {"items": 10**6})))
    assert said[0].startswith("At n = 10⁶ NumPy's a*b + c*d takes 4.00 ns an element; it is 1.33× as fast with")
    assert said[1] == "The fused loop beats NumPy at every length from n = 1000."
    assert said[2].startswith("The fused prange beats NumPy from n ≈ ")
    assert list(bench.hooks["finding"](reading(bench, [], {}))) == []


def told(faults: list[float] | None) -> str:
    """What is said at n = 10⁷, two calls a sample, of so many page faults in each round."""
    rows = [("numpy", {"n": 10**7}, 4e-2), ("numpy-out", {"n": 10**7}, 2e-2)]
    read = reading(bench, rows, {"items": 10**7})
    telemetry = {} if faults is None else {"faults": faults}
    read.records = [msgspec.structs.replace(one, loops=2, telemetry=telemetry) for one in read.records]
    return " ".join(bench.hooks["finding"](read))


def test_new_memory_is_told_of_where_pages_were_new() -> None:
    """160 MB of temporaries are 76 huge pages a call or 39 000 small ones; a heap that keeps them takes no faults."""
    new = told([160.0] * 9)
    assert (
        "are new pages at each call (80 faults): into arrays that are there already, by out=, it takes 50% of the time"
    ) in new
    assert "new pages at each call (39\u202f100 faults)" in told([78200.0] * 9)
    assert "same pages at each call, so that no new memory is in these figures" in told([0.0] * 8 + [400.0])
    assert "pages" not in told(None)


def test_the_longest_temporaries_are_more_than_the_heap_keeps() -> None:
    """glibc's threshold for memory of its own rises to 32 MiB at most (DEFAULT_MMAP_THRESHOLD_MAX)."""
    assert 8 * max(n for grid in bench.grids("standard") for n in grid["n"]) > 2**25
