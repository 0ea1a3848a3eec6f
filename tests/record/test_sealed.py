"""What is kept to be run is whole, and nobody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hwbench.record import sealed


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    """Every byte of it; nothing where nothing is kept, where it is damaged, or where it cannot be kept."""
    path = tmp_path / "made" / "file"
    assert sealed.read(path) is None
    sealed.write(b"a\nb\xff", path)
    assert sealed.read(path) == b"a\nb\xff"
    path.write_bytes(path.read_bytes()[:-1])
    assert sealed.read(path) is None
    sealed.write(b"a", path / "below")
    assert sealed.read(path / "below") is None


@pytest.mark.skipif(os.name != "posix", reason="owners and modes as POSIX has them")
def test_what_others_could_write_is_left_aside(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With a warning; the file is for this user alone."""
    path = tmp_path / "made" / "file"
    sealed.write(b"code", path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.parent.chmod(0o777)
    assert sealed.read(path) is None
    assert "can be written by other users: left aside" in caplog.text


def test_what_was_not_made_anew_for_long_is_removed(tmp_path: Path) -> None:
    """Files of the pattern alone."""
    for name in ("asv-old", "asv-new", "other-old"):
        sealed.write(b"a", tmp_path / name)
    for name in ("asv-old", "other-old"):
        os.utime(tmp_path / name, (1, 1))
    sealed.sweep(tmp_path, "asv-*")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["asv-new", "other-old"]
