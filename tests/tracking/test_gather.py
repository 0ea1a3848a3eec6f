"""What the paths given to `hwbench report` hold."""

from __future__ import annotations

import pytest

from hwbench.errors import StoreError
from hwbench.tracking import gather
from made_up.histories import BOX, LOAD, PARAMS, asv_file, row, three_commits


@pytest.fixture
def results(tmp_path):
    """Three commits of a bench of ours and of a foreign one."""
    return three_commits(tmp_path / "results")


def test_one_machine_s_directory_can_be_shown(results):
    """Its name is that of the folder's results, and others beside it are left out."""
    asv_file(results, 2, {LOAD: row([7e-6] * 4, PARAMS)}, {**BOX, "machine": "fox"})
    [history] = gather.gather([results / "fox"]).histories
    assert [one.machine for one in history.settings] == ["fox"]


def test_a_single_file_is_told_from_a_broken_run(results):
    """What it is, and what to name instead."""
    with pytest.raises(StoreError, match="one of asv's files: name the results directory"):
        gather.gather([next((results / "box").glob("0*.json"))])
