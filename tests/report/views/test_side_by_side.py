"""Side by side: the twelve headline quantities of runs with threads, ratios and doubts."""

from __future__ import annotations

from hwbench.analysis.headline import TWELVE
from hwbench.record.reasons import Reason
from hwbench.report.views.side_by_side import NAMES, view
from made_up.page import dataset, record, run_of, table_of
from made_up.sample import LAPTOP, replace, sample_run


def reading(rate: float, threads: int | str, **more: object):
    """Reading memory at so many GB/s."""
    params = {"size": "DRAM", "dtype": "f8", "threads": threads}
    facts = {"threads": 2 if threads == "all" else threads}
    return replace(record("stream.load", "simd", 1e-6, {"bytes": rate * 1e3}, params=params, facts=facts), **more)


def rows(*runs):
    return {row[0]: list(row[1:]) for row in table_of(view(dataset(*runs))).rows}


def other(*records):
    return replace(sample_run(LAPTOP, benches=()), records=list(records))


def test_runs_are_compared_on_like_threads_with_the_ratio_of_times() -> None:
    """Twice the bandwidth is 2.00× faster, twice the latency 2.00× slower; all threads are counted."""
    chase = record("latency.chase", "follow", 1e-6, {"hops": 10.0}, params={"size": "DRAM", "order": "random"})
    slow = replace(chase, samples=[2e-6] * 10)
    found = rows(run_of(reading(50, 1), reading(80, "all"), chase), other(reading(100, 1), reading(80, "all"), slow))
    assert found["Reading memory, one thread"] == ["GB/s", "50.0", "100", "2.00× faster"]
    assert found["Reading memory, all threads"] == ["GB/s", "80.0 (2 threads)", "80.0 (2 threads)", "same"]
    assert found["Memory latency"] == ["ns", "100", "200", "2.00× slower"]


def test_two_runs_stay_columns_on_a_phone() -> None:
    """More have no room side by side: then a row is a paragraph."""
    one, two = run_of(reading(50, 1)), other(reading(60, 1))
    assert table_of(view(dataset(one, two))).fits
    assert not table_of(view(dataset(one, two, one))).fits


def test_a_doubtful_figure_is_marked_and_explained() -> None:
    """The value and the ratio have a `~`; the reason stands below the heading, with the run's name."""
    stolen = reading(50, 1, status="suspect", reasons=[Reason("steal", "5% of a CPU")])
    runs = (run_of(reading(50, 1)), other(stolen))
    assert rows(*runs)["Reading memory, one thread"][2:] == ["50.0~", "same~"]
    section = view(dataset(*runs))
    assert section is not None
    assert "Reading memory, one thread, laptop" in section.intro[-1]


def test_what_one_run_lacks_has_no_ratio() -> None:
    """A dash, not another quantity."""
    assert rows(run_of(reading(50, 1)), other())["Reading memory, one thread"] == ["GB/s", "50.0", "–", "–"]


def test_a_lone_run_has_nothing_beside_it() -> None:
    """No section."""
    assert view(dataset(sample_run())) is None


def test_every_one_of_the_twelve_has_its_name() -> None:
    """The table says each in words."""
    assert tuple(NAMES) == TWELVE
