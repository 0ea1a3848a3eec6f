"""Environments of commits: a clone of the repository at the commit, built by uv or pip, kept and shared by its hash.

uv builds where it is installed, else pip; both into an empty environment, so that a commit runs with the dependencies
that it declares and not with what is installed here. What is built is kept in the user's cache, and removed 30 days
after its last use.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import cache
from ..record import files, text
from ..tracking.history import TrackingError
from .snapshot import git, top

BUILD_S = 1800.0
KEPT_DAYS = 30
READY = "ready.json"
# A user's PYTHONPATH would precede what is built, and pip would count its packages as installed.
ALONE = {"PYTHONPATH": ""}
SOURCES = "--no-build runs its sources by this Python, with the packages that are here"
# The innermost first: a compiler's error; pip's own; uv's; what a build backend raised; else the kind of failure. What
# pip says of a failed build, or of versions that it left out, is no cause.
ERRORS = (
    r"(\S+:\d+:(?:\d+:)? (?:fatal )?error: .+)",
    r"ERROR: (?!Failed |Could not build|Ignored |Encountered )(.+)",
    r"(?:And b|B)ecause (.+(?:\n(?!\s*$).+)*)",
    r"(\w*(?:Error|Exception): .+)",
    r"error: (.+)",
    r"[×╰─▶> ]*(Failed to .+)",
    r"ERROR: (.+)",
)
# Not `Requires-Python`: pip lists it with each version that it left out, whatever failed.
OTHER_PYTHON = re.compile(r"requires a different Python:|does not satisfy Python")
LOG = "build.txt"
PACKAGES = (
    "import importlib.metadata as m, json, platform; "
    "print(json.dumps({'python': platform.python_version(), "
    "**{d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}}))"
)


@dataclass(frozen=True)
class Recipe:
    """What an environment holds beside the project: requirements, which Python; without `build` nothing at all."""

    requirements: tuple[str, ...] = ()
    python: str = sys.executable
    build: bool = True

    def digest(self) -> str:
        """Tells environments of one commit apart."""
        said = json.dumps([sys.version, self.requirements, self.python, self.build, bool(uv())])
        return hashlib.sha256(said.encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Built:
    """A commit's clone (`source`), its Python, what is installed there, and a folder for compiled kernels."""

    source: Path
    python: str
    packages: Mapping[str, str]
    kernels: Path
    ours: bool  # an environment of its own, not this Python


def uv() -> str:
    """The path of uv; "" where it is not installed."""
    return shutil.which("uv") or ""


def folder_of(commit: str, recipe: Recipe) -> Path:
    """Where a commit's environment is kept."""
    return cache.directory("ab", f"{commit[:12]}-{recipe.digest()}")


@contextlib.contextmanager
def _locked(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    import filelock

    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = filelock.FileLock(f"{folder}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        say("another process builds it, too: waiting …")
        lock.acquire(timeout=BUILD_S)
    try:
        yield
    finally:
        lock.release()


def unpacked(commit: str, recipe: Recipe, say: Callable[[str], None]) -> Path:
    """The clone of a commit, with git's history, as tools that ask git for versions need it."""
    folder = folder_of(commit, recipe)
    source = folder / "source"
    with _locked(folder, say):
        _sweep(folder.parent, folder)
        if trouble := cache.strangers(folder.parent):
            raise TrackingError(f"{folder.parent}: {trouble}; what is built there is run: remove it")
        if git("rev-parse", "HEAD", folder=source) == commit and (source / ".git").exists():
            return source
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        quiet = ("clone", "--quiet", "--shared", "--no-checkout", str(top().absolute()), str(source))
        done = ran(["git", *quiet], folder, BUILD_S, {})
        if not done.returncode:
            done = ran(["git", "-c", "advice.detachedHead=false", "checkout", "--quiet", "--detach", commit], source,
                       BUILD_S, {})  # fmt: skip
        if done.returncode:
            raise TrackingError(f"{commit[:8]}: git cannot check it out ({why(done)})")
    return source


def built(name: str, commit: str, recipe: Recipe, project: Path, say: Callable[[str], None]) -> Built:
    """The environment of a commit: the kept one, else a new one. `project` is what is installed, below its clone."""
    folder = folder_of(commit, recipe)
    kernels = folder / "kernels"
    if not recipe.build:
        return Built(folder / "source", sys.executable, packages(sys.executable, folder), kernels, ours=False)
    with _locked(folder, say):
        python = interpreter(folder / "environment")
        kept = _ready(folder / READY)
        if python is None or kept is None:
            say(f"building an environment of {name} …")
            began = time.monotonic()
            python = _build(name, folder, recipe, project)
            kept = packages(str(python), folder)
            files.write(json.dumps(kept).encode(), folder / READY)
            say(f"built in {text.duration(time.monotonic() - began)}")
        else:
            os.utime(folder / READY)
    return Built(folder / "source", str(python), kept, kernels, ours=True)


def _build(name: str, folder: Path, recipe: Recipe, project: Path) -> Path:
    """A new environment with the project and the requirements."""
    place = folder / "environment"
    shutil.rmtree(place, ignore_errors=True)
    tool = uv()
    pip = importlib.util.find_spec("pip") is not None
    python = recipe.python
    if tool:
        make = [tool, "venv", "--quiet", "--no-project", "--python", python, str(place)]
    else:
        # An environment without a pip of its own takes a tenth of the time.
        make = [_executable(python), "-m", "venv", *(["--without-pip"] if pip else []), str(place)]
    done = ran(make, folder, BUILD_S, ALONE)
    made = interpreter(place)
    if done.returncode or made is None:
        remedy = "" if tool else "Debian and Ubuntu have what is needed in python3-venv; "
        raise TrackingError(f"{name}: no environment can be made for it ({why(done)}); {remedy}{SOURCES}")
    wanted = targets(project, recipe.requirements)
    if not wanted:
        return made
    if tool:
        install = [tool, "pip", "install", "--quiet", "--python", str(made)]
    else:
        # --no-compile: pip would compile every file; the first start compiles what is needed.
        by = [sys.executable, "-m", "pip", "--python", str(made)] if pip else [str(made), "-m", "pip"]
        install = [*by, "install", "--disable-pip-version-check", "--no-input", "--no-compile"]
    done = ran([*install, *wanted], folder, BUILD_S, ALONE)
    if done.returncode:
        log = folder / LOG
        log.write_text(f"{done.stdout}\n{done.stderr}", encoding="utf-8")
        said = f"{why(done)}; its output: {log}"
        remedy = "name one by --python" if OTHER_PYTHON.search(done.stdout + done.stderr) else SOURCES
        raise TrackingError(f"{name}: {'uv' if tool else 'pip'} cannot install it ({said}); {remedy}")
    return made


def targets(project: Path, requirements: Sequence[str]) -> list[str]:
    """What is installed: the project where it can be, with the extras that a requirement `.[bench]` names."""
    own = [one for one in requirements if one == "." or one.startswith(".[")]
    others = [one for one in requirements if one not in own]
    installable = any((project / name).is_file() for name in ("pyproject.toml", "setup.py"))
    if own or installable:
        return [*(f"{project}{one[1:]}" for one in (own or ["."])), *others]
    return others


def _executable(python: str) -> str:
    """The path of a Python that is named by a version or a path."""
    if os.sep in python or os.path.isabs(python):  # noqa: PTH117
        return python
    found = shutil.which(f"python{python}") or shutil.which(python)
    if found is None:
        raise TrackingError(f"--python {python}: there is no python{python} here; uv would fetch it, or give a path")
    return found


def interpreter(folder: Path) -> Path | None:
    """The interpreter of an environment; None without one."""
    inside = (folder / "bin" / "python", folder / "Scripts" / "python.exe")
    return next((one for one in inside if one.exists()), None)


def packages(python: str, folder: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The version of a Python, and of all that is installed there."""
    done = ran([python, "-c", PACKAGES], folder, 120.0, variables or {})
    if done.returncode:
        raise TrackingError(f"{python}: does not run ({last_line(done.stderr)})")
    try:
        return {str(name): str(version) for name, version in json.loads(done.stdout.splitlines()[-1]).items()}
    except (ValueError, IndexError, AttributeError):
        raise TrackingError(f"{python}: is no Python that can be asked for its packages") from None


def _ready(path: Path) -> dict[str, str] | None:
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(files.read(path, 2**24))
        return found if isinstance(found, dict) else None
    return None


def _sweep(kept: Path, mine: Path) -> None:
    """Remove environments that nobody has used for long."""
    for one in kept.glob("*/" + READY):
        with contextlib.suppress(OSError):
            if one.parent != mine and time.time() - one.stat().st_mtime > KEPT_DAYS * 86_400:
                shutil.rmtree(one.parent, ignore_errors=True)


# --- processes --------------------------------------------------------------------------------------------------------


def ran(
    command: Sequence[str], folder: Path, seconds: float, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """The completed command; a timeout and a failed start count as return code 1."""
    try:
        return subprocess.run(  # noqa: S603
            command, cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"it took more than {text.seconds(seconds)}")
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", f"it cannot be started: {error.strerror}")


def last_line(said: str) -> str:
    """The last line of a process's output, where Python states the error."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


def why(done: subprocess.CompletedProcess[str]) -> str:
    """The error in the output of venv, uv or pip: the last line that names one."""
    said = f"{done.stdout}\n{done.stderr}"
    for pattern in ERRORS:
        if found := re.findall(rf"^\W*{pattern}$", said, re.MULTILINE):
            return " ".join(str(found[-1]).split())[:300]
    return last_line(said)
