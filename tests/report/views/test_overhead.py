"""The price of a prange: where its line meets the plain loop's."""

from __future__ import annotations

import pytest

from hwbench.record import text
from hwbench.record.model import Run
from hwbench.report.views.overhead import figure as overhead
from made_up.page import column, dataset, labels
from made_up.sample import replace, sample_run


@pytest.fixture(scope="module")
def run() -> Run:
    return sample_run(every_status=False)


def test_break_evens_are_where_the_lines_meet(run: Run) -> None:
    """4 µs at 0.15 ns saved an element are 25 000 elements; interpolation between powers of ten finds it roughly."""
    shown = overhead(dataset(run))
    assert shown is not None
    found = dict(zip(column(shown, "variant"), column(shown, "wins from n"), strict=True))
    assert found["serial"] == "–"
    assert 15_000 < int(found["omp"].replace(text.SPACE, "")) < 45_000
    assert 80_000 < int(found["workqueue"].replace(text.SPACE, "")) < 250_000
    assert set(labels(shown, "solid")) == {"omp", "workqueue"}


def test_an_interval_of_a_decade_is_no_crossover(run: Run) -> None:
    """Where samples scatter so much that omp may win anywhere, no rule is drawn and the table says why."""
    spread = (0.05, 0.05, 0.05, 0.2, 1, 1, 5, 20, 20, 20)
    records = [
        replace(r, samples=[r.samples[0] * factor for factor in spread] if r.variant == "omp" else r.samples[:1] * 10)
        for r in run.records
        if r.bench == "parallel.overhead"
    ]
    shown = overhead(dataset(replace(run, records=records)))
    assert shown is not None
    found = dict(zip(column(shown, "variant"), column(shown, "wins from n"), strict=True))
    assert found["omp"] == "no clear crossover"
    assert "omp" not in labels(shown, "solid")


def test_a_layer_that_never_wins_says_so(run: Run) -> None:
    """Up to the largest n measured it has not: no rule, and words in the table."""
    records = [r for r in run.records if r.bench == "parallel.overhead" and r.params["n"] in (100, 1000)]
    shown = overhead(dataset(replace(run, records=records)))
    assert shown is not None
    assert column(shown, "wins from n") == ["–", "not up to here", "not up to here"]
    assert labels(shown, "solid") == []
