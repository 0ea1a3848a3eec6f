"""prange beside the best serial loop of the same work."""

from __future__ import annotations

from hwbench.report.views.beside_serial import figure
from hwbench.report.views.scaling import view as scaling
from made_up.page import column, dataset, record, run_of


def timed(bench, variant, n, seconds, threads=1):
    """A case of 24 bytes an element."""
    facts = {"threads": threads, "footprint": 24 * n}
    return record(bench, variant, seconds, {"bytes": 24.0 * n, "items": float(n)}, params={"n": n}, facts=facts)


RUN = run_of(
    *(
        timed(bench, variant, n, n * each, threads)
        for bench in ("vectorize.add", "vectorize.temporaries")
        for n in (1000, 100_000)
        for variant, each, threads in (
            ("numpy", 4e-9, 1),
            ("numba", 2e-9 if n > 1000 else 5e-9, 1),
            ("prange", 1e-9, 4),
        )
    )
)


def test_each_bench_with_both_has_absolute_rates_of_both():
    """The serial line is of the fastest variant at each n: NumPy at the short one, Numba at the long one."""
    shown = figure(dataset(RUN))
    assert shown is not None
    assert [panel.title for panel in shown.panels] == ["vectorize.add", "vectorize.temporaries"]
    marks = shown.panels[0].spec["datasets"]["marks"]
    assert [(row["series"], row["x"], row["value"]) for row in marks] == [
        ("s0", 1000, 6), ("s0", 100_000, 12), ("s1", 1000, 24), ("s1", 100_000, 24),
    ]  # fmt: skip
    assert column(shown, "variant")[:4] == ["numpy", "numba", "prange", "prange"]
    assert column(shown, "against the serial loop")[:4] == ["–", "–", "4.00× faster", "2.00× faster"]
    assert shown.panels[0].note == "At n = 100\u202f000, 4 threads against numba: 2.00× faster"
    assert shown in scaling(dataset(RUN)).blocks


def test_without_a_serial_loop_or_threads_there_is_nothing_to_draw():
    """Nor at one n: that is no line."""
    for kept in (
        [one for one in RUN.records if one.variant == "prange"],
        [one for one in RUN.records if one.variant != "prange"],
        [one for one in RUN.records if one.params["n"] == 1000],
    ):
        assert figure(dataset(run_of(*kept))) is None
