"""`hwbench fleet diagnose` and `report`."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from hwbench.cli import app, fleet_diagnose
from hwbench.fleet import reading
from hwbench.fleet.cube import Cube
from made_up.machines_alike import alike

SICK = Cube([alike(faults={3: ("memory channel", 0.3)})], ["day 1: is no Parquet"])
ONE_RUN = Cube([alike(runs=1, faults={3: ("memory channel", 0.3)})], [])


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "80")

    def runs(made, *words):
        monkeypatch.setattr(reading, "read", lambda *given: made)
        return CliRunner().invoke(app.app, ["fleet", words[0], str(tmp_path), *words[1:]])

    return runs


def test_the_odd_one_is_named_with_its_evidence(run):
    done = run(SICK, "diagnose")
    assert done.exit_code == 1
    assert "240 machines in 1 group: 1 odd, 0 doubtful" in done.output
    assert "node-003 is odd: memory channel, more than 99%" in done.output
    assert "dram.copy.all 0." in done.output.replace("\n  ", " ")
    assert "look at memory modules" in done.output
    assert "left out: day 1: is no Parquet" in done.output
    assert max(map(len, done.output.splitlines())) <= 80


def test_a_healthy_fleet_is_good(run):
    assert run(Cube([alike(40)], []), "diagnose").exit_code == 0


def test_json_has_the_stated_shape(run):
    told = json.loads(run(SICK, "diagnose", "--json").output)
    assert list(told) == ["machines", "groups", "odd", "doubtful", "refused"]
    assert told["odd"][0]["machine"] == "node-003"


def test_the_doubtful_are_listed_for_fleet_run(run):
    done = run(ONE_RUN, "diagnose", "--retest")
    assert done.exit_code == 0
    head, line = done.output.splitlines()
    assert head.startswith("# hwbench fleet run --to ")
    assert line.startswith("node-003  # memory channel? ")
    assert "stream.load" in line
    assert "measured again before it is accused" in run(ONE_RUN, "diagnose").output


def test_many_are_not_all_printed(run, monkeypatch):
    monkeypatch.setattr(fleet_diagnose, "SHOWN", 1)
    two = Cube([alike(faults={3: ("memory channel", 0.3), 5: ("clock", 0.3)})], [])
    assert "and 1 more that are odd: --json" in run(two, "diagnose").output


def test_names_are_printed_and_not_obeyed(run):
    group = alike(faults={3: ("memory channel", 0.3)})
    group.machines[3] = "\x1b[2Jnode"
    assert "\x1b" not in run(Cube([group], []), "diagnose").output


def test_both_forms_at_once_are_refused(run):
    done = run(SICK, "diagnose", "--json", "--retest")
    assert "choose one" in str(done.exception)


def test_a_page_is_written(run, tmp_path):
    page = tmp_path / "page.html"
    done = run(SICK, "report", "-o", str(page))
    assert (done.exit_code, done.output) == (0, f"report: {page}\n")
    assert "node-003" in page.read_text("utf-8")
