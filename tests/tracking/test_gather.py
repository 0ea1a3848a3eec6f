"""What the paths given to `hwbench report` hold."""

from __future__ import annotations

import msgspec
import pytest

from doubles.scripted import record, run_of
from hwbench.errors import StoreError
from hwbench.record import store
from hwbench.record.model import Policy
from hwbench.tracking import gather
from made_up.histories import BOX, LOAD, PARAMS, asv_file, pytest_file, row, three_commits


@pytest.fixture
def results(tmp_path):
    """Three commits of a bench of ours and of a foreign one."""
    return three_commits(tmp_path / "results")


def test_one_machine_s_directory_can_be_shown(results):
    """Its name is that of the folder's results, and others beside it are left out."""
    asv_file(results, 2, {LOAD: row([7e-6] * 4, PARAMS)}, {**BOX, "machine": "fox"})
    [history] = gather.gather([results / "fox"]).histories
    assert [one.machine for one in history.settings] == ["fox"]


def test_single_files_of_asv_are_a_history(results):
    """With what benchmarks.json beside them says."""
    [history] = gather.gather(sorted((results / "box").glob("0*.json"))[:2]).histories
    assert (history.source, len(history.commits)) == ("asv", 2)
    assert {one.unit for one in history.series} == {"s", "GB/s"}


def test_a_bad_file_refuses_nothing_else(results, tmp_path):
    """Format 1, a file that was cut, foreign JSON: a line each, and the rest is read."""
    (results / "box" / "old.json").write_text('{"version": 1}')
    (results / "box" / "cut.json").write_text('{"version": 2, "comm')
    (tmp_path / "package.json").write_text('{"name": "x"}')
    (tmp_path / "lock.json").write_text('{"benchmarks": {}}')
    found = gather.gather([tmp_path])
    assert [len(one.commits) for one in found.histories] == [3]
    assert sorted(line.partition(": ")[0].rpartition("/")[2] for line in found.skipped) == [
        "cut.json", "lock.json", "old.json", "package.json",
    ]  # fmt: skip
    with pytest.raises(StoreError, match=r"package\.json"):
        gather.gather([tmp_path / "package.json"])


def test_a_directory_holds_runs_and_results_of_both_tools(results, tmp_path):
    """Three runs and two files of pytest-benchmark are histories, too; a file of asv's is no run."""
    for number in range(3):
        run = run_of(record("v"), id=f"run-{number}", started=f"2026-11-2{number}T18:00:00Z")
        store.write(run, tmp_path / "runs" / "box" / f"{run.id}.json")
    for name in ("a", "b"):
        pytest_file(tmp_path / f"{name}.json", [{"name": "x", "data": [1e-3, 1.1e-3, 1.2e-3]}])
    (tmp_path / ".hidden.json").write_text("{")
    found = gather.gather([tmp_path])
    assert [run.id for run in found.runs] == ["run-0", "run-1", "run-2"]
    assert [(one.source, len(one.commits)) for one in found.histories] == [
        ("hwbench", 3), ("asv", 3), ("pytest-benchmark", 2),
    ]  # fmt: skip


def test_comparisons_with_native_tools_are_no_history(tmp_path):
    """Runs of `hwbench verify` are shown and make no series."""
    for number in range(3):
        run = run_of(record("ours", bench="verify.stream.load"), id=f"run-{number}")
        store.write(msgspec.structs.replace(run, policy=Policy(preset="verify")), tmp_path / f"{number}.json")
    found = gather.gather([tmp_path])
    assert len(found.runs) == 3
    assert found.histories == []


def test_an_empty_directory_is_refused(tmp_path):
    """Nothing to show is said, not shown."""
    with pytest.raises(StoreError, match="holds no run files, no results of asv and none of pytest-benchmark"):
        gather.gather([tmp_path])
