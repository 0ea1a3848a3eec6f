"""`hwbench show`: tables, findings on request, everything as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from doubles.scripted import record, run_of, scripted_bench
from hwbench import errors
from hwbench.cli.show import open_run
from hwbench.record import store
from hwbench.record.model import BenchInfo
from hwbench.record.reasons import Reason
from inspection.loaded import modules_of
from made_up.commands import clean, hostile_run, saved

COMMITTED = next((Path(__file__).parents[2] / "reports" / "runs" / "intel-xeon-2cpu").glob("*.json"))  # of schema 1
INFO = BenchInfo("How fast?", "x", variants=["x"])


def test_show_prints_figures_with_units_and_intervals(benches, command, out):
    """The newest run: rates in GB/s, the reason beside each record that is not ok."""
    saved(out, record(bench="old.bench"), stamp="20251122T180000Z")
    rows = (record("fast", samples=(0.5,) * 5, bench="access.steps", counts={"bytes": 1e9}, params={"size": "L1"}),
            record("slow", samples=(), bench="access.steps", status="skipped",
                   reasons=[Reason("needs_smt")]))  # fmt: skip
    path = saved(out, *rows)
    done = command("show", "--out", out)
    assert done.code == 0
    assert "2.00 GB/s │" in done.out
    assert "500 ms" in done.out
    assert "skipped: needs SMT" in done.out
    assert "old.bench" not in done.out
    assert command("show", path.stem, "--out", out).out == command("show", path).out == done.out


def test_show_as_json_adds_rates_limits_and_findings(benches, command, out):
    """The run's own fields stay as they are; derived ones carry their unit."""
    benches["stream.load"] = scripted_bench({"simd": 0.1}, "stream.load", measures="load")
    saved(
        out,
        record(samples=(0.5,) * 5, bench="stream.load", counts={"bytes": 1e9}, params={"size": "L1", "dtype": "f8"}),
    )
    data = json.loads(command("show", "--json", "--out", out).out)
    assert data["schema"] == 2
    assert data["records"][0]["rates"]["bandwidth"] == {"value": 2.0, "low": 2.0, "high": 2.0, "unit": "GB/s"}
    assert data["records"][0]["rates"]["median_s"] == 0.5
    [limit] = data["limits"]
    assert (limit["kind"], limit["level"], limit["value"], limit["unit"]) == ("load", "L1", 2e9, "B/s")
    assert (limit["device"], limit["name"]) == ("cpu", "L1 load, 1 thread")  # two GPUs differ in nothing else
    assert data["findings"] == {}


def test_few_samples_are_shown_without_a_crash(benches, command, out):
    """A file with one sample has an endless interval, which JSON writes as null."""
    saved(out, record(samples=(0.5,), counts={"bytes": 1e9}))
    assert "2.00 GB/s │" in command("show", "--out", out).out
    data = json.loads(command("show", "--json", "--out", out).out)
    assert data["records"][0]["rates"]["bandwidth"]["high"] is None


def test_a_run_without_records_is_said_to_hold_none(command, out):
    """A run that was interrupted before its first case."""
    saved(out)
    done = command("show", "--out", out)
    assert (done.code, done.out) == (0, "The run holds no cases yet.\n")


def test_a_hostile_file_is_refused_without_its_escapes(benches, command, out):
    """The message about a value quotes it with its control characters made visible."""
    path = hostile_run(out)
    path.write_bytes(path.read_bytes().replace(b'"counts":{}', b'"counts":{"\\u001b[31m":1}', 1))
    done = command("show", path)
    assert done.code == 2
    assert r"counts: '\x1b[31m' is none of" in done.err
    assert clean(done.err)


def test_findings_come_where_they_are_asked_for(benches, command, out):
    """Questions and shares of the limits are there without them, of an older file as well."""
    benches["access.steps"].finding(lambda r: [f"{len(r.records)} records"])
    saved(out, record("fast", bench="access.steps", params={"size": "L1", "dtype": "f8"}))
    plain, full = command("show", "--out", out), command("show", "--findings", "--out", out)
    for said in ("Which script is shorter?", "of limit"):
        assert said in plain.out
        assert said in full.out
    assert "1 records" not in plain.out
    assert full.out.splitlines()[-2:] == ["access.steps", "  1 records"]


def test_a_run_is_shown_by_its_summary_first(benches, command, out):
    """The same lines as at the end of the run, but for the paths; `--summary` leaves the tables out."""
    saved(out, record("fast", bench="access.steps", counts={"bytes": 1e9}, params={"size": "L1", "dtype": "f8"}))
    whole, short = command("show", "--out", out).out, command("show", "--summary", "--out", out).out
    assert short.startswith("Scripted, 2 cores, bare metal\n")
    assert whole.startswith(short)
    assert "│" in whole[len(short) :]
    assert "│" not in short


def test_plain_tables_ask_no_bench(command, out, monkeypatch):
    """The catalogue is not even loaded for a file that describes its benches."""
    saved(out, record(), benches={"test.bench": INFO})
    monkeypatch.setattr("hwbench.catalog.benches", lambda: pytest.fail("the benches were loaded"))
    assert command("show", "--out", out).code == 0


def test_a_stored_run_is_shown_without_numba(tmp_path):
    """Tables of a file that describes its benches load neither Numba nor LLVM; the findings' benches do."""
    path = tmp_path / "run.json"
    store.write(run_of(record(), benches={"test.bench": INFO}), path)
    for shown in (path, COMMITTED):
        code, modules = modules_of("show", shown)
        assert code == 0
        assert not modules & {"numba", "llvmlite", "scipy", "pydantic", "psutil", "numpy.ma"}
        assert "hwbench.analysis.findings" not in modules
    assert "numba" in modules_of("show", path, "--findings")[1]


def test_a_run_is_opened_by_file_or_id(out):
    """The newest where none is named; an id is looked for below the directory; anything else is told."""
    old = saved(out, record("old"), stamp="20251122T180000Z")
    new = saved(out, record("new"))
    assert open_run(None, out) == open_run(str(new), out) == open_run(new.stem, out)
    assert open_run(old.stem, out).records[0].variant == "old"
    with pytest.raises(errors.StoreError, match="no run with this id"):
        open_run("box-2", out)
