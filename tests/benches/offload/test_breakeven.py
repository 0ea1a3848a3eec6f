"""Break-even: the GPU against the best of the CPU."""

from __future__ import annotations

from hwbench.benches.offload import breakeven
from made_up.gpu_records import GPU, record, said


def test_break_even_takes_the_best_of_the_cpu():
    """The GPU has to beat whichever CPU variant is the faster one at each size."""
    rows = []
    for n in (4**5, 4**6, 4**7, 4**8):
        for variant, device, seconds in (
            ("numpy", "cpu", 1e-9 * n), ("parallel", "cpu", 4e-6 + 0.25e-9 * n), ("cupy", GPU, 1e-3 + 1e-9 * n),
            ("resident", GPU, 1e-5 + 1e-12 * n),
        ):  # fmt: skip
            rows.append(record("offload.breakeven", variant, {"work": "add", "n": n}, seconds, device=device))
    [text] = said(breakeven.bench, *rows)
    assert text.startswith("For adding two arrays the GPU never wins with the way there and back, and wins from n ≈ 2")


def test_break_even_says_what_the_cpu_has_where_there_is_no_gpu():
    """Without a GPU the sentence is about all CPUs against NumPy."""
    rows = [
        record("offload.breakeven", variant, {"work": "sum", "n": 4**10}, seconds, device="cpu")
        for variant, seconds in (("numpy", 4e-4), ("parallel", 2e-4))
    ]
    [text] = said(breakeven.bench, *rows)
    assert text == (
        "On the CPU alone, for summing an array of n = 1\u202f048\u202f576 all threads are 2.00× as fast as NumPy."
    )
    rows[1] = record("offload.breakeven", "parallel", {"work": "sum", "n": 4**10}, 8e-4, device="cpu")
    [text] = said(breakeven.bench, *rows)
    assert text.endswith("all threads are 2.00× as slow as NumPy.")


def test_matrices_are_square_and_no_larger_than_n():
    """√n rows, rounded down."""
    assert [breakeven.side_of(n) for n in (1, 15, 16, 4**5)] == [1, 3, 4, 32]
