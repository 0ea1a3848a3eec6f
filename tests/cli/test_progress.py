"""What a watcher of a run is told: time left from like cases, a line for each bench, and what went wrong."""

import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from doubles.scripted import group, record, scripted_bench
from hwbench.cli import progress
from hwbench.cli.progress import Bar, Forecast, Lines, describe, outcome
from hwbench.measurement.cases import Group
from hwbench.record.reasons import Reason

ONE = group(scripted_bench({"a": 1.0, "b": 1.0}, "x.one"), size="L1", dtype="f8")
TWO = group(scripted_bench({"a": 1.0}, "x.two"), size="L2")
LONG = group(scripted_bench({"a": 1.0}, "x.two"), size="a value that is longer than most terminals are wide")
FLOPS = {"counts": {"flops": 1e9}}


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


def test_off_a_terminal_each_bench_is_one_plain_line(clock):
    """When its last group is done: how far, how long still, what came out; no escapes, no carriage returns."""
    stream = io.StringIO()
    lines = Lines(stream)
    lines.planned([ONE, ONE, TWO], 3)
    for rows in ([record("a", (8.0,) * 3, **FLOPS)], [record("b", (2.0,) * 3, **FLOPS)]):
        lines.measuring(ONE)
        clock[0] += 4.0
        lines.measured(ONE, rows)
    lines.measuring(TWO)
    clock[0] += 1.0
    lines.measured(TWO, [record("a", (), status="skipped", reasons=[Reason("needs_smt")])])
    lines.trouble("the disk is \x1b[31mfull")
    lines.close()
    assert stream.getvalue() == (
        "measuring 5 cases of 2 benches; 3 cases were measured before\n"
        "[1/2, 2 s left] x.one                 b 4.00× faster than a\n"
        "[2/2] x.two                 1 case skipped: needs SMT\n"
        "warning: the disk is \\x1b[31mfull\n"
    )


def test_a_long_build_is_told_once_a_stage(clock):
    """It says the same over and over; the next group begins anew."""
    stream = io.StringIO()
    lines = Lines(stream)
    lines.planned([ONE, TWO], 0)
    for one in (ONE, TWO):
        lines.measuring(one)
        for what in ("synthesising, 1 of 60 s", "synthesising, 12 of 60 s", "placing"):
            lines.doing(what)
    name, other = describe(ONE), describe(TWO)
    assert stream.getvalue().splitlines()[1:] == [
        f"{name}: synthesising, 1 of 60 s", f"{name}: placing",
        f"{other}: synthesising, 1 of 60 s", f"{other}: placing",
    ]  # fmt: skip


def test_what_goes_wrong_is_said_at_once(clock):
    """Before the bench is done, with the case."""
    stream = io.StringIO()
    lines = Lines(stream)
    lines.planned([ONE, ONE], 0)
    lines.measuring(ONE)
    lines.measured(ONE, [record("b", (), status="wrong", reasons=[Reason("wrong_answer", "differs")])])
    assert stream.getvalue().splitlines()[1:] == ["wrong: test.bench/b []: differs"]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_bar_fits_every_terminal_and_benches_stay_above_it(clock, width):
    """What is measured now is cut where it has to be; time left and figures are whole."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    bar = Bar(console)
    bar.planned([ONE, TWO], 0)
    bar.measuring(LONG)
    bar.progress.refresh()
    bar.measuring(ONE)
    clock[0] = 4.0
    bar.measured(
        ONE,
        [
            record("a", (8.0,) * 3, **FLOPS),
            record("b", (), status="wrong", reasons=[Reason("wrong_answer", "differs [bold]from[/] 42")]),
        ],
    )
    bar.progress.refresh()
    assert bar.progress.tasks[0].completed == 1
    assert bar.progress.tasks[0].total == 2
    assert bar.progress.tasks[0].fields["left"] == "2 s left"
    bar.close()
    bar.close()
    said = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", console.file.getvalue())
    assert max(len(line) for line in re.split("[\r\n]", said)) <= width
    flat = " ".join(said.split())
    assert "2 s left" in flat
    assert "wrong: test.bench/b []: differs [bold]from[/] 42" in flat
    assert "x.one a 0.125 GFLOP/s" in flat
    assert flat.count("measuring 3 cases of 2 benches") == 1


SCRIPT = """
import io, sys
from doubles.scripted import group, record, scripted_bench
from hwbench.cli import streams
from hwbench.cli.run import _observer
streams.prepare()
bench = group(scripted_bench({"a": 1.0}, "x.one"), size="L1")
seen = _observer(0.0)
seen.planned([bench, bench], 0)
for _ in range(2):
    seen.measuring(bench)
    seen.measured(bench, [record("a", (2.0,) * 3, counts={"flops": 1e9})])
seen.close()
"""
FRAME = "━"
UNSET = ("CI", "NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


def on_a_terminal(**variables):
    """What a run's progress writes to a terminal, or with `pipe=True` to a pipe, in this environment."""
    piped = variables.pop("pipe", False)
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), str(tests.parent / "src")])
    given = {**kept, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": path, **variables}
    if piped:
        done = subprocess.run([sys.executable, "-c", SCRIPT], env=given, stderr=subprocess.PIPE, check=True)
        return done.stderr.decode()
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", SCRIPT], env=given, stderr=theirs) as process:
        os.close(theirs)
        found = b""
        with contextlib.suppress(OSError):  # how a terminal ends on Linux
            while data := os.read(ours, 4096):
                found += data
    os.close(ours)
    assert process.returncode == 0
    return found.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(
    ("variables", "bar", "colour"),
    [({}, True, True), ({"NO_COLOR": "1"}, True, False), ({"FORCE_COLOR": "1"}, True, True),
     ({"CI": "true"}, False, False), ({"CI": "true", "FORCE_COLOR": "1"}, False, False),
     ({"TERM": "dumb"}, False, False),
     ({"pipe": True}, False, False), ({"pipe": True, "FORCE_COLOR": "1"}, False, False)],
)  # fmt: skip
def test_frames_of_the_bar_reach_terminals_alone(variables, bar, colour):
    """A log, of a pipe, of CI or of a dumb terminal, has one line for the plan and one for each bench."""
    said = on_a_terminal(**variables)
    assert (FRAME in said) == bar
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]", said)) == colour
    if not bar:
        assert "\x1b" not in said
        assert re.sub(", . s left", "", said).splitlines() == [
            "measuring 2 cases of 1 bench", "[1/1] x.one                 a 0.500 GFLOP/s"
        ]  # fmt: skip


def test_a_group_is_described_by_what_its_cases_share():
    """Axes taken together are told with each case, not with the group."""
    assert describe(ONE) == "x.one L1 f8"
    both = Group(ONE.bench, (*group(ONE.bench, threads=1, n=5).cases, *group(ONE.bench, threads=2, n=5).cases))
    assert describe(both) == "x.one 5"


def test_an_outcome_is_the_bench_s_figures_or_why_there_are_none():
    """The commonest reason of several."""
    info = ONE.bench.info
    skipped = [record("a", (), status="skipped", reasons=[Reason(code)]) for code in ("budget", "needs_smt", "budget")]
    assert outcome([record("a", (2.0,) * 3, **FLOPS)], info) == "a 0.500 GFLOP/s"
    assert outcome(skipped, info) == f"2 cases skipped: {skipped[0].why}"
    missing = [record("a", (), status="skipped", reasons=[Reason("needs_library", "needs x: python -m pip install x")])]
    assert outcome(missing, info) == "1 case skipped: a library is missing"
    assert outcome([record("a", (2.0,) * 3)], info) == "1 case measured"
    assert outcome([], info) == "0 cases measured"
