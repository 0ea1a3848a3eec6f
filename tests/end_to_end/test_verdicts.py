"""What was measured is in the run file; what the machine's limits say of it is concluded by whoever reads the file."""

from __future__ import annotations

import json

import msgspec
import pytest

import hwbench
from doubles.scripted import scripted_bench
from hwbench.record import store
from hwbench.tracking import resolve

REFUSED = "cannot be true: 2.00 times the limit it should touch"


@pytest.fixture
def benches(benches):
    """A limit in L1, and a bench that is twice as fast in one of its variants."""
    axes = {"size": ("L1",), "dtype": ("f8",)}
    benches["stream.load"] = scripted_bench({"simd": 0.002}, "stream.load", axes, measures="load")
    for name in ("stream.load", "access.steps"):
        benches[name].counts(lambda: {"bytes": 1e6})
    benches["access.steps"].limit = "load"
    return benches


@pytest.fixture
def path(benches, device, command, tmp_path):
    """The file of a run of both."""
    done = command("run", "stream.load", "access.steps", "--param", "size=L1", "--param", "dtype=f8",
                   "--out", tmp_path, "--json", tmp_path / "copy.json")  # fmt: skip
    assert done.code == 0
    return store.newest(tmp_path)


def test_the_file_has_no_verdict(path, tmp_path):
    """Nor has the copy that `--json` writes: both are the run as it was measured, with what a reader needs."""
    run = store.read(path)
    assert {record.status for record in run.records} == {"ok"}
    assert run.benches["access.steps"].limit == "load"
    assert store.read(tmp_path / "copy.json") == run


def test_every_reader_concludes_the_same(path, command, tmp_path):
    """The page of the run itself, `show`, `show --json`, and Python."""
    assert REFUSED in (tmp_path / "index.html").read_text()
    assert REFUSED in command("show", path).out
    shown = json.loads(command("show", path, "--json").out)["records"]
    loaded = hwbench.load(path).records
    codes = {one["variant"]: [reason["code"] for reason in one["reasons"]] for one in shown if one["reasons"]}
    assert codes == {"fast": ["implausible"]}
    assert [one.variant for one in loaded if one.why.startswith(REFUSED)] == ["fast"]


def test_a_report_of_the_file_has_the_verdict(path, command, tmp_path):
    """Written later, by whom ever."""
    assert command("report", path, "-o", tmp_path / "page.html").code == 0
    assert REFUSED in (tmp_path / "page.html").read_text()


def test_what_is_compared_has_the_verdict(path, tmp_path):
    """A figure that cannot be true counts as disturbed on either side."""
    again = tmp_path / "again.json"
    store.write(msgspec.structs.replace(store.read(path), id="again"), again)
    for side in resolve.sides(str(path), str(again), tmp_path):
        told = {(one.bench, one.variant): [figure.suspect for figure in one.measurements] for one in side.entries}
        assert told["access.steps", "slow"] == told["stream.load", "simd"] == [""]
        assert told["access.steps", "fast"][0].startswith(REFUSED)


def test_what_a_run_says_at_its_end_is_concluded(benches, device, command, tmp_path):
    """Cases that cannot be true count as suspect in what is printed, though not in the file."""
    done = command("run", "stream.load", "access.steps", "--param", "size=L1", "--param", "dtype=f8",
                   "--out", tmp_path, "--no-report")  # fmt: skip
    assert "suspect" in done.out + done.err
