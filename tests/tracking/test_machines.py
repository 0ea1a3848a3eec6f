"""Machines by what results state of them: one name for two, and two names for one."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from hwbench.tracking.readers import asv_history, pytest_benchmark
from made_up.histories import BOX, LOAD, PARAMS, SUM, asv_file, commit, pytest_file, row, three_commits


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
    [({"caches": "L1 32 KiB", "quota": "None"}, 1), ({"num_cpu": ""}, 1), ({"num_cpu": "4"}, 2),
     ({"num_cpu": "4", "caches": "L1 32 KiB"}, 1),
     ({"ram": str(int(15.7 * 2**20))}, 1), ({"ram": str(int(15.2 * 2**20))}, 2)],
)  # fmt: skip
def test_a_machine_is_split_by_what_both_results_state(results, facts, machines):
    """A project that begins to state more, or states less once, goes on; memory is the same within 3%.

    With the plugin `num_cpu` are the CPUs that may be used, which asv itself does not state.
    """
    asv_file(results, 4, {LOAD: row([9e-6] * 4, PARAMS)}, {**BOX, **facts})
    assert len(asv_history.history(results).settings) == machines


def test_two_names_for_one_machine_are_told_though_one_states_more(results):
    """Half of the box's results state its caches: still one machine, with all that is known of it."""
    asv_file(results, 4, {LOAD: row([9e-6] * 4, PARAMS)}, {**BOX, "caches": "L1 32 KiB"})
    [setting] = asv_history.history(results).settings
    assert dict(setting.identity)["L1d"] == "32 KiB"
    assert dict(setting.identity)["memory"] == "16 GiB"


@pytest.mark.parametrize(
    ("stated", "size"),
    [("25232384", "24.1 GiB"), (str(25232384 * 1024), "24.1 GiB"), (str(8 * 2**30), "8 GiB"),
     (str(2**31 - 4), "2050 GiB")],
)  # fmt: skip
def test_memory_in_bytes_is_told_from_kb(tmp_path, stated, size):
    """asv 0.6.6 states bytes, older ones kB: whole pages of a GiB and more are bytes."""
    asv_file(tmp_path, 1, {SUM: row([0.5])}, {**BOX, "ram": stated})
    [setting] = asv_history.history(tmp_path).settings
    assert dict(setting.identity)["memory"] == size


def test_a_new_asv_splits_no_series(tmp_path):
    """kB, then bytes of the same memory are one machine."""
    for number, ram in ((1, "25232384"), (2, str(25232384 * 1024))):
        asv_file(tmp_path, number, {SUM: row([0.5])}, {**BOX, "ram": ram})
    assert len(asv_history.history(tmp_path).settings) == 1


def runners(tmp_path, python=("3.12.7",) * 8, cpus=("AMD EPYC 7763",) * 8):
    """Files of hosted runners: a name of its own each, 1.5 times slower from the fifth on."""
    made = []
    for i, (version, cpu) in enumerate(zip(python, cpus, strict=True)):
        factor = 1.0 if i < 4 else 1.5
        info = {"node": f"fv-az{i}-{i}", "python_version": version, "cpu": {"brand_raw": cpu, "count": 4}}
        made.append(
            pytest_file(
                tmp_path / f"{i}.json", [{"name": "x", "data": [factor * (1 + j / 1e3) for j in range(9)]}],
                f"2026-11-{10 + i}T18:00:00+00:00", machine_info=info, commit_info={"id": commit(i), "dirty": False},
            )
        )  # fmt: skip
    return made


def test_runners_of_like_hardware_are_one_line(tmp_path):
    """Eight runners of one commit each: one series of eight values, called after the CPU."""
    history = pytest_benchmark.history(runners(tmp_path))
    [series] = history.series
    assert len(series.values) == 8
    assert history.labels() == ["AMD EPYC 7763"]
    assert any("8 runners with hardware that is alike" in note for note in history.notes)


def test_runners_of_other_hardware_are_another_line(tmp_path):
    """Until all are grouped by hand."""
    paths = runners(tmp_path, cpus=("AMD EPYC 7763", "Xeon 8370C") * 4)
    assert len(pytest_benchmark.history(paths).series) == 2
    history = pytest_benchmark.history(paths, machine="hosted")
    assert (len(history.series), history.labels()) == (1, ["hosted"])


def test_a_patch_release_of_python_is_a_note(tmp_path):
    """3.12.7, then 3.12.8: one line, and a sentence that names the commit."""
    history = pytest_benchmark.history(runners(tmp_path, python=("3.12.7",) * 4 + ("3.12.8",) * 4))
    assert len(history.series) == 1
    assert [note for note in history.notes if note.startswith("Python is 3.12.8 from 00000004")]
    other = pytest_benchmark.history(runners(tmp_path, python=("3.12.7",) * 4 + ("3.13.0",) * 4))
    assert len(other.series) == 2
