"""`hwbench export`: which runs, in which format, and what is never lost."""

from __future__ import annotations

import csv
import io
import json

import pytest

from doubles.scripted import record
from made_up.commands import clean, hostile_run, saved


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_the_newest_run_goes_to_standard_output_as_csv(benches, command, out):
    """Or the runs that are named: files, ids and directories, one after the other."""
    old = saved(out, record("a", params={"n": 1}), stamp="20251122T180000Z")
    new = saved(out, record("b"), record("c"))
    assert [row["variant"] for row in rows(command("export", "--out", out).out)] == ["b", "c"]
    (out / "verify" / "box").mkdir(parents=True)
    (out / "verify" / "box" / "x.json").write_text("{}")
    both = rows(command("export", "--out", out, old.stem, new).out)
    assert [(row["run"], row["variant"], row["param_n"]) for row in both] == [
        (old.stem, "a", "1"), (new.stem, "b", ""), (new.stem, "c", "")
    ]  # fmt: skip
    assert rows(command("export", out).out) == rows(command("export", out / "runs").out) == both


@pytest.mark.parametrize(
    ("name", "more", "begins"),
    [("x.csv", (), b"run,"), ("x.json", (), b"[\n{"), ("x.prom", (), b"# TYPE"), ("x.PROM", (), b"# TYPE"),
     ("x.txt", ("--format", "openmetrics"), b"# TYPE"), ("x.csv", ("--format", "json"), b"[\n{")],
)  # fmt: skip
def test_the_format_is_that_of_the_file(benches, command, out, tmp_path, name, more, begins):
    """By its ending, or as asked for; what was written is said on standard error."""
    saved(out, record())
    done = command("export", "--out", out, "-o", tmp_path / name, *more)
    assert (done.code, done.out, done.err) == (0, "", f"export: {tmp_path / name} (1 cases)\n")
    assert (tmp_path / name).read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-o", "x.xls"), "x.xls: ends in none of .csv, .json, .parquet, .prom; name the format with --format"),
        (("--format", "xls"), "--format xls: must be one of csv, json, parquet, openmetrics"),
        (("nothing",), "nothing is no file, and no run with this id"),
        (("empty",), "empty: holds no run file"),
    ],
)
def test_bad_input_is_one_line(benches, command, out, tmp_path, monkeypatch, arguments, told):
    """Exit 2, and no file is written."""
    saved(out, record())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    done = command("export", "--out", out, *arguments)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert done.err.count("\n") == 1
    assert not list(tmp_path.glob("x.*"))


def test_a_run_is_not_written_over(benches, command, out):
    """Its file looks like an export by its ending; any other file is replaced."""
    path = saved(out, record())
    before = path.read_bytes()
    done = command("export", path, "-o", path)
    assert done.code == 2
    assert f"{path}: is a run file, which would be lost; name another file" in done.err
    assert path.read_bytes() == before
    other = path.with_name("table.json")
    assert [command("export", path, "-o", other).code for _ in range(2)] == [0, 0]
    assert json.loads(other.read_text())[0]["status"] == "ok"


def test_a_file_of_a_directory_that_is_no_run_costs_the_others_nothing(benches, command, out):
    """One warning names it."""
    path = saved(out, record())
    path.with_name("broken.json").write_text("{")
    done = command("export", path.parent)
    assert (done.code, len(rows(done.out))) == (0, 1)
    assert done.err.startswith(f"warning: {path.with_name('broken.json')}: is no JSON")


def test_anonymous_runs_have_numbers(benches, command, out):
    """In the order that they are given in."""
    saved(out, record(), stamp="20251122T180000Z")
    saved(out, record())
    done = command("export", out / "runs", "--anonymous")
    assert [row["run"] for row in rows(done.out)] == ["run-1", "run-2"]
    assert "box" not in done.out


@pytest.mark.parametrize("form", ["csv", "json", "openmetrics"])
def test_a_hostile_file_is_not_obeyed(benches, command, out, form):
    """Whatever a text in it holds, none of it reaches the terminal as an order."""
    done = command("export", hostile_run(out), "--format", form)
    assert done.code == 0
    assert clean(done.out)
