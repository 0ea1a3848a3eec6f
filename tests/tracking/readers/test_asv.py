"""asv's results as we read them: cut rows, bare NaN, machines merged by copying, and the same as asv's own reader."""

from __future__ import annotations

import itertools
import json
import math

import pytest

from hwbench.errors import StoreError
from hwbench.tracking.readers import asv as reader
from hwbench.tracking.readers import asv_history
from made_up.histories import BOX, LOAD, PARAMS, asv_file, commit, row, three_commits


@pytest.fixture
def results(tmp_path):
    """Three commits of a bench of ours and of a foreign one."""
    return three_commits(tmp_path / "results")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"version": 2, "comm', "is no JSON, or was cut off"),
        ("[]", "holds no JSON object"),
        ('{"version": 1}', "result format 1"),
        ('{"version": 2}', "lacks what asv writes"),
        (
            '{"version": 2, "result_columns": [], "results": [], "params": {}, "commit_hash": "a", "date": 1}',
            "lacks what",
        ),
    ],
)
def test_a_broken_file_is_one_line(results, text, said):
    """Which file, what is wrong, what to do."""
    path = results / "box" / "zzz.json"
    path.write_text(text)
    with pytest.raises(StoreError) as caught:
        asv_history.history(results)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"a": 5}, "the row of a is no list"),
        ({"a": [[1.0], "abc", "1"]}, "the parameters of a are no lists"),
        ({"a": [[1.0], [5], "1"]}, "the parameters of a are no lists"),
        ({"a": [[1.0], [["x"] * 1000] * 6, "1"]}, "more than 1000000 combinations"),
    ],
)
def test_rows_that_asv_does_not_write_are_one_line(results, wrong, said):
    """The benchmark is named, and nobody waits until memory is full of combinations."""
    asv_file(results, 4, wrong)
    with pytest.raises(StoreError, match=said):
        asv_history.history(results)


def test_what_is_no_number_is_a_gap(results):
    """Text, objects, truth, and integers beyond what a float holds among the values: each is not there, others are."""
    values = ["x", {"a": 1}, 10**400, 2e-6]
    asv_file(results, 4, {LOAD: row(values, PARAMS, width=None)})
    last = {one.label: one.values[3] for one in asv_history.history(results).series if one.bench == "stream.load"}
    assert last["stream.load/numba [DRAM]"] == 2e-6
    assert math.isnan(last["stream.load/simd [L1]"])
    benchmarks = json.loads((results / "benchmarks.json").read_text())
    (results / "benchmarks.json").write_text(json.dumps(benchmarks | {LOAD: {"param_names": 5, "unit": 7}, "x": 3}))
    assert asv_history.history(results).series


def test_a_row_of_ours_without_parameters_is_a_series(results):
    """asv's file names a variant that the row lacks."""
    asv_file(results, 4, {LOAD: row([1e-6])})
    assert any(one.bench == LOAD for one in asv_history.history(results).series)


def test_many_rows_of_many_combinations_are_one_line(results):
    """Each is within the bound of a row; together they would take 2 GiB."""
    axis = [str(i) for i in range(1000)]
    asv_file(results, 4, {f"b{i}": row([1.0], [axis, axis[:900]]) for i in range(3)})
    with pytest.raises(StoreError, match="more than 2,000,000 combinations of parameters"):
        asv_history.history(results)


@pytest.mark.parametrize("value", [1e31, -1e31, 1e-31, 5e-324, 1.7e308])
def test_a_value_that_cannot_be_reckoned_with_is_a_gap(results, value):
    """Its square or its ratio to another would be infinite."""
    asv_file(results, 4, {"suite.time_odd": row([value, 0.5], [["1", "2"]], width=None)})
    kept = [one for one in asv_history.history(results).series if one.bench == "suite.time_odd"]
    assert [one.params for one in kept] == [{"param1": "2"}]


def test_parameters_are_text_and_never_evaluated(results):
    """A parameter that looks like code stays as it is."""
    evil = "__import__('os').abort()"
    asv_file(results, 4, {"suite.time_sum": row([1.0], [[evil]])})
    assert {"param1": evil} in [one.params for one in asv_history.history(results).series]


def test_asvs_own_reader_finds_the_same(tmp_path):
    """The contract: what asv's classes wrote and read is what we read; number, interval, samples, parameters."""
    asv = pytest.importorskip("asv.results", reason="asv is not installed: pip install '.[asv]'")
    from asv.runner import BenchmarkResult
    from asv_runner.statistics import compute_stats

    assert asv.Results.api_version == reader.FORMAT
    results = tmp_path / "results"
    samples = [3e-6, 1e-6, 2e-6, 5e-6, 4e-6, 2e-6, 3e-6]
    median, _ = compute_stats(samples, 1000)
    written = asv.Results(
        {**BOX, "python": "3.11"}, {"numpy": "2.4.6"}, commit(1), 1_700_000_000_000, "3.11", "env", {}
    )
    entry = {"name": LOAD, "version": "3", "params": PARAMS, "param_names": ["variant", "size"]}
    nothing = [None, None, None]
    result = BenchmarkResult([median, math.nan, None, math.inf], [samples, *nothing], [1000, *nothing], 0, "", None)
    written.add_result(entry, result, record_samples=True)
    (results / "box").mkdir(parents=True)
    (results / "box" / "machine.json").write_text(json.dumps({**BOX, "version": 1}))
    written.save(str(results))

    [theirs] = list(asv.iter_results(str(results)))
    [ours] = list(reader.read_all(results))
    assert (ours.commit, ours.when * 1000, ours.machine) == (theirs.commit_hash, theirs.date, theirs.params["machine"])
    [name] = theirs.get_all_result_keys()
    axes = theirs.get_result_params(name)
    values = theirs.get_result_value(name, axes)
    found = reader.values_of(ours.rows[name])
    assert [combination for combination, _ in found] == [
        tuple(text.strip("'") for text in combination) for combination in itertools.product(*axes)
    ]
    assert [one if isinstance(one, str) else one.value for _, one in found] == [median, "skipped", "failed", "failed"]
    assert values[0] == median
    known = theirs.get_result_stats(name, axes)[0]
    first = found[0][1]
    assert (first.low, first.high) == (known["ci_99_a"], known["ci_99_b"])
    assert list(first.samples) == theirs.get_result_samples(name, axes)[0] == samples
