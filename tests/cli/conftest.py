"""Where the commands under test write."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where runs go."""
    return tmp_path / "reports"
