"""`hwbench fleet diagnose` and `report`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from hwbench.cli import app, fleet_diagnose
from hwbench.errors import StoreError
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


def test_what_groups_are_judged_by_is_wrapped_and_nameless_machines_are_seen(run):
    group = alike(33, faults=dict.fromkeys(range(8), ("clock", 0.4)), hardware="6c0c559403848b74")
    group.machines[3] = ""
    done = run(Cube([group, alike(2, hardware="b2")], ["day 1: " + "word " * 30]), "diagnose")
    whole = " ".join(done.output.split())
    assert "6c0c559403848b74 (Some CPU): 33 machines alike, 24% odd: perhaps two kinds of machine" in whole
    assert "b2 (Some CPU): 2 machines, judged by nothing yet: fewer than 8 machines alike" in whole
    assert "(no name) is odd" in whole
    assert max(map(len, done.output.splitlines())) <= 80


def test_what_cannot_be_read_is_told_once(monkeypatch, tmp_path):
    def read(store, tell, *days):
        tell("day 1: is no Parquet")
        return replace(SICK)

    monkeypatch.setattr(reading, "read", read)
    said = {}
    for words in ((), ("--json",)):
        done = CliRunner().invoke(app.app, ["fleet", "diagnose", str(tmp_path), *words])
        said[words] = (done.stdout.count("is no Parquet"), done.stderr.count("is no Parquet"))
    assert said == {(): (1, 0), ("--json",): (1, 1)}


def test_what_cannot_be_read_is_told_where_there_is_no_answer(monkeypatch, tmp_path):
    def read(store, tell, *days):
        tell("day 1: is no Parquet")
        raise StoreError("nothing there")

    monkeypatch.setattr(reading, "read", read)
    assert "warning: day 1: is no Parquet" in CliRunner().invoke(app.app, ["fleet", "diagnose", str(tmp_path)]).output


def test_a_page_is_written(run, tmp_path):
    page = tmp_path / "page.html"
    done = run(SICK, "report", "-o", str(page))
    assert (done.exit_code, done.output) == (0, f"report: {page}\n")
    assert "node-003" in page.read_text("utf-8")
    done = run(SICK, "report", "--out", str(tmp_path / "pages"))
    assert done.output == f"report: {tmp_path / 'pages' / 'fleet.html'}\n"
    assert (tmp_path / "pages" / "fleet.html").is_file()
