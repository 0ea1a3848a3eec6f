"""The two sides of `hwbench ab`: a Python as it is, or a commit of hwbench built into an environment of its own.

pip builds a commit in an empty environment, so that it runs with the dependencies it declares and not with what is
installed here. An environment of hwbench takes half a GB.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import io
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..record import text
from ..tracking.history import TrackingError
from ..version import DISTRIBUTION, FORMER, __version__

SOURCE = Path(__file__).resolve().parents[2]  # what holds the package hwbench
PROBE_S = 120.0
BUILD_S = 1800.0
# A user's PYTHONPATH would precede what is built, and pip would count its packages as installed.
ALONE = {"PYTHONPATH": ""}
SOURCES = "--no-build runs its sources by this Python, with the packages that are here"
# pip's own error; else what a build backend raised; else the kind of failure.
ERRORS = (r"ERROR: (.+)", r"(\w*(?:Error|Exception): .+)", r"error: (.+)")


@dataclass(frozen=True)
class Contender:
    """One side: the interpreter that measures, and its environment variables."""

    name: str
    python: str
    variables: Mapping[str, str] = field(default_factory=dict)


def contenders(
    specs: Sequence[str], scratch: Path, say: Callable[[str], None], *, build: bool = True
) -> list[Contender]:
    """The sides that `specs` name: paths of a Python or its environment, else commits of the current repository.

    An environment without hwbench gets this one's sources. A commit is built into an environment below `scratch`, once
    for all specs that name it; without `build` its sources are run by this Python with its packages.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    pythons = {spec: python for spec in specs if (python := _python(Path(spec))) is not None}
    commits = {spec: _commit(spec) for spec in specs if spec not in pythons}
    # Check all names before building any: an error in the second must not cost the build of the first.
    folders = {commit: _unpacked(commit, scratch) for commit in commits.values()}
    for spec, commit in commits.items():
        _check(spec, folders[commit] / "source", build)
    found = {spec: _environment(spec, python, scratch) for spec, python in pythons.items()}
    made: dict[str, Contender] = {}
    for spec, commit in commits.items():
        name = f"{spec} ({commit[:8]})"
        if commit not in made:
            make = _built if build else _unbuilt
            made[commit] = make(name, folders[commit], say)
        found[spec] = dataclasses.replace(made[commit], name=name)
    return [found[spec] for spec in specs]


def last_line(text: str) -> str:
    """The last line of a process's output, where Python states the error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it said nothing"


def ran(
    command: Sequence[str], folder: Path, seconds: float, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """The completed command; a timeout and a failed start count as return code 1."""
    try:
        # Not in the user's directory: `python -m` would import from there first.
        return subprocess.run(  # noqa: S603
            command, cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, errors="replace", timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"it took more than {text.seconds(seconds)}")
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", f"it cannot be started: {error.strerror}")


# --- a Python ---------------------------------------------------------------------------------------------------------


def _python(path: Path) -> Path | None:
    """The interpreter at a path; None without one."""
    if path.is_dir():
        inside = (path / "bin" / "python", path / "Scripts" / "python.exe")
        return next((one for one in inside if one.exists()), None)
    return path if path.is_file() and os.access(path, os.X_OK) else None


def _environment(spec: str, python: Path, scratch: Path) -> Contender:
    # Do not resolve the link: a virtual environment is found by the path of its python.
    where = str(python.absolute())
    if ran([where, "-c", "import hwbench"], scratch, PROBE_S, {}).returncode == 0:
        return Contender(spec, where)
    variables = {"PYTHONPATH": _first(str(SOURCE), _lent(scratch, DISTRIBUTION, __version__))}
    probe = ran([where, "-c", "import hwbench.measurement.session"], scratch, PROBE_S, variables)
    if probe.returncode:
        raise TrackingError(f"{spec}: cannot run hwbench ({last_line(probe.stderr)}); {where} -m pip install {_ours()}")
    return Contender(spec, where, variables)


def _ours() -> str:
    """What pip installs this hwbench from."""
    checkout = SOURCE.parent
    return str(checkout) if (checkout / "pyproject.toml").is_file() else DISTRIBUTION


def _lent(scratch: Path, name: str, version: str) -> str:
    """A folder for sys.path where importlib.metadata finds this version of hwbench under this name."""
    lent = scratch / "lent"
    facts = lent / f"{name.replace('-', '_')}-{version}.dist-info"
    facts.mkdir(parents=True, exist_ok=True)
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return str(lent)


def _first(*paths: str) -> str:
    return os.pathsep.join(filter(None, [*paths, os.environ.get("PYTHONPATH", "")]))


# --- a commit ---------------------------------------------------------------------------------------------------------


def _commit(spec: str) -> str:
    """The hash of a revision of the current repository."""
    commit = _git("rev-parse", "--verify", "--quiet", f"{spec}^{{commit}}").decode().strip() if spec[:1] != "-" else ""
    if not commit:
        raise TrackingError(f"{spec}: is no Python, no environment, and no commit of the repository here")
    return commit


def _unpacked(commit: str, scratch: Path) -> Path:
    """A folder for a commit, with its files in `source`."""
    folder = scratch / commit[:12]
    source = folder / "source"
    source.mkdir(parents=True, exist_ok=True)
    # From a subfolder, git would archive that folder alone.
    top = Path(_git("rev-parse", "--show-cdup").decode().strip() or ".")
    with (
        contextlib.suppress(tarfile.ReadError),  # an empty tree
        tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", commit, top=top))) as archive,
    ):
        # Python before 3.11.4 has no filters; the archive is a commit of the user's own repository.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(source)  # noqa: S202
    return folder


def _check(spec: str, source: Path, build: bool) -> None:
    """Refuse a commit of any other project before building it."""
    trouble = ""
    if build:
        try:
            name = _name(source)
            trouble = "" if name in (DISTRIBUTION, FORMER) else f"its pyproject.toml says {name}"
        except OSError:
            trouble = "it has no pyproject.toml"
        except ValueError as error:
            trouble = f"its pyproject.toml cannot be read ({error})"
    elif not (source / "src" / "hwbench" / "__main__.py").is_file():
        trouble = "it has no src/hwbench"
    if trouble:
        raise TrackingError(f"{spec}: is a commit, but none of hwbench: {trouble}")


def _name(source: Path) -> str:
    """The name of the distribution by its pyproject.toml; OSError and ValueError where that cannot be read."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8")).get("project")
    name = str(project.get("name", "no name")) if isinstance(project, dict) else "no name"
    return name.lower().replace("_", "-")


def _unbuilt(name: str, folder: Path, _: Callable[[str], None]) -> Contender:
    source = folder / "source"
    paths = [str(source / "src")]
    with contextlib.suppress(OSError, ValueError):
        # A commit from before the renaming looks up its version by the former name.
        if _name(source) == FORMER:
            paths.append(_lent(folder, FORMER, __version__))
    return Contender(name, sys.executable, {"PYTHONPATH": _first(*paths)})


def _built(name: str, folder: Path, say: Callable[[str], None]) -> Contender:
    """A commit installed by pip into an environment with its dependencies only."""
    say(f"building an environment of {name} …")
    place = folder / "environment"
    ours = importlib.util.find_spec("pip") is not None
    # An environment without a pip of its own takes a tenth of the time.
    done = ran([sys.executable, "-m", "venv", *(["--without-pip"] if ours else []), str(place)], folder, BUILD_S, ALONE)
    python = _python(place)
    if done.returncode or python is None:
        raise TrackingError(
            f"{name}: no environment can be made for it ({_why(done)}); Debian and Ubuntu have what is needed in "
            f"python3-venv; {SOURCES}"
        )
    # --no-compile: pip would compile every file; the start below compiles what is needed.
    pip = [sys.executable, "-m", "pip", "--python", str(python)] if ours else [str(python), "-m", "pip"]
    how = ["install", "--disable-pip-version-check", "--no-input", "--no-compile"]
    done = ran([*pip, *how, str(folder / "source")], folder, BUILD_S, ALONE)
    if done.returncode:
        raise TrackingError(f"{name}: pip cannot install it ({_why(done)}); {SOURCES}")
    # Load every bench once, so that the first measuring process has no extra work.
    done = ran([str(python), "-m", "hwbench", "list"], folder, BUILD_S, ALONE)
    if done.returncode:
        raise TrackingError(f"{name}: is built, but does not run ({last_line(done.stderr)})")
    return Contender(name, str(python), ALONE)


def _why(done: subprocess.CompletedProcess[str]) -> str:
    """The error in the output of venv or pip: the last line that names one."""
    said = f"{done.stdout}\n{done.stderr}"
    for pattern in ERRORS:
        if found := re.findall(rf"^\W*{pattern}$", said, re.MULTILINE):
            return str(found[-1]).strip()[:300]
    return last_line(said)


def _git(*arguments: str, top: Path | None = None) -> bytes:
    try:
        return subprocess.run(["git", *arguments], cwd=top, capture_output=True, timeout=60, check=True).stdout  # noqa: S603, S607
    except (OSError, subprocess.SubprocessError):
        return b""
