"""One cache directory."""

from __future__ import annotations

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
