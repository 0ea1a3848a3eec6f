"""The best of earlier runs: kept for a setup, raised and never lowered, begun anew where it is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwbench import cache
from hwbench.measurement import own_best
from hwbench.record.identity import Identity

HERE, THERE = Identity({"CPU": "one"}), Identity({"CPU": "other"})


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(cache, "directory", lambda *parts: tmp_path.joinpath(*parts))
    return tmp_path


def test_each_gauge_keeps_its_best() -> None:
    """A better run raises it, a worse one does not; another setup has a history of its own."""
    assert own_best.earlier(HERE) == {}
    own_best.keep(HERE, {"witness_l3": 30e9, "witness_dram": 10e9})
    own_best.keep(HERE, {"witness_l3": 20e9, "witness_dram": 12e9})
    own_best.keep(HERE, {"witness_dram": 11e9})
    assert own_best.earlier(HERE) == {"witness_l3": 30e9, "witness_dram": 12e9}
    assert own_best.earlier(THERE) == {}


def test_a_run_without_a_witness_leaves_no_file(folder: Path) -> None:
    """Scripted devices have none."""
    own_best.keep(HERE, {})
    assert not list(folder.iterdir())


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"witness_l3": "fast"}', '{"witness_l3": -1}', "\udcff"])
def test_a_damaged_file_is_no_history_and_is_begun_anew(folder: Path, content: str) -> None:
    """Whatever is in it, the run goes on."""
    own_best.keep(HERE, {"witness_l3": 1e9})
    [file] = (folder / "witness").iterdir()
    file.write_bytes(content.encode(errors="surrogateescape"))
    assert own_best.earlier(HERE) == {}
    own_best.keep(HERE, {"witness_l3": 2e9})
    assert own_best.earlier(HERE) == {"witness_l3": 2e9}


def test_where_nothing_can_be_written_the_run_goes_on(folder: Path) -> None:
    """A file stands where the folder would be."""
    (folder / "witness").write_text("")
    own_best.keep(HERE, {"witness_l3": 1e9})
    assert own_best.earlier(HERE) == {}
