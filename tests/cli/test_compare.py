"""`hwbench compare`: verdicts and exit codes."""

from __future__ import annotations

import json

import pytest

from doubles.scripted import record
from inspection.loaded import modules_of
from made_up.commands import saved


def two(out, factor):
    old = saved(out, record("fast", samples=[1 + i / 1000 for i in range(12)]), stamp="20251122T180000Z")
    new = saved(out, record("fast", samples=[factor * (1 + i / 1000) for i in range(12)]))
    return old, new


@pytest.mark.parametrize(("factor", "verdict", "code"), [(1.5, "slower", 1), (0.5, "faster", 0), (1.0, "same", 0)])
def test_compare_exits_1_where_something_is_slower(command, out, factor, verdict, code):
    """Verdicts in words and as JSON; the shell learns of a regression."""
    old, new = two(out, factor)
    done = command("compare", old, new)
    assert done.code == code
    assert done.out.splitlines()[-1].strip() == f"1 {verdict}"
    as_json = command("compare", old.stem, new.stem, "--out", out, "--json")
    assert as_json.code == code
    [case] = json.loads(as_json.out)["cases"]
    assert (case["verdict"], case["ratio"]) == (verdict, pytest.approx(factor))


def test_compare_takes_a_threshold(command, out):
    """What does not matter is said by who compares."""
    old, new = two(out, 1.5)
    assert command("compare", old, new, "--threshold", "0.6").code == 0


def test_compare_of_runs_with_nothing_in_common(command, out):
    """Not measured is a verdict too; no cases at all are said."""
    one = saved(out, record("a"), stamp="20251122T180000Z")
    other = saved(out, record("b"))
    assert "2 not measured" in command("compare", one, other).out
    empty = saved(out, stamp="20241122T180000Z")
    assert "no cases" in command("compare", empty, empty).out


def test_two_files_are_compared_without_numba(out):
    """Verdicts of stored runs need no bench and no kernel."""
    code, modules = modules_of("compare", *two(out, 1.0))
    assert code == 0
    assert not modules & {"numba", "llvmlite"}


def test_compare_prints_one_format(command, out):
    """JSON or Markdown, not both."""
    done = command("compare", *two(out, 1.0), "--json", "--markdown")
    assert (done.code, done.err) == (2, "hwbench: --json and --markdown: choose one\n")
