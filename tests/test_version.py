"""The version, with metadata, without any, and with damaged ones."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from hwbench import version

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def refuse(name):
    raise metadata.PackageNotFoundError(name)


def test_the_distribution_is_the_one_of_the_project():
    """Its name in pyproject.toml is the name that is looked up."""
    assert tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["name"] == version.DISTRIBUTION


def test_metadata_come_first(monkeypatch):
    """Those of hwbench-suite: `hwbench` is another project."""
    monkeypatch.setattr(metadata, "version", lambda name: {"hwbench-suite": "1.2.3"}[name])
    assert version.__version__ == "1.2.3"


@pytest.mark.parametrize("found", [refuse, lambda name: {}[name], lambda name: None])
def test_a_checkout_states_its_version_without_metadata(monkeypatch, found):
    """Not installed, or METADATA without a version, which older Pythons give as None."""
    monkeypatch.setattr(metadata, "version", found)
    monkeypatch.setattr(version, "__file__", str(PROJECT.parent / "src" / "hwbench" / "version.py"))
    assert version.__version__ == tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["version"]


@pytest.mark.parametrize(
    "project", [None, "[project", "project = 1", "[project]\n", '[project]\nname = "other"\nversion = "3"', b"\xff"]
)
def test_elsewhere_the_version_is_unknown(monkeypatch, tmp_path, project):
    """A copy without a pyproject.toml, or with one that is another's or damaged."""
    monkeypatch.setattr(metadata, "version", refuse)
    monkeypatch.setattr(version, "__file__", str(tmp_path / "src" / "hwbench" / "version.py"))
    if project is not None:
        (tmp_path / "pyproject.toml").write_bytes(project if isinstance(project, bytes) else project.encode())
    assert version.__version__ == "0+unknown"


def test_a_copy_that_is_not_installed_runs(tmp_path):
    """A Python without packages imports the sources and gets a version, not a traceback."""
    package = tmp_path / "hwbench"
    package.mkdir()
    for name in ("__init__.py", "version.py"):
        shutil.copy(Path(version.__file__).parent / name, package)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import hwbench; print(hwbench.__version__)"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0+unknown\n"
