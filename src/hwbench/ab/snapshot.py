"""Commits of the user's repository by name, and the working tree as it is as a commit of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..record.phrases import counted
from ..tracking.history import TrackingError

HERE = "."
FIXED = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "hwbench"), ("EMAIL", "hwbench@localhost"), ("DATE", "2000-01-01T00:00:00Z"))
}


def git(*arguments: str, folder: Path | None = None, variables: Mapping[str, str] | None = None) -> str:
    """What git prints; "" where it fails or is not there."""
    try:
        done = subprocess.run(  # noqa: S603
            ["git", *arguments], cwd=folder, env={**os.environ, **(variables or {})}, stdin=subprocess.DEVNULL,  # noqa: S607
            capture_output=True, text=True, errors="replace", timeout=120, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def top() -> Path:
    """The root of the repository around the current directory."""
    found = git("rev-parse", "--show-toplevel")
    return Path(found) if found else Path()


def commit(spec: str) -> str:
    """The hash of a revision of the current repository; `.` is the working tree, with its changes of tracked files."""
    if spec == HERE:
        return _working_tree()
    found = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{spec}^{{commit}}") if spec[:1] != "-" else ""
    if not found:
        here = "and no commit of the repository here; the one before HEAD is HEAD~1"
        outside = "and here is no git repository; stand in that of your project, or name an environment"
        raise TrackingError(
            f"{spec}: is no Python, no environment, {here if git('rev-parse', '--git-dir') else outside}"
        )
    return found


def untracked() -> str:
    """What a snapshot of the working tree lacks; "" where it lacks nothing."""
    files = git("ls-files", "--others", "--exclude-standard", folder=top()).splitlines()
    if not files:
        return ""
    named = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    return f"without {counted(len(files), 'untracked file')} ({named}); git add -N takes one in"


def _working_tree() -> str:
    """A commit of the tracked files as they are; HEAD where nothing has changed. The user's index stays as it is.

    Name and date are fixed, so that equal trees are one commit and share an environment.
    """
    head = git("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not head:
        raise TrackingError(f"{HERE}: the working tree is in no git repository with a commit; name an environment")
    index = Path(git("rev-parse", "--path-format=absolute", "--git-path", "index"))
    with tempfile.TemporaryDirectory(prefix="hwbench-ab-") as scratch:
        own = {"GIT_INDEX_FILE": str(Path(scratch) / "index"), **FIXED}
        if index.is_file():
            shutil.copy(index, own["GIT_INDEX_FILE"])
        git("add", "--update", folder=top(), variables=own)
        tree = git("write-tree", folder=top(), variables=own)
        if not tree:
            raise TrackingError(f"{HERE}: git cannot write the working tree; resolve its conflicts, or name a commit")
        if tree == git("rev-parse", "HEAD^{tree}"):
            return head
        return git("commit-tree", tree, "-p", head, "-m", "The working tree", folder=top(), variables=own)
