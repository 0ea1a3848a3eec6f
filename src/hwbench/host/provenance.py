"""Which hwbench measures: its version, and the commit of the checkout that it runs from."""

from __future__ import annotations

from pathlib import Path

from ..version import __version__, git


def stamp() -> dict[str, str | bool | None]:
    """Version, commit, and whether the sources differ from it; None where hwbench runs from no checkout."""
    root = Path(__file__).resolve().parents[3]
    commit = dirty = None
    if (root / ".git").exists():
        commit = git(root, "rev-parse", "HEAD") or None
        changed = git(root, "status", "--porcelain", "--", "src")
        dirty = None if changed is None else bool(changed)
    return {"version": __version__, "commit": commit, "dirty": dirty}
