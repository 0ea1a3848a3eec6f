"""What processes wrote: each tool's results, what failed, and why there is nothing."""

from __future__ import annotations

import json

import pytest

from doubles.scripted import record, run_of
from hwbench.ab import results
from hwbench.ab.metrics import metrics
from hwbench.ab.process import Ended
from hwbench.ab.tools import RESULT, command
from hwbench.record import store
from hwbench.tracking import rules as project
from hwbench.tracking.history import TrackingError
from hwbench.tracking.rules import Rule, Rules


def ended(code=0, output="", errors=""):
    return Ended(code, 1.5, 1.0, output, errors)


def pytest_file(path, *names, **more):
    stats = {"median": 2.0, "mean": 3.0, "min": 1.0, "rounds": 3, "iqr": 0.1, "data": [1.0, 2.0, 6.0]}
    found = [{"name": name, "fullname": f"tests/x.py::{name}", "params": None, "stats": stats} | more for name in names]
    path.write_text(json.dumps({"machine_info": {}, "commit_info": {}, "benchmarks": found}))


def read(line, tmp_path, how, rules=None, **more):
    return results.read(command(line.split(), **more), how, tmp_path, rules or Rules())


def test_a_command_is_timed_as_a_whole(tmp_path):
    """By the name that the user gave it."""
    [one] = read("python x.py", tmp_path, ended()).values
    assert (one.bench, one.value) == ("python x.py", 1.5)


def test_files_of_all_tools_are_read_as_what_they_are(tmp_path):
    """`{out}` says nothing of the format."""
    path = tmp_path / RESULT
    pytest_file(path, "test_a")
    assert read("x {out}", tmp_path, ended()).values[0].value == 1.0
    path.write_text(json.dumps({"benchmarks": [{"metadata": {"name": "a"}, "runs": [{"values": [3.0]}]}]}))
    assert read("x {out}", tmp_path, ended()).values[0].value == 3.0
    path.write_text(json.dumps({"results": [{"command": "a", "mean": 4.0}]}))
    assert read("x {out}", tmp_path, ended()).values[0].value == 4.0
    store.write(run_of(record(samples=(5.0, 5.0, 5.0))), path)
    assert read("x {out}", tmp_path, ended()).values[0].value == 5.0
    path.write_text("{}")
    with pytest.raises(TrackingError, match=r"wrote result\.json, which is of none of"):
        read("x {out}", tmp_path, ended())


def test_runs_are_judged_as_concluded_and_failures_are_values(tmp_path):
    """Exit code 1 of `hwbench run` is a wrong answer, which the run holds."""
    from hwbench.record.reasons import Reason

    wrong = record(bench="b", samples=(), status="wrong", reasons=[Reason("wrong_answer", "differs")])
    store.write(run_of(record(), wrong), tmp_path / RESULT)
    good, bad = read("hwbench run", tmp_path, ended(1)).values
    assert good.value
    assert (bad.unfit, bad.why) == ("wrong", "differs")


def test_the_project_chooses_metrics_and_directions(tmp_path):
    """As `compare` takes them; without a choice the best round counts, since what disturbs only makes it worse."""
    pytest_file(tmp_path / RESULT, "test_a", "test_b")
    rules = Rules(rules=[Rule("test_a*", metric="median"), Rule("test_b*", higher=True)])
    first, second = read("pytest", tmp_path, ended(), rules).values
    assert (first.value, second.value, second.higher) == (2.0, 6.0, True)
    [one] = read("python x.py", tmp_path, ended(output="n 3"), Rules(rules=[Rule("n", higher=True)]),
                 metrics=metrics(["n=n (.)"])).values  # fmt: skip
    assert (one.value, one.higher) == (3.0, True)


def test_each_value_states_its_statistic_and_the_median(tmp_path):
    """Of rounds that were kept or summed up; a single time has none."""
    pytest_file(tmp_path / RESULT, "test_a")
    quartile = project.by_statistic(Rules(rules=[Rule("*", metric="median")]), "quartile")
    [one] = read("pytest", tmp_path, ended(), quartile).values
    assert (one.value, one.statistic, one.median) == (1.5, "quartile", 2.0)
    stats = {"median": 2.0, "mean": 3.0, "min": 1.0, "q1": 1.25, "rounds": 3, "iqr": 0.1}
    pytest_file(tmp_path / RESULT, "test_a", stats=stats)
    values = [read("pytest", tmp_path, ended(), how).values[0] for how in (Rules(), quartile)]
    assert [(one.value, one.statistic, one.median) for one in values] == [(1.0, "min", 2.0), (1.25, "quartile", 2.0)]
    [whole] = read("python x.py", tmp_path, ended()).values
    assert (whole.statistic, whole.median) == ("", None)


def test_tests_that_fail_are_named_as_where_they_pass(tmp_path):
    """pytest-benchmark's file lacks them; pytest's summary has them."""
    pytest_file(tmp_path / RESULT, "test_a[1]", params={"n": 1})
    passed = read("pytest", tmp_path, ended())
    (tmp_path / RESULT).unlink()
    said = "FAILED tests/x.py::test_a[1] - ValueError: no\nERROR tests/y.py::test_c - boom\n1 failed\n"
    failed = read("pytest", tmp_path, ended(1, said))
    [good], [bad, other] = results.with_failures([passed, failed])
    assert good.key == bad.key
    assert (bad.unfit, bad.why) == ("failed", "ValueError: no")
    assert other.bench == "test_c (tests/y.py)"


@pytest.mark.parametrize(
    ("line", "how", "said"),
    [
        ("python x.py", ended(1, errors="Traceback\nValueError: no\n"), r"^ended by exit code 1: ValueError: no$"),
        ("python x.py", ended(-11), "^ended by SIGSEGV: it said nothing"),
        ("pytest", ended(4, errors="pytest: error: unrecognized arguments: --x\n"), "unrecognized arguments: --x"),
        (
            "pytest",
            ended(
                2,
                "E   ModuleNotFoundError: No module named 'x'\nERROR tests/x.py\n! Interrupted: 1 error !\n",
            ),
            "exit code 2: ModuleNotFoundError: No module named 'x'$",
        ),
        ("pytest", ended(5, "no tests ran in 0.01s\n"), "pytest selected no test"),
        ("pytest", ended(0, "3 passed\n"), "is it installed"),
        ("asv run", ended(0), "asv saved no result"),
        ("asv run", ended(1, "   ImportError: no x\n\n·· Failed to build\n"), "exit code 1: ImportError: no x$"),
        ("hwbench run", ended(2, errors="hwbench: no\n"), "exit code 2: hwbench: no"),
        ("x {out}", ended(0), "must write its results to {out}"),
    ],
)
def test_why_nothing_was_measured_is_one_line(tmp_path, line, how, said):
    """What the process said, or what is missing."""
    with pytest.raises(TrackingError, match=said):
        read(line, tmp_path, how)


def test_a_metric_that_is_never_printed_ends_it(tmp_path):
    """One of two may fail."""
    two = metrics(["n=n (.)", "m=m (.)"])
    first, second = read("x", tmp_path, ended(output="n 3"), metrics=two).values
    assert (first.value, second.unfit) == (3.0, "failed")
    with pytest.raises(TrackingError, match="printed nothing that --metric n finds: other"):
        read("x", tmp_path, ended(output="other"), metrics=two)
