"""What a watcher of a run is told: time left from like cases, a line for each contrast, and what went wrong."""

import io

import pytest
from rich.console import Console

from doubles.scripted import group, record, scripted_bench
from hwbench.cli import progress
from hwbench.cli.progress import Bar, Forecast, Lines, describe, outcome
from hwbench.measurement.cases import Group
from hwbench.record.reasons import Reason

ONE = group(scripted_bench({"a": 1.0, "b": 1.0}, "x.one"), size="L1", dtype="f8")
TWO = group(scripted_bench({"a": 1.0}, "x.two"), size="L2")


@pytest.fixture
def clock(monkeypatch):
    """A clock for progress that is set by hand."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


def test_nothing_is_forecast_before_anything_was_measured():
    """No time left is better than a made-up one."""
    assert Forecast([ONE]).seconds() is None


def test_time_left_is_by_the_cases_of_the_same_bench_and_else_of_all():
    """Two cases of one took 4 s: one more group of it takes 4 s, and a case of another bench 2 s until it is known."""
    forecast = Forecast([ONE, ONE, TWO, TWO, TWO])
    forecast.took(ONE, 4.0)
    assert forecast.seconds() == 4.0 + 3 * 2.0
    forecast.took(TWO, 1.0)
    assert forecast.seconds() == 4.0 + 2 * 1.0
    forecast.took(TWO, 1.0)
    forecast.took(ONE, 4.0)
    forecast.took(TWO, 1.0)
    assert forecast.seconds() == 0.0


def test_slow_first_benches_do_not_stand_for_all_that_come():
    """Of 50 cases that usually take 1 s two took 8 s: the others are taken to take (8 + 1·5) / (2 + 5) s each."""
    forecast = Forecast([ONE, *[TWO] * 48], usual=1.0)
    forecast.took(ONE, 8.0)
    assert forecast.seconds() == pytest.approx(48 * 13 / 7)
    forecast.took(TWO, 1.5)
    assert forecast.seconds() == pytest.approx(47 * 1.5), "what was measured of a bench counts alone"


def test_of_few_cases_the_first_do_not_make_the_forecast_jump():
    """Of 5 cases that usually take 1 s two took 8 s: the usual time counts as three cases."""
    forecast = Forecast([ONE, *[TWO] * 3], usual=1.0)
    forecast.took(ONE, 8.0)
    assert forecast.seconds() == pytest.approx(3 * 11 / 5)


def test_off_a_terminal_each_contrast_is_one_plain_line(clock):
    """How far, how long still, what came out; no escape sequences, no carriage returns."""
    stream = io.StringIO()
    lines = Lines(stream)
    lines.planned([ONE, TWO], 3)
    lines.measuring(ONE)
    clock[0] = 4.0
    lines.measured(ONE, [record("a", samples=(0.001, 0.002, 0.003)), record("b", status="skipped", samples=())])
    lines.measuring(TWO)
    clock[0] = 5.0
    lines.measured(TWO, [record("a", samples=(2e-6,), status="suspect")])
    lines.trouble("the disk is full")
    lines.close()
    assert stream.getvalue() == (
        "measuring 3 cases of 2 benches; 3 cases were measured before\n"
        "[1/2, 2 s left] x.one L1 f8: a 2.00 ms, b skipped\n"
        "[2/2] x.two L2: a 2.00 µs (suspect)\n"
        "warning: the disk is full\n"
    )


def test_the_bar_goes_to_its_console_and_leaves_trouble_on_the_screen(clock):
    """On a terminal a bar with the time left; wrong and failed cases stay as lines above it."""
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    bar = Bar(console)
    bar.planned([ONE, TWO], 0)
    bar.measuring(ONE)
    clock[0] = 4.0
    bar.measured(
        ONE,
        [
            record("a"),
            record("b", status="wrong", samples=(), reasons=[Reason("wrong_answer", "differs [bold]from[/] 42")]),
        ],
    )
    assert bar.progress.tasks[0].completed == 1
    assert bar.progress.tasks[0].total == 2
    assert bar.progress.tasks[0].fields["left"] == "2 s left"
    bar.close()
    bar.close()
    text = console.file.getvalue()
    assert "wrong: test.bench/b []: differs [bold]from[/] 42" in text
    assert text.count("measuring 3 cases of 2 benches") == 1


def test_a_group_is_described_by_what_its_cases_share():
    """Axes taken together are told with each case, not with the group."""
    assert describe(ONE) == "x.one L1 f8"
    both = Group(ONE.bench, (*group(ONE.bench, threads=1, n=5).cases, *group(ONE.bench, threads=2, n=5).cases))
    assert describe(both) == "x.one 5"


def test_outcomes_name_what_varies():
    """The variant where there are several or one only, and the values that differ."""
    same = {"n": 5}
    assert outcome([record("a", params=same)]) == "a 1.00 s"
    together = [record("a", params={"threads": t, "n": 5}, samples=(t / 2,) * 3) for t in (1, 2)]
    assert outcome(together) == "1 500 ms, 2 1.00 s"
