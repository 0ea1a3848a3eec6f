"""asv's files are read once, and again where they changed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from hwbench.errors import StoreError
from hwbench.tracking.readers import asv, asv_kept
from made_up.histories import three_commits


def test_a_file_is_read_again_only_where_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same numbers and heads from the cache; by size and time; a broken file is told by whoever asks for it."""
    monkeypatch.setattr(asv_kept, "LEAST", 1)
    results = three_commits(tmp_path / "results")
    asked: list[Path] = []

    def read(path: Path) -> asv.ResultFile:
        asked.append(path)
        return asv.read_file(path)

    def found() -> list[asv.ResultFile]:
        asked.clear()
        paths = asv.paths(results)
        reader = asv_kept.through(paths, read, asv.ResultFile, tmp_path / "cache")
        return [reader(path) for path in paths]

    first = found()
    assert len(asked) == len(first) == 3
    for one, other in zip(first, found(), strict=True):
        assert asked == []
        assert [getattr(one, name) for name in asv_kept.HEAD] == [getattr(other, name) for name in asv_kept.HEAD]
        assert one.numbers.rows == other.numbers.rows
        np.testing.assert_array_equal(one.numbers.values, other.numbers.values)
        np.testing.assert_array_equal(one.numbers.failed, other.numbers.failed)
    os.utime(first[1].path, ns=(1, 1))
    found()
    assert asked == [first[1].path]
    first[1].path.write_text("{")
    with pytest.raises(StoreError, match="is no JSON"):
        found()


def test_few_files_are_not_kept(tmp_path: Path) -> None:
    """To read them takes no longer than to find them."""
    results = three_commits(tmp_path / "results")
    assert asv_kept.through(asv.paths(results), asv.read_file, asv.ResultFile, tmp_path / "cache") is asv.read_file
    assert not (tmp_path / "cache").exists()
