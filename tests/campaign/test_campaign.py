"""A part of the campaign: mutants of each kind of file, and large ones. `python tests/campaign` runs all of it."""

from __future__ import annotations

import sys

import pytest

from campaign import doors, kinds, large, mutants

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked and bounded as Linux does it")
PART = {"run": 40, "asv": 40, "pytest": 20}


@pytest.mark.parametrize("kind", PART)
def test_mutants_are_answered_rightly_or_refused_in_one_line(kind, tmp_path):
    """Through the commands themselves: neither a traceback, nor a second line, nor half a page."""
    assert kinds.faults(kind, range(PART[kind]), tmp_path) == {}


@pytest.mark.parametrize("name", ["empty lists", "combinations of asv"])
def test_large_files_take_no_more_than_a_gigabyte(name, tmp_path):
    """Nor ten seconds of a processor."""
    assert large.faults(tmp_path, [name]) == {}


def test_a_seed_gives_one_file(tmp_path):
    """So that a fault can be looked at again."""
    made = [
        (mutants.run_file(seed), mutants.asv_results(seed, tmp_path), mutants.pytest_results(seed, tmp_path))
        for seed in (*range(5), *range(5))
    ]
    assert made[:5] == made[5:]
    assert len({run for (run, _), _, _ in made}) == 5


@pytest.mark.parametrize(
    "said",
    [
        doors.Said(1, "", "Traceback (most recent call last)"),
        doors.Said(2, "", "hwbench: OverflowError: x (HWBENCH_DEBUG=1 shows where)\n"),
        doors.Said(2, "", "one\ntwo\n"),
        doors.Said(2, "", "x" * 10_000),
        doors.Said(0, "{}", "RuntimeWarning: overflow\n"),
        doors.Said(0, "{", ""),
        doors.Said(0, '{"x": NaN}', ""),
        doors.Said(0, "\x1b[31m", ""),
        doors.Said(99, "", "Killed"),
    ],
)
def test_faults_are_seen(said):
    """What the campaign looks for."""
    assert doors.fault(said, strict_json=True)


def test_what_takes_too_much_is_seen():
    """Too many bytes in a process that is right otherwise."""
    most = 2**28
    held = "x" * (most + 2**26)  # what this process has does not count
    assert large.in_bounds(large.take, most, memory=most).endswith("MiB")
    assert large.in_bounds(large.take, 1, memory=most) == ""
    assert held
