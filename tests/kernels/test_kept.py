"""Arrays that are kept for the next process: read back whole, computed anew where that cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from hwbench.kernels import kept


class Computation:
    """Gives a map with gaps, and counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.times += 1
        return {"loss": np.array([[0.5, np.nan], [np.inf, 2.0]]), "lost": np.array([[-1, 3], [7, -1]])}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kernel cache."""
    monkeypatch.setattr(kept, "kernel_cache", lambda: tmp_path)
    return tmp_path


def test_what_was_computed_is_read_back_to_the_bit(folder: Path) -> None:
    """NaN and infinity too, and nothing is computed again; another name is."""
    make = Computation()
    first, second = (kept.arrays("maps", "a", make) for _ in range(2))
    assert make.times == 1
    assert all(np.array_equal(first[key], second[key], equal_nan=True) for key in ("loss", "lost"))
    assert second["lost"].dtype == first["lost"].dtype
    kept.arrays("maps", "b", make)
    assert make.times == 2
    assert sorted(path.suffix for path in (folder / "maps").iterdir()) == [".npz", ".npz"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04cut off", b"no archive"])
def test_a_damaged_file_is_written_anew(content: bytes, folder: Path) -> None:
    """Whatever it holds."""
    make = Computation()
    kept.arrays("maps", "a", make)
    (file,) = (folder / "maps").iterdir()
    file.write_bytes(content)
    assert set(kept.arrays("maps", "a", make)) == {"loss", "lost"}
    kept.arrays("maps", "a", make)
    assert make.times == 2


def test_nothing_is_kept_without_a_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where its folder cannot be made."""
    make = Computation()
    for folder in (None, Path(__file__)):
        monkeypatch.setattr(kept, "kernel_cache", lambda folder=folder: folder)
        assert set(kept.arrays("maps", "a", make)) == {"loss", "lost"}
    assert make.times == 2


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
def test_what_others_may_write_is_not_read(folder: Path) -> None:
    """As with compiled kernels."""
    make = Computation()
    kept.arrays("maps", "a", make)
    (file,) = (folder / "maps").iterdir()
    file.chmod(0o666)
    kept.arrays("maps", "a", make)
    assert make.times == 2
