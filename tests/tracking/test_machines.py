"""Machines by what results state of them: one name for two, and two names for one."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from hwbench.tracking.readers import asv_history
from made_up.histories import BOX, LOAD, PARAMS, asv_file, row, three_commits


@pytest.fixture
def results(tmp_path):
    """Three commits of a bench of ours and of a foreign one."""
    return three_commits(tmp_path / "results")


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
