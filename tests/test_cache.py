"""One cache directory."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import pytest

from hwbench import cache


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG_CACHE_HOME is Linux's")
def test_the_cache_lies_where_the_system_has_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Below the user's cache directory; nothing is made before something is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.directory() == tmp_path / "hwbench"
    assert cache.directory("roofs", "0123") == tmp_path / "hwbench" / "roofs" / "0123"
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="owners and modes as POSIX has them")
def test_strangers_are_who_else_could_have_written(tmp_path: Path) -> None:
    """Nobody in what this user alone writes to; a group, everybody, and another owner are named."""
    path = tmp_path / "kernel"
    path.write_bytes(b"")
    for mode, said in (
        (0o600, ""),
        (0o755, ""),
        (0o620, "can be written by other users"),
        (0o602, "can be written by"),
    ):
        path.chmod(mode)
        assert cache.strangers(path).startswith(said)
        assert bool(cache.strangers(path)) == bool(said)
    if os.geteuid() == 0:
        path.chmod(0o600)
        os.chown(path, 12345, -1)
        assert cache.strangers(path) == "belongs to user 12345"
    with pytest.raises(FileNotFoundError):
        cache.strangers(tmp_path / "none")


def test_what_is_left_aside_is_told_once(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """One line for each place and reason, whatever asks for it how often."""
    with caplog.at_level(logging.WARNING, "hwbench"):
        for why in ("is damaged", "is damaged", "belongs to user 7"):
            cache.aside(tmp_path, why)
    assert [line.partition(": left aside")[0] for line in caplog.messages] == [
        f"warning: {tmp_path}: is damaged",
        f"warning: {tmp_path}: belongs to user 7",
    ]
