"""Blocking: every order of loops gives the same matrix, and the loops run as written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwbench.bench import Skip
from hwbench.benches.access import blocking
from hwbench.benches.access.blocking import KERNELS, bench
from inspection.answers import reading, verdict, work_of
from inspection.machine_code import moved_by_vectors, needs_x86, simple_loops
from inspection.told import STOLEN, doubt, said, spread


def values(work: str, n: int) -> dict[str, Any]:
    return {"work": work, "n": n}


@pytest.mark.parametrize("n", [8, 56, 72, 264])
@pytest.mark.parametrize("work", KERNELS)
@pytest.mark.parametrize("variant", bench.variants)
def test_the_answer_is_numpys(variant: str, work: str, n: int) -> None:
    """Each order of loops is exact, at sizes below a block, beyond one and no multiple of one."""
    assert verdict(bench, variant, values(work, n)) == ""


def test_a_second_call_starts_anew() -> None:
    """A product is not added to the one before."""
    work, (a, b) = work_of(bench, "blocked", values("matmul", 24))
    work.call()
    work.call()
    assert work.output is not None
    assert np.array_equal(work.output(), a @ b)


@pytest.mark.parametrize("work", KERNELS)
def test_a_block_left_out_is_caught(work: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not written is no number; what was not added is missing."""
    real = KERNELS[work]["blocked"]

    def left_out(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> None:
        part = out[:-8, :-8].copy()  # whole rows: for others Numba would compile the kernel once more
        real(a[:-8, :-8].copy(), b[:-8, :-8].copy(), part)
        out[:-8, :-8] = part

    monkeypatch.setitem(KERNELS[work], "blocked", left_out)
    assert "differs" in verdict(bench, "blocked", values(work, 24))


def test_rows_that_are_no_whole_lines_are_refused() -> None:
    """A size that the kernels were not written for is a skip that says which sizes they were."""
    with pytest.raises(Skip, match="multiple of 8"):
        work_of(bench, "naive", values("matmul", 100))


def test_counts() -> None:
    """A transposition moves 16 bytes an element, a product does 2n³ operations."""
    assert bench.count(values("transpose", 8)) == {"bytes": 1024, "items": 64}
    assert bench.count(values("matmul", 8)) == {"flops": 1024}


@needs_x86
def test_llvm_does_not_swap_loops() -> None:
    """Down columns numbers are taken one by one, along rows by vectors: the loops run in the order they are written.

    A vector loop in the naive product is for the case that a column is contiguous, a matrix of one column.
    """
    a = np.ones((16, 16))
    naive, swapped = (simple_loops(KERNELS["matmul"][way], a, a, a.copy()) for way in ("naive", "loop-order"))
    assert any(sum(("fmadd" in x and "sd" in x.split()[0]) or "mulsd" in x for x in loop) >= 4 for loop in naive)
    assert any(moved_by_vectors(loop, "mov") >= 2 for loop in swapped)


@needs_x86
def test_a_block_is_multiplied_in_vectors() -> None:
    """Eight multiply-adds from the tile for one load and one store of the product."""
    from hwbench.kernels import cpu_features

    if not cpu_features.has_fma():
        pytest.skip("this CPU has no fused multiply-add")
    a = np.ones((16, 16))
    loops = simple_loops(KERNELS["matmul"]["blocked"], a, a, a.copy())
    assert any(sum("fmadd" in x and x.split()[0].endswith("pd") and "(" in x for x in loop) % 8 == 0 and
               sum("fmadd" in x and x.split()[0].endswith("pd") for x in loop) >= 8 for loop in loops)  # fmt: skip


@needs_x86
def test_a_block_is_transposed_without_testing_indices() -> None:
    """The loop of a block moves numbers and nothing else: no arithmetic for negative indices."""
    a = np.ones((16, 16))
    loops = simple_loops(blocking.transpose_blocked, a, a, a.copy())
    assert loops
    assert not any(line.startswith(("sar", "imul")) for loop in loops for line in loop)


def times(work: str, n: int, *seconds: float) -> list[tuple[str, dict[str, Any], float]]:
    """Rows of the three ways."""
    ways = ("naive", "loop-order", "blocked")
    return [(way, values(work, n), each) for way, each in zip(ways, seconds, strict=True)]


def test_the_finding() -> None:
    """Each work and size has a sentence, the largest effect first; three at most."""
    rows = times("transpose", 3072, 10.0, 10.0, 8.0) + times("matmul", 504, 12.0, 2.0, 1.0)
    sentences = said(spread(reading(bench, rows, {"flops": 1e9, "bytes": 1e9})))
    assert sentences == [
        "Blocked matrix product, 504 × 504 float64 (1 thread): 12.0× faster than plain loops (…); "
        "loop interchange alone: 6.00× faster (…).",
        "Blocked transposition, 3072 × 3072 float64 (1 thread): 1.25× faster than plain loops (…); "
        "loop interchange alone: no difference (…).",
    ]
    many = [row for n in (120, 408, 1016, 3064) for row in times("transpose", n, 4.0, 2.0, 1.0)]
    assert len(said(reading(bench, many, {"bytes": 1e9}))) == 3
    assert said(reading(bench, times("matmul", 408, 4.0, 2.0, 1.0)[:1], {})) == []


BELOW, ABOVE = (
    SimpleNamespace(value=value, text=text, doubt=doubt)
    for value, text, doubt in ((0.24, "24%", ()), (1.2, "120%~", ("above_limit",)))
)


def test_a_share_above_the_limit_and_a_suspect_record_are_marked() -> None:
    """The share of copy bandwidth is told for both ways; above 1.05 and disturbed it says so."""
    read = reading(bench, times("transpose", 3072, 10.0, 9.0, 2.0), {"bytes": 1e9})
    read.share = lambda variant, kind=None, **_: {"blocked": ABOVE, "naive": BELOW}[variant]  # type: ignore[method-assign]
    [sentence] = said(doubt(read, "blocked"))
    assert "120% of copy bandwidth (suspect: above the limit) instead of 24%; " in sentence
    assert sentence.endswith(STOLEN)
