"""asv's results as we read them: cut rows, bare NaN, machines merged by copying, and the same as asv's own reader."""

from __future__ import annotations

import gc
import itertools
import json
import math
import shutil

import numpy as np
import pytest

from hwbench.errors import StoreError
from hwbench.tracking import directions, resolve
from hwbench.tracking.readers import asv as tracking_readers_asv
from made_up.histories import BOX, asv_file, benchmarks_file, commit, row

LOAD = "stream.load.track_seconds"
PARAMS = [["'simd'", "'numba'"], ["'L1'", "'DRAM'"]]


@pytest.fixture
def results(tmp_path):
    """Three commits of a bench of ours and of a foreign one."""
    directory = tmp_path / "results"
    benchmarks_file(
        directory,
        {
            LOAD: {"param_names": ["variant", "size"]},
            "suite.time_sum": {},
            "suite.track_rate": {"unit": "GB/s"},
        },
    )
    for number in (1, 2, 3):
        asv_file(
            directory,
            number,
            {
                LOAD: row([1e-6 * number, math.nan, None, 4e-6], PARAMS),
                "suite.time_sum": row([0.5], width=None),
                "suite.track_rate": row([10.0 * number]),
            },
        )
    return directory


def test_values_stand_at_their_commits_under_our_names(results):
    """NaN and null are gaps, a row cut after its duration has no interval, and order is by date."""
    history = asv_history.history(results)
    assert [one.name for one in history.commits] == [commit(1), commit(2), commit(3)]
    by_label = {one.label: one for one in history.series}
    assert set(by_label) == {"stream.load/simd [L1]", "stream.load/numba [DRAM]", "suite.time_sum", "suite.track_rate"}
    fast = by_label["stream.load/simd [L1]"]
    assert fast.values.tolist() == [1e-6, 2e-6, 3e-6]
    assert fast.low.tolist() == pytest.approx([0.99e-6, 1.98e-6, 2.97e-6])
    assert np.isnan(by_label["suite.time_sum"].low).all()


def test_a_rate_is_better_when_it_rises(results):
    """asv takes every rise for a regression; the unit says which way is better."""
    found = {one.bench: one.higher for one in asv_history.history(results).series}
    assert found == {"stream.load": False, "suite.time_sum": False, "suite.track_rate": True}


def test_machines_merge_by_copying(results, tmp_path):
    """A second machine's directory beside the first adds its series; neither mixes with the other."""
    other = tmp_path / "other"
    asv_file(other, 2, {LOAD: row([7e-6, 7e-6, 7e-6, 7e-6], PARAMS)}, {**BOX, "machine": "fox", "cpu": "Other CPU"})
    shutil.copytree(other / "fox", results / "fox")
    history = asv_history.history(results)
    assert [one.machine for one in history.settings] == ["box", "fox"]
    assert {
        history.settings[one.setting].machine for one in history.series if one.label == "stream.load/simd [L1]"
    } == {
        "box",
        "fox",
    }
    assert history.notes == []


def test_a_resized_machine_is_split_and_told(results):
    """The same name with other CPUs is another machine from that commit on."""
    asv_file(results, 4, {LOAD: row([9e-6] * 4, PARAMS)}, {**BOX, "num_cpu": "4"})
    history = asv_history.history(results)
    assert history.labels() == ["box (1)", "box (2)"]
    assert history.notes == [
        "box is not the same machine throughout: num_cpu: 2, then 4. Its series are split, as box (2)."
    ]
    [first, second] = [one for one in history.series if one.label == "stream.load/simd [L1]"]
    assert np.isnan(first.values[3])
    assert np.flatnonzero(~np.isnan(second.values)).tolist() == [3]


def test_a_renamed_machine_is_noticed(results):
    """Two names for what is alike in all respects: kept apart, and said."""
    asv_file(results, 4, {LOAD: row([9e-6] * 4, PARAMS)}, {**BOX, "machine": "renamed"})
    assert "box and renamed are alike" in asv_history.history(results).notes[0]


def test_a_little_less_memory_is_the_same_machine(results):
    """A kernel that keeps some megabytes more to itself makes no other machine."""
    asv_file(results, 4, {LOAD: row([9e-6] * 4, PARAMS)}, {**BOX, "ram": str(16777216 - 9000), "os": "Linux 6.8"})
    assert len(asv_history.history(results).settings) == 1


@pytest.mark.parametrize(
    ("facts", "machines"),
    [({"caches": "L1 32 KiB", "quota": "None"}, 1), ({"num_cpu": ""}, 1), ({"num_cpu": "4", "caches": "L1 32 KiB"}, 2),
     ({"ram": str(int(15.7 * 2**20))}, 1), ({"ram": str(int(15.2 * 2**20))}, 2)],
)  # fmt: skip
def test_a_machine_is_split_by_what_both_results_state(results, facts, machines):
    """A project that begins to state more, or states less once, goes on; memory is the same within 3%."""
    asv_file(results, 4, {LOAD: row([9e-6] * 4, PARAMS)}, {**BOX, **facts})
    assert len(asv_history.history(results).settings) == machines


def test_two_names_for_one_machine_are_told_though_one_states_more(results):
    """Half of the box's results state its caches: still one machine, with all that is known of it."""
    asv_file(results, 4, {LOAD: row([9e-6] * 4, PARAMS)}, {**BOX, "caches": "L1 32 KiB"})
    [setting] = asv_history.history(results).settings
    assert dict(setting.identity)["caches"] == "L1 32 KiB"
    assert dict(setting.identity)["ram"] == "16 GiB"


def test_results_without_a_version_are_of_every_version(results):
    """asv's old results have none, and asv keeps them."""
    asv_file(results, 4, {"suite.time_sum": row([0.7], version=None)})
    history = asv_history.history(results)
    [one] = [one for one in history.series if one.bench == "suite.time_sum"]
    assert one.values.tolist() == [0.5, 0.5, 0.5, 0.7]
    assert not [note for note in history.notes if "other versions" in note]


def test_environments_that_only_their_names_tell_apart_stay_apart(results):
    """One commit by virtualenv and by conda: neither overwrites the other, in history and comparison."""
    made = {"virtualenv-py3.11": 0.5, "conda-py3.11": 0.9}
    for name, value in made.items():
        asv_file(results, 4, {"suite.time_sum": row([value])}, result_name=name, env_name=name)
    history = asv_history.history(results)
    last = {history.settings[one.setting].environment: one.values[-1] for one in history.series
            if one.bench == "suite.time_sum"}  # fmt: skip
    assert last == {f"py3.11 ({name})": value for name, value in made.items()}
    base, _ = resolve.sides(f"asv:{commit(4)}", f"asv:{commit(4)}", results.parent, results)
    assert {entry.params["environment"]: entry.blocks[0].median for entry in base.entries} == last


def test_a_unit_whose_better_direction_nobody_knows_is_told(results):
    """Less of it is taken to be better, as asv does; of times and rates nothing needs to be said."""
    assert not [note for note in asv_history.history(results).notes if "less is taken" in note]
    benchmarks_file(results, {"suite.track_rate": {"unit": "widgets"}, "suite.time_sum": {}, LOAD: {}})
    assert "Of widgets less is taken to be better, as asv does." in asv_history.history(results).notes


@pytest.mark.parametrize(
    "unit",
    ["GB/s", "items/ms", "words/cycle", "fps", "QPS", "IPC", "s^-1", "1/s", "MFLOPS", "GFLOP/s", "kHz", "Mops", "ops",
     "requests per second", "speedup", "hit rate"],
)  # fmt: skip
def test_more_of_a_rate_is_better(unit):
    """Work by time, in whatever words."""
    assert directions.higher_is_better(unit)


@pytest.mark.parametrize(
    "unit",
    ["s", "seconds", "bytes", "MiB", "ns/ops", "us per 1000 ops", "hops", "drops", "loops", "faults/s", "cycles/byte",
     "s per iteration", "misses per second", ""],
)  # fmt: skip
def test_less_of_a_time_and_of_trouble_is_better(unit):
    """Though it has a rate's look."""
    assert not directions.higher_is_better(unit)


def test_other_versions_are_left_out_and_said(results):
    """asv drops what was measured by another version of a benchmark; so do we."""
    asv_file(results, 4, {LOAD: row([9e-6] * 4, PARAMS, version="2")})
    history = asv_history.history(results)
    fast = next(one for one in history.series if one.label == "stream.load/simd [L1]")
    assert np.isnan(fast.values[3])
    assert history.notes == ["Results of other versions of 1 benchmark are left out: they time something else."]


def test_environments_are_series_of_their_own(results):
    """Two versions of NumPy at one commit are two lines, named by the version."""
    for version in ("2.3.0", "2.4.6"):
        asv_file(results, 4, {LOAD: row([9e-6] * 4, PARAMS)}, requirements={"numpy": version, "hatchling": ""})
    labels = asv_history.history(results).labels()
    assert labels == ["box, py3.11", "box, py3.11 numpy 2.3.0", "box, py3.11 numpy 2.4.6"]


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
    last = {
        one.label: one.values[3] for one in asv_history.history(results).series if one.bench == "stream.load"
    }
    assert last["stream.load/numba [DRAM]"] == 2e-6
    assert math.isnan(last["stream.load/simd [L1]"])
    benchmarks = json.loads((results / "benchmarks.json").read_text())
    (results / "benchmarks.json").write_text(json.dumps(benchmarks | {LOAD: {"param_names": 5, "unit": 7}, "x": 3}))
    assert asv_history.history(results).series


def test_a_case_goes_on_where_its_neighbours_changed(results):
    """A value more of a parameter from a commit on: one series for the case, of all commits."""
    asv_file(results, 4, {LOAD: row([5e-6] * 6, [["'simd'", "'numba'", "'numpy'"], ["'L1'", "'DRAM'"]])})
    labels = [one.label for one in asv_history.history(results).series if one.bench == "stream.load"]
    assert len(labels) == len(set(labels)) == 6
    fast = next(one for one in asv_history.history(results).series if one.label == "stream.load/simd [L1]")
    assert fast.values.tolist() == [1e-6, 2e-6, 3e-6, 5e-6]


def test_reading_leaves_the_collector_as_it_was(results):
    """It rests while files are read, and is on again afterwards, also where one of them is broken."""
    asv_history.history(results)
    assert gc.isenabled()
    (results / "box" / "zzz.json").write_text("[")
    with pytest.raises(StoreError):
        asv_history.history(results)
    assert gc.isenabled()


def test_one_machine_s_directory_can_be_shown(results):
    """Its name is that of the folder's results, and others beside it are left out."""
    asv_file(results, 2, {LOAD: row([7e-6] * 4, PARAMS)}, {**BOX, "machine": "fox"})
    [history] = gather.gather([results / "fox"]).histories
    assert [one.machine for one in history.settings] == ["fox"]


def test_a_single_file_is_told_from_a_broken_run(results):
    """What it is, and what to name instead."""
    with pytest.raises(StoreError, match="one of asv's files: name the results directory"):
        gather.gather([next((results / "box").glob("0*.json"))])


def test_parameters_are_text_and_never_evaluated(results):
    """A parameter that looks like code stays as it is."""
    evil = "__import__('os').abort()"
    asv_file(results, 4, {"suite.time_sum": row([1.0], [[evil]])})
    assert {"param1": evil} in [one.params for one in asv_history.history(results).series]


def test_asvs_own_reader_finds_the_same(tmp_path):
    """The contract: what asv's classes wrote and read is what we read; number, interval, samples, parameters."""
    asv = pytest.importorskip("asv.results", reason="asv is not installed: pip install 'hwbench[asv]'")
    from asv.runner import BenchmarkResult
    from asv_runner.statistics import compute_stats

    assert asv.Results.api_version == asv.FORMAT
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
    [ours] = list(asv.files(results))
    assert (ours.commit, ours.when * 1000, ours.machine) == (theirs.commit_hash, theirs.date, theirs.params["machine"])
    [name] = theirs.get_all_result_keys()
    axes = theirs.get_result_params(name)
    values = theirs.get_result_value(name, axes)
    found = asv.values_of(ours.rows[name])
    assert [combination for combination, _ in found] == [
        tuple(text.strip("'") for text in combination) for combination in itertools.product(*axes)
    ]
    assert [one.value if one else None for _, one in found] == [median, None, None, None]
    assert values[0] == median
    known = theirs.get_result_stats(name, axes)[0]
    first = found[0][1]
    assert (first.low, first.high) == (known["ci_99_a"], known["ci_99_b"])
    assert list(first.samples) == theirs.get_result_samples(name, axes)[0] == samples
