"""clpeak's output, and what is said where it has none."""

from __future__ import annotations

import types

import pytest

from hwbench.bench import Skip
from hwbench.crosscheck.tools import clpeak

PRINTED = """
Platform: Portable Computing Language
  Device: pthread
    Driver version  : 3.1 (Linux x64)
    Clock frequency : 2596 MHz

    Global memory bandwidth (GBPS)
      float   : 4.11
      float16 : 21.28

    Single-precision compute (GFLOPS)
      float   : 1.04
      float4  : 3.24

    No half precision support! Skipped
"""


def test_a_rate_is_of_its_section_and_width():
    """Or the best of all widths, in SI units."""
    assert clpeak.parse(PRINTED, "Global memory bandwidth", "float", "clpeak") == pytest.approx(4.11e9)
    assert clpeak.parse(PRINTED, "Single-precision", "float", "clpeak") == pytest.approx(1.04e9)
    assert clpeak.parse(PRINTED, "Single-precision", "", "clpeak") == pytest.approx(3.24e9)


@pytest.mark.parametrize(("section", "width"), [("Double-precision", ""), ("Single-precision", "float16")])
def test_what_it_does_not_report_is_a_skip(section, width):
    """A device without doubles, or another version's output."""
    with pytest.raises(Skip, match=r"clpeak reported no rate: .*Skipped"):
        clpeak.parse(PRINTED, section, width, "clpeak")


def test_it_runs_on_the_device_that_ours_runs_on(monkeypatch):
    """By platform and device number, one test alone, timed by events; one that hangs is a skip."""
    seen = []

    def run(command, **how):
        seen.append(command)
        return types.SimpleNamespace(stdout=PRINTED)

    monkeypatch.setattr(clpeak.subprocess, "run", run)
    command = clpeak.arguments((1, 0), "Single-precision")
    runs = clpeak.Runs("Single-precision")
    assert runs.rate(command, "float4") == pytest.approx(3.24e9)
    assert seen == [["clpeak", "-p", "1", "-d", "0", "--use-event-timer", "--compute-sp"]]

    def hang(command, **how):
        raise clpeak.subprocess.TimeoutExpired(command, how["timeout"])

    monkeypatch.setattr(clpeak.subprocess, "run", hang)
    with pytest.raises(Skip, match="did not end within 300 s"):
        runs.rate(command, "float4")


def test_a_run_answers_once_for_each_width(monkeypatch):
    """Who asks again gets a new run, and the others its figures."""
    found = iter("123")
    monkeypatch.setattr(
        clpeak.subprocess, "run", lambda *_, **__: types.SimpleNamespace(stdout=PRINTED.replace("1.04", next(found)))
    )
    runs = clpeak.Runs("Single-precision")
    asked = ["float", "float4", "float", "float", ""]
    assert [runs.rate([], width) for width in asked] == pytest.approx([1e9, 3.24e9, 2e9, 3e9, 3.24e9])


def test_where_it_is_missing_the_command_that_installs_it_is_said(monkeypatch):
    """One line."""
    monkeypatch.setattr(clpeak.shutil, "which", lambda name: None)
    assert clpeak.why_not() == "clpeak is not installed (Debian, Ubuntu: apt-get install clpeak)"
