"""The version of this hwbench, and the names that it is installed by.

Git's tags state it. A build writes what they say into its metadata (hatch-vcs). A checkout is asked each time, since
what was installed from it can be older. Archives and sdists that are run in place bring a file along.
"""

from __future__ import annotations

import re
from pathlib import Path

DISTRIBUTION = "hwbench-suite"
FORMER = "hwbench"  # its name before; on the package index, the name of another project
UNKNOWN = "0+unknown"
GIT_S = 5.0
ARCHIVAL = ".git_archival.txt"  # filled in by `git archive`
_DESCRIBED = re.compile(r"v(?P<tag>\d\S*?)(?:-(?P<distance>\d+)-g(?P<node>[0-9a-f]+))?")


def __getattr__(name: str) -> str:
    """`__version__`, when it is asked for: looking it up takes as long as reading a small run."""
    if name != "__version__":
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    root = Path(__file__).resolve().parents[2]
    return _of_git(root) or _of_archive(root) or _of_metadata() or _fallback(root) or UNKNOWN


def _of_git(root: Path) -> str | None:
    """The version of the checkout whose sources these are; None elsewhere, and where git does not answer."""
    if not (root / ".git").exists() or not (fallback := _fallback(root)):
        return None
    described = git(root, "describe", "--tags", "--long", "--abbrev=9", "--match", "v[0-9]*")
    if described is not None:
        return of_description(described)
    node, distance = git(root, "rev-parse", "--short=9", "HEAD"), git(root, "rev-list", "--count", "HEAD")
    return of_description(f"v{fallback}-{distance}-g{node}") if node and distance else None


def _of_metadata() -> str | None:
    """The version that was installed."""
    from importlib import metadata

    try:
        return metadata.version(DISTRIBUTION) or None
    except Exception:  # noqa: BLE001 - not installed, or damaged: then it raises what its Python likes
        return None


def _of_archive(root: Path) -> str | None:
    """The version of the unpacked sdist or archive whose sources these are; None of a checkout."""
    if not (fallback := _fallback(root)):
        return None
    if found := re.search(r"^Version: (\S+)$", _text(root / "PKG-INFO"), re.MULTILINE):
        return found[1]
    archived = _text(root / ARCHIVAL)
    if not archived or "$Format" in archived:
        return None
    found = re.search(r"^describe-name: (\S+)$", archived, re.MULTILINE)
    return (of_description(found[1]) if found else None) or fallback


def of_description(described: str) -> str | None:
    """The version that `git describe` states, as hatch-vcs derives it: `v0.2.0-3-gabc` is `0.2.1.dev3+gabc`."""
    form = _DESCRIBED.fullmatch(described)
    if form is None:
        return None
    tag = form["tag"]
    if not int(form["distance"] or 0):
        return tag
    release = re.sub(r"\.dev0$", "", tag)
    following = release if release != tag else re.sub(r"\d+$", lambda last: str(int(last[0]) + 1), tag)
    return f"{following}.dev{form['distance']}+g{form['node']}"


def _fallback(root: Path) -> str | None:
    """The version without tags, by hwbench's pyproject.toml; None where it is another project's or cannot be read."""
    import tomllib

    try:
        said = tomllib.loads(_text(root / "pyproject.toml"))
        return (
            str(said["tool"]["hatch"]["version"]["fallback-version"])
            if said["project"]["name"] == DISTRIBUTION
            else None
        )
    except (ValueError, LookupError, TypeError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def git(root: Path, *arguments: str) -> str | None:
    """What git prints of the checkout in `root`; None where it fails or is not installed."""
    import os
    import subprocess

    # A hook's GIT_DIR names the repository that somebody commits to.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    run = ["git", *arguments]
    try:
        done = subprocess.run(run, cwd=root, env=variables, capture_output=True, text=True, timeout=GIT_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
