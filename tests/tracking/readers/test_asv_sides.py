"""One commit of asv's results as a side of a comparison."""

from __future__ import annotations

import math

import pytest

from hwbench.tracking.readers import asv_history, asv_sides
from hwbench.tracking.readers.asv import benchmarks, read_all
from made_up.histories import RATE, SUM, asv_file, benchmarks_file, commit, five_commits, row


def side_of(results, number, axes=()):
    hits = [file for file in read_all(results) if file.commit == commit(number)]
    return asv_sides.side(hits, benchmarks(results), asv_history.history(results), axes)


def test_a_commit_has_its_values_with_errors_and_its_machine_s_past(tmp_path):
    """The 99% interval gives the standard error, the history the earlier medians, the unit the better direction."""
    made = side_of(five_commits(tmp_path), 5)
    assert (made.name, made.machine, made.kind) == (f"{commit(5)[:8]} on box", "box", "asv")
    assert made.identity["CPU"] == "Scripted CPU"
    by_bench = {entry.bench: entry for entry in made.entries}
    assert set(by_bench) == {"stream.load", SUM, RATE}
    [one] = by_bench[SUM].measurements
    assert one.median == 0.75
    assert one.error == pytest.approx(2 * 0.75 * 0.002 / (2 * 2.5758293), rel=1e-6)
    assert len(by_bench[SUM].earlier) == 5
    assert (by_bench[SUM].higher, by_bench[RATE].higher) == (False, True)


def test_what_has_no_value_is_unfit(tmp_path):
    """Null failed and NaN was skipped; zero is a value; an older version is dropped."""
    benchmarks_file(tmp_path, {SUM: {"param_names": ["n"]}, "suite.old": {"version": "2"}})
    asv_file(tmp_path, 1, {SUM: row([math.nan, None, 0.0, 1.0], [["1", "2", "3", "4"]]), "suite.old": row([1.0])})
    made = side_of(tmp_path, 1)
    assert [(entry.params["n"], entry.unfit) for entry in made.entries] == [
        ("1", "skipped"), ("2", "failed"), ("3", ""), ("4", ""),
    ]  # fmt: skip
    assert [entry.value for entry in made.entries] == [None, None, 0.0, 1.0]
    assert [entry.failed for entry in made.entries] == [False, True, False, False]


def test_what_states_no_unit_is_no_time(tmp_path):
    """Without benchmarks.json the name's prefix tells seconds and bytes; `unit` is asv's word for nothing."""
    benchmarks_file(tmp_path, {"suite.track_b": {"unit": "unit"}})
    names = ("suite.time_a", "suite.peakmem_a", "suite.track_a", "suite.track_b")
    asv_file(tmp_path, 1, {name: row([1.0], width=None) for name in names})
    assert [entry.unit for entry in side_of(tmp_path, 1).entries] == ["s", "bytes", "", ""]


def test_environments_are_told_apart_by_what_they_do_not_share(tmp_path):
    """A version that differs is an axis, a thread count that all have is none; else the environment's name."""
    benchmarks_file(tmp_path, {SUM: {}})
    for version in ("2.3", "2.4"):
        asv_file(tmp_path, 1, {SUM: row([0.5])}, requirements={"pip+numpy": version, "numba": "0.65"})
    found = read_all(tmp_path)
    assert asv_sides.environment_axes(found) == ["pip+numpy"]
    assert asv_sides.environment_axes(found[:1]) == []
    made = asv_sides.side(found, benchmarks(tmp_path), asv_history.history(tmp_path), ["pip+numpy"])
    assert [entry.params for entry in made.entries] == [{"numpy": "2.3"}, {"numpy": "2.4"}]
