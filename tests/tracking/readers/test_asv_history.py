"""asv's results as a history: series over commits, environments, versions."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from hwbench.errors import StoreError
from hwbench.tracking import resolve
from hwbench.tracking.readers import asv_history
from made_up.histories import LOAD, PARAMS, asv_file, commit, row, three_commits


@pytest.fixture
def results(tmp_path):
    """Three commits of a bench of ours and of a foreign one."""
    return three_commits(tmp_path / "results")


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
    base, _ = resolve.sides(f"asv:{commit(4)}", f"asv:{commit(3)}", results.parent, results)
    assert {entry.params["environment"]: entry.measurements[0].median for entry in base.entries} == last


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
