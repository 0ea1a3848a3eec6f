"""Which hwbench measures: its version, and the commit of the checkout that it runs from."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ..version import __version__


def stamp() -> dict[str, str | bool | None]:
    """Version, commit, and whether the sources differ from it; None where hwbench runs from no checkout."""
    root = Path(__file__).resolve().parents[3]
    commit = dirty = None
    if (root / ".git").exists():
        commit = _git(root, "rev-parse", "HEAD") or None
        changed = _git(root, "status", "--porcelain", "--", "src")
        dirty = None if changed is None else bool(changed)
    return {"version": __version__, "commit": commit, "dirty": dirty}


def _git(root: Path, *arguments: str) -> str | None:
    """What git prints; None where it fails or is not installed."""
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603, S607
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
