"""Break-even: the GPU against the best of the CPU."""

from __future__ import annotations

from msgspec.structs import replace

from hwbench.benches.offload import breakeven
from made_up.gpu_records import GPU, record, said, suspect


def timed(work, n, **seconds):
    return [
        record(
            "offload.breakeven",
            name,
            {"work": work, "n": n},
            each,
            device=GPU if name in ("cupy", "resident") else "cpu",
        )
        for name, each in seconds.items()
    ]


def adding(work="add", sizes=(4**5, 4**6, 4**7, 4**8)):
    """The GPU has to beat whichever CPU variant is the faster one at each size; sending alone takes a millisecond."""
    rows = []
    for n in sizes:
        rows += timed(work, n, numpy=1e-9 * n, parallel=4e-6 + 0.25e-9 * n)
        rows += timed(work, n, cupy=1e-3 + 1e-9 * n, resident=1e-5 + 1e-12 * n)
    return rows


def test_break_even_takes_the_best_of_the_cpu():
    """Never with the transfers; without them once all CPU threads need more than the 10 µs of a launch."""
    sent, kept = said(breakeven.bench, *adding())
    assert sent == (
        "GPU against the fastest CPU variant, transfers included: adding two arrays not faster up to n = 65\u202f536."
    )
    assert kept.startswith(
        "GPU against the fastest CPU variant, data already on the GPU: adding two arrays faster from n ≈ 2"
    )


def test_two_and_three_works_are_a_list():
    """A GPU that always wins says from which n it was measured."""
    fast = [one for n in (4**5, 4**6) for one in timed("fft", n, numpy=1.0, cupy=1e-3)]
    [two] = said(breakeven.bench, *(one for one in adding() if one.variant != "resident"), *fast)
    assert two.endswith("adding two arrays not faster up to n = 65\u202f536 and an FFT faster at every n from 1024.")
    sent, _ = said(breakeven.bench, *adding(), *adding("sum"), *fast)
    assert "65\u202f536, summing an array not faster up to n = 65\u202f536 and an FFT" in sent


def test_a_crossover_that_is_a_decade_wide_is_none():
    """In the middle the GPU takes now 0.6 of the CPU's time, now 1.6: it crosses before that size or beyond it."""
    rows = [one for n, gpu in ((4**5, 1.3), (4**7, 1.0), (4**9, 0.5)) for one in timed("sum", n, numpy=1.0, cupy=gpu)]
    rows[3] = replace(rows[3], samples=[0.6, 1.6] * 5)
    [told] = said(breakeven.bench, *rows)
    assert told.endswith("included: summing an array without a clear crossover (n = 2620–50\u202f300).")


def test_disturbed_sizes_are_marked():
    """One size is enough; one size alone tells nothing."""
    rows = adding()
    sent, kept = said(breakeven.bench, suspect(rows[2]), *rows[3:], *rows[:2])
    assert sent.endswith(" (suspect: the GPU was held back by its power limit).")
    assert "suspect" not in kept
    assert said(breakeven.bench, *adding(sizes=(1024,)))[0].startswith("All CPU threads against NumPy: ")


def test_break_even_says_what_the_cpu_has_where_there_is_no_gpu():
    """Without a GPU the sentence is about all CPU threads against NumPy, at the largest n of each work."""
    rows = [*timed("sum", 4**10, numpy=4e-4, parallel=2e-4), *timed("sum", 4**5, numpy=4e-4, parallel=9e-4)]
    assert said(breakeven.bench, *rows) == [
        "All CPU threads against NumPy: summing an array 2.000× faster (1.998–2.002) at n = 1\u202f048\u202f576."
    ]
    [two] = said(breakeven.bench, *rows, *map(suspect, timed("add", 4**5, numpy=4e-4, parallel=8e-4)))
    assert "NumPy: adding two arrays 2.00" in two
    assert " slower (" in two
    assert " at n = 1024 (suspect: the GPU was held back by its power limit) and summing an array 2.00" in two
    assert said(breakeven.bench, *timed("add", 4**5, numpy=1.0)) == []


def test_matrices_are_square_and_no_larger_than_n():
    """√n rows, rounded down."""
    assert [breakeven.side_of(n) for n in (1, 15, 16, 4**5)] == [1, 3, 4, 32]
