"""The version: of a checkout, of what is installed, of an archive, and without any."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from hwbench import version

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
FALLBACK = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["hatch"]["version"]["fallback-version"]


def refuse(name):
    raise metadata.PackageNotFoundError(name)


def test_the_distribution_is_the_one_of_the_project():
    """Its name in pyproject.toml is the name that is looked up."""
    assert tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["name"] == version.DISTRIBUTION


def test_what_is_installed_goes_by_its_metadata(monkeypatch, tmp_path):
    """Those of hwbench-suite: `hwbench` is another project."""
    monkeypatch.setattr(version, "__file__", str(tmp_path / "lib" / "hwbench" / "version.py"))
    monkeypatch.setattr(metadata, "version", lambda name: {"hwbench-suite": "1.2.3"}[name])
    assert version.__version__ == "1.2.3"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder whose src/hwbench/version.py is asked, with this project's pyproject.toml; nothing is installed."""
    monkeypatch.setattr(metadata, "version", refuse)
    monkeypatch.setattr(version, "__file__", str(tmp_path / "src" / "hwbench" / "version.py"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    shutil.copy(PROJECT, tmp_path)
    return tmp_path


def git(place, *words):
    """Run git as nobody in particular."""
    who = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *words], cwd=place, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(place):
    """One commit more; its name as `git describe` shortens it."""
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "--allow-empty", "--message", "Change nothing")
    return git(place, "rev-parse", "--short=9", "HEAD")


def test_a_checkout_goes_by_its_tags(place, monkeypatch):
    """Whatever was installed from it: without a tag by the fallback, on a tag, and after it."""
    git(place, "init", "--quiet")
    first = commit(place)
    assert version.__version__ == f"{FALLBACK.removesuffix('.dev0')}.dev1+g{first}"
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.7")
    git(place, "tag", "v0.3.0")
    git(place, "tag", "nightly-9")
    assert version.__version__ == "0.3.0"
    second = commit(place)
    assert version.__version__ == f"0.3.1.dev1+g{second}"
    git(place, "init", "--quiet", "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(place / "elsewhere" / ".git"))  # as hooks have it
    assert version.__version__ == f"0.3.1.dev1+g{second}"
    monkeypatch.setenv("PATH", "")
    assert version.__version__ == "0.0.7"


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ("v0.2.0-0-gabc", "0.2.0"),
        ("v0.2.0", "0.2.0"),
        ("v0.2.9-12-g1a2b3c4d5", "0.2.10.dev12+g1a2b3c4d5"),
        ("v0.2.0rc1-3-gabc", "0.2.0rc2.dev3+gabc"),
        ("v0.2.0.dev0-3-gabc", "0.2.0.dev3+gabc"),
        ("$Format:%(describe)$", None),
        ("", None),
    ],
)
def test_descriptions_become_what_a_build_makes_of_them(described, expected):
    """The schemes of setuptools-scm: the next release, its distance, the commit. `tox -e package` builds to compare."""
    assert version.of_description(described) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (".git_archival.txt", "describe-name: v0.3.0-2-gabc\n", "0.3.1.dev2+gabc"),
        (".git_archival.txt", "describe-name: \n", None),
        (".git_archival.txt", "describe-name: $Format:%(describe:tags=true)$\n", None),
        ("PKG-INFO", "Metadata-Version: 2.4\nName: hwbench-suite\nVersion: 0.3.0\n", "0.3.0"),
        ("README.md", "", None),
    ],
)
def test_archives_and_sdists_bring_their_version(place, name, text, expected):
    """What `git archive` filled in, the metadata of an sdist, else the fallback."""
    (place / name).write_text(text)
    assert version.__version__ == (expected or FALLBACK)


def test_the_fallback_is_no_earlier_than_what_was_released():
    """A clone without tags must not call itself older than the newest release."""
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (PROJECT.parent / "CHANGELOG.md").read_text(), re.MULTILINE)
    newest = max((tuple(map(int, one.split("."))) for one in released), default=(0, 0, 0))
    assert tuple(map(int, FALLBACK.removesuffix(".dev0").split("."))) >= newest


@pytest.mark.parametrize(
    "project", [None, "[project", "project = 1", "[project]\n", '[project]\nname = "other"\nversion = "3"', b"\xff"]
)
@pytest.mark.parametrize("repository", [False, True])
def test_elsewhere_the_version_is_unknown(place, project, repository):
    """A copy without a pyproject.toml, or with one that is another's or damaged; another's tags are not asked."""
    (place / "pyproject.toml").unlink()
    (place / "PKG-INFO").write_text("Version: 3\n")
    if repository:
        (place / ".git").mkdir()
    if project is not None:
        (place / "pyproject.toml").write_bytes(project if isinstance(project, bytes) else project.encode())
    assert version.__version__ == "0+unknown"


@pytest.mark.parametrize("found", [refuse, lambda name: {}[name], lambda name: None])
def test_damaged_metadata_are_no_error(place, monkeypatch, found):
    """METADATA without a version, which older Pythons give as None, and a Python that raises what it likes."""
    monkeypatch.setattr(metadata, "version", found)
    assert version.__version__ == FALLBACK


def test_a_copy_that_is_not_installed_runs(tmp_path):
    """A Python without packages imports the sources and gets a version, not a traceback."""
    package = tmp_path / "hwbench"
    package.mkdir()
    for name in ("__init__.py", "version.py"):
        shutil.copy(Path(version.__file__).parent / name, package)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import hwbench; print(hwbench.__version__)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0+unknown\n"
