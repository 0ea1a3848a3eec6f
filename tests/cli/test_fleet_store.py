"""`hwbench fleet flush`, `add`, `compact` and `sql`: exit codes, streams, one line for what is wrong."""

from __future__ import annotations

import json

import pytest

from hwbench.cli import fleet_store
from hwbench.fleet import spool
from made_up.commands import clean
from made_up.fleet import filed, fleet_run, put


def test_from_run_files_to_an_answer(command, tmp_path):
    """Runs that were measured without --to are added, compacted and asked for; each step says what it did."""
    url = tmp_path / "store"
    paths = [filed(tmp_path, fleet_run(number=number)) for number in (1, 2)]
    assert command("fleet", "add", url, *paths).out == "delivered 2 runs\n"
    assert command("fleet", "add", url, paths[0]).out == "delivered 0 runs, 1 were there already\n"
    assert command("fleet", "compact", url).out == "2026-11-29: 2 runs, 2 new\n"
    assert command("fleet", "compact", url, "--day", "2026-11-29").out == ""
    question = "SELECT machine, count(*) AS n, NULL AS nothing FROM cases WHERE headline GROUP BY ALL"
    assert command("fleet", "sql", url, question, "--csv").out == "machine,n,nothing\nnode1,2,\n"
    found = command("fleet", "sql", url, question, "--json")
    assert json.loads(found.out) == [{"machine": "node1", "n": 2, "nothing": None}]
    assert "node1" in command("fleet", "sql", url, question).out


def test_an_answer_holds_data_and_no_commands(command, tmp_path, monkeypatch):
    """For a terminal, and for a spreadsheet; a long answer is cut off and says so."""
    monkeypatch.setattr(fleet_store, "SHOWN", 1)
    url = tmp_path / "store"
    command("fleet", "add", url, filed(tmp_path, fleet_run()))
    command("fleet", "compact", url)
    question = "SELECT unnest(['=1+1', chr(27) || '[31m']) AS x, 1.5 AS y"
    assert command("fleet", "sql", url, question, "--csv").out == "x,y\n'=1+1,1.5\n\\x1b[31m,1.5\n"
    done = command("fleet", "sql", url, question)
    assert clean(done.out)
    assert done.err == "1 further rows: --csv and --json print all\n"


def test_an_answer_that_is_wider_than_the_screen_has_a_line_for_each_value(command, tmp_path, monkeypatch):
    """COLUMNS counts where there is no terminal; JSON, which would lose one of two columns, refuses them."""
    url = tmp_path / "store"
    command("fleet", "add", url, filed(tmp_path, fleet_run()))
    command("fleet", "compact", url)
    question = "SELECT unnest(['a', 'b']) AS x, repeat('y', 30) AS longer"
    monkeypatch.setenv("COLUMNS", "40")
    assert "longer:" not in command("fleet", "sql", url, question).out
    monkeypatch.setenv("COLUMNS", "30")
    long = "y" * 30
    assert command("fleet", "sql", url, question).out == f"x:      a\nlonger: {long}\n\nx:      b\nlonger: {long}\n"
    assert "column_name" in command("fleet", "sql", url, "describe cases").out
    done = command("fleet", "sql", url, "SELECT 1 AS a, 2 AS a", "--json")
    assert (done.code, done.out, done.err) == (
        2, "", "hwbench: --json: several columns are called a; name them apart by AS\n",
    )  # fmt: skip


def test_what_waits_is_delivered(command, tmp_path):
    """Exit code 2 where something could not be; what is not finished is no failure."""
    spool.announce(tmp_path, filed(tmp_path, fleet_run(number=1)), str(tmp_path / "store"))
    spool.announce(tmp_path, filed(tmp_path, fleet_run(number=2, finished=None)), str(tmp_path / "store"))
    done = command("fleet", "flush", "--out", tmp_path)
    assert (done.code, done.out) == (0, "delivered 1 run\n")
    assert "is measured still, or was cut off" in done.err
    filed(tmp_path, fleet_run(number=2)).write_text('{"finished": "x"}')
    done = command("fleet", "flush", "--out", tmp_path)
    assert (done.code, done.out) == (2, "delivered 0 runs, 1 left\n")
    assert done.err.startswith("warning: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sql", "none", "SELECT 1"], "none: is no directory; check the URL"),
        (["sql", "none", "COPY x TO 'y'"], "SQL: COPY is refused; ask one question of the table"),
        (["sql", "none", "SELECT 1", "--json", "--csv"], "--json and --csv: choose one"),
        (["sql", "none", "SELECT 1", "--since", "soon"], "--since soon: is no day, such as 2026-11-30"),
        (["compact", "none"], "none: is no directory"),
        (["compact", "empty"], "empty: holds no runs; `hwbench run --to` puts them there"),
        (["compact", "empty", "--day", "today"], "--day today: is no day"),
        (["compact", "empty", "--jobs", "0"], "--jobs 0: must be from 1 to 1024"),
        (["flush", "--to", "ftp://x"], "ftp://x: is no store; name a directory"),
        (["flush", "--out", "typo"], "typo: is no directory; name that of the runs by --out"),
    ],
)
def test_bad_usage_is_one_line(command, tmp_path, monkeypatch, arguments, said):
    """And exit code 2."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    done = command("fleet", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith(f"hwbench: {said}")


def test_bad_objects_and_runs_are_told(command, tmp_path):
    """The rest is read; exit code 1 where a run was left out, each time."""
    store = put(tmp_path / "store", fleet_run())
    store.put_once("runs/2026-11-29/x", b"")
    done = command("fleet", "compact", store.url)
    assert (done.code, done.out) == (0, "2026-11-29: 1 run, 1 new\n")
    assert done.err == f"warning: {store.url}: runs/2026-11-29/x: is no object of a run; left out\n"
    store.put_once("runs/2026-11-29/x.json.gz", b"x")
    for _ in range(2):
        done = command("fleet", "compact", store.url)
        assert (done.code, done.out) == (1, "2026-11-29: 1 run, 1 left out\n")
        assert "x.json.gz: was cut off; left out" in done.err
    done = command("fleet", "add", store.url, tmp_path / "none", filed(tmp_path, fleet_run(number=2)))
    assert (done.code, done.out) == (2, "delivered 1 run\n")
    assert "none: cannot be read" in done.err
